package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func rule(name string) backstop.Rule {
	return backstop.Rule{Name: name, Type: backstop.Undelivered, WaitSeconds: 60, SendID: "Acme"}
}

func createRule(t *testing.T, db *postgres.DB, name string) backstop.Rule {
	t.Helper()
	created, err := db.CreateRule(t.Context(), rule(name))
	require.NoError(t, err)
	return created
}

func requireCode(t *testing.T, code backstop.Code, err error) {
	t.Helper()
	require.Equal(t, code, coded(t, code, err).Code)
}

// coded returns the Error in err's chain, which must have this code.
func coded(t *testing.T, code backstop.Code, err error) *backstop.Error {
	t.Helper()
	var e *backstop.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, err)
	return e
}

func TestDB_CreateRule(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, raw := postgrestest.Open(t, url), postgrestest.Raw(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)

	t.Run("is read back as it was returned", func(t *testing.T) {
		t.Parallel()
		given := rule("gb and ie")
		given.Countries = []string{"GB", "IE"}
		given.Routes = []backstop.Route{{Account: "second"}, {Account: "first", SendID: "60777"}}
		created, err := db.CreateRule(t.Context(), given)
		require.NoError(t, err)
		require.Equal(t, 1, created.Version)
		require.Equal(t, given.Countries, created.Countries)
		require.Equal(t, given.Routes, created.Routes)
		require.Equal(t, created.CreatedAt, created.UpdatedAt)
		read, err := db.Rule(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, created, read)
	})
	t.Run("of each type", func(t *testing.T) {
		t.Parallel()
		for _, of := range backstop.RuleTypes() {
			given := rule("of type " + string(of))
			given.Type, given.WaitSeconds = of, 60
			created, err := db.CreateRule(t.Context(), given)
			require.NoError(t, err)
			require.Equal(t, of, created.Type)
		}
	})
	t.Run("name taken, in other capitals", func(t *testing.T) {
		t.Parallel()
		createRule(t, db, "Taken")
		_, err := db.CreateRule(t.Context(), rule("tAKEN"))
		e := coded(t, backstop.Conflict, err)
		require.Equal(t, "name", e.Fields[0].Name)
		require.NotContains(t, e.Error(), "rules_name_key")
	})
	t.Run("the schema refuses what the domain refuses", func(t *testing.T) {
		t.Parallel()
		for i, change := range []func(*backstop.Rule){
			func(r *backstop.Rule) { r.Name = "" },
			func(r *backstop.Rule) { r.Name = " x" },
			func(r *backstop.Rule) { r.Type = "never" },
			func(r *backstop.Rule) { r.WaitSeconds = -1 },
			func(r *backstop.Rule) { r.WaitSeconds = 2592001 },
			func(r *backstop.Rule) { r.Type, r.WaitSeconds = backstop.Unread, 0 },
			func(r *backstop.Rule) { r.SendID = "12" },
			func(r *backstop.Rule) { r.SendID = "123456789" },
			func(r *backstop.Rule) { r.SendID = "ABCDEFGHIJKL" },
			func(r *backstop.Rule) { r.SendID = "MG" + strings.Repeat("0", 31) },
			func(r *backstop.Rule) { r.SendID = "MG" + strings.Repeat("g", 32) },
			func(r *backstop.Rule) { r.Countries = []string{"gb"} },
			func(r *backstop.Rule) { r.Countries = []string{"GB,IE"}; r.Countries = append(r.Countries, "") },
		} {
			r := rule(fmt.Sprintf("refused %d", i))
			change(&r)
			require.Error(t, r.Validate())
			_, err := db.CreateRule(t.Context(), r)
			require.Error(t, err, "%d", i)
			require.Empty(t, backstop.CodeOf(err), "a fault of ours, not of the caller")
		}
	})
	t.Run("the schema takes what the domain takes", func(t *testing.T) {
		t.Parallel()
		for i, sendID := range []string{"A", "Acme & Co", "123", "12345678", "+4474001234", "MG" + strings.Repeat("0aF9", 8)} {
			r := rule(fmt.Sprintf("taken %d", i))
			r.SendID = sendID
			require.NoError(t, r.Validate())
			_, err := db.CreateRule(t.Context(), r)
			require.NoError(t, err, sendID)
		}
	})
	t.Run("routes are a list", func(t *testing.T) {
		t.Parallel()
		created := createRule(t, db, "without routes")
		require.Nil(t, created.Routes)
		for _, routes := range []string{`{}`, `"twilio"`, `null`} {
			_, err := raw.ExecContext(t.Context(), `UPDATE rules SET routes = $2 WHERE id = $1`, created.ID, routes)
			require.ErrorContains(t, err, "rules_routes_check", routes)
		}
	})
}

func TestDB_Rule(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, id := range []string{"", "x", newID(t), "{" + newID(t) + "}", "a\x00b"} {
		_, err := db.Rule(t.Context(), id)
		requireCode(t, backstop.NotFound, err)
		_, err = db.ReplaceRule(t.Context(), backstop.Rule{ID: id, Name: "n", Type: backstop.SendFailed, SendID: "A"}, 1)
		requireCode(t, backstop.NotFound, err)
		requireCode(t, backstop.NotFound, db.DeleteRule(t.Context(), id, backstop.AnyVersion))
	}
}

func TestDB_ListRules(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for i := range 5 {
		createRule(t, db, fmt.Sprintf("Rule %d", i))
	}
	createRule(t, db, `100%_\ off`)

	names := func(search string, limit int) (all []string) {
		page := backstop.Page{Limit: limit}
		for {
			rules, more, err := db.ListRules(t.Context(), backstop.RuleFilter{Search: search}, page)
			require.NoError(t, err)
			for _, r := range rules {
				all = append(all, r.Name)
				page.After = r.ID
			}
			if !more {
				return all
			}
			require.Len(t, rules, limit)
		}
	}
	require.Equal(t, []string{`100%_\ off`, "Rule 4", "Rule 3", "Rule 2", "Rule 1", "Rule 0"}, names("", 2))
	require.Equal(t, names("", 100), names("", 3), "the last page is full")
	require.Equal(t, []string{"Rule 3"}, names("rULE 3", 10))
	require.Equal(t, []string{`100%_\ off`}, names(`%_\`, 10))
	require.Empty(t, names("R_le", 10))

	_, _, err := db.ListRules(t.Context(), backstop.RuleFilter{}, backstop.Page{After: "x", Limit: 1})
	requireCode(t, backstop.Invalid, err)
	_, _, err = db.ListRules(t.Context(), backstop.RuleFilter{Search: "a\x00b"}, backstop.Page{Limit: 1})
	requireCode(t, backstop.Invalid, err)
}

func TestDB_ReplaceRule(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	first := createRule(t, db, "first")
	createRule(t, db, "second")

	changed := first
	changed.Name, changed.Type, changed.WaitSeconds, changed.SendID = "changed", backstop.Unread, 5, "+447400123456"
	changed.Countries, changed.Routes = []string{"FR"}, []backstop.Route{{Account: "second", SendID: "60777"}, {Account: "first"}}
	replaced, err := db.ReplaceRule(t.Context(), changed, 1)
	require.NoError(t, err)
	require.Equal(t, 2, replaced.Version)
	require.Equal(t, first.CreatedAt, replaced.CreatedAt)
	require.True(t, replaced.UpdatedAt.After(first.UpdatedAt))
	require.Equal(t, changed.Countries, replaced.Countries)
	require.Equal(t, changed.Routes, replaced.Routes)
	read, err := db.Rule(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, replaced, read)

	_, err = db.ReplaceRule(t.Context(), changed, 1)
	requireCode(t, backstop.Stale, err)
	replaced, err = db.ReplaceRule(t.Context(), changed, backstop.AnyVersion)
	require.NoError(t, err)
	require.Equal(t, 3, replaced.Version)
	changed.Routes = nil
	replaced, err = db.ReplaceRule(t.Context(), changed, 3)
	require.NoError(t, err)
	require.Nil(t, replaced.Routes, "the default account")
	changed.Name = "SECOND"
	_, err = db.ReplaceRule(t.Context(), changed, 4)
	requireCode(t, backstop.Conflict, err)
}

// A rule says which policies include it, however it is asked for.
func TestDB_Rule_usedBy(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	r, other := createRule(t, db, "used"), createRule(t, db, "used by none")
	require.Nil(t, r.UsedBy)
	var want []backstop.PolicyRef
	for _, name := range []string{"b", "C", `a "quoted" name`} {
		p, err := db.CreatePolicy(t.Context(), policyOf(name, r.ID))
		require.NoError(t, err)
		want = append(want, backstop.PolicyRef{ID: p.ID, Name: name})
		require.Nil(t, p.Rules[0].UsedBy, "a policy's own rules do not tell")
	}
	want = []backstop.PolicyRef{want[2], want[0], want[1]}

	read, err := db.Rule(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, want, read.UsedBy)
	list, _, err := db.ListRules(t.Context(), backstop.RuleFilter{}, backstop.Page{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []backstop.Rule{other, read}, list)
	replaced, err := db.ReplaceRule(t.Context(), r, backstop.AnyVersion)
	require.NoError(t, err)
	require.Equal(t, want, replaced.UsedBy)

	for _, p := range want {
		require.NoError(t, db.DeletePolicy(t.Context(), p.ID, backstop.AnyVersion))
	}
	read, err = db.Rule(t.Context(), r.ID)
	require.NoError(t, err)
	require.Nil(t, read.UsedBy)
}

// Of many editors who read the same version, one wins.
func TestDB_ReplaceRule_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	r := createRule(t, db, "contested")
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { _, errs[i] = db.ReplaceRule(t.Context(), r, 1) })
	}
	group.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		requireCode(t, backstop.Stale, err)
	}
	require.Equal(t, 1, won)
}

func TestDB_DeleteRule(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	used, unused := createRule(t, db, "used"), createRule(t, db, "unused")
	for i := range 12 {
		_, err := db.CreatePolicy(t.Context(), policyOf(fmt.Sprintf("policy %c", 'a'+i), used.ID))
		require.NoError(t, err)
	}

	requireCode(t, backstop.Stale, db.DeleteRule(t.Context(), unused.ID, 2))
	require.NoError(t, db.DeleteRule(t.Context(), unused.ID, 1))
	requireCode(t, backstop.NotFound, db.DeleteRule(t.Context(), unused.ID, 1))
	e := coded(t, backstop.Conflict, db.DeleteRule(t.Context(), used.ID, backstop.AnyVersion))
	require.Contains(t, e.Message, `"policy a", "policy b"`)
	require.Contains(t, e.Message, "and others")
}
