package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

var (
	addOptOuts = `WITH ` + ledgers.AddOptOuts("", "$1") + ` SELECT count(*) FROM opt_out
WHERE recipient = ANY($2)`

	getOptOut = `SELECT ` + ledgers.OptOutColumns.Names() + ` FROM opt_outs WHERE recipient = $1 AND category = $2`

	// removeOptOuts removes entries that are not newer than a time. The times of providers may have whole seconds.
	removeOptOuts = `WITH u AS (SELECT ` + removalColumns.Names() + ` FROM ` + removalColumns.Recordset("$1") + `), gone AS (
    DELETE FROM opt_outs AS o USING u
    WHERE o.recipient = u.recipient AND o.category = u.category
        AND date_trunc('second', o.since) <= date_trunc('second', u.at)
    RETURNING o.recipient, o.category
), opt_out_change AS (
    INSERT INTO opt_out_changes (is_out, ` + removalColumns.Names() + `)
    SELECT false, ` + removalColumns.NamesIn("u") + ` FROM u JOIN gone USING (recipient, category)
)
SELECT count(*) FROM gone`
)

// removalRow is the end of an opt-out. It is written as JSON.
type removalRow struct {
	ID       string                  `json:"id"        type:"uuid"`
	To       string                  `json:"recipient" type:"text"`
	Category backstop.OptOutCategory `json:"category"  type:"text"`
	At       time.Time               `json:"at"        type:"timestamptz"`
	StoredAt time.Time               `json:"stored_at" type:"timestamptz"`

	ledgers.OptOutOrigin //nolint:embeddedstructfieldcheck // its columns come last
}

var removalColumns = pool.ColumnsOf[removalRow]()

// counted is how a statement runs that returns a number: Pool.Change, or GetContext of a transaction.
type counted func(ctx context.Context, dest any, statement string, args ...any) error

// PutOptOut stores an entry of the list, and returns it. An entry that exists stays as it is, with its source and its time.
func (db *DB) PutOptOut(ctx context.Context, o backstop.OptOut) (stored backstop.OptOut, err error) {
	err = pool.UntilKnown(ctx, "put opt-out", func(bool) error {
		if _, err := db.addEntries(ctx, db.pool.Change, db.Now(), []backstop.OptOut{o}); err != nil {
			return err
		}
		var row optOutRow
		err := db.pool.Get(ctx, &row, getOptOut, db.seals.Hide(seals.Number, o.To), o.Category)
		if errors.Is(err, sql.ErrNoRows) {
			return pool.ErrMoved // it was removed meanwhile
		}
		stored = db.optOutOf(row)
		return err
	})
	return stored, err
}

// addEntries stores entries, also of the other numbers of their phones, and returns how many of the given ones are new. Those
// that exist stay as they are.
func (db *DB) addEntries(ctx context.Context, run counted, now time.Time, entries []backstop.OptOut) (added int, err error) {
	rows := make([]ledgers.NewOptOut, 0, len(entries))
	numbers := make(pq.StringArray, len(entries))
	for i, o := range entries {
		all, err := db.NewOptOuts(o, now)
		if err != nil {
			return 0, err
		}
		rows, numbers[i] = append(rows, all...), db.seals.Hide(seals.Number, o.To)
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return 0, err
	}
	if err := run(ctx, &added, addOptOuts, written, numbers); err != nil {
		return 0, fmt.Errorf("add opt-outs: %w", err)
	}
	return added, nil
}

// DeleteOptOut removes an entry of the list, if there is one, and adds a line to the history.
func (db *DB) DeleteOptOut(
	ctx context.Context, number string, category backstop.OptOutCategory, origin backstop.OptOutOrigin,
) error {
	return pool.UntilKnown(ctx, "delete opt-out", func(bool) error {
		return db.removeEntries(ctx, db.pool.Change, db.Now(), backstop.OptOutChange{
			To: number, At: db.Now(), OptOutOrigin: origin,
		}, category)
	})
}

// removeEntries removes the entries of a phone in some categories that are not newer than the change.
func (db *DB) removeEntries(
	ctx context.Context, run counted, now time.Time, change backstop.OptOutChange, categories ...backstop.OptOutCategory,
) error {
	var rows []removalRow
	for _, number := range db.NumbersOf(change.To) {
		for _, category := range categories {
			id, err := pool.NewIDAt(now)
			if err != nil {
				return err
			}
			rows = append(rows, removalRow{
				ID: id, To: number, Category: category, At: pool.Stamp(change.At), StoredAt: pool.Stamp(now),
				OptOutOrigin: db.OptOutOriginOf(change.OptOutOrigin),
			})
		}
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return err
	}
	var removed int
	if err := run(ctx, &removed, removeOptOuts, written); err != nil {
		return fmt.Errorf("remove opt-outs: %w", err)
	}
	return nil
}

// importBatch is how many entries one statement stores.
const importBatch = 2000

// ImportOptOuts stores entries, all of them or none, and returns how many are new.
func (db *DB) ImportOptOuts(ctx context.Context, entries []backstop.OptOut) (added int, err error) {
	now := db.Now()
	err = db.pool.InTx(ctx, "import opt-outs", func(tx *sqlx.Tx) error {
		added = 0
		for rest := entries; len(rest) > 0; {
			n, err := db.addEntries(ctx, tx.GetContext, now, rest[:min(importBatch, len(rest))])
			if err != nil {
				return err
			}
			added, rest = added+n, rest[min(importBatch, len(rest)):]
		}
		return nil
	})
	return added, err
}

// IsOptedOut reports whether the person of a number has opted out of messages of a category.
func (db *DB) IsOptedOut(ctx context.Context, number string, category backstop.Category) (bool, error) {
	list, err := db.optedOutOf(ctx, backstop.Send{To: number, Category: category})
	return len(list) > 0, pool.Failed(ctx, "find opt-outs", err)
}

type optOutRow ledgers.OptOutRow

func (db *DB) optOutOf(r optOutRow) backstop.OptOut {
	return backstop.OptOut{
		ID: r.ID, To: db.seals.Show(seals.Number, r.To), Category: r.Category, Since: pool.Stamp(r.Since),
		StoredAt: pool.Stamp(r.StoredAt), OptOutOrigin: db.OriginOf(r.OptOutOrigin),
	}
}

// ListOptOuts returns the entries that pass the filter, the newest first, and whether more follow.
func (db *DB) ListOptOuts(
	ctx context.Context, filter backstop.OptOutFilter, page backstop.Page,
) (list []backstop.OptOut, more bool, err error) {
	w, err := db.findOptOuts(filter)
	if err != nil {
		return nil, false, err
	}
	if err := w.andBefore(page); err != nil {
		return nil, false, err
	}
	query := listOptOuts(&w, page.Limit)
	var rows []optOutRow
	if err := db.pool.SelectUnprepared(ctx, &rows, query, w.values...); err != nil {
		return nil, false, pool.Failed(ctx, "list opt-outs", err)
	}
	rows, more = cutPage(rows, page.Limit)
	list = make([]backstop.OptOut, len(rows))
	for i, row := range rows {
		list[i] = db.optOutOf(row)
	}
	return list, more, nil
}

func listOptOuts(w *where, limit int) string {
	return `SELECT ` + ledgers.OptOutColumns.Names() + ` FROM opt_outs WHERE ` + w.String() + `
ORDER BY id DESC LIMIT ` + w.param(limit+1)
}

// andBefore adds that the rows are older than the last one of the page before.
func (w *where) andBefore(page backstop.Page) error {
	after, err := idAfter(page)
	if err == nil && after != "" {
		w.and(`id < ?`, after)
	}
	return err
}

// CountOptOuts returns the number of the entries that pass the filter.
func (db *DB) CountOptOuts(ctx context.Context, filter backstop.OptOutFilter) (backstop.Total, error) {
	w, err := db.findOptOuts(filter)
	if err != nil {
		return backstop.Total{}, err
	}
	return db.countUpTo(ctx, "opt_outs", w)
}

// findOptOuts is optOutsThat for a filter that a caller has chosen.
func (db *DB) findOptOuts(f backstop.OptOutFilter) (where, error) {
	if err := db.refuseEnds("to_ends", f.ToEnds); err != nil {
		return where{}, err
	}
	f.To = db.seals.Hide(seals.Number, f.To)
	return optOutsThat(f), nil
}

func optOutsThat(f backstop.OptOutFilter) (w where) {
	if f.To != "" {
		w.and(`recipient = ?`, f.To)
	}
	if f.ToEnds != "" {
		w.and(`reverse(recipient) LIKE reverse(?) || '%'`, escapeLike(f.ToEnds))
	}
	if f.Category != "" {
		w.and(`category = ?`, string(f.Category))
	}
	if f.Source != "" {
		w.and(`source = ?`, string(f.Source))
	}
	return w
}

// OptOutChanges returns the history of a person, the newest change first, and whether more follow.
func (db *DB) OptOutChanges(
	ctx context.Context, number string, page backstop.Page,
) (list []backstop.OptOutChange, more bool, err error) {
	var w where
	w.and(`recipient = ?`, db.seals.Hide(seals.Number, number))
	if err := w.andBefore(page); err != nil {
		return nil, false, err
	}
	query := `SELECT is_out, id, recipient, category, at AS since, stored_at, ` + ledgers.OptOutOrigins.Names() + `
FROM opt_out_changes WHERE ` + w.String() + ` ORDER BY id DESC LIMIT ` + w.param(page.Limit+1)
	var rows []struct {
		optOutRow

		IsOut bool `db:"is_out"`
	}
	if err := db.pool.SelectUnprepared(ctx, &rows, query, w.values...); err != nil {
		return nil, false, pool.Failed(ctx, "list opt-out changes", err)
	}
	rows, more = cutPage(rows, page.Limit)
	list = make([]backstop.OptOutChange, len(rows))
	for i, row := range rows {
		o := db.optOutOf(row.optOutRow)
		list[i] = backstop.OptOutChange{
			ID: o.ID, To: o.To, Category: o.Category, IsOut: row.IsOut, At: o.Since, OptOutOrigin: o.OptOutOrigin,
			StoredAt: o.StoredAt,
		}
	}
	return list, more, nil
}
