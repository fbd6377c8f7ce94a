package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// Abandon ends a send that no workflow will finish, with an event that holds the reason. A send that has ended, or that only
// waits for the receipt of its SMS, does not change. If no call was begun, the WhatsApp message counts as failed. An unknown
// send is an Error of code NotFound.
func (db *DB) Abandon(ctx context.Context, send, reason string) error {
	err := db.Store.Abandon(ctx, send, reason)
	if isUnreadable(err) {
		return db.abandonUnreadable(ctx, send, reason)
	}
	return err
}

func isUnreadable(err error) bool {
	_, shape := errors.AsType[*json.UnmarshalTypeError](err)
	_, syntax := errors.AsType[*json.SyntaxError](err)
	return shape || syntax
}

const failUnreadable = `WITH s AS (
    UPDATE sends SET revision = revision + 2, whatsapp_status = 'failed', outcome = 'failed', finished_at = $2, changed_at = $2
    WHERE id = $1 AND NOT handed_over AND finished_at IS NULL
    RETURNING id, revision
)
INSERT INTO events (send, seq, at, kind, channel, status, rule, code, detail)
SELECT s.id, s.revision - 1, $2, 'gave_up', '', ''::status, '', '', $3 FROM s
UNION ALL
SELECT s.id, s.revision, $2, 'finished', '', ''::status, '', '', $4 FROM s`

// abandonUnreadable ends a send whose plan or template cannot be decoded. It fails if the send was handed over, because a call
// may have been made then.
func (db *DB) abandonUnreadable(ctx context.Context, send, reason string) error {
	rows, err := db.pool.Exec(ctx, failUnreadable, send, db.Now(), db.seals.Hide(seals.Words, reason),
		db.seals.Hide(seals.Words, string(backstop.OutcomeFailed)))
	if err == nil && rows == 0 {
		err = fmt.Errorf("send %s was handed over and cannot be read", send)
	}
	return pool.Failed(ctx, "abandon send", err)
}
