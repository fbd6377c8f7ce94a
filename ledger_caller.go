package backstop

import (
	"fmt"
	"time"
)

// Cancel ends a send that its caller does not want any more. No call begins after it. A WhatsApp message that is out is not
// recalled, and its receipts are recorded. A repeated Cancel changes nothing. If an SMS is out, or may be, or if the send has
// ended with another outcome, Cancel changes nothing and returns an Error of code Conflict.
func (l *Ledger) Cancel(now time.Time) error {
	now = l.monotonic(now)
	switch {
	case l.Send.Outcome == OutcomeCancelled:
		return nil
	case l.Send.FinishedAt != nil:
		return newUncancellable(fmt.Sprintf("it has ended with the outcome %s", l.Send.Outcome))
	case l.Send.Status.SMS.Reached(Delivered):
		return newUncancellable("its SMS was delivered")
	case l.smsMayArrive():
		return newUncancellable("an SMS was sent, or may have been sent")
	}
	l.addEvent(Event{Kind: EventCancelled}, now)
	l.endByCaller(OutcomeCancelled, now)
	return nil
}

func newUncancellable(reason string) *Error {
	return &Error{Code: Conflict, Message: "the send cannot be cancelled: " + reason}
}

// Confirm records that the recipient has acted on the message, and ends the send. No call begins after it. A message that is out
// is not recalled, and its receipts are recorded. If the send has ended before, its outcome stays. A repeated Confirm changes
// nothing.
func (l *Ledger) Confirm(now time.Time) {
	if l.Send.ConfirmedAt != nil {
		return
	}
	now = l.monotonic(now)
	l.Send.ConfirmedAt = &now
	l.addEvent(Event{Kind: EventConfirmed}, now)
	if l.Send.FinishedAt == nil {
		l.endByCaller(OutcomeConfirmed, now)
	}
}

func (l *Ledger) endByCaller(outcome Outcome, now time.Time) {
	l.Send.Outcome = outcome // no later change of the ledger computes another
	l.end(now)
}
