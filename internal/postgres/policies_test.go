package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// policyOf is a policy without an account.
func policyOf(name string, rules ...string) backstop.PolicyInput {
	return backstop.PolicyInput{Name: name, RuleIDs: rules}
}

// A policy may name the WhatsApp account of its sends.
func TestDB_policyAccount(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a := createRule(t, db, "a")
	input := policyOf("p", a.ID)
	var written backstop.Policy
	for version, account := range []string{"brand", "", "other"} {
		input.Account = account
		var err error
		if version == 0 {
			written, err = db.CreatePolicy(t.Context(), input)
		} else {
			written, err = db.ReplacePolicy(t.Context(), written.ID, input, version)
		}
		require.NoError(t, err)
		require.Equal(t, account, written.Account)
		read, err := db.Policy(t.Context(), written.ID)
		require.NoError(t, err)
		require.Equal(t, written, read)
		list, _, err := db.ListPolicies(t.Context(), backstop.PolicyFilter{}, backstop.Page{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []backstop.Policy{written}, list)
	}
}

func TestDB_CreatePolicy(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b, c := createRule(t, db, "a"), createRule(t, db, "b"), createRule(t, db, "c")
	created, err := db.CreatePolicy(t.Context(), policyOf("ordered", c.ID, a.ID, strings.ToUpper(b.ID)))
	require.NoError(t, err)
	require.Equal(t, 1, created.Version)
	require.Equal(t, []backstop.Rule{c, a, b}, created.Rules)
	read, err := db.Policy(t.Context(), created.ID)
	require.NoError(t, err)
	require.Equal(t, created, read)

	for name, c := range map[string]struct {
		policy string
		rules  []string
		code   backstop.Code
		fields []backstop.Field
	}{
		"name taken": {"ORDERED", []string{a.ID}, backstop.Conflict, []backstop.Field{backstop.NewField("name", backstop.FieldTaken, "is taken")}},
		"rules that do not exist": {"wrong", []string{a.ID, newID(t), "x", b.ID}, backstop.Invalid, []backstop.Field{
			backstop.NewField("rule_ids.1", backstop.FieldNotFound, "names no rule"), backstop.NewField("rule_ids.2", backstop.FieldNotFound, "names no rule"),
		}},
		"a rule twice, spelled in two ways": {"twice", []string{a.ID, strings.ToUpper(a.ID)}, backstop.Invalid, []backstop.Field{
			backstop.NewField("rule_ids.1", backstop.FieldGivenTwice, "is given twice"),
		}},
		"no rules": {"none", nil, backstop.Invalid, []backstop.Field{
			backstop.NewField("rule_ids", backstop.FieldItemsBetween, "must name 1 to 10 rules", "min", "1", "max", "10"),
		}},
	} {
		_, err := db.CreatePolicy(t.Context(), policyOf(c.policy, c.rules...))
		require.Equal(t, c.fields, coded(t, c.code, err).Fields, name)
	}
	list, more, err := db.ListPolicies(t.Context(), backstop.PolicyFilter{}, backstop.Page{Limit: 10})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, list, 1, "what failed left nothing behind")
}

func TestDB_ListPolicies(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b := createRule(t, db, "a"), createRule(t, db, "b")
	for i := range 4 {
		_, err := db.CreatePolicy(t.Context(), policyOf(fmt.Sprintf("P%d", i), b.ID, a.ID))
		require.NoError(t, err)
	}
	first, more, err := db.ListPolicies(t.Context(), backstop.PolicyFilter{Search: "p"}, backstop.Page{Limit: 3})
	require.NoError(t, err)
	require.True(t, more)
	require.Len(t, first, 3)
	require.Equal(t, "P3", first[0].Name)
	require.Equal(t, []backstop.Rule{b, a}, first[2].Rules)
	rest, more, err := db.ListPolicies(t.Context(), backstop.PolicyFilter{Search: "p"}, backstop.Page{After: first[2].ID, Limit: 3})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, rest, 1)
	require.Equal(t, "P0", rest[0].Name)
}

func TestDB_ReplacePolicy(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b := createRule(t, db, "a"), createRule(t, db, "b")
	policy, err := db.CreatePolicy(t.Context(), policyOf("p", a.ID, b.ID))
	require.NoError(t, err)

	a.WaitSeconds, a.Routes = 90, []backstop.Route{{Account: "second"}, {Account: "first", SendID: "60777"}}
	a, err = db.ReplaceRule(t.Context(), a, 1)
	require.NoError(t, err)
	require.Equal(t, []backstop.PolicyRef{{ID: policy.ID, Name: "p"}}, a.UsedBy)
	a.UsedBy = nil // a policy's own rules do not tell
	read, err := db.Policy(t.Context(), policy.ID)
	require.NoError(t, err)
	require.Equal(t, 1, read.Version, "editing a rule is not editing the policies that use it")
	require.Equal(t, 90, read.Rules[0].WaitSeconds)
	require.Equal(t, a.Routes, read.Rules[0].Routes)

	replaced, err := db.ReplacePolicy(t.Context(), policy.ID, policyOf("P", b.ID, a.ID), 1)
	require.NoError(t, err)
	require.Equal(t, 2, replaced.Version)
	require.Equal(t, []backstop.Rule{b, a}, replaced.Rules)
	require.True(t, replaced.UpdatedAt.After(policy.UpdatedAt))

	_, err = db.ReplacePolicy(t.Context(), policy.ID, policyOf("p", a.ID), 1)
	requireCode(t, backstop.Stale, err)
	_, err = db.ReplacePolicy(t.Context(), newID(t), policyOf("q", a.ID), 1)
	requireCode(t, backstop.NotFound, err)
	_, err = db.ReplacePolicy(t.Context(), "x", policyOf("q", a.ID), 1)
	requireCode(t, backstop.NotFound, err)
	_, err = db.ReplacePolicy(t.Context(), policy.ID, policyOf("p", newID(t)), 2)
	requireCode(t, backstop.Invalid, err)
	read, err = db.Policy(t.Context(), policy.ID)
	require.NoError(t, err)
	require.Equal(t, replaced, read, "what failed changed nothing")
}

func TestDB_DeletePolicy(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a := createRule(t, db, "a")
	policy, err := db.CreatePolicy(t.Context(), policyOf("p", a.ID))
	require.NoError(t, err)
	requireCode(t, backstop.Stale, db.DeletePolicy(t.Context(), policy.ID, 7))
	require.NoError(t, db.DeletePolicy(t.Context(), policy.ID, 1))
	requireCode(t, backstop.NotFound, db.DeletePolicy(t.Context(), policy.ID, 1))
	requireCode(t, backstop.NotFound, db.DeletePolicy(t.Context(), "x", 1))
	require.NoError(t, db.DeleteRule(t.Context(), a.ID, 1), "no policy uses it any more")
}

// A rule that a policy takes up while it is being deleted ends up in one of two ways, and never as a loose end.
func TestDB_DeleteRule_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for i := range 20 {
		r := createRule(t, db, fmt.Sprintf("r%d", i))
		var deleted, created error
		var group sync.WaitGroup
		group.Go(func() { deleted = db.DeleteRule(t.Context(), r.ID, 1) })
		group.Go(func() { _, created = db.CreatePolicy(t.Context(), policyOf(fmt.Sprintf("p%d", i), r.ID)) })
		group.Wait()
		if deleted == nil {
			requireCode(t, backstop.Invalid, created)
			continue
		}
		requireCode(t, backstop.Conflict, deleted)
		require.NoError(t, created)
	}
}

func TestDB_ListPolicies_filter(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	everywhere := createRule(t, db, "everywhere")
	french, err := db.CreateRule(t.Context(), backstop.Rule{
		Name: "fr", Type: backstop.Unread, WaitSeconds: 60, SendID: "Other", Countries: []string{"FR"},
	})
	require.NoError(t, err)
	for name, rules := range map[string][]string{
		"b both": {everywhere.ID, french.ID}, "A french": {french.ID}, "c everywhere": {everywhere.ID},
	} {
		_, err := db.CreatePolicy(t.Context(), policyOf(name, rules...))
		require.NoError(t, err)
	}
	for name, c := range map[string]struct {
		filter backstop.PolicyFilter
		want   []string
	}{
		"all":           {backstop.PolicyFilter{}, []string{"A french", "b both", "c everywhere"}},
		"search":        {backstop.PolicyFilter{Search: "FRENCH"}, []string{"A french"}},
		"type":          {backstop.PolicyFilter{Type: backstop.Unread}, []string{"A french", "b both"}},
		"sender":        {backstop.PolicyFilter{SendID: "Acme"}, []string{"b both", "c everywhere"}},
		"country":       {backstop.PolicyFilter{Country: "US"}, []string{"b both", "c everywhere"}},
		"of two rules":  {backstop.PolicyFilter{Type: backstop.Unread, Country: "US"}, []string{"b both"}},
		"of no policy":  {backstop.PolicyFilter{SendID: "Nobody"}, nil},
		"of one policy": {backstop.PolicyFilter{Search: "b", Country: "FR", SendID: "Other"}, []string{"b both"}},
	} {
		page := backstop.Page{Limit: 1, Sort: backstop.ByName}
		var names []string
		for more := true; more; {
			var policies []backstop.Policy
			var err error
			policies, more, err = db.ListPolicies(t.Context(), c.filter, page)
			require.NoError(t, err)
			for _, p := range policies {
				names = append(names, p.Name)
				page.After, page.Value = p.ID, p.Name
			}
		}
		require.Equal(t, c.want, names, name)
		total, err := db.CountPolicies(t.Context(), c.filter)
		require.NoError(t, err)
		require.Equal(t, backstop.Total{Count: len(c.want), IsExact: true}, total, name)
	}
	both, _, err := db.ListPolicies(t.Context(), backstop.PolicyFilter{}, backstop.Page{Limit: 2, Sort: backstop.ByNameBackwards})
	require.NoError(t, err)
	require.Equal(t, "b both", both[1].Name)
	require.Equal(t, []string{"everywhere", "fr"}, []string{both[1].Rules[0].Name, both[1].Rules[1].Name}, "in the policy's order")
}
