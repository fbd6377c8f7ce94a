package postgres

import (
	"context"
	"fmt"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// findStop returns the query for an opt-out that forbids a new send. Its parameters follow those of the send.
func findStop() string {
	return `SELECT FROM opt_outs AS o WHERE o.recipient = ` + pool.Param(len(insertColumns)+1) + `
        AND o.category = ANY(` + pool.Param(len(insertColumns)+2) + `)`
}

// insertSkipped stores a send that has ended. No process hands it over.
var insertSkipped = insertion{`WITH s AS (
    INSERT INTO sends (` + insertColumns.Names() + `, revision, handed_over)
    VALUES (` + insertColumns.Params() + `, ` + pool.Param(len(insertColumns)+1) + `, true)
    ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id
)`, `
INSERT INTO events (send, ` + ledgers.EventColumns.Names() + `)
SELECT s.id, ` + ledgers.EventColumns.NamesIn("u") + ` FROM s, ` +
	ledgers.EventColumns.Recordset(pool.Param(len(insertColumns)+2))}

// insertOptedOut stores a send whose recipient has opted out, as a send that has ended, if its caller wants that. Otherwise it
// returns ErrOptedOut.
func (db *DB) insertOptedOut(
	ctx context.Context, insert insertRow, send backstop.Send,
) (stored backstop.Send, created bool, err error) {
	l := backstop.NewLedger(send)
	if l.OptedOutOf, err = db.optedOutOf(ctx, send); err != nil {
		return backstop.Send{}, false, err
	}
	switch {
	case len(l.OptedOutOf) == 0:
		return backstop.Send{}, false, pool.ErrMoved // the opt-out has ended meanwhile
	case !send.SkipsOptedOut():
		db.observer.SendRefused()
		return backstop.Send{}, false, backstop.ErrOptedOut()
	}
	l.Skip(send.AcceptedAt)
	row, err := ledgers.RowOf(l.Send)
	if err != nil {
		return backstop.Send{}, false, err
	}
	if insert.Row, err = db.Seal(row); err != nil {
		return backstop.Send{}, false, err
	}
	written, err := db.WriteEvents(send.ID, send.AcceptedAt, l.Events)
	if err != nil {
		return backstop.Send{}, false, err
	}
	accepted := backstop.Event{Kind: backstop.EventAccepted, At: send.AcceptedAt}
	queued, err := ledgers.CallbacksOf(send.Callback, append([]backstop.Event{accepted}, l.Events...), 0)
	if err != nil {
		return backstop.Send{}, false, err
	}
	statement, args := insertSkipped.statement(append(insertColumns.Values(insert), l.NextRevision(), written), queued)
	rows, err := db.pool.Exec(ctx, statement, args...)
	switch {
	case pool.IsTaken(err, "sends_pkey"): // a statement whose answer was lost has stored it meanwhile
		return backstop.Send{}, false, pool.ErrMoved
	case err != nil:
		return backstop.Send{}, false, fmt.Errorf("insert skipped send: %w", err)
	case rows == 0:
		return backstop.Send{}, false, pool.ErrMoved // another request has used the key meanwhile
	}
	db.wakeCallbacks(send.ID, queued)
	stored, err = row.Send()
	return stored, true, err
}

const listStopping = `SELECT category FROM opt_outs WHERE recipient = $1 AND category = ANY($2)`

// optedOutOf returns the opt-outs that stop a send.
func (db *DB) optedOutOf(ctx context.Context, send backstop.Send) ([]backstop.OptOutCategory, error) {
	var list []backstop.OptOutCategory
	number := db.seals.Hide(seals.Number, send.To)
	if err := db.pool.SelectAll(ctx, &list, listStopping, number, ledgers.Stopping(send.Category)); err != nil {
		return nil, fmt.Errorf("list opt-outs: %w", err)
	}
	return list, nil
}
