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
	Inbox
	Backlog
}

// Inbox stores what comes in, and notes what the engine has.
type Inbox interface {
	// Now is the time by the clock that stamps what is stored.
	Now() time.Time

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
	// and what of it a workflow must hear of is left to ClaimReceipts.
	InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]Handover, error)

	// MarkSignalled records that the engine has the receipts with these ids.
	MarkSignalled(ctx context.Context, ids []string) error
}

// Backlog is what the sweeper has to do.
type Backlog interface {
	// ClaimSends returns up to limit sends that are not handed over and may be swept at a time, and keeps other sweepers
	// from them until the lease ends. A send that is marked meanwhile is not claimed again.
	ClaimSends(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]SendClaim, error)

	// DeferSends says when claimed sends may be claimed again. A send that was marked meanwhile stays as it is.
	DeferSends(ctx context.Context, deferrals []Deferral) error

	// ClaimReceipts does the same for receipts that a workflow must hear of, once their send is handed over. Outcome is
	// set when the send has ended, whichever receipt has ended it.
	ClaimReceipts(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]ReceiptClaim, error)

	// DeferReceipts does the same for receipts.
	DeferReceipts(ctx context.Context, deferrals []Deferral) error

	// ClaimChecks does as ClaimSends for sends that are handed over and have not ended, and whose next check is due. Tries is
	// how often their workflow was started anew.
	ClaimChecks(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]SendClaim, error)

	// DeferChecks says when claimed sends are checked again.
	DeferChecks(ctx context.Context, deferrals []Deferral) error

	// ClaimOverdue does the same for sends that no workflow watches any more and whose receipt has not come by at.
	ClaimOverdue(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]OverdueClaim, error)

	// FinishOverdue ends such a send, unless its receipt came meanwhile.
	FinishOverdue(ctx context.Context, send string) error

	// Abandon ends a send that no workflow will decide about, with an event that says why. A send that has ended, or that
	// only waits for the receipt of its SMS, stays as it is.
	Abandon(ctx context.Context, send, reason string) error
}

// SendClaim is a send that one sweeper has for itself until the lease of its claim ends.
type SendClaim struct {
	Send  backstop.Send // ID, Plan, Category, AcceptedAt and ExpiresAt; no text and no number
	Tries int           // how often it failed before
	Err   error         // set when its row cannot be read; the plan is missing then
}

// ReceiptClaim is the same for a receipt.
type ReceiptClaim struct {
	Handover

	Tries int
	Err   error
}

// OverdueClaim is the same for a send whose receipt was to come by a time.
type OverdueClaim struct {
	Send string    `db:"id"`
	By   time.Time `db:"receipt_by"`
}

// Deferral says when a claimed row may be claimed again.
type Deferral struct {
	ID     string
	Until  time.Time
	Failed bool // it counts as a try
}
