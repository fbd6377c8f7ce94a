package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// uniqueCorrelation is the index that decides which of two sends gets a CorrelationID for itself.
const uniqueCorrelation = "sends_correlation_unique"

const getCorrelated = `SELECT id FROM sends WHERE correlation_id = $1 AND correlation_unique`

// correlated returns the result of a send whose CorrelationID was taken. A request that was repeated at the same moment, with its
// key, gets the send of the first request, and so does a send that was stored before its answer was lost.
func (db *DB) correlated(
	ctx context.Context, send backstop.Send, key *handoff.Idempotency,
) (stored backstop.Send, created bool, err error) {
	if key != nil {
		stored, found, err := db.SendByKey(ctx, *key)
		if err != nil || found {
			return stored, stored.ID == send.ID, err
		}
	}
	var earlier string
	err = db.pool.Get(ctx, &earlier, getCorrelated, send.CorrelationID)
	switch {
	case err == nil && earlier == send.ID:
		return send, true, nil
	case err != nil && !errors.Is(err, sql.ErrNoRows): // it may have been deleted meanwhile
		return backstop.Send{}, false, pool.Failed(ctx, "get the send of a correlation_id", err)
	}
	return backstop.Send{}, false, backstop.CorrelationTaken(earlier)
}
