package activities

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// Store is what the activities need of Postgres. Every method is safe to repeat, because the engine repeats an
// activity whose worker died.
type Store interface {
	// Begin shows the send to mayCall together with the newest attempt of the step (nil when there is
	// none), and when mayCall says yes records attempt as Calling, with the next Number, if nobody has changed the send
	// meanwhile; otherwise it asks again. So a receipt stored before is seen by mayCall, one stored after sees the attempt.
	Begin(
		ctx context.Context, attempt backstop.Attempt, mayCall func(backstop.Send, *backstop.Attempt) bool,
	) (backstop.Attempt, error)

	// End stores what the call returned, merges in the receipts that came before the attempt was known, and
	// returns the send as it then is. Repeated, it changes nothing. With a receiptWait, an accepted call also hands the
	// send back: ReceiptBy is set to so long after the call's end. While the attempt lingers its receipts are not signalled.
	End(ctx context.Context, attempt backstop.Attempt, receiptWait time.Duration) (backstop.Send, error)

	// Await waits until the send has ended or its WhatsApp message has failed, and returns it; false when ctx is done first.
	Await(ctx context.Context, send string) (backstop.Send, bool)

	// Leave ends the lingering on an attempt and returns the send as it then is: with all receipts that came without a
	// signal. Repeated, it changes nothing.
	Leave(ctx context.Context, attempt backstop.Attempt) (backstop.Send, error)

	// Refusal returns why the message of an accepted attempt has failed, by its receipt, or nil if none says.
	Refusal(ctx context.Context, attempt backstop.Attempt) (*backstop.Failure, error)

	// Record adds an event to the timeline, with what it changes in the send: EventAverted takes back an SMS that
	// was not sent, EventExpired marks the send expired, EventGaveUp fails the channel unless it went out after all.
	// Repeated for the same send, kind, channel and rule, it changes nothing.
	Record(ctx context.Context, event backstop.Event) error

	// Finish ends the send: FinishedAt is set and the outcome worked out. Repeated, it changes nothing.
	Finish(ctx context.Context, send string, at time.Time) (backstop.Send, error)
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
