package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// A receipt without a reference is told by its message id, which the attempt gets when its call ends. Whoever stores an
// orphan looks for the attempt once more afterwards, and whoever stores a message id looks for orphans afterwards. Each
// write is committed before its look, so whichever of the two is second sees what the first has written. Should one of
// them die between the two, it is repeated, and looks again.

// insertOrphans keeps those that are new. They are sorted, so that no two statements wait for each other.
const insertOrphans = `INSERT INTO receipts
    (id, provider, channel, message_id, status, at, failure, received_at, needs_signal)
SELECT u.id, u.provider, u.channel, u.message_id, u.status, u.at, u.failure, u.received_at, false
FROM json_to_recordset($1) AS u (id uuid, provider text, channel text, message_id text, status text,
    at timestamptz, failure jsonb, received_at timestamptz)
ON CONFLICT DO NOTHING`

// keep stores receipts that match no attempt.
func (db *DB) keep(ctx context.Context, orphans []backstop.Receipt) error {
	sorted := slices.SortedFunc(slices.Values(orphans), func(a, b backstop.Receipt) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.MessageID, b.MessageID), cmp.Compare(a.Status, b.Status))
	})
	rows := make([]received, len(sorted))
	for i, r := range sorted {
		id, err := pool.NewID()
		if err != nil {
			return err
		}
		rows[i] = received{Receipt: r, id: id}
	}
	written, err := pool.JSONRows(receiptRows(rows))
	if err != nil {
		return err
	}
	return pool.UntilDone(ctx, "insert orphans", func() error {
		_, err := db.pool.Exec(ctx, insertOrphans, written)
		return err
	})
}

const listOrphans = `SELECT provider, channel, message_id, status, at, failure FROM receipts
WHERE provider = $1 AND message_id = $2 AND send IS NULL AND channel = $3 ORDER BY id`

type orphanRow struct {
	message

	Status  backstop.Status `db:"status"`
	At      time.Time       `db:"at"`
	Failure []byte          `db:"failure"`
}

// orphansOf returns the receipts that came before an attempt's message id was known.
func (db *DB) orphansOf(ctx context.Context, a backstop.Attempt) ([]backstop.Receipt, error) {
	if a.MessageID == "" {
		return nil, nil
	}
	var rows []orphanRow
	if err := db.pool.SelectAll(ctx, &rows, listOrphans, a.Provider, a.MessageID, a.Channel); err != nil {
		return nil, pool.Failed(ctx, "list orphans", err)
	}
	orphans := make([]backstop.Receipt, len(rows))
	for i, row := range rows {
		failure, err := readFailure(row.Failure)
		if err != nil {
			return nil, err
		}
		orphans[i] = backstop.Receipt{
			Provider: row.Provider, Channel: row.Channel, MessageID: row.ID, Ref: a.Ref,
			Status: row.Status, At: row.At.UTC(), Failure: failure,
		}
	}
	return orphans, nil
}

// adopt merges an attempt's orphans, and returns the send as it then is, or nil if there are none. Its caller tells the
// workflow.
func (db *DB) adopt(ctx context.Context, a backstop.Attempt) (*draft, error) {
	orphans, err := db.orphansOf(ctx, a)
	if err != nil || len(orphans) == 0 {
		return nil, err
	}
	_, d, err := db.receive(ctx, parcel{send: a.Ref.Send, receipts: orphans, isTold: true})
	return d, err
}
