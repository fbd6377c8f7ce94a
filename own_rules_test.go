package backstop_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// named returns a valid rule with a name.
func named(name string, change ...func(*backstop.Rule)) backstop.Rule {
	r := backstop.Rule{Name: name, Type: backstop.Undelivered, WaitSeconds: 60, SendID: "ACME"}
	for _, f := range change {
		f(&r)
	}
	return r
}

func TestRuleSource_Validate(t *testing.T) {
	t.Parallel()
	var many []backstop.Rule
	for name := range strings.SplitSeq("a b c d e f g h i j", " ") {
		many = append(many, named(name))
	}
	for name, tc := range map[string]struct {
		source backstop.RuleSource
		fields []string
	}{
		"a policy":  {backstop.RuleSource{PolicyID: "p"}, nil},
		"own rules": {backstop.RuleSource{Own: many}, nil},
		"neither":   {backstop.RuleSource{}, []string{"fallback"}},
		"both":      {backstop.RuleSource{PolicyID: "p", Own: many}, []string{"fallback"}},
		"too many":  {backstop.RuleSource{Own: append(slices.Clone(many), named("k"))}, []string{"fallback.rules"}},
		"one name":  {backstop.RuleSource{Own: []backstop.Rule{named("A"), named("b"), named("a")}}, []string{"fallback.rules.2.name"}},
		"wrong ones": {
			backstop.RuleSource{Own: []backstop.Rule{
				named(""), named("ok"), named("b", func(r *backstop.Rule) { r.Type, r.WaitSeconds = backstop.Unread, 0 }),
				named("c", func(r *backstop.Rule) { r.WaitSeconds, r.SendID = 2592001, "much too long" }),
				named("d", func(r *backstop.Rule) { r.Countries = []string{"GB", "gb"} }),
				named("e", func(r *backstop.Rule) { r.Routes = routesOf("twilio", "nowhere", "meta") }),
			}},
			[]string{
				"fallback.rules.0.name", "fallback.rules.2.wait_seconds", "fallback.rules.3.wait_seconds", "fallback.rules.3.send_id",
				"fallback.rules.4.countries.1", "fallback.rules.5.routes.1.account", "fallback.rules.5.routes.2.account",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.fields, invalid(t, tc.source.Validate(someAccounts())))
		})
	}
}

// A send's own rules make a plan without a policy. A repetition takes them from the plan.
func TestPolicy_Resolve_ownRules(t *testing.T) {
	t.Parallel()
	own := backstop.Policy{Rules: []backstop.Rule{
		named("a", func(r *backstop.Rule) { r.Routes = routesOf("infobip", "old") }),
		named("b", func(r *backstop.Rule) { r.Countries = []string{"US"} }),
		named("c"),
	}}
	plan, err := own.Resolve("GB", backstop.Override{}, someAccounts())
	require.NoError(t, err)
	require.True(t, plan.HasOwnRules())
	require.Equal(t, backstop.Plan{Account: "meta-uk", Rules: []backstop.Rule{
		named("a", func(r *backstop.Rule) { r.Routes = routesOf("infobip") }),
		named("c", func(r *backstop.Rule) { r.Routes = routesOf("twilio") }),
	}}, plan)
	require.Equal(t, backstop.RuleSource{Own: plan.Rules}, plan.RuleSource())
	again, err := backstop.Policy{Rules: plan.RuleSource().Own}.Resolve("GB", backstop.Override{}, someAccounts())
	require.NoError(t, err)
	require.Equal(t, plan, again)

	own.Rules = own.Rules[1:2]
	_, err = own.Resolve("GB", backstop.Override{}, someAccounts())
	require.Equal(t, []string{"to"}, invalid(t, err))
	require.ErrorContains(t, err, "no rule of the send applies to recipients in GB")
	own.Rules = []backstop.Rule{named("a", func(r *backstop.Rule) { r.Routes = routesOf("german") })}
	_, err = own.Resolve("GB", backstop.Override{}, someAccounts())
	require.Equal(t, []string{"fallback.rules"}, invalid(t, err))

	require.Equal(t, backstop.RuleSource{PolicyID: "p"}, backstop.Plan{PolicyID: "p", Rules: plan.Rules}.RuleSource())
}

// A send may replace the accounts of every rule.
func TestPolicy_Resolve_overriddenRoutes(t *testing.T) {
	t.Parallel()
	policy := backstop.Policy{ID: "p", Name: "p", Rules: []backstop.Rule{
		named("a", func(r *backstop.Rule) { r.Routes = routesOf("german") }), named("b"),
	}}
	resolve := func(country string, routes ...backstop.Route) (backstop.Plan, error) {
		return policy.Resolve(country, backstop.Override{Routes: &routes}, someAccounts())
	}
	routes := []backstop.Route{{Account: "infobip", SendID: "60777"}, {Account: "german"}}
	plan, err := resolve("GB", routes...)
	require.NoError(t, err)
	require.Len(t, plan.Rules, 2)
	for _, r := range plan.Rules {
		require.Equal(t, routes[:1], r.Routes)
	}
	require.Equal(t, &routes, plan.Override.Routes)
	plan, err = resolve("DE", routes...)
	require.NoError(t, err)
	require.Equal(t, routes, plan.Rules[1].Routes)
	plan, err = resolve("GB")
	require.NoError(t, err)
	require.Equal(t, routesOf("twilio"), plan.Rules[0].Routes, "the default account")

	_, err = resolve("GB", routesOf("german")...)
	require.Equal(t, []string{"fallback.routes"}, invalid(t, err))
	_, err = resolve("GB", routesOf("twilio", "meta", "twilio")...)
	require.Equal(t, []string{"fallback.routes.1.account", "fallback.routes.2.account"}, invalid(t, err))
}
