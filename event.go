package backstop

import "time"

// EventKind says what happened in a send's timeline.
type EventKind string

// The kinds of event.
const (
	EventAccepted  EventKind = "accepted"           // the send is stored
	EventAttempt   EventKind = "attempt"            // a call to a provider ended
	EventReceipt   EventKind = "receipt"            // a provider reported a status
	EventGaveUp    EventKind = "gave_up"            // a channel's retries ended in failure; without a channel, see Detail
	EventFired     EventKind = "rule_fired"         // a rule fired: an SMS is due
	EventRouted    EventKind = "routed"             // another account of the rule is tried; Detail is the RouteReason
	EventAverted   EventKind = "averted"            // the check before the call found that the message had arrived: no SMS
	EventDuplicate EventKind = "duplicate_delivery" // the message arrived by WhatsApp too, after the SMS went out
	EventExpired   EventKind = "expired"            // expires_at came: nothing more is sent
	EventOptedOut  EventKind = "opted_out"          // the recipient opted out: no SMS
	EventCancelled EventKind = "cancelled"          // the caller cancelled the send: nothing more is sent
	EventConfirmed EventKind = "confirmed"          // the caller confirmed that the recipient has acted: nothing more is sent
	EventFinished  EventKind = "finished"           // the send has ended; Detail is the outcome at that time
)

// Event is a line of a send's timeline. It never holds a message's text or a phone number.
type Event struct {
	Send    string
	At      time.Time
	Kind    EventKind
	Channel Channel
	Status  Status // the status of the message that the event reports
	Rule    string // the name of the rule concerned
	Code    string // the provider's, of a failure
	Detail  string // for people
	Account string // the account concerned: of EventAttempt and EventRouted

	Cause   FallbackReason // why the rule fired, of EventFired
	Failure *Failure       // of EventAttempt, EventReceipt, and EventGaveUp with a channel, if there was one
}

// Outcome returns the outcome at the time of the event, if the event is the end of the send.
func (e Event) Outcome() Outcome {
	if e.Kind != EventFinished {
		return ""
	}
	return Outcome(e.Detail)
}

// withFailure returns the event of a failure, with its code. The failure may be nil.
func (e Event) withFailure(f *Failure) Event {
	if f != nil {
		e.Code, e.Failure = f.Code, f
	}
	return e
}
