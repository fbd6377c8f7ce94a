package postgres

import (
	"context"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// Timeline returns the attempts of a send by step, and its events in the order in which they were stored. An unknown send is an
// Error of code NotFound.
func (db *DB) Timeline(ctx context.Context, id string) ([]backstop.Attempt, []backstop.Event, error) {
	l, err := db.Ledger(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	events, err := db.Events(ctx, l.Send.ID)
	return l.Attempts, events, err
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
