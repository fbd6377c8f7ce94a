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

// Handover is a stored receipt that must be signalled, because the workflow waits for it or because it has ended the send.
type Handover struct {
	ID   string // of the stored receipt
	Send string
	View backstop.View // of the send, with the receipt
}

// Store is what the hand-over needs of Postgres.
type Store interface {
	Inbox
	Backlog
	Schedule
	Upkeep
}

// Upkeep is the periodic maintenance of the tables.
type Upkeep interface {
	// Maintain updates the statistics of tables that have grown, and deletes receipts that matched no attempt for days. Any
	// number of processes may call it.
	Maintain(ctx context.Context) error
}

// Inbox stores sends and receipts, and marks the rows that the engine has.
type Inbox interface {
	// Now returns the time by the store's clock, which stamps the rows.
	Now() time.Time

	// NewID makes the id of a send that is accepted at a time of that clock. It is a UUIDv7, so ids sort in the order of
	// acceptance.
	NewID(at time.Time) (string, error)

	// InsertSend stores a send that is not yet handed over, with its first event. When the key was used before with
	// the same hash it stores nothing and returns the earlier send and false; with another hash, an Error of code Mismatch.
	InsertSend(ctx context.Context, send backstop.Send, key *Idempotency) (backstop.Send, bool, error)

	// InsertGuarded is InsertSend with checks, which count the send if it is stored, and only then. A send that a check refuses
	// is an Error whose cause is a backstop.GuardError.
	InsertGuarded(
		ctx context.Context, send backstop.Send, key *Idempotency, checks backstop.GuardChecks,
	) (backstop.Send, bool, error)

	// SendByKey returns the send that was stored with this key, or false; with another hash, an Error of code Mismatch.
	SendByKey(ctx context.Context, key Idempotency) (backstop.Send, bool, error)

	// MarkSent records that the engine has the sends with these ids. Repeated, it changes nothing.
	MarkSent(ctx context.Context, ids []string) error

	// InsertReceipts stores the receipts that are new, and advances the statuses of their sends. It ends the sends for which
	// nothing is left to do. It returns the receipts that must be signalled. Each send's receipts are stored together or not at
	// all, and a failure of one send does not hold back the others. After an error the caller passes all receipts again.
	// InsertReceipts then skips the stored ones, and ClaimReceipts returns them for their signals.
	InsertReceipts(ctx context.Context, receipts []backstop.Receipt) ([]Handover, error)

	// Cancel ends a send that its caller does not want any more, and returns its view. An Error of code Conflict says why that is
	// too late. Confirm records that the recipient has acted, and ends the send if it has not ended. Both are idempotent.
	Cancel(ctx context.Context, send string) (backstop.View, error)
	Confirm(ctx context.Context, send string) (backstop.View, error)

	// InsertInbound stores the messages of people that are new. The receipts have no status. It returns receipts of the messages
	// that they answer, also when it is repeated.
	InsertInbound(ctx context.Context, receipts []backstop.Receipt) (read []backstop.Receipt, err error)

	// MarkSignalled records that the engine has the receipts with these ids.
	MarkSignalled(ctx context.Context, ids []string) error
}

// Backlog is the work of the sweeper.
type Backlog interface {
	// ClaimSends leases up to limit sends that are not handed over and are due at a time. Other sweepers do not get them until
	// the lease ends. A send that is marked meanwhile is not claimed again.
	ClaimSends(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]SendClaim, error)

	// DeferSends stores when claimed sends may be claimed again. It skips sends that were marked meanwhile.
	DeferSends(ctx context.Context, deferrals []Deferral) error

	// ClaimReceipts leases receipts that must be signalled, if their send is handed over. Their View is the newest one of the
	// send. It has an Outcome if the send has ended, by this or another receipt.
	ClaimReceipts(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]ReceiptClaim, error)

	// DeferReceipts stores when claimed receipts may be claimed again.
	DeferReceipts(ctx context.Context, deferrals []Deferral) error

	// ClaimChecks leases sends that are handed over and have not ended, and whose next check is due. Tries is how often their
	// workflow was restarted.
	ClaimChecks(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]SendClaim, error)

	// DeferChecks stores when claimed sends are checked again.
	DeferChecks(ctx context.Context, deferrals []Deferral) error

	// CheckNow makes the check of a send due now, unless its workflow was restarted before or the send has ended.
	CheckNow(ctx context.Context, send string) error

	// ClaimOverdue leases sends that only wait for the receipt of their SMS, if it was due by a time.
	ClaimOverdue(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]OverdueClaim, error)

	// FinishOverdue ends an overdue send, unless its receipt came meanwhile.
	FinishOverdue(ctx context.Context, send string) error

	// Abandon ends a send that no workflow will end, and stores the reason as an event. It skips sends that have ended, or that
	// only wait for the receipt of their SMS.
	Abandon(ctx context.Context, send, reason string) error
}

// Schedule has the scheduled sends.
type Schedule interface {
	// ClaimScheduled starts scheduled sends whose SendAt has come by a time: it sets their StartedAt to that time, and leases
	// them as ClaimSends does. The earliest come first. It starts at most limit, and all processes together at most rate in a
	// second. After a crash ClaimSends returns them.
	ClaimScheduled(ctx context.Context, at time.Time, lease time.Duration, limit, rate int) ([]SendClaim, error)
}

// SendClaim is a send that a sweeper has leased.
type SendClaim struct {
	Send  backstop.Send // ID, Plan, Category and the times until StartedAt; no text and no number
	Tries int           // how many tries failed before
	Err   error         // set if the row cannot be read; the plan is then missing
}

// ReceiptClaim is a receipt that a sweeper has leased.
type ReceiptClaim struct {
	Handover

	Tries int
	Err   error
}

// OverdueClaim is a leased send whose receipt was due at By.
type OverdueClaim struct {
	Send string    `db:"id"`
	By   time.Time `db:"receipt_by"`
}

// Deferral is the time when a claimed row may be claimed again.
type Deferral struct {
	ID     string
	Until  time.Time
	Failed bool // the try counts as failed
}
