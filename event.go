package backstop

import "time"

// EventKind says what happened in a send's timeline.
type EventKind string

// The kinds of event.
const (
	EventAccepted  EventKind = "accepted"           // we took the send; nothing can lose it now
	EventAttempt   EventKind = "attempt"            // a call to a provider ended
	EventReceipt   EventKind = "receipt"            // a provider reported a status
	EventGaveUp    EventKind = "gave_up"            // a channel's retries ended in failure; without a channel, see Detail
	EventFired     EventKind = "rule_fired"         // a rule fired: an SMS is due
	EventAverted   EventKind = "averted"            // the last look found that it had arrived: no SMS
	EventDuplicate EventKind = "duplicate_delivery" // it arrived by WhatsApp too, after the SMS went out
	EventExpired   EventKind = "expired"            // expires_at came: nothing more is sent
	EventOptedOut  EventKind = "opted_out"          // the recipient opted out: no SMS
	EventFinished  EventKind = "finished"           // the workflow has ended; Detail is the outcome then
)

// Event is a line of a send's timeline. It never holds a message's text or a phone number.
type Event struct {
	Send    string
	At      time.Time
	Kind    EventKind
	Channel Channel
	Status  Status // the message's, as this event reports it
	Rule    string // the name of the rule concerned
	Code    string // the provider's, of a failure
	Detail  string // for people
}
