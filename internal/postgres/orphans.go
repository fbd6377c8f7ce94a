package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/backstophq/backstop"
)

// lockMessages orders receipts that match nothing against End: whichever comes second sees what the first has done.
const lockMessages = `SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) AS key`

func lockKeys(ctx context.Context, tx *sqlx.Tx, messages ...message) error {
	keys := make(pq.StringArray, len(messages))
	for i, m := range messages {
		keys[i] = m.Provider + " " + m.ID
	}
	slices.Sort(keys)
	return execute(ctx, tx, lockMessages, slices.Compact(keys))
}

// keep stores receipts that match no attempt. If one has come to match since, the transaction starts over.
func keep(ctx context.Context, tx *sqlx.Tx, orphans []backstop.Receipt) error {
	if len(orphans) == 0 {
		return nil
	}
	messages := make([]message, len(orphans))
	for i, r := range orphans {
		messages[i] = messageOf(r)
	}
	if err := lockKeys(ctx, tx, messages...); err != nil {
		return err
	}
	refs, err := refsByMessage(ctx, tx, orphans)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(messages, func(m message) bool { _, found := refs[m]; return found }) {
		return errMoved
	}
	slices.SortStableFunc(orphans, func(a, b backstop.Receipt) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.MessageID, b.MessageID))
	})
	for _, r := range orphans {
		r.Ref = backstop.Ref{}
		if _, _, err := insertNew(ctx, tx, r, false); err != nil {
			return err
		}
	}
	return nil
}

const listOrphans = `SELECT provider, channel, message_id, status, at, failure FROM receipts
WHERE provider = $1 AND message_id = $2 AND send IS NULL AND channel = $3 ORDER BY id`

type receiptRow struct {
	message

	Status  backstop.Status `db:"status"`
	At      time.Time       `db:"at"`
	Failure []byte          `db:"failure"`
}

// adopt merges the receipts that came before an attempt's message id was known.
func (h *held) adopt(ctx context.Context, a backstop.Attempt) error {
	if a.MessageID == "" {
		return nil
	}
	if err := lockKeys(ctx, h.tx, message{Channel: a.Channel, Provider: a.Provider, ID: a.MessageID}); err != nil {
		return err
	}
	var rows []receiptRow
	if err := h.tx.SelectContext(ctx, &rows, listOrphans, a.Provider, a.MessageID, a.Channel); err != nil {
		return fmt.Errorf("list orphans: %w", err)
	}
	for _, row := range rows {
		failure, err := readFailure(row.Failure)
		if err != nil {
			return err
		}
		receipt := backstop.Receipt{
			Provider: row.Provider, Channel: row.Channel, MessageID: row.ID, Ref: a.Ref,
			Status: row.Status, At: row.At.UTC(), Failure: failure,
		}
		if _, _, err := h.merge(ctx, receipt); err != nil { // the sweeper signals it, should the workflow wait for it
			return err
		}
	}
	return nil
}
