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

func TestDB_CreatePolicy(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b, c := createRule(t, db, "a"), createRule(t, db, "b"), createRule(t, db, "c")

	t.Run("keeps the order of its rules", func(t *testing.T) {
		created, err := db.CreatePolicy(t.Context(), "ordered", []string{c.ID, a.ID, strings.ToUpper(b.ID)})
		require.NoError(t, err)
		require.Equal(t, 1, created.Version)
		require.Equal(t, []backstop.Rule{c, a, b}, created.Rules)
		read, err := db.Policy(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, created, read)
	})
	t.Run("name taken", func(t *testing.T) {
		_, err := db.CreatePolicy(t.Context(), "ORDERED", []string{a.ID})
		e := requireCode(t, backstop.Conflict, err)
		require.Equal(t, "name", e.Fields[0].Name)
	})
	t.Run("rules that do not exist", func(t *testing.T) {
		_, err := db.CreatePolicy(t.Context(), "wrong", []string{a.ID, newID(t), "x", b.ID})
		e := requireCode(t, backstop.Invalid, err)
		require.Equal(t, []backstop.Field{
			{Name: "rule_ids.1", Reason: "names no rule"}, {Name: "rule_ids.2", Reason: "names no rule"},
		}, e.Fields)
		_, _, err = db.ListPolicies(t.Context(), "wrong", backstop.Page{Limit: 1})
		require.NoError(t, err)
	})
	t.Run("a rule twice, spelled in two ways", func(t *testing.T) {
		_, err := db.CreatePolicy(t.Context(), "twice", []string{a.ID, strings.ToUpper(a.ID)})
		e := requireCode(t, backstop.Invalid, err)
		require.Equal(t, []backstop.Field{{Name: "rule_ids.1", Reason: "is given twice"}}, e.Fields)
	})
	t.Run("no rules", func(t *testing.T) {
		_, err := db.CreatePolicy(t.Context(), "none", nil)
		requireCode(t, backstop.Invalid, err)
	})
	t.Run("nothing was left behind by what failed", func(t *testing.T) {
		list, more, err := db.ListPolicies(t.Context(), "", backstop.Page{Limit: 10})
		require.NoError(t, err)
		require.False(t, more)
		require.Len(t, list, 1)
	})
}

func TestDB_ListPolicies(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b := createRule(t, db, "a"), createRule(t, db, "b")
	for i := range 4 {
		_, err := db.CreatePolicy(t.Context(), fmt.Sprintf("P%d", i), []string{b.ID, a.ID})
		require.NoError(t, err)
	}
	first, more, err := db.ListPolicies(t.Context(), "p", backstop.Page{Limit: 3})
	require.NoError(t, err)
	require.True(t, more)
	require.Len(t, first, 3)
	require.Equal(t, "P3", first[0].Name)
	require.Equal(t, []backstop.Rule{b, a}, first[2].Rules)
	rest, more, err := db.ListPolicies(t.Context(), "p", backstop.Page{After: first[2].ID, Limit: 3})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, rest, 1)
	require.Equal(t, "P0", rest[0].Name)
}

func TestDB_ReplacePolicy(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b := createRule(t, db, "a"), createRule(t, db, "b")
	policy, err := db.CreatePolicy(t.Context(), "p", []string{a.ID, b.ID})
	require.NoError(t, err)

	a.WaitSeconds = 90
	a, err = db.ReplaceRule(t.Context(), a, 1)
	require.NoError(t, err)
	read, err := db.Policy(t.Context(), policy.ID)
	require.NoError(t, err)
	require.Equal(t, 1, read.Version, "editing a rule is not editing the policies that use it")
	require.Equal(t, 90, read.Rules[0].WaitSeconds)

	replaced, err := db.ReplacePolicy(t.Context(), policy.ID, "P", []string{b.ID, a.ID}, 1)
	require.NoError(t, err)
	require.Equal(t, 2, replaced.Version)
	require.Equal(t, []backstop.Rule{b, a}, replaced.Rules)
	require.True(t, replaced.UpdatedAt.After(policy.UpdatedAt))

	_, err = db.ReplacePolicy(t.Context(), policy.ID, "p", []string{a.ID}, 1)
	requireCode(t, backstop.Stale, err)
	_, err = db.ReplacePolicy(t.Context(), newID(t), "q", []string{a.ID}, 1)
	requireCode(t, backstop.NotFound, err)
	_, err = db.ReplacePolicy(t.Context(), "x", "q", []string{a.ID}, 1)
	requireCode(t, backstop.NotFound, err)
	_, err = db.ReplacePolicy(t.Context(), policy.ID, "p", []string{newID(t)}, 2)
	requireCode(t, backstop.Invalid, err)
	read, err = db.Policy(t.Context(), policy.ID)
	require.NoError(t, err)
	require.Equal(t, replaced, read, "what failed changed nothing")
}

func TestDB_DeletePolicy(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a := createRule(t, db, "a")
	policy, err := db.CreatePolicy(t.Context(), "p", []string{a.ID})
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
		group.Go(func() { _, created = db.CreatePolicy(t.Context(), fmt.Sprintf("p%d", i), []string{r.ID}) })
		group.Wait()
		if deleted == nil {
			requireCode(t, backstop.Invalid, created)
			continue
		}
		requireCode(t, backstop.Conflict, deleted)
		require.NoError(t, created)
	}
}
