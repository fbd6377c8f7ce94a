package api_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// ownBody is a send with rules of its own.
func ownBody(members string, rules ...string) string {
	return `{"to":"+447400123456","whatsapp":{"text":"hello"},"fallback":{"text":"hi"` + members + `,"rules":[` + strings.Join(rules, ",") + `]}}`
}

const (
	ownRule   = `{"name":"Soon","type":"undelivered","wait_seconds":60,"send_id":"MyShop","routes":[{"account":"second","send_id":"60777"}]}`
	otherRule = `{"name":"Only in France","type":"unread","wait_seconds":90,"send_id":"MyShop","countries":["FR"]}`
)

// A send that brings its rules has no policy, wherever it is shown.
func TestSends_ownRules(t *testing.T) {
	t.Parallel()
	r, _ := withAccounts(t)
	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", ownBody("", ownRule, otherRule)).into(200, &preview)
	var accepted api.SendAccepted
	r.call(t, "POST", "/v1/sends", ownBody("", ownRule, otherRule)).into(202, &accepted)
	require.Equal(t, "Soon", (*(*accepted.Warnings)[0].Params)["rule"])
	require.Equal(t, backstop.Plan{Account: "meta", Rules: []backstop.Rule{{
		Name: "Soon", Type: backstop.Undelivered, WaitSeconds: 60, SendID: "MyShop", Routes: []backstop.Route{{Account: "second", SendID: "60777"}},
	}}}, r.sends[0].Plan)

	got := r.call(t, "GET", "/v1/sends/"+accepted.ID, "")
	var send api.Send
	got.into(200, &send)
	require.Equal(t, preview.Plan, send.Plan)
	require.Nil(t, send.Plan.PolicyID)
	require.Nil(t, send.Plan.PolicyName)
	require.Nil(t, send.Plan.Rules[0].ID)
	require.NotContains(t, got.Body.String(), "policy")

	var list api.SendList
	r.call(t, "GET", "/v1/sends?own_rules=true", "").into(200, &list)
	require.Equal(t, backstop.SendFilter{OwnRules: new(true)}, r.filter)
	require.Nil(t, list.Items[0].PolicyID)
	require.Nil(t, list.Items[0].PolicyName)
	_, _, file, err := r.export(t, "own_rules=false")
	require.NoError(t, err)
	require.Equal(t, backstop.SendFilter{OwnRules: new(false)}, r.filter)
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"policy_id", "policy_name"}, rows[0][5:7])
	require.Equal(t, []string{"", ""}, rows[1][5:7])

	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+accepted.ID+"/repeat", "").Code)
	require.Equal(t, r.sends[0].Plan, r.sends[1].Plan)
}

// An override changes the rules of a send too, and is kept for a repetition.
func TestSends_ownRules_overridden(t *testing.T) {
	t.Parallel()
	r, _ := withAccounts(t)
	body := ownBody(`,"wait_seconds":30,"routes":[{"account":"twilio"}]`, ownRule)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body).Code)
	rule := r.sends[0].Plan.Rules[0]
	require.Equal(t, 30, rule.WaitSeconds)
	require.Equal(t, []backstop.Route{{Account: "twilio"}}, rule.Routes)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+r.sends[0].ID+"/repeat", "").Code)
	require.Equal(t, r.sends[0].Plan, r.sends[1].Plan)
}

// The accounts of a policy's rules are replaced for one send.
func TestSends_routes(t *testing.T) {
	t.Parallel()
	r, _ := withAccounts(t)
	_, policy := r.seed(t)
	with := func(routes string) string {
		return strings.Replace(sendBody(policy.ID), `"text":"hi"`, `"text":"hi","routes":`+routes, 1)
	}
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", with(`[{"account":"second","send_id":"60777"},{"account":"twilio"}]`)).Code)
	want := []backstop.Route{{Account: "second", SendID: "60777"}, {Account: "twilio"}}
	require.Equal(t, want, r.sends[0].Plan.Rules[0].Routes)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+r.sends[0].ID+"/repeat", "").Code)
	require.Equal(t, want, r.sends[1].Plan.Rules[0].Routes)
	r.call(t, "POST", "/v1/sends", with(`[{"account":"meta"}]`)).problem(422, "invalid", "fallback.routes.0.account")
	r.call(t, "POST", "/v1/sends", with(`[{"account":""}]`)).problem(400, "malformed", "fallback.routes.0.account")
}

func TestSends_ownRules_badInput(t *testing.T) {
	t.Parallel()
	r, _ := withAccounts(t)
	_, policy := r.seed(t)
	for _, c := range []struct {
		body   string
		status int
		fields []string
	}{
		{ownBody(`,"policy_id":"`+policy.ID+`"`, ownRule), 422, []string{"fallback"}},
		{strings.Replace(sendBody(policy.ID), `"policy_id":"`+policy.ID+`",`, "", 1), 422, []string{"fallback"}},
		{ownBody(""), 400, []string{"fallback.rules"}},
		{ownBody("", strings.Split(strings.Repeat(ownRule+";", 11), ";")[:11]...), 400, []string{"fallback.rules"}},
		{ownBody("", `{"type":"unread","send_id":"A"}`), 400, []string{"fallback.rules.0.name"}},
		{ownBody("", ownRule, strings.ReplaceAll(ownRule, "Soon", "SOON")), 422, []string{"fallback.rules.1.name"}},
		{ownBody("", otherRule), 422, []string{"to"}},
		{
			strings.Replace(ownBody("", `{"name":"A","type":"unread","send_id":"A","routes":[{"account":"meta"}],"countries":["FR","GB","GB"]}`),
				`"text":"hi"`, `"text":" "`, 1), 422,
			[]string{
				"fallback.text", "fallback.rules.0.wait_seconds", "fallback.rules.0.routes.0.account", "fallback.rules.0.countries.2",
			},
		},
		{ownBody(`,"type":"unread"`, `{"name":"A","type":"undelivered","send_id":"A"}`), 422, []string{"fallback.wait_seconds"}},
	} {
		code := map[int]string{400: "malformed", 422: "invalid"}[c.status]
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
			r.call(t, "POST", path, c.body).problem(c.status, code, c.fields...)
		}
	}
	require.Empty(t, r.sends)
}
