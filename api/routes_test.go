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

// TestRoutes_Rule: the route of a rule is in the plan of a send.
func TestRoutes_Rule(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var rule api.Rule
	r.call(t, "POST", "/v1/rules", `{"name":"A","type":"send_failed","send_id":"A","route":"second"}`).into(201, &rule)
	require.Equal(t, "second", *rule.Route)
	policy, err := r.CreatePolicy(t.Context(), "P", []string{rule.ID})
	require.NoError(t, err)
	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", sendBody(policy.ID)).into(200, &preview)
	require.Equal(t, "second", *preview.Plan.Rules[0].Route)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	require.Equal(t, "second", r.sends[0].Plan.Rules[0].Route)

	path, tag := "/v1/rules/"+rule.ID, []string{"If-Match", "*"}
	refused := r.call(t, "PUT", path, `{"name":"A","type":"send_failed","send_id":"A","route":"third"}`, tag...).problem(422, "invalid", "route")
	require.Contains(t, refused.Errors[0].Reason, "twilio, second")
	rule = api.Rule{}
	r.call(t, "PUT", path, `{"name":"A","type":"send_failed","send_id":"A"}`, tag...).into(200, &rule)
	require.Nil(t, rule.Route, "the default one is not named")
}

// TestRoutes_Gone: a rule keeps a route that is no longer configured until the next edit of the rule, which must name another.
func TestRoutes_Gone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, err := r.CreateRule(t.Context(), backstop.Rule{Name: "Old", Type: backstop.SendFailed, SendID: "A", Route: "gone"})
	require.NoError(t, err)
	path, tag := "/v1/rules/"+old.ID, []string{"If-Match", "*"}
	var rule api.Rule
	r.call(t, "GET", path, "").into(200, &rule)
	require.Equal(t, "gone", *rule.Route)
	r.call(t, "PUT", path, `{"name":"New","type":"send_failed","send_id":"A","route":"gone"}`, tag...).problem(422, "invalid", "route")
}
