package api_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.JSONEq(t, `{"items":[
		{"name":"twilio","provider":"twilio","title":"Twilio","default":true},
		{"name":"second","provider":"twilio","title":"Twilio","countries":["GB"],"default":false}
	]}`, r.call(t, "GET", "/v1/routes", "").Body.String())
	r.call(t, "GET", "/v1/routes", "", "Authorization", "").problem(401, "unauthorized")
}

// TestRoutes_Rule: the routes of a rule are in the plan of a send.
func TestRoutes_Rule(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var rule api.Rule
	r.call(t, "POST", "/v1/rules", `{"name":"A","type":"send_failed","send_id":"A","routes":[
		{"account":"second","send_id":"B"},{"account":"twilio"},{"account":"off"}
	]}`).into(201, &rule)
	require.Len(t, *rule.Routes, 3)
	require.Equal(t, "second", (*rule.Routes)[0].Account)
	policy, err := r.CreatePolicy(t.Context(), backstop.PolicyInput{Name: "P", RuleIDs: []string{rule.ID}})
	require.NoError(t, err)
	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", sendBody(policy.ID)).into(200, &preview)
	require.Len(t, *preview.Plan.Rules[0].Routes, 2, "a disabled account is left out")
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	require.Equal(t, []backstop.Route{{Account: "second", SendID: "B"}, {Account: "twilio"}}, r.sends[0].Plan.Rules[0].Routes)

	path, tag := "/v1/rules/"+rule.ID, []string{"If-Match", "*"}
	for _, account := range []string{"third", "meta"} {
		r.call(t, "PUT", path, `{"name":"A","type":"send_failed","send_id":"A","routes":[{"account":"`+account+`"}]}`, tag...).
			problem(422, "invalid", "routes.0.account")
	}
	rule = api.Rule{}
	r.call(t, "PUT", path, `{"name":"A","type":"send_failed","send_id":"A"}`, tag...).into(200, &rule)
	require.Nil(t, rule.Routes, "the default account is not named")
}

// TestRoutes_Gone: a rule keeps a route that is gone until the next edit of the rule, which must name another.
func TestRoutes_Gone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, err := r.CreateRule(t.Context(), backstop.Rule{
		Name: "Old", Type: backstop.SendFailed, SendID: "A", Routes: []backstop.Route{{Account: "gone"}},
	})
	require.NoError(t, err)
	path, tag := "/v1/rules/"+old.ID, []string{"If-Match", "*"}
	var rule api.Rule
	r.call(t, "GET", path, "").into(200, &rule)
	require.Equal(t, "gone", (*rule.Routes)[0].Account)
	r.call(t, "PUT", path, `{"name":"New","type":"send_failed","send_id":"A","routes":[{"account":"gone"}]}`, tag...).
		problem(422, "invalid", "routes.0.account")
}

// TestRoutes_justStored: another process has stored the accounts a moment ago, and this one has not noticed them. The accounts are
// read again for a request that misses one, and only for that.
func TestRoutes_justStored(t *testing.T) {
	t.Parallel()
	known := newAccounts()
	stored, refreshes := known.all, 0
	r := newRig(t, func(o *api.Options) {
		o.Accounts = known
		o.RefreshAccounts = func(context.Context) { refreshes, known.all = refreshes+1, stored }
	})
	unnoticed := func(method, path, body string) answer {
		before := refreshes
		known.all = nil
		first := r.call(t, method, path, body, "If-Match", "*")
		require.Equal(t, before+1, refreshes)
		return first
	}
	const routed = `{"name":"A","type":"send_failed","send_id":"A","routes":[{"account":"twilio"}]}`
	var rule api.Rule
	unnoticed("POST", "/v1/rules", routed).into(201, &rule)
	unnoticed("PUT", "/v1/rules/"+rule.ID, routed).into(200, &rule)
	policyBody := `{"name":"P","account":"meta","rule_ids":["` + rule.ID + `"]}`
	var policy api.Policy
	unnoticed("POST", "/v1/policies", policyBody).into(201, &policy)
	unnoticed("PUT", "/v1/policies/"+policy.ID, policyBody).into(200, &policy)
	var preview api.SendPreview
	unnoticed("POST", "/v1/sends/preview", sendBody(policy.ID)).into(200, &preview)
	require.Equal(t, 202, unnoticed("POST", "/v1/sends", sendBody(policy.ID)).Code)

	refreshes = 0
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	require.Zero(t, refreshes)
	r.call(t, "POST", "/v1/rules", `{"name":"B","type":"send_failed","send_id":"A","routes":[{"account":"none"}]}`).
		problem(422, "invalid", "routes.0.account")
	require.Equal(t, 1, refreshes)
}
