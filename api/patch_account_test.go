package api_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

const mergePatch = "application/merge-patch+json"

// richAccount is an account in which each field differs from its default.
func richAccount() backstop.Account {
	return backstop.Account{
		Name: "second", Settings: map[string]string{"account_sid": "AC1", "base_url": "https://eu.example"},
		OnUnknown: backstop.ResendUnknown, WhenUnhealthy: backstop.HoldUnhealthy, CallTimeout: 5 * time.Second, CallsPerSecond: 2.5,
		CallsAtOnce: 3, Countries: []string{"GB", "IE"}, IsDisabled: true,
	}
}

// TestPatchAccount: what the patch lacks stays as it is.
func TestPatchAccount(t *testing.T) {
	t.Parallel()
	until := now.AddDate(0, 0, 1)
	for patch, want := range map[string]func(*backstop.AccountChange){
		`{}`:                              func(*backstop.AccountChange) {},
		`{"settings":{}}`:                 func(*backstop.AccountChange) {},
		`{"disabled":false}`:              func(c *backstop.AccountChange) { c.Account.IsDisabled = false },
		`{"call_timeout_seconds":7.0}`:    func(c *backstop.AccountChange) { c.Account.CallTimeout = 7 * time.Second },
		`{"countries":["DE"]}`:            func(c *backstop.AccountChange) { c.Account.Countries = []string{"DE"} },
		`{"settings":{"auth_token":"t"}}`: func(c *backstop.AccountChange) { c.Account.Settings["auth_token"] = "t" },
		`{"settings":{"auth_token":null,"base_url":null}}`: func(c *backstop.AccountChange) {
			c.Account.Settings["auth_token"], c.Account.Settings["base_url"] = "", "" // an empty text removes a setting
		},
		`{"on_unknown":null,"when_unhealthy":null,"call_timeout_seconds":null,"calls_per_second":null,"calls_at_once":null,"countries":null}`: func(c *backstop.AccountChange) {
			c.Account = backstop.Account{Name: "second", Settings: c.Account.Settings, IsDisabled: true}
		},
		`{"new_webhook_key":true,"keep_former_secrets_until":"2031-05-05T12:00:00Z"}`: func(c *backstop.AccountChange) {
			c.NewWebhookKey, c.KeepFormerUntil = true, &until
		},
	} {
		t.Run(patch, func(t *testing.T) {
			t.Parallel()
			r, fake := withAccounts(t)
			stored := richAccount()
			stored.Provider, stored.Channel, stored.Version = "twilio", backstop.SMS, 7
			fake.all[1].Account = stored
			got := r.call(t, "PATCH", "/v1/accounts/second", patch, "If-Match", `"7"`, "Content-Type", mergePatch)
			require.Equal(t, 200, got.Code, got.Body.String())
			require.Equal(t, `"8"`, got.Header().Get("ETag"))
			require.True(t, fake.isChecked)
			change := backstop.AccountChange{Account: richAccount()}
			want(&change)
			require.Equal(t, change, fake.change)
		})
	}
}

func TestPatchAccount_versions(t *testing.T) {
	t.Parallel()
	r, fake := withAccounts(t)
	path, body := "/v1/accounts/second", `{"disabled":true}`
	r.call(t, "PATCH", path, body).problem(428, "precondition_required")
	r.call(t, "PATCH", path, body, "If-Match", `"2"`).problem(412, "stale")
	require.Equal(t, 200, r.call(t, "PATCH", path+"?check=false", body, "If-Match", `"1"`).Code, "application/json too")
	require.False(t, fake.isChecked)
	r.call(t, "PATCH", "/v1/accounts/none", body, "If-Match", "*").problem(404, "not_found")

	fake.races = 1
	r.call(t, "PATCH", path, body, "If-Match", strconv.Quote("2")).problem(412, "stale")
	fake.races = 2
	require.Equal(t, 200, r.call(t, "PATCH", path, body, "If-Match", "*").Code, "of any version: it is made anew")
	fake.races = 100
	r.call(t, "PATCH", path, body, "If-Match", "*").problem(412, "stale")
}

func TestPatchAccount_refused(t *testing.T) {
	t.Parallel()
	r, _ := withAccounts(t)
	header := []string{"If-Match", "*", "Content-Type", mergePatch}
	path := "/v1/accounts/second"
	r.refuses(t, []bad{
		{"an immutable field", "PATCH", path, `{"provider":"meta"}`, header, 400, "malformed", []string{"provider"}},
		{"no settings", "PATCH", path, `{"settings":null}`, header, 400, "malformed", []string{"settings"}},
		{"a null that has no default", "PATCH", path, `{"disabled":null}`, header, 400, "malformed", []string{"disabled"}},
		{"outside the bounds", "PATCH", path, `{"calls_at_once":10001,"on_unknown":"x"}`, header, 400, "malformed",
			[]string{"calls_at_once", "on_unknown"}},
		{"another type", "PUT", path, `{"settings":{}}`, header, 415, "unsupported_media_type", nil},
	})
}
