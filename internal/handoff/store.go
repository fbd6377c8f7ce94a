package handoff

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// Idempotency is the key that a caller gave with a send, and a digest of the request's body.
type Idempotency struct {
	Key  string
	Hash []byte
}

// Handover is a stored receipt that the workflow of its send must be told of: because it waits for it, or because the receipt
// has ended the send.
type Handover struct {
	ID   string // of the stored receipt
	Send string
	View backstop.View // of the send, once the receipt was stored
}

// Store is what the hand-over needs of Postgres.
type Store interface {
	// InsertSend stores a send that is not yet handed over, with its first event. When the key was used before with
	// the same hash it stores nothing and returns the earlier send and false; with another hash, an Error of code Mismatch.
	InsertSend(ctx context.Context, send backstop.Send, key *Idempotency) (backstop.Send, bool, error)

	// SendByKey returns the send that was stored with this key, or false; with another hash, an Error of code Mismatch.
	SendByKey(ctx context.Context, key Idempotency) (backstop.Send, bool, error)

	// MarkSent records that the engine has the sends with these ids. Repeated, it changes nothing.
	MarkSent(ctx context.Context, ids []string) error

	// InsertReceipts stores those receipts that are new, advances the statuses that they concern, ends the sends for
	// which nothing is left to do, and returns the receipts that a workflow must hear of. Each send's receipts are stored
	// together or not at all. An error means that all must be given again: what was stored already is then recognised,
	// and what of it a workflow must hear of is left to SweepReceipts.
	InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]Handover, error)

	// MarkSignalled records that the engine has the receipts with these ids.
	MarkSignalled(ctx context.Context, ids []string) error

	// SweepSends offers up to limit sends accepted before olderThan and not handed over, oldest first; those for
	// which give returns nil are marked in the same transaction. Rows that another sweeper holds are passed over.
	// It returns how many it offered and how many were marked.
	SweepSends(
		ctx context.Context, olderThan time.Time, limit int, give func(context.Context, backstop.Send) error,
	) (offered, marked int, err error)

	// SweepReceipts does the same for receipts that a workflow must hear of. Outcome is set when the send has ended,
	// whichever receipt has ended it.
	SweepReceipts(
		ctx context.Context, olderThan time.Time, limit int, give func(context.Context, Handover) error,
	) (offered, marked int, err error)

	// FinishOverdue ends up to limit sends that no workflow watches any more and whose receipt has not come by at, and
	// returns how many it found.
	FinishOverdue(ctx context.Context, at time.Time, limit int) (int, error)
}
