package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

const accountBody = `{"name":"sms-uk","provider":"twilio","channel":"sms",
	"settings":{"account_sid":"AC1","auth_token":"s3cret"},"calls_per_second":2.5,"countries":["GB"]}`

func withAccounts(t *testing.T) (*rig, *accounts) {
	t.Helper()
	a := newAccounts()
	return newRig(t, func(o *api.Options) { o.Accounts = a }), a
}

func TestProviders(t *testing.T) {
	t.Parallel()
	r, _ := withAccounts(t)
	require.JSONEq(t, `{"items":[{
		"name":"twilio","title":"Twilio","channels":["sms"],"signs_webhooks":true,"refuses_repeats":false,"answers_inquiries":false,
		"checks_accounts":false,"on_unknown":"hold","fields":[
			{"name":"account_sid","kind":"text","required":true,"pattern":"AC.*","label":{"en":"SID"},"help":{"en":"There."}},
			{"name":"auth_token","kind":"secret","required":false,"verifies":true,"label":{"en":"Token"},"help":{}}
		]
	}]}`, r.call(t, "GET", "/v1/providers", "").Body.String())
	r.call(t, "GET", "/v1/providers", "", "Authorization", "").problem(401, "unauthorized")
}

func TestAccounts_Life(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	made := r.call(t, "POST", "/v1/accounts", accountBody)
	var account api.Account
	made.into(201, &account)
	require.Equal(t, "/v1/accounts/sms-uk", made.Header().Get("Location"))
	require.Equal(t, `"1"`, made.Header().Get("ETag"))
	require.True(t, fake.isChecked)
	stored := fake.all[len(fake.all)-1].Account
	require.Equal(t, map[string]string{"account_sid": "AC1", "auth_token": "s3cret"}, stored.Settings)
	require.InDelta(t, 2.5, stored.CallsPerSecond, 0)
	require.Equal(t, []string{"GB"}, stored.Countries)
	require.Equal(t, api.AccountSourceDatabase, account.Source)
	require.Equal(t, api.AccountHealthStateHealthy, account.Health.State)

	read := r.call(t, "GET", "/v1/accounts/sms-uk", "")
	require.Equal(t, `"1"`, read.Header().Get("ETag"))
	r.call(t, "GET", "/v1/accounts/none", "").problem(404, "not_found")

	put := r.call(t, "PUT", "/v1/accounts/sms-uk?check=false", `{
		"settings":{"account_sid":"AC2"},"on_unknown":"resend","when_unhealthy":"hold","call_timeout_seconds":5,"calls_at_once":3,
		"disabled":true,"new_webhook_key":true,"keep_former_secrets_until":"2031-05-05T12:00:00Z"
	}`, "If-Match", `"1"`)
	require.Equal(t, 200, put.Code, put.Body.String())
	require.Equal(t, `"2"`, put.Header().Get("ETag"))
	require.False(t, fake.isChecked)
	until := now.AddDate(0, 0, 1)
	require.Equal(t, backstop.AccountChange{
		NewWebhookKey: true, KeepFormerUntil: &until,
		Account: backstop.Account{
			Name: "sms-uk", Settings: map[string]string{"account_sid": "AC2"}, OnUnknown: backstop.ResendUnknown,
			WhenUnhealthy: backstop.HoldUnhealthy, CallTimeout: 5 * time.Second, CallsAtOnce: 3, IsDisabled: true,
		},
	}, fake.change)

	path := "/v1/accounts/sms-uk"
	r.call(t, "PUT", path, `{"settings":{}}`).problem(428, "precondition_required")
	r.call(t, "PUT", path, `{"settings":{}}`, "If-Match", `"1"`).problem(412, "stale")
	r.call(t, "DELETE", path, "", "If-Match", `"7"`).problem(412, "stale")
	r.call(t, "DELETE", path, "").problem(428, "precondition_required")
	require.Equal(t, 204, r.call(t, "DELETE", path, "", "If-Match", `"9", "2"`).Code)
	r.call(t, "DELETE", path, "", "If-Match", "*").problem(404, "not_found")
}

// TestAccounts_shown: an answer has all that is known of an account, and nothing of a secret.
func TestAccounts_shown(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	a := &fake.all[1]
	a.SecretsSet, a.Fault = []string{"auth_token"}, `key "k1" is missing in BACKSTOP_KEYRING`
	a.FormerWebhookUntil = now
	a.Former = []backstop.FormerSetting{{Field: "auth_token", Value: "s3cret", ValidUntil: now.Add(time.Hour)}}
	a.WebhookKey = "k3y"
	a.CreatedAt, a.UpdatedAt, a.CallsPerSecond, a.CallsAtOnce = now, now, 1, 2
	a.Health = backstop.AccountHealth{State: backstop.Unhealthy, Since: now, Reason: "HTTP 401"}
	require.JSONEq(t, `{
		"name":"second","provider":"twilio","channel":"sms","settings":{"account_sid":"AC1"},"secrets_set":["auth_token"],
		"on_unknown":"hold","when_unhealthy":"fall_back","call_timeout_seconds":10,"calls_per_second":1,"calls_at_once":2,
		"countries":["GB"],"disabled":false,"source":"database","webhook_url":"https://backstop.example/webhooks/twilio/second",
		"former_webhook_valid_until":"2031-05-04T12:00:00Z",
		"former_secrets":[{"field":"auth_token","valid_until":"2031-05-04T13:00:00Z"}],
		"fault":"key \"k1\" is missing in BACKSTOP_KEYRING",
		"health":{"state":"unhealthy","since":"2031-05-04T12:00:00Z","reason":"HTTP 401"},
		"version":1,"created_at":"2031-05-04T12:00:00Z","updated_at":"2031-05-04T12:00:00Z"
	}`, r.call(t, "GET", "/v1/accounts/second", "").Body.String())

	fake.all[0].HidesStored = true
	require.JSONEq(t, `{
		"name":"twilio","provider":"twilio","channel":"sms","settings":{"account_sid":"AC1"},"secrets_set":[],
		"on_unknown":"hold","when_unhealthy":"fall_back","call_timeout_seconds":10,"disabled":false,"source":"environment",
		"webhook_url":"https://backstop.example/webhooks/twilio/twilio","health":{"state":"unknown"},"hides_stored":true,"version":1
	}`, r.call(t, "GET", "/v1/accounts/twilio", "").Body.String())
}

func TestAccounts_Unchecked(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	fake.unchecked = "dial tcp: refused"
	var account api.Account
	r.call(t, "POST", "/v1/accounts", accountBody).into(201, &account)
	require.True(t, *account.Unchecked)
	require.Equal(t, "dial tcp: refused", *account.UncheckedReason)
}

func TestAccounts_Check(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	for want, check := range map[string]backstop.AccountCheck{
		`{"result":"works"}`:                             {Result: backstop.CheckWorks},
		`{"result":"unreachable","reason":"no route"}`:   {Result: backstop.CheckUnreachable, Reason: "no route"},
		`{"result":"not_checkable","reason":"no check"}`: {Result: backstop.CheckNotPossible, Reason: "no check"},
		`{"result":"refused","errors":[{"field":"settings.auth_token","code":"refused","reason":"is wrong","params":{"reason":"wrong"}}]}`: {
			Result: backstop.CheckRefused,
			Fields: []backstop.Field{backstop.NewField("settings.auth_token", backstop.FieldRefused, "is wrong", "reason", "wrong")},
		},
	} {
		fake.check = check
		got := r.call(t, "POST", "/v1/accounts/second/check", "")
		require.Equal(t, 200, got.Code)
		require.JSONEq(t, want, got.Body.String())
	}
	r.call(t, "POST", "/v1/accounts/none/check", "").problem(404, "not_found")
}

func TestAccounts_Refused(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	r.refuses(t, []bad{
		{"nothing", "POST", "/v1/accounts", `{}`, nil, 400, "malformed", []string{"name", "provider", "channel", "settings"}},
		{"wrong types", "POST", "/v1/accounts", `{"name":"a","provider":"twilio","channel":"fax","settings":{"a":1},"calls_at_once":1.5}`, nil,
			400, "malformed", []string{"channel", "settings.a", "calls_at_once"}},
		{"outside the bounds", "POST", "/v1/accounts",
			`{"name":"a","provider":"twilio","channel":"sms","settings":{},"call_timeout_seconds":21,"calls_per_second":-1,"calls_at_once":10001}`, nil,
			400, "malformed", []string{"call_timeout_seconds", "calls_per_second", "calls_at_once"}},
		{"an immutable field", "PUT", "/v1/accounts/second", `{"settings":{},"provider":"meta"}`, []string{"If-Match", "*"}, 400, "malformed",
			[]string{"provider"}},
		{"not a time", "PUT", "/v1/accounts/second", `{"settings":{},"keep_former_secrets_until":"soon"}`, []string{"If-Match", "*"},
			400, "malformed", []string{"keep_former_secrets_until"}},
		{"not a name", "GET", "/v1/accounts/Second", "", nil, 400, "malformed", []string{"name"}},
	})
	fake.away = &backstop.Error{Code: backstop.Invalid, Message: "the account is not valid", Fields: []backstop.Field{
		backstop.NewField("settings.auth_token", backstop.FieldRequired, "is required"),
	}}
	r.call(t, "POST", "/v1/accounts", accountBody).problem(422, "invalid", "settings.auth_token")
	fake.away = tryLater()
	for _, path := range []string{"/v1/accounts", "/v1/accounts/second", "/v1/routes"} {
		r.call(t, "GET", path, "").problem(503, "unavailable")
	}
	require.NotContains(t, r.logs.String(), "s3cret")
}

func TestAccounts_List(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	fake.all = fake.all[:1] // that of the environment has no time
	for i := range 7 {
		a := newAccounts().all[1]
		a.Name, a.CreatedAt, a.UpdatedAt = fmt.Sprintf("sms-%d", (i*3)%7), now.Add(time.Duration(i/2)*time.Second), now.Add(-time.Duration(i)*time.Second)
		a.IsDisabled = i == 2
		fake.all = append(fake.all, a)
	}
	all := func(query string) (names []string) {
		for cursor := ""; ; {
			var page api.AccountList
			r.call(t, "GET", "/v1/accounts?limit=2&total=true"+query+cursor, "").into(200, &page)
			for _, a := range page.Items {
				names = append(names, a.Name)
			}
			if page.NextCursor == nil {
				require.Equal(t, len(names), page.Total.Count)
				return names
			}
			require.Len(t, page.Items, 2)
			cursor = "&cursor=" + *page.NextCursor
		}
	}
	require.Equal(t, []string{"sms-4", "sms-5", "sms-1", "sms-6", "sms-2", "sms-3", "sms-0", "twilio"}, all(""))
	require.Equal(t, []string{"twilio", "sms-0", "sms-3", "sms-2", "sms-6", "sms-1", "sms-5", "sms-4"}, all("&sort=created_at"))
	require.Equal(t, []string{"twilio", "sms-4", "sms-1", "sms-5", "sms-2", "sms-6", "sms-3", "sms-0"}, all("&sort=updated_at"))
	require.Equal(t, []string{"sms-0", "sms-1", "sms-2", "sms-3", "sms-4", "sms-5", "sms-6", "twilio"}, all("&sort=name"))
	require.Equal(t, []string{"sms-6"}, all("&disabled=true"))
	require.Equal(t, []string{"sms-3"}, all("&search=MS-3"))
	require.Len(t, all("&channel=sms&provider=twilio"), 8)
	require.Empty(t, all("&channel=whatsapp"))
	require.Empty(t, all("&provider=meta"))

	var page api.AccountList
	r.call(t, "GET", "/v1/accounts?limit=1", "").into(200, &page)
	r.call(t, "GET", "/v1/accounts?sort=name&cursor="+*page.NextCursor, "").problem(400, "malformed", "cursor")
	r.call(t, "GET", "/v1/accounts?cursor=abc", "").problem(400, "malformed", "cursor")
}
