package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

const (
	sweepSends = `SELECT ` + ledgers.Columns + ` FROM sends
WHERE NOT handed_over AND accepted_at < $1
ORDER BY accepted_at LIMIT $2 FOR UPDATE SKIP LOCKED`
	markSwept = `UPDATE sends SET handed_over = true WHERE id = ANY($1::uuid[])`
)

// SweepSends offers up to limit sends accepted before olderThan and not handed over, oldest first, and marks those for
// which give returns nil. Their rows stay locked until all were offered, so limit must be small and ctx bounded; rows
// that another sweeper holds are passed over. When ctx ends, nothing is marked. Give must not change the send through
// this store.
func (db *DB) SweepSends(
	ctx context.Context, olderThan time.Time, limit int, give func(context.Context, backstop.Send) error,
) (offered, marked int, err error) {
	err = db.pool.InTx(ctx, "sweep sends", func(tx *sqlx.Tx) error {
		var rows []ledgers.Row
		if err := tx.SelectContext(ctx, &rows, sweepSends, pool.Stamp(olderThan), limit); err != nil {
			return fmt.Errorf("select: %w", err)
		}
		list, err := ledgers.Sends(rows)
		if err != nil {
			return err
		}
		offered, marked, err = offer(ctx, tx, markSwept, list, func(s backstop.Send) string { return s.ID }, give)
		return err
	})
	if err != nil {
		return offered, 0, err
	}
	return offered, marked, nil
}

const (
	sweepReceipts = `SELECT r.id, send FROM receipts AS r
WHERE needs_signal AND received_at < $1
ORDER BY r.id LIMIT $2 FOR UPDATE OF r SKIP LOCKED`
	markSignalled = `UPDATE receipts SET needs_signal = false WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND needs_signal`
)

// SweepReceipts does the same for receipts that a workflow must hear of. Their Outcome is set when the send has ended,
// whichever receipt has ended it.
func (db *DB) SweepReceipts(
	ctx context.Context, olderThan time.Time, limit int, give func(context.Context, handoff.Handover) error,
) (offered, marked int, err error) {
	err = db.pool.InTx(ctx, "sweep receipts", func(tx *sqlx.Tx) error {
		var rows []handoverRow
		if err := tx.SelectContext(ctx, &rows, sweepReceipts, pool.Stamp(olderThan), limit); err != nil {
			return fmt.Errorf("select: %w", err)
		}
		list := make([]handoff.Handover, len(rows))
		for i, row := range rows {
			view, err := db.View(ctx, row.Send)
			if err != nil {
				return err
			}
			list[i] = handoff.Handover{ID: row.ID, Send: row.Send, View: view}
		}
		offered, marked, err = offer(ctx, tx, markSignalled, list, func(h handoff.Handover) string { return h.ID }, give)
		return err
	})
	if err != nil {
		return offered, 0, err
	}
	return offered, marked, nil
}

type handoverRow struct {
	ID   string `db:"id"`
	Send string `db:"send"`
}

// offer gives each item away and marks those that were taken. One that was not is offered again by the next sweep.
func offer[T any](
	ctx context.Context, tx *sqlx.Tx, mark string, items []T, id func(T) string, give func(context.Context, T) error,
) (offered, marked int, err error) {
	var taken pq.StringArray
	for _, item := range items {
		if ctx.Err() != nil {
			break
		}
		offered++
		if give(ctx, item) == nil {
			taken = append(taken, id(item))
		}
	}
	if len(taken) == 0 {
		return offered, 0, nil
	}
	if err := pool.Execute(ctx, tx, mark, taken); err != nil {
		return offered, 0, err
	}
	return offered, len(taken), nil
}

// MarkSignalled records that the engine has the receipts with these ids.
func (db *DB) MarkSignalled(ctx context.Context, ids []string) error {
	_, err := db.pool.Exec(ctx, markSignalled, pq.StringArray(ids))
	return pool.Failed(ctx, "mark receipts", err)
}

const listOverdue = `SELECT id FROM sends WHERE receipt_by <= $1 ORDER BY receipt_by LIMIT $2`

// FinishOverdue ends up to limit sends that were handed back and whose receipt has not come by at, those that waited
// longest first, and returns how many there were. It may run anywhere at once.
func (db *DB) FinishOverdue(ctx context.Context, at time.Time, limit int) (int, error) {
	var ids []string
	if err := db.pool.SelectAll(ctx, &ids, listOverdue, pool.Stamp(at), limit); err != nil {
		return 0, pool.Failed(ctx, "list overdue sends", err)
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, db.Store.FinishOverdue(ctx, id)) // one that cannot be ended keeps no other from it
	}
	return len(ids), errors.Join(errs...)
}
