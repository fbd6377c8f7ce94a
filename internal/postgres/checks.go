package postgres

import (
	"context"
	"time"

	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

const claimChecks = `UPDATE sends SET check_at = $2 WHERE id = ANY(ARRAY(
    SELECT id FROM sends
    WHERE handed_over AND finished_at IS NULL AND receipt_by IS NULL AND check_at <= $1
    ORDER BY check_at LIMIT $3 FOR UPDATE SKIP LOCKED
)) RETURNING ` + claimedColumns + `, restarts AS tries`

// ClaimChecks claims the sends that are due for a check, as ClaimSends does. The sends are handed over and have not ended. It
// skips sends that only wait for the receipt of their SMS, because they have no workflow.
func (db *DB) ClaimChecks(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]handoff.SendClaim, error) {
	return db.claim(ctx, "claim checks", claimChecks, at, lease, limit)
}

const deferChecks = `UPDATE sends SET check_at = u.until, restarts = restarts + u.failed::int
FROM json_to_recordset($1) AS u (id uuid, until timestamptz, failed boolean)
WHERE sends.id = u.id AND finished_at IS NULL`

// DeferChecks sets when claimed sends are checked again.
func (db *DB) DeferChecks(ctx context.Context, deferrals []handoff.Deferral) error {
	return db.deferRows(ctx, "defer checks", deferChecks, deferrals)
}

const checkNow = `UPDATE sends SET check_at = $2 WHERE id = $1 AND check_at > $2 AND restarts = 0 AND finished_at IS NULL`

// CheckNow makes the check of a send due now, unless its workflow was restarted before: the restarted workflow needs time.
func (db *DB) CheckNow(ctx context.Context, send string) error {
	_, err := db.pool.Exec(ctx, checkNow, send, pool.Stamp(db.pool.Now()))
	return pool.Failed(ctx, "check send", err)
}
