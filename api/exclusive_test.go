package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// exclusively returns the body of a send with an exclusive fallback and other members of it.
func exclusively(body, more string) string {
	return strings.Replace(body, `"text":"hi"`, `"text":"hi","exclusive":true`+more, 1)
}

// exclusiveRig has a rule of 5 minutes, and templates that are dropped after 5 minutes, 12 hours, and the defaults.
func exclusiveRig(t *testing.T) (*rig, string) {
	t.Helper()
	r := newRig(t, func(o *api.Options) { o.ExclusiveGrace = 20 * time.Second })
	_, policy := r.seed(t)
	r.known.isSynced = true
	lives := func(category backstop.Category, d time.Duration) func(*backstop.MessageTemplate) {
		return func(t *backstop.MessageTemplate) { t.Category, t.TTL = category, d }
	}
	r.known.all = []backstop.MessageTemplate{
		aTemplate("short", "en", lives(backstop.Utility, 5*time.Minute)), aTemplate("long", "en", lives(backstop.Utility, 12*time.Hour)),
		aTemplate("plain", "en", lives(backstop.Utility, 0)), aTemplate("code", "en", lives(backstop.Authentication, 0)),
	}
	return r, policy.ID
}

func TestSends_exclusive(t *testing.T) {
	t.Parallel()
	r, policy := exclusiveRig(t)
	body := exclusively(templateSend(policy, "short", "en", 2, ""), "")
	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", body).into(200, &preview)
	require.Equal(t, api.Exclusivity{
		Level: "guaranteed", Reason: "dropped_before", Rule: new("Undelivered"), WaitSeconds: new(300), WhatsappSeconds: new(300),
		GraceSeconds: new(20), Detail: "WhatsApp drops the message after 5 minutes, and the SMS is held until 20 seconds later",
	}, preview.Plan.Exclusivity)
	require.Equal(t, new(true), preview.Plan.Exclusive)
	require.Equal(t, now.Add(320*time.Second), *preview.Plan.Rules[0].Deadline)
	require.Equal(t, 300, *preview.Plan.Rules[0].WaitSeconds, "the rule's own wait")

	var accepted, again api.SendAccepted
	r.call(t, "POST", "/v1/sends", body).into(202, &accepted)
	require.Equal(t, preview.Plan.Exclusivity, accepted.Exclusivity)
	require.Equal(t, 20, r.sends[0].Plan.GraceSeconds)
	require.Equal(t, 20, r.sends[0].Plan.Rules[0].GraceSeconds)
	var send api.Send
	r.call(t, "GET", "/v1/sends/"+accepted.ID, "").into(200, &send)
	require.Equal(t, preview.Plan, send.Plan)
	require.Equal(t, now.Add(320*time.Second), *send.NextDeadline)

	r.call(t, "POST", "/v1/sends/"+accepted.ID+"/repeat", "").into(202, &again)
	require.Equal(t, accepted.Exclusivity, again.Exclusivity)
	require.Equal(t, r.sends[0].Plan, r.sends[1].Plan)
}

// Own rules are taken from the plan when the send is repeated, without its grace.
func TestSends_exclusive_ownRules(t *testing.T) {
	t.Parallel()
	r, _ := withAccounts(t)
	body := ownBody(`,"exclusive":true`, `{"name":"On failure","type":"undelivered","send_id":"MyShop"}`)
	var accepted api.SendAccepted
	r.call(t, "POST", "/v1/sends", body).into(202, &accepted)
	require.Equal(t, api.ExclusivityReason("failures_only"), accepted.Exclusivity.Reason)
	require.Nil(t, accepted.Exclusivity.WhatsappSeconds)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+accepted.ID+"/repeat", "").Code)
	require.Equal(t, r.sends[0].Plan, r.sends[1].Plan)
}

func TestSends_exclusive_refused(t *testing.T) {
	t.Parallel()
	r, policy := exclusiveRig(t)
	text := sendBody(policy)
	of := func(template string) string { return templateSend(policy, template, "en", 2, "") }
	for name, tc := range map[string]struct{ body, want string }{
		"long":    {exclusively(of("long"), ""), `"code":"exclusive_wait","reason":"rule \"Undelivered\" waits 300 s, which is less than the template's time-to-live of 43200 s","params":{"rule":"Undelivered","wait_seconds":"300","ttl_seconds":"43200"}`},
		"default": {exclusively(of("plain"), ""), `"code":"exclusive_wait","reason":"rule \"Undelivered\" waits 300 s, which is less than the template's time-to-live of 2592000 s","params":{"rule":"Undelivered","wait_seconds":"300","ttl_seconds":"2592000"}`},
		"shorter": {exclusively(of("short"), `,"wait_seconds":299`), `"code":"exclusive_wait","reason":"rule \"Undelivered\" waits 299 s, which is less than the template's time-to-live of 300 s","params":{"rule":"Undelivered","wait_seconds":"299","ttl_seconds":"300"}`},
		"unread":  {exclusively(of("short"), `,"type":"unread"`), `"code":"exclusive_unread","reason":"rule \"Undelivered\" is of type unread: its SMS follows a delivered message","params":{"rule":"Undelivered"}`},
		"a text": {exclusively(text, ""), `"code":"exclusive_ttl","reason":"rule \"Undelivered\" waits 300 s, and WhatsApp may deliver a text, or a template of unknown time-to-live, for up to 30 days: ` +
			`leave out the wait, or name a template that is read from Meta","params":{"rule":"Undelivered","wait_seconds":"300"}`},
	} {
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
			got := r.call(t, "POST", path, tc.body)
			require.Equal(t, 422, got.Code, name)
			require.JSONEq(t, `[{"field":"fallback.exclusive",`+tc.want+`}]`, got.errors(), name)
		}
	}
	require.Empty(t, r.sends, "nothing is stored")
	r.call(t, "POST", "/v1/sends", strings.Replace(text, `"text":"hi"`, `"text":"hi","exclusive":"yes"`, 1)).
		problem(400, "malformed", "fallback.exclusive")
	for _, body := range []string{
		exclusively(of("long"), `,"wait_seconds":43200`), exclusively(text, `,"wait_seconds":0`), exclusively(of("code"), `,"wait_seconds":600`),
	} {
		require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code)
	}
}

// Without the wish, the preview says the level too.
func TestPreview_exclusivity(t *testing.T) {
	t.Parallel()
	r, policy := exclusiveRig(t)
	of := func(template, more string) string {
		body := templateSend(policy, template, "en", 2, `"if_unsendable":"fall_back",`)
		return strings.Replace(body, `"text":"hi"`, `"text":"hi"`+more, 1)
	}
	for name, tc := range map[string]struct{ body, level, reason, detail string }{
		"enough":   {of("short", ""), "likely", "not_exclusive", "the rules allow it, but the send is not exclusive: no SMS is held back for a receipt that is on its way, or if WhatsApp was called late"},
		"failures": {of("short", `,"wait_seconds":0`), "likely", "not_exclusive", ""},
		"assumed":  {of("code", `,"wait_seconds":600,"exclusive":true`), "likely", "default_ttl", "the template sets no time-to-live: it counts as 10 minutes, but it is 30 days if the template was made before 2024-10-23"},
		"long":     {of("long", ""), "no", "wait_too_short", `rule "Undelivered" waits 5 minutes, and WhatsApp tries for up to 12 hours`},
		"unread":   {of("short", `,"type":"unread"`), "no", "unread", `rule "Undelivered" is of type unread: its SMS follows a delivered message`},
		"a text":   {sendBody(policy), "no", "ttl_unknown", `rule "Undelivered" waits 5 minutes, and WhatsApp may deliver this message for up to 30 days`},
		"unsent":   {of("gone", ""), "guaranteed", "no_whatsapp", "the message is not sent by WhatsApp"},
	} {
		var preview api.SendPreview
		r.call(t, "POST", "/v1/sends/preview", tc.body).into(200, &preview)
		got := preview.Plan.Exclusivity
		require.Equal(t, tc.level, string(got.Level), name)
		require.Equal(t, tc.reason, string(got.Reason), name)
		if tc.detail != "" {
			require.Equal(t, tc.detail, got.Detail, name)
		}
	}
}
