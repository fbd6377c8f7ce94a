package postgres

import (
	"context"
	"time"

	"github.com/backstophq/backstop/internal/handoff"
)

// The rate of scheduled sends is exact over all processes, because one row has it (generic cell rate algorithm). free_at is when
// the sends that were started before have taken up their time at the rate. A pause saves up the sends of one second at most. The
// row is locked for one short statement, and only if a send is due.
//
// If free_at is far ahead, the database's clock was set back. Then free_at begins anew.
const (
	paceFrom = `CASE WHEN free_at > $1::timestamptz + interval '1 minute' THEN $1::timestamptz - interval '1 second'
        ELSE greatest(free_at, $1::timestamptz - interval '1 second') END`
	paceGranted = `greatest(0, least((SELECT n FROM due),
        floor(extract(epoch FROM $1::timestamptz - ` + paceFrom + `) * $4::int)))::int`

	isDueScheduled = `send_at <= $1::timestamptz AND started_at IS NULL AND finished_at IS NULL`

	// claimScheduled adds 1 to the revision, so no process changes a send as it was before. It skips ended sends.
	claimScheduled = `WITH due AS (
    SELECT count(*) AS n FROM (SELECT FROM sends WHERE ` + isDueScheduled + ` LIMIT $3) AS d
), pace AS (
    UPDATE scheduled_pace
    SET granted = ` + paceGranted + `, free_at = ` + paceFrom + ` + interval '1 second' * ` + paceGranted + ` / $4::int
    WHERE (SELECT n FROM due) > 0
    RETURNING granted
)
UPDATE sends SET started_at = $1, sweep_at = $2, revision = revision + 1 WHERE id = ANY(ARRAY(
    SELECT id FROM sends WHERE ` + isDueScheduled + `
    ORDER BY send_at LIMIT coalesce((SELECT granted FROM pace), 0) FOR UPDATE SKIP LOCKED
)) RETURNING ` + claimedColumns + `, refusals AS tries`
)

// ClaimScheduled starts up to limit scheduled sends that are due at a time, the earliest first, and claims them as ClaimSends
// does. All processes together start at most rate in a second.
func (db *DB) ClaimScheduled(
	ctx context.Context, at time.Time, lease time.Duration, limit, rate int,
) ([]handoff.SendClaim, error) {
	return db.claim(ctx, "claim scheduled sends", claimScheduled, at, lease, limit, rate)
}
