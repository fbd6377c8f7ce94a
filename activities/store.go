package activities

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// Store keeps the ledgers of sends. Every method is safe to repeat, because the engine repeats an activity whose process died.
// A View that a method returns is the view of the send afterwards.
type Store interface {
	// Begin asks the ledger whether a call may be made, and if so records the call.
	Begin(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error)

	// End records how a call ended, and merges in the receipts that came before the message id. It returns the attempt after
	// the change.
	End(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error)

	// Await waits until the send has ended or its WhatsApp message has failed. It returns false if ctx is done first.
	Await(ctx context.Context, send string) (backstop.View, bool)

	// StopWaiting ends the wait for receipts of a step's message. A receipt that is stored later is signalled.
	StopWaiting(ctx context.Context, send string, step int) (backstop.View, error)

	// GiveUp stores that a step has failed after its retries, unless a call is in flight.
	GiveUp(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error)

	// Finish ends the send. Lapsed is true if its ExpiresAt has passed by the engine's clock.
	Finish(ctx context.Context, send string, lapsed bool) (backstop.View, error)

	// Ledger returns the stored ledger of a send.
	Ledger(ctx context.Context, send string) (*backstop.Ledger, error)

	// Learn merges in a status that a provider returned to an inquiry.
	Learn(ctx context.Context, r backstop.Receipt) (backstop.View, error)

	// Owner returns the attempt with this message id of an account, or false if there is none.
	Owner(ctx context.Context, of backstop.Receipt) (backstop.Ref, bool, error)

	// Now returns the time by the clock of all times in the ledger.
	Now() time.Time
}

// WhatsApp sends by WhatsApp. An error that is not a *backstop.Failure counts as Unknown.
type WhatsApp interface {
	SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error)
}

// SMS sends by SMS. An error that is not a *backstop.Failure counts as Unknown.
type SMS interface {
	SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error)
}

// Finder is a provider account that answers inquiries for the status of a message. Find returns nil only if the provider does
// not have the message.
type Finder interface {
	Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error)
}

// storeTimeout bounds a write that follows a provider call.
const storeTimeout = 5 * time.Second

// writeContext returns a context for such a write. It does not end with the activity, which may be cancelled, or whose worker may
// be stopped, during the call.
func writeContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
}
