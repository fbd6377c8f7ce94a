package postgres_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// exported returns the export of the person as the values of each column of each table, as text.
func (r erasureRig) exported() map[string]map[string]string {
	r.t.Helper()
	columns := map[string]map[string]string{}
	for part, err := range r.ExportPerson(r.t.Context(), thePerson) {
		require.NoError(r.t, err)
		for _, row := range part.Rows {
			addColumns(r.t, columns, part.Table, row)
		}
	}
	return columns
}

// addColumns adds the columns of a row. A part of a send is an array that has the name of its table.
func addColumns(t *testing.T, columns map[string]map[string]string, table string, row json.RawMessage) {
	t.Helper()
	var cells map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(row, &cells))
	if columns[table] == nil {
		columns[table] = map[string]string{}
	}
	for column, cell := range cells {
		switch column {
		case "attempts", "receipts", "events", "callbacks", "callback_tries":
			var rows []json.RawMessage
			require.NoError(t, json.Unmarshal(cell, &rows))
			for _, row := range rows {
				addColumns(t, columns, column, row)
			}
		default:
			columns[table][column] += string(cell)
		}
	}
}

// markedColumns returns the columns that have a mark, with it, as "table.column": "mark".
func (r erasureRig) markedColumns() map[string]string {
	r.t.Helper()
	found := map[string]string{}
	rows, err := r.raw.QueryContext(r.t.Context(), `SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = current_schema() AND (data_type IN ('text', 'json', 'jsonb', 'bytea', 'ARRAY') OR domain_name IS NOT NULL)`)
	require.NoError(r.t, err)
	defer rows.Close()
	var all [][2]string
	for rows.Next() {
		var c [2]string
		require.NoError(r.t, rows.Scan(&c[0], &c[1]))
		all = append(all, c)
	}
	require.NoError(r.t, rows.Err())
	for _, c := range all {
		for _, mark := range marks() {
			var n int
			query := fmt.Sprintf(`SELECT count(*) FROM %q WHERE position($1 in %q::text) > 0`, c[0], c[1])
			require.NoError(r.t, r.raw.QueryRowContext(r.t.Context(), query, mark).Scan(&n))
			if n > 0 {
				found[c[0]+"."+c[1]] = mark
			}
		}
	}
	return found
}

// The export has every column of every table in which something of the person is, and what an erasure removes.
func TestDB_ExportPerson(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	e := r.create(false)
	marked := r.markedColumns()
	if !postgrestest.SealsNumbers() {
		require.Greater(t, len(marked), 20, "the test has proven little")
	}
	exported := r.exported()
	for name, mark := range marked {
		table, column, _ := strings.Cut(name, ".")
		require.Contains(t, exported[table][column], mark, name)
	}
	require.Contains(t, exported["erasures"]["id"], e.ID)

	finish(t, r.DB, r.sends["sms under way"])
	e = r.erase(e.ID)
	require.NotNil(t, e.FinishedAt)
	for table := range e.Changed {
		if table != "guard_texts" { // digests that name the send, for an hour
			require.Contains(t, exported, table)
		}
	}
	require.Empty(t, r.exported(), "nothing is left")
}

// A person with more sends than a page has each of them once, in the order of time. No secret and nobody else is in the export.
func TestDB_ExportPerson_pages(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	r.exec(`DELETE FROM opt_outs`) // the person is sent more
	for range 450 {
		send := newSend(t)
		send.To = thePerson
		_, _, err := r.InsertSend(t.Context(), send, nil)
		require.NoError(t, err)
	}
	other := newSend(t)
	_, _, err := r.InsertSend(t.Context(), other, nil)
	require.NoError(t, err)
	var ids, tables []string
	for part, err := range r.ExportPerson(t.Context(), thePerson) {
		require.NoError(t, err)
		require.LessOrEqual(t, len(part.Rows), 200)
		tables = append(tables, part.Table)
		for _, row := range part.Rows {
			require.NotContains(t, string(row), other.To)
			require.NotContains(t, string(row), `"token"`)
			if part.Table == "sends" {
				var send struct {
					ID string `json:"id"`
				}
				require.NoError(t, json.Unmarshal(row, &send))
				ids = append(ids, send.ID)
			}
		}
	}
	require.IsIncreasing(t, ids)
	require.Len(t, ids, 456)
	require.Equal(t, []string{
		"sends", "sends", "sends", "inbound", "opt_outs", "opt_out_changes", "guard_counts", "audit", "erasures",
	}, tables)
}

func TestDB_PersonalData(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	person, err := r.PersonalData(t.Context(), thePerson)
	require.NoError(t, err)
	require.Equal(t, backstop.PersonalData{
		Sends: 6, OpenSends: 5, Inbound: 1, OptOuts: person.OptOuts, OptOutChanges: person.OptOutChanges,
		AuditEntries: person.AuditEntries,
	}, person)
	require.Positive(t, person.OptOuts)
	require.Positive(t, person.OptOutChanges)
	require.Positive(t, person.AuditEntries)
	none, err := r.PersonalData(t.Context(), "+447400000001")
	require.NoError(t, err)
	require.Equal(t, backstop.PersonalData{}, none)

	e := r.create(true)
	person, err = r.PersonalData(t.Context(), thePerson)
	require.NoError(t, err)
	require.Equal(t, e.ID, person.Erasure.ID)
}

func TestDB_ListErasures(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	var created []string
	for _, number := range []string{"+447400000001", "+447400000002", "+447400000003"} {
		e, err := r.CreateErasure(t.Context(), number, true)
		require.NoError(t, err)
		created = append([]string{e.ID}, created...)
	}
	var seen []string
	page := backstop.Page{Limit: 2}
	for more := true; more; {
		var list []backstop.Erasure
		var err error
		list, more, err = r.ListErasures(t.Context(), page)
		require.NoError(t, err)
		for _, e := range list {
			seen = append(seen, e.ID)
		}
		page.After = list[len(list)-1].ID
	}
	require.Equal(t, created, seen)
	_, _, err := r.ListErasures(t.Context(), backstop.Page{Limit: 2, After: "x"})
	require.Equal(t, backstop.Invalid, backstop.CodeOf(err))
}
