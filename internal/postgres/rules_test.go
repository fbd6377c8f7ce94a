package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	db := postgrestest.New(t)

	t.Run("is read back as it was returned", func(t *testing.T) {
		t.Parallel()
		given := rule("gb and ie")
		given.Countries, given.Route = []string{"GB", "IE"}, "second"
		created, err := db.CreateRule(t.Context(), given)
		require.NoError(t, err)
		require.Equal(t, 1, created.Version)
		require.Equal(t, given.Countries, created.Countries)
		require.Equal(t, "second", created.Route)
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
		for i, route := range []string{" ", "Twilio", "a b", "twilio\n", "-a", strings.Repeat("a", 65)} {
			require.Error(t, backstop.ValidateRoutes([]string{route}))
			r := rule(fmt.Sprintf("on a refused route %d", i))
			r.Route = route
			_, err := db.CreateRule(t.Context(), r)
			require.ErrorContains(t, err, "rules_route_shape")
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
	changed.Countries, changed.Route = []string{"FR"}, "second"
	replaced, err := db.ReplaceRule(t.Context(), changed, 1)
	require.NoError(t, err)
	require.Equal(t, 2, replaced.Version)
	require.Equal(t, first.CreatedAt, replaced.CreatedAt)
	require.True(t, replaced.UpdatedAt.After(first.UpdatedAt))
	require.Equal(t, changed.Countries, replaced.Countries)
	require.Equal(t, "second", replaced.Route)

	_, err = db.ReplaceRule(t.Context(), changed, 1)
	requireCode(t, backstop.Stale, err)
	replaced, err = db.ReplaceRule(t.Context(), changed, backstop.AnyVersion)
	require.NoError(t, err)
	require.Equal(t, 3, replaced.Version)
	changed.Name = "SECOND"
	_, err = db.ReplaceRule(t.Context(), changed, 3)
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
		p, err := db.CreatePolicy(t.Context(), name, []string{r.ID})
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
		_, err := db.CreatePolicy(t.Context(), fmt.Sprintf("policy %c", 'a'+i), []string{used.ID})
		require.NoError(t, err)
	}

	requireCode(t, backstop.Stale, db.DeleteRule(t.Context(), unused.ID, 2))
	require.NoError(t, db.DeleteRule(t.Context(), unused.ID, 1))
	requireCode(t, backstop.NotFound, db.DeleteRule(t.Context(), unused.ID, 1))
	e := coded(t, backstop.Conflict, db.DeleteRule(t.Context(), used.ID, backstop.AnyVersion))
	require.Contains(t, e.Message, `"policy a", "policy b"`)
	require.Contains(t, e.Message, "and others")
}

// TestDB_ListRules_sort: each order has each rule once, page by page, also with names that differ in capitals and with equal times.
func TestDB_ListRules_sort(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	for _, name := range []string{"b", "C", "a 10", "A", "ä", "中", "_%"} {
		createRule(t, db, name)
	}
	_, err = postgrestest.Raw(t, url).ExecContext(t.Context(),
		`UPDATE rules SET updated_at = '2031-05-04T12:00:00.123456Z' WHERE name <> 'C'`)
	require.NoError(t, err)

	newest, backwards := rulePages(t, db, backstop.ByNewest, nil), rulePages(t, db, backstop.ByNameBackwards, nil)
	require.Equal(t, []string{"_%", "中", "ä", "A", "a 10", "C", "b"}, newest)
	require.Equal(t, []string{"A", "a 10", "b", "C"}, only(rulePages(t, db, backstop.ByName, nil), "A", "a 10", "b", "C"))
	for sort, want := range map[backstop.Sort][]string{
		backstop.ByOldest:       reversed(newest),
		backstop.ByName:         reversed(backwards),
		backstop.ByOldestChange: {"C", "b", "a 10", "A", "ä", "中", "_%"}, // the times are equal, so by id
		backstop.ByNewestChange: {"_%", "中", "ä", "A", "a 10", "b", "C"},
	} {
		require.Equal(t, want, rulePages(t, db, sort, nil), "%q", sort)
	}
}

// A rule that keeps its name is listed once, also if other rules are added and renamed between the pages.
func TestDB_ListRules_sort_concurrent(t *testing.T) {
	t.Parallel()
	for _, sort := range []backstop.Sort{
		backstop.ByNewest, backstop.ByOldest, backstop.ByName, backstop.ByNameBackwards, backstop.ByNewestChange, backstop.ByOldestChange,
	} {
		t.Run("sort "+string(sort), func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t)
			var still []string
			for i := range 12 {
				still = append(still, createRule(t, db, fmt.Sprintf("still %02d", i)).Name)
			}
			moving := createRule(t, db, "moving")
			page := 0
			got := rulePages(t, db, sort, func() {
				page++
				createRule(t, db, fmt.Sprintf("a new one %d", page))
				createRule(t, db, fmt.Sprintf("z new one %d", page))
				moving.Name = fmt.Sprintf("%c renamed", 'a'+25*(page%2))
				var err error
				moving, err = db.ReplaceRule(t.Context(), moving, backstop.AnyVersion)
				require.NoError(t, err)
			})
			require.ElementsMatch(t, still, only(got, still...))
		})
	}
}

// rulePages returns the names of all rules in an order, in pages of 2. between is called after each page.
func rulePages(t *testing.T, db *postgres.DB, sort backstop.Sort, between func()) (names []string) {
	t.Helper()
	page := backstop.Page{Sort: sort, Limit: 2}
	for range 100 {
		rules, more, err := db.ListRules(t.Context(), backstop.RuleFilter{}, page)
		require.NoError(t, err)
		for _, r := range rules {
			names = append(names, r.Name)
			page.After, page.Value = r.ID, valueOf(sort, r.Name, r.UpdatedAt)
		}
		if !more || len(names) > 60 {
			return names
		}
		if between != nil {
			between()
		}
	}
	require.FailNow(t, "the pages do not end")
	return nil
}

// valueOf is the value of an item in the field of a sort.
func valueOf(sort backstop.Sort, name string, updated time.Time) string {
	switch sort {
	case backstop.ByName, backstop.ByNameBackwards:
		return name
	case backstop.ByNewestChange, backstop.ByOldestChange:
		return updated.Format(time.RFC3339Nano)
	default:
		return ""
	}
}

func only(names []string, wanted ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(wanted, name) })
}

func reversed(names []string) []string {
	names = slices.Clone(names)
	slices.Reverse(names)
	return names
}

func TestDB_ListRules_filter(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	create := func(name string, of backstop.RuleType, sender string, countries ...string) backstop.Rule {
		r, err := db.CreateRule(t.Context(), backstop.Rule{
			Name: name, Type: of, WaitSeconds: 60, SendID: sender, Countries: countries,
		})
		require.NoError(t, err)
		return r
	}
	used := create("everywhere", backstop.Unread, "ACME")
	create("gb", backstop.Undelivered, "ACME", "GB", "IE")
	create("fr", backstop.Undelivered, "Other", "FR")
	_, err := db.CreatePolicy(t.Context(), "p", []string{used.ID})
	require.NoError(t, err)

	for name, c := range map[string]struct {
		filter backstop.RuleFilter
		want   []string
	}{
		"all":            {backstop.RuleFilter{}, []string{"fr", "gb", "everywhere"}},
		"type":           {backstop.RuleFilter{Type: backstop.Undelivered}, []string{"fr", "gb"}},
		"sender":         {backstop.RuleFilter{SendID: "ACME"}, []string{"gb", "everywhere"}},
		"sender exactly": {backstop.RuleFilter{SendID: "ACM"}, nil},
		"country":        {backstop.RuleFilter{Country: "IE"}, []string{"gb", "everywhere"}},
		"other country":  {backstop.RuleFilter{Country: "US"}, []string{"everywhere"}},
		"used":           {backstop.RuleFilter{Used: new(true)}, []string{"everywhere"}},
		"unused":         {backstop.RuleFilter{Used: new(false)}, []string{"fr", "gb"}},
		"several":        {backstop.RuleFilter{Search: "R", Country: "FR", SendID: "Other", Used: new(false)}, []string{"fr"}},
	} {
		rules, _, err := db.ListRules(t.Context(), c.filter, backstop.Page{Limit: 10})
		require.NoError(t, err)
		var names []string
		for _, r := range rules {
			names = append(names, r.Name)
		}
		require.Equal(t, c.want, names, name)
		total, err := db.CountRules(t.Context(), c.filter)
		require.NoError(t, err)
		require.Equal(t, backstop.Total{Count: len(c.want), IsExact: true}, total, name)
	}
}

// TestDB_CountRules: a total is exact up to 10,000 items.
func TestDB_CountRules(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	const add = `INSERT INTO rules (id, name, type, wait_seconds, send_id, route, countries, version, created_at, updated_at)
SELECT gen_random_uuid(), 'rule ' || n, 'undelivered', 60, 'ACME', '', '{}', 1, now(), now() FROM generate_series($1::int, $2::int) AS n`
	_, err = postgrestest.Raw(t, url).ExecContext(t.Context(), add, 1, 10_000)
	require.NoError(t, err)
	total, err := db.CountRules(t.Context(), backstop.RuleFilter{})
	require.NoError(t, err)
	require.Equal(t, backstop.Total{Count: 10_000, IsExact: true}, total)
	_, err = postgrestest.Raw(t, url).ExecContext(t.Context(), add, 10_001, 10_001)
	require.NoError(t, err)
	total, err = db.CountRules(t.Context(), backstop.RuleFilter{})
	require.NoError(t, err)
	require.Equal(t, backstop.Total{Count: 10_000}, total)
}
