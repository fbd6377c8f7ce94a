package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// A claim is one short statement. It moves sweep_at to the end of the lease, so no row stays locked while the sweeper calls the
// engine. If a sweeper dies, others claim its rows when the lease ends. The statement first puts the ids of the rows into an
// array and then updates the rows. Postgres expects few elements in an array, so it finds each row by the primary key, even if
// it expects many rows to be due.

const (
	claimedColumns = `id, plan, category, accepted_at, send_at, started_at, expires_at`

	claimSends = `UPDATE sends SET sweep_at = $2 WHERE id = ANY(ARRAY(
    SELECT id FROM sends WHERE NOT handed_over AND sweep_at <= $1
    ORDER BY sweep_at LIMIT $3 FOR UPDATE SKIP LOCKED
)) RETURNING ` + claimedColumns + `, refusals AS tries`
)

type claimRow struct {
	ID         string            `db:"id"`
	Plan       []byte            `db:"plan"`
	Category   backstop.Category `db:"category"`
	AcceptedAt time.Time         `db:"accepted_at"`
	SendAt     *time.Time        `db:"send_at"`
	StartedAt  *time.Time        `db:"started_at"`
	ExpiresAt  *time.Time        `db:"expires_at"`
	Tries      int               `db:"tries"`
}

func (r claimRow) claim() handoff.SendClaim {
	claim := handoff.SendClaim{Tries: r.Tries, Send: backstop.Send{
		ID: r.ID, Category: r.Category, AcceptedAt: pool.Stamp(r.AcceptedAt), ExpiresAt: pool.StampPtr(r.ExpiresAt),
		SendAt: pool.StampPtr(r.SendAt), StartedAt: pool.StampPtr(r.StartedAt),
	}}
	if err := json.Unmarshal(r.Plan, &claim.Send.Plan); err != nil {
		claim.Err = fmt.Errorf("read plan: %w", err)
	}
	return claim
}

// ClaimSends claims up to limit sends that are not handed over and are due at a time, the longest due ones first. Other
// sweepers cannot claim them until the lease ends.
func (db *DB) ClaimSends(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]handoff.SendClaim, error) {
	return db.claim(ctx, "claim sends", claimSends, at, lease, limit)
}

// claim runs a statement whose parameters are the time, the end of the lease, the limit and others.
func (db *DB) claim(
	ctx context.Context, what, statement string, at time.Time, lease time.Duration, limit int, others ...any,
) ([]handoff.SendClaim, error) {
	var rows []claimRow
	args := append([]any{pool.Stamp(at), pool.Stamp(at.Add(lease)), limit}, others...)
	if err := db.pool.SelectAll(ctx, &rows, statement, args...); err != nil {
		return nil, pool.Failed(ctx, what, err)
	}
	slices.SortFunc(rows, func(a, b claimRow) int { return cmp.Compare(a.ID, b.ID) }) // UPDATE returns rows in any order
	claims := make([]handoff.SendClaim, len(rows))
	for i, row := range rows {
		claims[i] = row.claim()
	}
	return claims, nil
}

const deferSends = `UPDATE sends SET sweep_at = u.until, refusals = refusals + u.failed::int
FROM json_to_recordset($1) AS u (id uuid, until timestamptz, failed boolean)
WHERE sends.id = u.id AND NOT handed_over`

// DeferSends sets when claimed sends may be claimed again.
func (db *DB) DeferSends(ctx context.Context, deferrals []handoff.Deferral) error {
	return db.deferRows(ctx, "defer sends", deferSends, deferrals)
}

// deferralRow is a deferral as json_to_recordset reads it.
type deferralRow struct {
	ID     string    `json:"id"`
	Until  time.Time `json:"until"`
	Failed bool      `json:"failed"`
}

func (db *DB) deferRows(ctx context.Context, what, statement string, deferrals []handoff.Deferral) error {
	places := map[string]int{}
	var rows []deferralRow
	for _, d := range deferrals {
		row := deferralRow{ID: d.ID, Until: pool.Stamp(d.Until), Failed: d.Failed}
		i, isRepeated := places[d.ID]
		if !isRepeated {
			places[d.ID] = len(rows)
			rows = append(rows, row)
			continue
		}
		// Of two deferrals of one row Postgres would apply either. The later time holds, and a failure counts.
		if rows[i].Until.Before(row.Until) {
			rows[i].Until = row.Until
		}
		rows[i].Failed = rows[i].Failed || row.Failed
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return err
	}
	return pool.UntilDone(ctx, what, func() error {
		_, err := db.pool.Exec(ctx, statement, written)
		return err
	})
}

// claimReceipts skips the receipts of sends that are not handed over. The engine would answer that there is no such workflow,
// and the sweeper would treat the workflow as ended.
const claimReceipts = `UPDATE receipts SET sweep_at = $2 WHERE needs_signal AND id = ANY(ARRAY(
    SELECT id FROM receipts AS r
    WHERE needs_signal AND sweep_at <= $1 AND (SELECT handed_over FROM sends AS s WHERE s.id = r.send)
    ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
)) RETURNING id, send, refusals AS tries`

type receiptRow struct {
	ID    string `db:"id"`
	Send  string `db:"send"`
	Tries int    `db:"tries"`
}

// ClaimReceipts claims receipts that must be signalled and whose sends are handed over, as ClaimSends does.
func (db *DB) ClaimReceipts(
	ctx context.Context, at time.Time, lease time.Duration, limit int,
) ([]handoff.ReceiptClaim, error) {
	var rows []receiptRow
	err := db.pool.SelectAll(ctx, &rows, claimReceipts, pool.Stamp(at), pool.Stamp(at.Add(lease)), limit)
	if err != nil || len(rows) == 0 {
		return nil, pool.Failed(ctx, "claim receipts", err)
	}
	slices.SortFunc(rows, func(a, b receiptRow) int { return cmp.Compare(a.ID, b.ID) })
	claims, err := db.readClaims(ctx, rows)
	if !isUnreadable(err) {
		return claims, err
	}
	claims = nil
	for i := range rows { // one by one, so that an unreadable send blocks no other
		one, err := db.readClaims(ctx, rows[i:i+1])
		switch {
		case isUnreadable(err):
			one = []handoff.ReceiptClaim{rows[i].claim(backstop.View{}, err)}
		case err != nil:
			return nil, err
		}
		claims = append(claims, one...)
	}
	return claims, nil
}

func (r receiptRow) claim(view backstop.View, err error) handoff.ReceiptClaim {
	return handoff.ReceiptClaim{Handover: handoff.Handover{ID: r.ID, Send: r.Send, View: view}, Tries: r.Tries, Err: err}
}

// readClaims reads the views of the sends of claimed receipts.
func (db *DB) readClaims(ctx context.Context, rows []receiptRow) ([]handoff.ReceiptClaim, error) {
	sends := make([]string, len(rows))
	for i, row := range rows {
		sends[i] = row.Send
	}
	views, err := db.Views(ctx, sends)
	if err != nil {
		return nil, err
	}
	claims := make([]handoff.ReceiptClaim, len(rows))
	for i, row := range rows {
		claims[i] = row.claim(views[row.Send], nil)
	}
	return claims, nil
}

const deferReceipts = `UPDATE receipts SET sweep_at = u.until, refusals = refusals + u.failed::int
FROM json_to_recordset($1) AS u (id uuid, until timestamptz, failed boolean)
WHERE receipts.id = u.id AND needs_signal`

// DeferReceipts sets when claimed receipts may be claimed again.
func (db *DB) DeferReceipts(ctx context.Context, deferrals []handoff.Deferral) error {
	return db.deferRows(ctx, "defer receipts", deferReceipts, deferrals)
}

const markSignalled = `UPDATE receipts SET needs_signal = false WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND needs_signal`

// MarkSignalled records that the engine has the receipts with these ids.
func (db *DB) MarkSignalled(ctx context.Context, ids []string) error {
	_, err := db.pool.Exec(ctx, markSignalled, pq.StringArray(ids))
	return pool.Failed(ctx, "mark receipts", err)
}

const claimOverdue = `UPDATE sends SET sweep_at = $2 WHERE id = ANY(ARRAY(
    SELECT id FROM sends WHERE receipt_by IS NOT NULL AND greatest(receipt_by, sweep_at) <= $1
    ORDER BY greatest(receipt_by, sweep_at) LIMIT $3 FOR UPDATE SKIP LOCKED
)) RETURNING id, receipt_by`

// ClaimOverdue claims sends that have no workflow any more and whose ReceiptBy has passed at a time, as ClaimSends does. The
// longest overdue sends come first. It caches their ledgers, so that FinishOverdue need not read each.
func (db *DB) ClaimOverdue(
	ctx context.Context, at time.Time, lease time.Duration, limit int,
) ([]handoff.OverdueClaim, error) {
	var claims []handoff.OverdueClaim
	err := db.pool.SelectAll(ctx, &claims, claimOverdue, pool.Stamp(at), pool.Stamp(at.Add(lease)), limit)
	if err != nil {
		return nil, pool.Failed(ctx, "claim overdue sends", err)
	}
	slices.SortFunc(claims, func(a, b handoff.OverdueClaim) int { return a.By.Compare(b.By) })
	ids := make([]string, len(claims))
	for i, c := range claims {
		ids[i] = c.Send
	}
	_ = db.Preload(ctx, ids) // after an error FinishOverdue reads them
	return claims, nil
}
