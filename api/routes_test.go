package api_test

import (
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
