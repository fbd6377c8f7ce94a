package activities

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// Store keeps the ledgers of sends. Every method is safe to repeat, because the engine repeats an activity whose process died,
// and each returns what the workflow has to know of the send afterwards.
type Store interface {
	// Begin asks the ledger for the last word on a call, and records the call if it may be made.
	Begin(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error)

	// End records how a call ended, merges in the receipts that came before its message id was known, and returns the
	// attempt as it then is.
	End(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error)

	// Await waits until the send has ended or its WhatsApp message has failed; false when ctx is done first.
	Await(ctx context.Context, send string) (backstop.View, bool)

	// StopWaiting ends the wait for receipts of a step's message. A receipt that is stored later is signalled.
	StopWaiting(ctx context.Context, send string, step int) (backstop.View, error)

	// GiveUp counts a call as failed that its provider did not take for as long as was tried, unless one is in flight.
	GiveUp(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error)

	// Finish ends the send. Lapsed says that its ExpiresAt came by the engine's clock.
	Finish(ctx context.Context, send string, lapsed bool) (backstop.View, error)

	// Ledger returns the ledger of a send, as it is stored.
	Ledger(ctx context.Context, send string) (*backstop.Ledger, error)

	// Learn merges in a status that a provider told when asked.
	Learn(ctx context.Context, r backstop.Receipt) (backstop.View, error)

	// Owner returns the attempt that has a message, by the provider's id of it; false if none is known to have it.
	Owner(ctx context.Context, channel backstop.Channel, provider, messageID string) (backstop.Ref, bool, error)

	// Now is the time by the clock that the ledger's times are of.
	Now() time.Time
}

// WhatsApp is a WhatsApp provider account. An error that is not a *backstop.Failure counts as Unknown.
type WhatsApp interface {
	Name() string
	SendWhatsApp(ctx context.Context, m backstop.WhatsAppMessage) (backstop.Submission, error)
}

// SMS is an SMS provider account. An error that is not a *backstop.Failure counts as Unknown.
type SMS interface {
	Name() string
	SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error)
}

// Finder is a provider account that can be asked what became of a message. It returns nil if the provider surely has no
// such message.
type Finder interface {
	Find(ctx context.Context, q backstop.Inquiry) (*backstop.Found, error)
}
