package postgres

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

const listEvents = `SELECT at, kind, channel, status, rule, code, detail FROM events WHERE send = $1 ORDER BY seq`

type eventRow struct {
	At      time.Time          `db:"at"`
	Kind    backstop.EventKind `db:"kind"`
	Channel backstop.Channel   `db:"channel"`
	Status  backstop.Status    `db:"status"`
	Rule    string             `db:"rule"`
	Code    string             `db:"code"`
	Detail  string             `db:"detail"`
}

func (r eventRow) event(send string) backstop.Event {
	return backstop.Event{
		Send: send, At: pool.Stamp(r.At), Kind: r.Kind, Channel: r.Channel, Status: r.Status, Rule: r.Rule, Code: r.Code,
		Detail: r.Detail,
	}
}

// Timeline returns the attempts of a send by step, and its events in the order in which they were stored. An unknown send is an
// Error of code NotFound.
func (db *DB) Timeline(ctx context.Context, id string) ([]backstop.Attempt, []backstop.Event, error) {
	l, err := db.Ledger(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	var rows []eventRow
	if err := db.pool.SelectAll(ctx, &rows, listEvents, l.Send.ID); err != nil {
		return nil, nil, pool.Failed(ctx, "list events", err)
	}
	events := make([]backstop.Event, len(rows))
	for i, row := range rows {
		events[i] = row.event(l.Send.ID)
	}
	return l.Attempts, events, nil
}

const sendRevision = `SELECT revision FROM sends WHERE id = $1`

// Revision returns the number of a send's newest change. If the number differs from an earlier one, the send, its attempts or
// its events have changed. An unknown send is an Error of code NotFound.
func (db *DB) Revision(ctx context.Context, id string) (int, error) {
	id, ok := pool.ParseID(id)
	if !ok {
		return 0, pool.NotFound("send")
	}
	var revision int
	err := db.pool.Get(ctx, &revision, sendRevision, id)
	return revision, pool.Failed(ctx, "read revision", pool.OrNotFound(err, "send"))
}
