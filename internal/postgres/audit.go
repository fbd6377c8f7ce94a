package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// Triggers write the entries of the audit about rows; see schema/00030. What changes no row of a thing is written here.
const addAuditEntry = `SELECT audit_write($1, $2, $3, $4, $5, $6, NULL, $7::jsonb)`

// writeEntry adds an entry to the audit, by the actor of the transaction. An id that exists is left as it is.
func (db *DB) writeEntry(ctx context.Context, tx *sqlx.Tx, e backstop.AuditEntry) error {
	var after *string
	if e.After != nil {
		after = new(string(e.After))
	}
	return pool.Execute(ctx, tx, addAuditEntry, e.ID, e.Action, e.Kind, e.Target, pool.Clean(e.Name),
		db.seals.Hide(seals.Number, pool.Clean(e.To)), after)
}

const dropAudit = `SELECT audit_drop($1, $2)`

// RemoveOldAudit removes up to limit entries that are older than an age, and returns how many.
func (db *DB) RemoveOldAudit(ctx context.Context, age time.Duration, limit int) (n int, err error) {
	err = db.pool.GetUnprepared(ctx, &n, dropAudit, pool.Stamp(db.Now().Add(-age)), limit)
	return n, pool.Failed(ctx, "remove old entries of the audit", err)
}

// AddAuditEntry adds an entry about what is done outside of the database, before it is done.
func (db *DB) AddAuditEntry(ctx context.Context, e backstop.AuditEntry) (err error) {
	if e.ID, err = pool.NewIDAt(db.Now()); err != nil {
		return err
	}
	return pool.UntilKnown(ctx, "add entry to audit", func(bool) error {
		return db.pool.InTx(ctx, "add entry to audit", func(tx *sqlx.Tx) error { return db.writeEntry(ctx, tx, e) })
	})
}

type auditRow struct {
	ID        string               `db:"id"`
	At        time.Time            `db:"at"`
	ActorKind backstop.ActorKind   `db:"actor_kind"`
	ActorID   string               `db:"actor_id"`
	ActorName string               `db:"actor_name"`
	ActorFrom string               `db:"actor_from"`
	Action    backstop.AuditAction `db:"action"`
	Kind      backstop.AuditKind   `db:"kind"`
	Target    string               `db:"target"`
	Name      string               `db:"name"`
	Recipient string               `db:"recipient"`
	Before    []byte               `db:"before"`
	After     []byte               `db:"after"`
}

var auditColumns = pool.ColumnsOf[auditRow]()

func (db *DB) entryOf(r auditRow) backstop.AuditEntry {
	return backstop.AuditEntry{
		ID: r.ID, At: pool.Stamp(r.At), Action: r.Action, Kind: r.Kind, Target: r.Target, Name: r.Name,
		To:     db.seals.Show(seals.Number, r.Recipient),
		Actor:  backstop.Actor{Kind: r.ActorKind, ID: r.ActorID, Name: r.ActorName, From: r.ActorFrom},
		Before: db.seals.ShowJSON(r.Before), After: db.seals.ShowJSON(r.After),
	}
}

// ListAudit returns the entries that pass a filter, the newest first, and whether more follow.
func (db *DB) ListAudit(
	ctx context.Context, f backstop.AuditFilter, page backstop.Page,
) (list []backstop.AuditEntry, more bool, err error) {
	w, err := db.auditThat(ctx, f)
	if err != nil {
		return nil, false, err
	}
	if err := w.andBefore(page); err != nil {
		return nil, false, err
	}
	query := listAudit(&w, page.Limit)
	var rows []auditRow
	if err := db.pool.SelectUnprepared(ctx, &rows, query, w.values...); err != nil {
		return nil, false, pool.Failed(ctx, "list audit", err)
	}
	rows, more = cutPage(rows, page.Limit)
	list = make([]backstop.AuditEntry, len(rows))
	for i, row := range rows {
		list[i] = db.entryOf(row)
	}
	return list, more, nil
}

func listAudit(w *where, limit int) string {
	return `SELECT ` + auditColumns.Names() + ` FROM audit WHERE ` + w.String() + `
ORDER BY id DESC LIMIT ` + w.param(limit+1)
}

// CountAudit returns the number of the entries that pass a filter.
func (db *DB) CountAudit(ctx context.Context, f backstop.AuditFilter) (backstop.Total, error) {
	w, err := db.auditThat(ctx, f)
	if err != nil {
		return backstop.Total{}, err
	}
	return db.countUpTo(ctx, "audit", w)
}

// maxAuditNames bounds the names that a search is replaced by. If more names fit, so do many entries, and a scan finds them soon.
const maxAuditNames = 100

// findAuditNames searches the names, each of which it reads once: a search of the entries would read all of them.
const findAuditNames = `WITH RECURSIVE names AS (
    (SELECT name FROM audit WHERE name <> '' ORDER BY name LIMIT 1)
    UNION ALL
    SELECT (SELECT a.name FROM audit AS a WHERE a.name <> '' AND a.name > names.name ORDER BY a.name LIMIT 1)
    FROM names WHERE names.name IS NOT NULL
)
SELECT name FROM names WHERE name ILIKE '%' || $1 || '%' LIMIT $2`

// auditThat returns the condition for the entries that pass a filter.
func (db *DB) auditThat(ctx context.Context, f backstop.AuditFilter) (where, error) {
	f.To = db.seals.Hide(seals.Number, pool.Clean(f.To))
	if f.Search == "" {
		return auditWhere(f, nil), nil
	}
	names := pq.StringArray{}
	err := db.pool.SelectUnprepared(ctx, &names, findAuditNames, escapeLike(pool.Clean(f.Search)), maxAuditNames+1)
	if err != nil {
		return where{}, pool.Failed(ctx, "find names", fmt.Errorf("search: %w", err))
	}
	return auditWhere(f, names), nil
}

func auditWhere(f backstop.AuditFilter, names pq.StringArray) (w where) {
	if !f.From.IsZero() {
		w.and(`id >= ?`, pool.MinID(f.From))
		w.and(`at >= ?`, pool.Stamp(f.From))
	}
	if !f.Until.IsZero() {
		w.and(`id < ?`, pool.MinID(f.Until.Add(time.Millisecond)))
		w.and(`at < ?`, pool.Stamp(f.Until))
	}
	if f.ActorKind != "" {
		w.and(`actor_kind = ?`, string(f.ActorKind))
	}
	if f.Action != "" {
		w.and(`action = ?`, string(f.Action))
	}
	if f.Kind != "" {
		w.and(`kind = ?`, string(f.Kind))
	}
	for _, e := range []equality{{`actor_id`, f.Actor}, {`target`, f.Target}, {`recipient`, f.To}} {
		if e.value != "" {
			w.and(e.expression + ` <> ''`) // the predicate of the index
			w.and(e.expression+` = ?`, pool.Clean(e.value))
		}
	}
	switch {
	case f.Search == "":
	case len(names) > maxAuditNames:
		w.and(`name ILIKE '%' || ? || '%'`, escapeLike(pool.Clean(f.Search)))
	default:
		w.and(`name <> ''`) // the predicate of the index
		w.and(`name = ANY(?)`, names)
	}
	return w
}
