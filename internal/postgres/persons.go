package postgres

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// personPage is how many rows one statement reads. A send comes with its attempts, receipts, events and callbacks.
const personPage = 200

// personTable is a table that is searched for a phone number.
type personTable struct {
	name string
	row  string // an expression: the row as a JSON object, without what only the program needs
	of   string // the condition; $1 is the numbers of the person's phone
	id   string // the order of the rows, a uuid
}

// ofNumbers is the condition of the sends to the numbers in $1, which has their index.
const ofNumbers = `reverse(recipient) IN (SELECT reverse(number) FROM unnest($1::text[]) AS number)`

// personTables returns the tables that have phone numbers. All other tables with rows about a person are parts of a send. The
// erasure changes the same tables.
func personTables() []personTable {
	const number = `recipient = ANY($1)`
	return []personTable{
		{"sends", personSend, ofNumbers, `id`},
		{"inbound", `to_jsonb(t)`, `sender = ANY($1)`, `id`},
		{"opt_outs", `to_jsonb(t)`, number, `id`},
		{"opt_out_changes", `to_jsonb(t)`, number, `id`},
		{"guard_counts", `to_jsonb(t)`, `guard = 'recipient_cap' AND key = ANY($1)`, `md5(key || slot)::uuid`},
		{"audit", `to_jsonb(t) - '{actor_id,actor_name,actor_from}'::text[]`, `recipient <> '' AND ` + number, `id`},
		{"erasures", `to_jsonb(t)`, number, `id`},
	}
}

// personSend is a send with all its parts.
const personSend = `to_jsonb(t) - '{handed_over,sweep_at,refusals,check_at,restarts,plan_digest,revision}'::text[]
|| jsonb_build_object(
    'attempts', (
        SELECT coalesce(jsonb_agg(to_jsonb(a) - '{send,token,reported}'::text[] ORDER BY a.step), '[]')
        FROM attempts AS a WHERE a.send = t.id
    ),
    'receipts', (
        SELECT coalesce(jsonb_agg(to_jsonb(r) - '{send,needs_signal,sweep_at,refusals}'::text[] ORDER BY r.received_at), '[]')
        FROM receipts AS r WHERE r.send = t.id
    ),
    'events', (
        SELECT coalesce(jsonb_agg(to_jsonb(e) - 'send' ORDER BY e.seq), '[]') FROM events AS e WHERE e.send = t.id
    ),
    'callbacks', (
        SELECT coalesce(jsonb_agg(to_jsonb(c) - 'send' || jsonb_build_object('callback_tries', (
            SELECT coalesce(jsonb_agg(to_jsonb(y) - 'callback' ORDER BY y.number), '[]')
            FROM callback_tries AS y WHERE y.callback = c.id
        )) ORDER BY c.seq), '[]')
        FROM callbacks AS c WHERE c.send = t.id
    )
)`

// ExportPerson returns all rows about the person of a number, page by page: each table at least once, also if it has no rows.
// What is stored or changed meanwhile may be among them or not.
func (db *DB) ExportPerson(ctx context.Context, number string) iter.Seq2[backstop.PersonPart, error] {
	return func(yield func(backstop.PersonPart, error) bool) {
		for _, table := range personTables() {
			for after, more := noPolicy, true; more; {
				part := backstop.PersonPart{Table: table.name}
				var err error
				after, err = db.exportPage(ctx, table, number, after, &part.Rows)
				if !yield(part, err) || err != nil {
					return
				}
				more = len(part.Rows) == personPage
			}
		}
	}
}

// exportPage reads the rows after one, and returns the id of the last.
func (db *DB) exportPage(ctx context.Context, t personTable, number, after string, rows *[]json.RawMessage) (string, error) {
	var found []struct {
		ID  string `db:"id"`
		Row string `db:"row"`
	}
	query := `SELECT ` + t.id + ` AS id, ` + t.row + ` AS row FROM ` + t.name + ` AS t
WHERE ` + t.of + ` AND ` + t.id + ` > $2 ORDER BY ` + t.id + ` LIMIT $3`
	if err := db.pool.SelectUnprepared(ctx, &found, query, db.NumbersOf(number), after, personPage); err != nil {
		return "", pool.Failed(ctx, "export "+t.name, err)
	}
	for _, f := range found {
		row, err := db.openExported(t.name, f.ID, db.seals.ShowJSON([]byte(f.Row)))
		if err != nil {
			return "", err
		}
		*rows = append(*rows, row)
		after = f.ID
	}
	return after, nil
}

const countPerson = `SELECT s.sends, s.open_sends,
    (SELECT count(*) FROM inbound WHERE sender = ANY($1)) AS inbound,
    (SELECT count(*) FROM opt_outs WHERE recipient = ANY($1)) AS opt_outs,
    (SELECT count(*) FROM opt_out_changes WHERE recipient = ANY($1)) AS opt_out_changes,
    (SELECT count(*) FROM audit WHERE recipient <> '' AND recipient = ANY($1)) AS audit_entries
FROM (SELECT count(*) AS sends, count(*) FILTER (WHERE finished_at IS NULL) AS open_sends
    FROM sends WHERE ` + ofNumbers + `) AS s`

var runningErasure = `SELECT ` + erasureColumns.Names() + ` FROM erasures WHERE recipient = ANY($1)`

// PersonalData counts what is stored about the person of a number.
func (db *DB) PersonalData(ctx context.Context, number string) (backstop.PersonalData, error) {
	var row struct {
		Sends         int `db:"sends"`
		OpenSends     int `db:"open_sends"`
		Inbound       int `db:"inbound"`
		OptOuts       int `db:"opt_outs"`
		OptOutChanges int `db:"opt_out_changes"`
		AuditEntries  int `db:"audit_entries"`
	}
	if err := db.pool.GetUnprepared(ctx, &row, countPerson, db.NumbersOf(number)); err != nil {
		return backstop.PersonalData{}, pool.Failed(ctx, "count rows of person", err)
	}
	person := backstop.PersonalData{
		Sends: row.Sends, OpenSends: row.OpenSends, Inbound: row.Inbound, OptOuts: row.OptOuts,
		OptOutChanges: row.OptOutChanges, AuditEntries: row.AuditEntries,
	}
	var running []erasureRow
	if err := db.pool.SelectUnprepared(ctx, &running, runningErasure, db.NumbersOf(number)); err != nil {
		return backstop.PersonalData{}, pool.Failed(ctx, "find erasure", err)
	}
	for _, r := range running {
		e, err := db.erasureOf(r)
		if err != nil {
			return backstop.PersonalData{}, err
		}
		person.Erasure = &e
	}
	return person, nil
}

var listErasures = `SELECT ` + erasureColumns.Names() + ` FROM erasures WHERE ($1 = '' OR id < nullif($1, '')::uuid)
ORDER BY id DESC LIMIT $2`

// ListErasures returns the erasures, the newest first, and whether more follow.
func (db *DB) ListErasures(ctx context.Context, page backstop.Page) (list []backstop.Erasure, more bool, err error) {
	after, err := idAfter(page)
	if err != nil {
		return nil, false, err
	}
	var rows []erasureRow
	if err := db.pool.SelectUnprepared(ctx, &rows, listErasures, after, page.Limit+1); err != nil {
		return nil, false, pool.Failed(ctx, "list erasures", err)
	}
	rows, more = cutPage(rows, page.Limit)
	for _, row := range rows {
		e, err := db.erasureOf(row)
		if err != nil {
			return nil, false, err
		}
		list = append(list, e)
	}
	return list, more, nil
}
