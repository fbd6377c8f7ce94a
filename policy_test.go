package backstop_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// validPlan is any plan that Resolve may return.
func validPlan() *rapid.Generator[backstop.Plan] {
	return rapid.Custom(func(t *rapid.T) backstop.Plan {
		return backstop.Plan{Rules: rapid.SliceOfN(validRule(), 1, backstop.MaxRules).Draw(t, "rules")}
	})
}

// anyUsed is any set of rules that have fired before.
func anyUsed(t *rapid.T, p backstop.Plan) func(int) bool {
	used := rapid.SliceOfN(rapid.Bool(), len(p.Rules), len(p.Rules)).Draw(t, "used")
	return func(i int) bool { return used[i] }
}

func none(int) bool { return false }

func indices(p backstop.Plan) []int {
	all := make([]int, len(p.Rules))
	for i := range all {
		all[i] = i
	}
	return all
}

func rules(r ...backstop.Rule) backstop.Plan { return backstop.Plan{Rules: r} }

func rule(t backstop.RuleType, wait time.Duration) backstop.Rule {
	return backstop.Rule{Name: string(t), Type: t, WaitSeconds: int(wait.Seconds()), SendID: "ACME"}
}

func TestPolicyInput_Validate(t *testing.T) {
	t.Parallel()
	ten := strings.Split("a b c d e f g h i j", " ")
	tests := map[string]struct {
		name   string
		rules  []string
		fields []string
	}{
		"one rule":               {name: "p", rules: ten[:1]},
		"ten rules":              {name: "p", rules: ten},
		"no rule":                {name: "p", fields: []string{"rule_ids"}},
		"eleven rules":           {name: "p", rules: append(slices.Clone(ten), "k"), fields: []string{"rule_ids"}},
		"a rule twice":           {name: "p", rules: []string{"a", "b", "a"}, fields: []string{"rule_ids.2"}},
		"a rule three times":     {name: "p", rules: []string{"a", "a", "a"}, fields: []string{"rule_ids.1", "rule_ids.2"}},
		"no name":                {rules: ten, fields: []string{"name"}},
		"long name":              {name: strings.Repeat("é", 65), rules: ten, fields: []string{"name"}},
		"name with a space":      {name: "p ", rules: ten, fields: []string{"name"}},
		"neither name nor rules": {fields: []string{"name", "rule_ids"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.fields, invalid(t, backstop.PolicyInput{Name: tc.name, RuleIDs: tc.rules}.Validate()))
		})
	}
}

func TestPolicy_Resolve(t *testing.T) {
	t.Parallel()
	everywhere := backstop.Rule{ID: "1", Name: "everywhere", Type: backstop.Undelivered, WaitSeconds: 300, SendID: "ACME"}
	british := backstop.Rule{ID: "2", Name: "british", Type: backstop.Unread, WaitSeconds: 600, SendID: "ACME UK", Countries: []string{"GB", "IE"}}
	american := backstop.Rule{ID: "3", Name: "american", Type: backstop.SendFailed, SendID: "12345", Countries: []string{"US"}}
	policy := backstop.Policy{ID: "p", Name: "policy", Rules: []backstop.Rule{british, everywhere, american}}

	unread, bogus, sendFailed := backstop.Unread, backstop.RuleType("bogus"), backstop.SendFailed
	wait, noWait, longWait := 60, 0, 2592001
	sendID, longSendID := "OTHER", "TWELVE-CHARS"
	tests := map[string]struct {
		rules    []backstop.Rule // of the policy, unless nil
		country  string
		override backstop.Override

		want   []string // names of the rules that are left
		each   func(*testing.T, backstop.Rule)
		fields []string
	}{
		"rules that do not apply are dropped, the order stays": {country: "GB", want: []string{"british", "everywhere"}},
		"another country":         {country: "US", want: []string{"everywhere", "american"}},
		"a country of no rule":    {country: "FR", want: []string{"everywhere"}},
		"a number of no country":  {want: []string{"everywhere"}},
		"none left":               {rules: []backstop.Rule{british, american}, country: "FR", fields: []string{"to"}},
		"none left of no country": {rules: []backstop.Rule{british, american}, fields: []string{"to"}},
		"a policy without rules":  {rules: []backstop.Rule{}, country: "GB", fields: []string{"to"}},
		"all overridden": {
			country: "GB", override: backstop.Override{Type: &unread, WaitSeconds: &wait, SendID: &sendID},
			want: []string{"british", "everywhere"},
			each: func(t *testing.T, r backstop.Rule) {
				t.Helper()
				require.Equal(t, backstop.Unread, r.Type)
				require.Equal(t, 60, r.WaitSeconds)
				require.Equal(t, "OTHER", r.SendID)
			},
		},
		"only the wait overridden": {
			country: "US", override: backstop.Override{WaitSeconds: &wait}, want: []string{"everywhere", "american"},
			each: func(t *testing.T, r backstop.Rule) {
				t.Helper()
				require.Equal(t, 60, r.WaitSeconds)
				require.NotEqual(t, "OTHER", r.SendID)
			},
		},
		"the wait taken away": {
			country: "US", override: backstop.Override{WaitSeconds: &noWait}, want: []string{"everywhere", "american"},
			each: func(t *testing.T, r backstop.Rule) { t.Helper(); require.Zero(t, r.WaitSeconds) },
		},
		"the wait taken away from an unread rule": {
			country: "GB", override: backstop.Override{WaitSeconds: &noWait}, fields: []string{"fallback.wait_seconds"},
		},
		"unread asked for, of a rule without wait": {
			country: "US", override: backstop.Override{Type: &unread}, fields: []string{"fallback.wait_seconds"},
		},
		"send_failed asked for, without wait": {
			country: "GB", override: backstop.Override{Type: &sendFailed, WaitSeconds: &noWait}, want: []string{"british", "everywhere"},
		},
		"too long a wait": {country: "GB", override: backstop.Override{WaitSeconds: &longWait}, fields: []string{"fallback.wait_seconds"}},
		"no such type":    {country: "GB", override: backstop.Override{Type: &bogus}, fields: []string{"fallback.type"}},
		"too long a SendID": {
			country: "GB", override: backstop.Override{SendID: &longSendID}, fields: []string{"fallback.send_id"},
		},
		"all wrong, named once": {
			country: "GB", override: backstop.Override{Type: &bogus, WaitSeconds: &longWait, SendID: &longSendID},
			fields: []string{"fallback.type", "fallback.wait_seconds", "fallback.send_id"},
		},
		"wrong, and no rule left": { // the override of no rule is not looked at
			rules: []backstop.Rule{american}, country: "GB", override: backstop.Override{Type: &bogus}, fields: []string{"to"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := clone(policy)
			if tc.rules != nil {
				p.Rules = tc.rules
			}
			before := clone(p)
			plan, err := p.Resolve(tc.country, tc.override, someAccounts())
			require.Equal(t, tc.fields, invalid(t, err))
			require.Equal(t, before, clone(p), "the policy itself stays as it is")
			if err != nil {
				require.Zero(t, plan)
				return
			}
			require.Equal(t, "p", plan.PolicyID)
			require.Equal(t, "policy", plan.PolicyName)
			names := make([]string, 0, len(plan.Rules))
			for _, r := range plan.Rules {
				names = append(names, r.Name)
				require.Empty(t, r.Countries, "they have done their work")
				require.NoError(t, r.Validate())
				if tc.each != nil {
					tc.each(t, r)
				}
			}
			require.Equal(t, tc.want, names)
		})
	}
}

func clone(p backstop.Policy) backstop.Policy {
	p.Rules = slices.Clone(p.Rules)
	for i := range p.Rules {
		p.Rules[i].Countries = slices.Clone(p.Rules[i].Countries)
	}
	return p
}

// Editing the policy later does not change a plan that was made from it.
func TestPolicy_Resolve_travels(t *testing.T) {
	t.Parallel()
	p := backstop.Policy{Rules: []backstop.Rule{rule(backstop.Unread, time.Minute)}}
	plan, err := p.Resolve("GB", backstop.Override{}, someAccounts())
	require.NoError(t, err)
	p.Rules[0].WaitSeconds = 1
	require.Equal(t, 60, plan.Rules[0].WaitSeconds)
}

func TestPlan_Fired(t *testing.T) {
	t.Parallel()
	const m = time.Minute
	sendFailed, undelivered, unread := rule(backstop.SendFailed, m), rule(backstop.Undelivered, 5*m), rule(backstop.Unread, 10*m)
	noWait := rule(backstop.Undelivered, 0)
	tests := map[string]struct {
		plan   backstop.Plan
		status backstop.Status
		after  time.Duration
		used   []int
		want   int // -1: none
	}{
		"nothing is due":                         {plan: rules(unread, undelivered), status: backstop.Sent, after: 5*m - 1, want: -1},
		"the earliest wait wins":                 {plan: rules(unread, undelivered), status: backstop.Sent, after: 5 * m, want: 1},
		"also when both have ended":              {plan: rules(unread, undelivered), status: backstop.Sent, after: time.Hour, want: 1},
		"one that is satisfied does not count":   {plan: rules(unread, undelivered), status: backstop.Delivered, after: time.Hour, want: 0},
		"a tie goes by the policy's order":       {plan: rules(rule(backstop.Unread, m), sendFailed), status: backstop.Queued, after: m, want: 0},
		"a tie behind another rule":              {plan: rules(noWait, sendFailed, rule(backstop.Unread, m)), status: backstop.Queued, after: m, want: 1},
		"a used rule is passed over":             {plan: rules(sendFailed, undelivered), status: backstop.Queued, after: time.Hour, used: []int{0}, want: 1},
		"all used":                               {plan: rules(sendFailed, undelivered), status: backstop.Failed, after: time.Hour, used: []int{0, 1}, want: -1},
		"a failure goes by the policy's order":   {plan: rules(unread, sendFailed), status: backstop.Failed, want: 0},
		"a failure, past the shorter wait":       {plan: rules(unread, sendFailed), status: backstop.Failed, after: 2 * m, want: 0},
		"a failure, the first used":              {plan: rules(unread, sendFailed), status: backstop.Failed, used: []int{0}, want: 1},
		"a failure fires a rule without wait":    {plan: rules(noWait), status: backstop.Failed, want: 0},
		"time does not fire a rule without wait": {plan: rules(noWait), status: backstop.Queued, after: backstop.MaxWait, want: -1},
		"read: nothing fires":                    {plan: rules(unread, undelivered, sendFailed), status: backstop.Read, after: backstop.MaxWait, want: -1},
		"after an SMS, the policy's order":       {plan: rules(noWait, unread, undelivered), status: backstop.Sent, after: time.Hour, used: []int{0}, want: 1},
		"no rules":                               {plan: rules(), status: backstop.Failed, want: -1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			used := func(i int) bool { return slices.Contains(tc.used, i) }
			i, fired := tc.plan.Due(tc.status, origin, origin.Add(tc.after), used)
			require.Equal(t, tc.want >= 0, fired)
			require.Equal(t, tc.want, i)
		})
	}
}

func TestPlan_Fired_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan, s := validPlan().Draw(t, "plan"), reported().Draw(t, "status")
		used, now := anyUsed(t, plan), moment(t, plan.Rules...)
		best, fired := plan.Due(s, origin, now, used)
		if fired {
			require.False(t, used(best))
			require.True(t, plan.Rules[best].IsDue(s, origin, now))
			require.False(t, plan.IsSatisfied(s, used))
		}
		for i, r := range plan.Rules {
			if used(i) || i == best || !r.IsDue(s, origin, now) {
				continue
			}
			require.True(t, fired)
			switch d, other := plan.Rules[best].WaitSeconds, r.WaitSeconds; {
			case s == backstop.Failed, d == other, slices.ContainsFunc(indices(plan), used):
				require.Less(t, best, i, "the policy's order")
			default:
				require.Less(t, d, other, "the wait that ended first")
			}
		}
	})
}

func TestPlan_Over(t *testing.T) {
	t.Parallel()
	sendFailed, unread := rule(backstop.SendFailed, time.Minute), rule(backstop.Unread, time.Minute)
	used := func(which ...int) func(int) bool { return func(i int) bool { return slices.Contains(which, i) } }

	require.False(t, rules(sendFailed).IsSatisfied(backstop.Sent, none), "a failure may follow")
	require.True(t, rules(sendFailed).IsSatisfied(backstop.Delivered, none))
	require.False(t, rules(sendFailed, unread).IsSatisfied(backstop.Delivered, none))
	require.True(t, rules(sendFailed, unread).IsSatisfied(backstop.Delivered, used(1)))
	require.True(t, rules(sendFailed, unread).IsSatisfied(backstop.Read, none))
	require.False(t, rules(sendFailed, unread).IsSatisfied(backstop.Failed, used(0)))
	require.True(t, rules(sendFailed, unread).IsSatisfied(backstop.Queued, used(0, 1)))

	rapid.Check(t, func(t *rapid.T) { // over means that nothing that may come fires anything
		plan, s := validPlan().Draw(t, "plan"), reported().Draw(t, "status")
		used := anyUsed(t, plan)
		mayFire := false
		for _, next := range statuses {
			_, fired := plan.Due(s.Advance(next), origin, origin.Add(backstop.MaxWait), used)
			mayFire = mayFire || fired
		}
		require.Equal(t, !mayFire, plan.IsSatisfied(s, used))
	})
}
