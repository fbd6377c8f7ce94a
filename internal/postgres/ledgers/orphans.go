package ledgers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// An orphan is a receipt that is stored without a send, because it has no reference and no attempt has its message id. A
// process that stores an orphan looks for the attempt once more afterwards. A process that stores a message id, when a call
// ends, looks for orphans afterwards. Each commits its write before it looks, so of two concurrent processes the second finds
// what the first has stored. If a process dies between its write and its look, the call is repeated and looks again.

// insertOrphans stores the orphans that are new. They are sorted, so that concurrent statements do not deadlock.
var insertOrphans = `INSERT INTO receipts (` + orphanColumns.Names() + `, needs_signal)
SELECT ` + orphanColumns.NamesIn("u") + `, false FROM ` + orphanColumns.Recordset("$1") + `
ON CONFLICT DO NOTHING`

// storeOrphans stores receipts that match no attempt.
func (s *Store) storeOrphans(ctx context.Context, orphans []backstop.Receipt) error {
	if len(orphans) == 0 {
		return nil
	}
	sorted := slices.SortedFunc(slices.Values(orphans), func(a, b backstop.Receipt) int {
		return cmp.Or(
			cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.MessageID, b.MessageID), cmp.Compare(a.Status, b.Status),
			cmp.Compare(a.Account, b.Account),
		)
	})
	received := make([]backstop.Received, len(sorted))
	for i, r := range sorted {
		received[i].Receipt = r
	}
	rows, _, err := s.receiptRows(received)
	if err != nil {
		return err
	}
	written, err := pool.JSONRows(rows)
	if err != nil {
		return err
	}
	return pool.UntilKnown(ctx, "insert orphans", func(bool) error { // a repetition stores nothing
		_, err := s.pool.Exec(ctx, insertOrphans, written)
		return err
	})
}

// An orphan of the time before accounts had names belongs to the account that has its provider's name now.
var listOrphans = `SELECT ` + pool.ColumnsOf[orphanRow]().Names() + ` FROM receipts
WHERE provider = $1 AND message_id = $2 AND send IS NULL AND channel = $3 AND COALESCE(NULLIF(account, ''), provider) = $4
ORDER BY id`

type orphanRow struct {
	message

	Status  backstop.Status `db:"status"`
	At      time.Time       `db:"at"`
	Failure []byte          `db:"failure"`
}

func (s *Store) receiptOf(r orphanRow, ref backstop.Ref) (backstop.Receipt, error) {
	receipt := backstop.Receipt{
		Provider: r.Provider, Account: r.Account, Channel: r.Channel,
		MessageID: s.seals.Show(seals.MessageID, r.ID), Ref: ref, Status: r.Status, At: r.At.UTC(),
	}
	if r.Failure == nil {
		return receipt, nil
	}
	if err := json.Unmarshal(r.Failure, &receipt.Failure); err != nil {
		return backstop.Receipt{}, fmt.Errorf("read failure: %w", err)
	}
	receipt.Failure = s.showReason(receipt.Failure)
	return receipt, nil
}

// orphansOf returns the orphans that have an attempt's message id.
func (s *Store) orphansOf(ctx context.Context, a backstop.Attempt) ([]backstop.Receipt, error) {
	if a.MessageID == "" {
		return nil, nil
	}
	rows, err := selectAll[orphanRow](ctx, s, "list orphans", listOrphans, a.Provider, s.seals.Hide(seals.MessageID, a.MessageID),
		a.Channel, a.Account)
	if err != nil {
		return nil, err
	}
	orphans := make([]backstop.Receipt, len(rows))
	for i, row := range rows {
		receipt, err := s.receiptOf(row, a.Ref)
		if err != nil {
			return nil, err
		}
		orphans[i] = receipt
	}
	return orphans, nil
}
