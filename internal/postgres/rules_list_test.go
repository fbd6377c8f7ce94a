package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// TestDB_ListRules_sort: each order has each rule once, page by page, also with names that differ in capitals and with equal times.
func TestDB_ListRules_sort(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
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
	_, err := db.CreatePolicy(t.Context(), policyOf("p", used.ID))
	require.NoError(t, err)
	_, err = db.CreateRule(t.Context(), backstop.Rule{
		Name: "routed", Type: backstop.SendFailed, SendID: "4711", Countries: []string{"JP"},
		Routes: []backstop.Route{{Account: "first"}, {Account: "second", SendID: "4712"}},
	})
	require.NoError(t, err)

	for name, c := range map[string]struct {
		filter backstop.RuleFilter
		want   []string
	}{
		"all":            {backstop.RuleFilter{}, []string{"routed", "fr", "gb", "everywhere"}},
		"type":           {backstop.RuleFilter{Type: backstop.Undelivered}, []string{"fr", "gb"}},
		"sender":         {backstop.RuleFilter{SendID: "ACME"}, []string{"gb", "everywhere"}},
		"sender exactly": {backstop.RuleFilter{SendID: "ACM"}, nil},
		"country":        {backstop.RuleFilter{Country: "IE"}, []string{"gb", "everywhere"}},
		"other country":  {backstop.RuleFilter{Country: "US"}, []string{"everywhere"}},
		"used":           {backstop.RuleFilter{Used: new(true)}, []string{"everywhere"}},
		"unused":         {backstop.RuleFilter{Used: new(false)}, []string{"routed", "fr", "gb"}},
		"account":        {backstop.RuleFilter{Account: "second"}, []string{"routed"}},
		"other account":  {backstop.RuleFilter{Account: "sec"}, nil},
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
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	const add = `INSERT INTO rules (id, name, type, wait_seconds, send_id, countries, version, created_at, updated_at)
SELECT gen_random_uuid(), 'rule ' || n, 'undelivered', 60, 'ACME', '{}', 1, now(), now() FROM generate_series($1::int, $2::int) AS n`
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
