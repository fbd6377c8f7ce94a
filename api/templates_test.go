package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// aTemplate is an approved template of the account "meta" that wants two parameters in its body.
func aTemplate(name, language string, change ...func(*backstop.MessageTemplate)) backstop.MessageTemplate {
	t := backstop.MessageTemplate{
		Account: "meta", Name: name, Language: language, Status: backstop.TemplateApproved, Category: backstop.Utility,
		Components: []byte(`[{"type":"BODY","text":"{{1}} is {{2}}"}]`), UpdatedAt: now,
	}
	t.Parameters, t.Format = backstop.ReadTemplateParameters(t.Components)
	for _, f := range change {
		f(&t)
	}
	return t
}

// templateSend is the body of a send by a template, with other members of whatsapp.
func templateSend(policy, name, language string, parameters int, more string) string {
	given := strings.TrimSuffix(strings.Repeat(`{"type":"text","text":"x"},`, parameters), ",")
	return `{"to":"+447400123456","category":"utility","fallback":{"policy_id":"` + policy + `","text":"hi"},"whatsapp":{` + more +
		`"template":{"name":"` + name + `","language":"` + language + `","components":[{"type":"body","parameters":[` + given + `]}]}}}`
}

func TestSends_template(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.known.isSynced = true
	r.known.all = []backstop.MessageTemplate{
		aTemplate("ready", "de"), aTemplate("ready", "en_US"),
		aTemplate("stopped", "en", func(t *backstop.MessageTemplate) { t.Status = backstop.TemplatePaused }),
	}
	for name, tc := range map[string]struct{ body, want string }{
		"unknown":    {templateSend(policy.ID, "other", "en", 2, ""), `{"field":"whatsapp.template.name","code":"unknown_template","reason":"is not a template of account \"meta\": see GET /v1/templates","params":{"account":"meta"}}`},
		"language":   {templateSend(policy.ID, "ready", "fr", 2, ""), `{"field":"whatsapp.template.language","code":"template_language","reason":"is not a language of this template, which has de en_US","params":{"languages":"de en_US"}}`},
		"paused":     {templateSend(policy.ID, "stopped", "en", 2, ""), `{"field":"whatsapp.template.name","code":"template_not_approved","reason":"is not approved: its status is paused","params":{"status":"paused"}}`},
		"parameters": {templateSend(policy.ID, "ready", "de", 1, ""), `{"field":"whatsapp.template.components","code":"template_parameters","reason":"the body wants 2 parameters, and has 1 parameter","params":{"component":"body","want":"2","have":"1"}}`},
		"refused":    {templateSend(policy.ID, "other", "en", 2, `"if_unsendable":"refuse",`), `{"field":"whatsapp.template.name","code":"unknown_template","reason":"is not a template of account \"meta\": see GET /v1/templates","params":{"account":"meta"}}`},
	} {
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
			got := r.call(t, "POST", path, tc.body)
			require.Equal(t, 422, got.Code, name)
			require.JSONEq(t, "["+tc.want+"]", got.errors(), name)
		}
	}
	require.Empty(t, r.sends, "nothing is stored")
	good := templateSend(policy.ID, "ready", "de", 2, "")
	require.Equal(t, 200, r.call(t, "POST", "/v1/sends/preview", good).Code)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", good).Code)
	require.Equal(t, &backstop.PlanTemplate{Category: backstop.Utility, TTLSeconds: 30 * 24 * 3600}, r.sends[0].Plan.Template)
	require.LessOrEqual(t, r.known.loads, 3, "each name is read once in 2 seconds")

	refused := strings.Replace(good, `"whatsapp":{`, `"whatsapp":{"if_unsendable":"maybe",`, 1)
	r.call(t, "POST", "/v1/sends", refused).problem(400, "malformed", "whatsapp.if_unsendable")
}

// A repeated send is checked anew, by its stored wish.
func TestSends_template_repeated(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.known.isSynced, r.known.all = true, []backstop.MessageTemplate{aTemplate("ready", "de")}
	var first, second api.SendAccepted
	r.call(t, "POST", "/v1/sends", templateSend(policy.ID, "ready", "de", 2, `"if_unsendable":"fall_back",`)).into(202, &first)
	require.Empty(t, r.sends[0].Plan.Template.Fault)
	r.known.all[0].Status = backstop.TemplatePaused
	require.Eventually(t, func() bool { // the cache is fresh for 2 seconds
		r.call(t, "POST", "/v1/sends/"+first.ID+"/repeat", "").into(202, &second)
		return r.sends[len(r.sends)-1].Plan.Template.Fault != ""
	}, 30*time.Second, 500*time.Millisecond)
	require.Equal(t, "template_unsendable", string((*second.Warnings)[0].Code))
}

func TestSends_template_notSynced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", templateSend(policy.ID, "other", "en", 7, "")).Code)
	require.Nil(t, r.sends[0].Plan.Template)
}

func TestSends_template_storeAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.known.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	r.call(t, "POST", "/v1/sends", templateSend(policy.ID, "other", "en", 2, "")).problem(503, "unavailable")
	r.call(t, "GET", "/v1/templates", "").problem(503, "unavailable")
	r.call(t, "GET", "/v1/accounts/meta", "").problem(503, "unavailable")
}

func TestPreview_template(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.policies[0].Rules[0].WaitSeconds = 600
	r.known.isSynced = true
	ttl := func(d time.Duration) func(*backstop.MessageTemplate) {
		return func(t *backstop.MessageTemplate) { t.TTL = d }
	}
	r.known.all = []backstop.MessageTemplate{
		aTemplate("long", "en", ttl(12*time.Hour)), aTemplate("plain", "en"), aTemplate("short", "en", ttl(10*time.Minute)),
		aTemplate("costly", "en", func(t *backstop.MessageTemplate) {
			t.Category, t.PreviousCategory = backstop.Marketing, backstop.Utility
		}),
	}
	for name, want := range map[string]map[string]string{
		"short": {},
		"long":  {"both_may_arrive": `rule "Undelivered" waits 600 s but WhatsApp tries for up to 12 hours: both messages may arrive`},
		"plain": {"both_may_arrive": `rule "Undelivered" waits 600 s but WhatsApp tries for up to 30 days: both messages may arrive`},
		"costly": {
			"both_may_arrive":   `rule "Undelivered" waits 600 s but WhatsApp tries for up to 30 days: both messages may arrive`,
			"template_category": "the send's category is utility, but that of the template is marketing, which decides the price",
		},
		"none": {"template_unsendable": `WhatsApp counts as failed at once: template.name is not a template of account "meta": see GET /v1/templates`},
	} {
		got := r.warned(t, templateSend(policy.ID, name, "en", 2, `"if_unsendable":"fall_back",`))
		for code, detail := range got {
			got[code] = strings.ReplaceAll(detail, r.policies[0].Rules[0].Name, "Undelivered")
		}
		require.Equal(t, want, got, name)
	}
	without := strings.Replace(templateSend(policy.ID, "costly", "en", 2, ""), `"category":"utility",`, "", 1)
	require.NotContains(t, r.warned(t, without), "template_category", "the caller did not say a category")
}

func TestListTemplates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.known.all = []backstop.MessageTemplate{
		{Account: "gone", Name: "a", Language: "en", Format: backstop.NamedTemplate, Components: []byte(`[]`), UpdatedAt: now},
		aTemplate("code", "en", func(t *backstop.MessageTemplate) {
			t.Status, t.Reason, t.Quality, t.Category = backstop.TemplateRejected, "invalid_format", backstop.QualityRed, backstop.Authentication
		}),
		aTemplate("order", "de", func(t *backstop.MessageTemplate) { t.PreviousCategory, t.TTL = backstop.Marketing, time.Hour }),
		aTemplate("order", "en", func(t *backstop.MessageTemplate) {
			t.Format = backstop.NamedTemplate
			t.Parameters = backstop.TemplateParameters{
				Header: []string{"a"}, HeaderMedia: "image", IsPartial: true, Buttons: []backstop.TemplateButton{{Index: 1, URL: "https://x.example/{{1}}"}},
			}
		}),
	}
	var names []string
	query := "?limit=1"
	for range 3 {
		var page api.MessageTemplateList
		r.call(t, "GET", "/v1/templates"+query, "").into(200, &page)
		require.Len(t, page.Items, 1)
		names = append(names, page.Items[0].Name+" "+page.Items[0].Language)
		if page.NextCursor == nil {
			break
		}
		query = "?limit=1&cursor=" + *page.NextCursor
	}
	require.Equal(t, []string{"code en", "order de", "order en"}, names, "the account gone is not configured")

	body := r.call(t, "GET", "/v1/templates?status=rejected&account=meta&language=en&name=od", "").Body.String()
	require.JSONEq(t, `{"items":[{"account":"meta","name":"code","language":"en","status":"rejected","reason":"invalid_format",
		"category":"authentication","quality":"red","format":"positional","ttl_seconds":600,"updated_at":"2031-05-04T12:00:00Z",
		"parameters":{"header":[],"body":["1","2"],"buttons":[]},"components":[{"type":"BODY","text":"{{1}} is {{2}}"}]}]}`, body)
	body = r.call(t, "GET", "/v1/templates?language=en&name=order", "").Body.String()
	require.Contains(t, body, `"parameters":{"body":[],"buttons":[{"index":1,"url":"https://x.example/{{1}}"}],"header":["a"],"header_media":"image","unchecked":true}`)
	require.JSONEq(t, `{"items":[]}`, r.call(t, "GET", "/v1/templates?account=twilio", "").Body.String())
	for _, cursor := range []string{"x", "W10", "WyJhIiwiYiJd", "WyJhIiwiYiIsIlx1MDAwMCJd"} {
		r.call(t, "GET", "/v1/templates?cursor="+cursor, "").problem(400, "malformed", "cursor")
	}
	r.call(t, "GET", "/v1/templates?sort=name", "").problem(400, "malformed", "sort")
}

func TestAccounts_profile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.known.profiles = map[string]backstop.AccountProfile{"meta": {
		NumberProfile: backstop.NumberProfile{
			DisplayNumber: "+1 555 078 3881", VerifiedName: "Shop", Status: "connected", NameStatus: "approved", Quality: "green",
			Throughput: "standard", MessagingLimit: "tier_1k",
		},
		ReadAt: now, TemplatesReadAt: now, Fault: "templates: down", Recipients: new(int),
	}}
	var got api.Account
	r.call(t, "GET", "/v1/accounts/meta", "").into(200, &got)
	require.Equal(t, "+1 555 078 3881", *got.Profile.DisplayNumber)
	require.Equal(t, "tier_1k", *got.Profile.MessagingLimit)
	require.Equal(t, 1000, *got.Profile.RecipientLimit)
	require.Zero(t, *got.Profile.Recipients24H)
	require.Equal(t, "templates: down", *got.Profile.Fault)
	require.Equal(t, now, *got.Profile.TemplatesReadAt)
	var list api.AccountList
	r.call(t, "GET", "/v1/accounts", "").into(200, &list)
	for _, account := range list.Items {
		require.Equal(t, account.Name == "meta", account.Profile != nil, account.Name)
	}
}

// A webhook's notices are stored after its receipts, and only if the provider signed it.
func TestWebhook_notices(t *testing.T) {
	t.Parallel()
	var seen notices
	var result error
	reader := driver{read: func(*http.Request, []byte) ([]backstop.Receipt, error) { return nil, result }}
	r := newRig(t, func(o *api.Options) {
		o.Notices = &seen
		o.Webhooks = func(provider, account string) (api.Webhook, bool) {
			return api.Webhook{Provider: provider, Account: account, Reader: reader}, true
		}
	})
	post := func() int { return r.call(t, "POST", "/webhooks/meta/main", `{"a":1}`, "Authorization", "").Code }
	require.Equal(t, 200, post())
	require.Equal(t, []string{`meta {"a":1}`}, seen.given)
	result = &backstop.Error{Code: backstop.Invalid, Message: "a part cannot be read"}
	require.Equal(t, 400, post())
	require.Len(t, seen.given, 2, "the rest of the webhook counts")
	result = &backstop.Error{Code: backstop.Forged, Message: "no"}
	require.Equal(t, 401, post())
	require.Len(t, seen.given, 2)
	result, seen.away = nil, errors.New("broken")
	require.Equal(t, 500, post())
	seen.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	require.Equal(t, 503, post(), "the provider repeats it")
}
