package backstop

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds of a callback.
const (
	MaxCallbackURL = 2048 // bytes

	// CallbackLife is how long a callback is retried after it was queued.
	CallbackLife = 72 * time.Hour
)

// CallbackEvent is the name of an event that callbacks carry. It says more than the kind of the timeline's event.
type CallbackEvent string

// The events of a send that are no status of a message. Those with a status have the names of callbackOfStatus.
const (
	CallbackAccepted  CallbackEvent = "accepted"
	CallbackFired     CallbackEvent = "rule_fired"
	CallbackAverted   CallbackEvent = "averted"
	CallbackDuplicate CallbackEvent = "duplicate_delivery"
	CallbackOptedOut  CallbackEvent = "opted_out"
	CallbackExpired   CallbackEvent = "expired"
	CallbackCancelled CallbackEvent = "cancelled"
	CallbackConfirmed CallbackEvent = "confirmed"
	CallbackFinished  CallbackEvent = "finished"
)

// smsPrefix begins the names of the events of an SMS.
const smsPrefix = "sms_"

// CallbackEvents returns the names of all events, in the order in which a send may have them.
func CallbackEvents() []CallbackEvent {
	all := []CallbackEvent{CallbackAccepted}
	for _, prefix := range []string{"", smsPrefix} {
		for _, s := range []Status{Submitted, Sent, Delivered, Read, Failed} {
			all = append(all, CallbackEvent(prefix+string(s)))
		}
		if prefix == "" {
			all = append(all, CallbackFired)
		}
	}
	return append(all, CallbackAverted, CallbackDuplicate, CallbackOptedOut, CallbackExpired, CallbackCancelled,
		CallbackConfirmed, CallbackFinished)
}

// Callback is where the events of a send are posted.
type Callback struct {
	URL    string          `json:"url"`
	Events []CallbackEvent `json:"events,omitempty"` // empty: all
}

// Wants returns the name of a timeline's event, or "" if the callback does not carry it. A nil callback carries none.
func (c *Callback) Wants(e Event) CallbackEvent {
	if c == nil {
		return ""
	}
	name := e.callback()
	if name == "" || len(c.Events) > 0 && !slices.Contains(c.Events, name) {
		return ""
	}
	return name
}

// callback returns the name of an event, or "" if no callback carries it.
func (e Event) callback() CallbackEvent {
	switch e.Kind { //nolint:exhaustive // the other kinds have no status, and the name of the event itself
	case EventAttempt, EventReceipt, EventGaveUp:
		if e.Channel == "" || e.Status == "" || e.Status == Queued {
			return ""
		}
		if e.Channel == SMS {
			return CallbackEvent(smsPrefix + string(e.Status))
		}
		return CallbackEvent(e.Status)
	default:
		if name := CallbackEvent(e.Kind); slices.Contains(CallbackEvents(), name) {
			return name
		}
		return ""
	}
}

// Validate returns an Error of code Invalid that names every wrong field. The name of each field begins with the prefix.
func (c *Callback) Validate(prefix string) error {
	var f fields
	c.validate(&f, prefix)
	return f.err("the callback is not valid")
}

func (c *Callback) validate(f *fields, prefix string) {
	switch u, err := url.Parse(c.URL); {
	case len(c.URL) > MaxCallbackURL:
		f.addMax(prefix+"url", FieldBytesMax, "must have at most %d bytes", MaxCallbackURL)
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.User != nil, strings.Contains(c.URL, "#"),
		!isPrintableASCII(c.URL):
		f.add(prefix+"url", FieldCallbackURL, "must be an http or https URL without a user and without a fragment")
	}
	seen := map[CallbackEvent]bool{}
	for _, name := range c.Events {
		switch {
		case !slices.Contains(CallbackEvents(), name):
			all := joinEvents(CallbackEvents())
			f.add(prefix+"events", FieldOneOf, "must be some of "+all, "values", all)
			return
		case seen[name]:
			f.add(prefix+"events", FieldGivenTwice, "must have each event once")
			return
		}
		seen[name] = true
	}
}

func isPrintableASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func joinEvents(events []CallbackEvent) string {
	texts := make([]string, len(events))
	for i, e := range events {
		texts[i] = string(e)
	}
	return strings.Join(texts, " ")
}

// CallbackState is what became of a callback.
type CallbackState string

// The states.
const (
	CallbackPending   CallbackState = "pending"   // it is not posted yet, or is retried
	CallbackDelivered CallbackState = "delivered" // the receiver answered with a 2xx
	CallbackFailed    CallbackState = "failed"    // the receiver did not within CallbackLife
	CallbackGone      CallbackState = "gone"      // the receiver answered this or an earlier callback of the send with a 410
)

// CallbackStates returns all states.
func CallbackStates() []CallbackState {
	return []CallbackState{CallbackPending, CallbackDelivered, CallbackFailed, CallbackGone}
}

// QueuedCallback is an event of a send that is posted to a URL, in the order of Seq.
type QueuedCallback struct {
	ID        string // UUIDv7; the webhook-id of each try
	Send      string
	Seq       int // of the event in the send's timeline
	Event     CallbackEvent
	URL       string
	State     CallbackState
	CreatedAt time.Time
	QueuedAt  time.Time // CreatedAt, or the time of the newest replay; the retries end CallbackLife later
	Tries     int       // all, with those before a replay
	EndedAt   *time.Time

	Newest *CallbackTry // nil: none
}

// CallbackTry is one POST of a callback.
type CallbackTry struct {
	Number  int // within the callback, from 1
	At      time.Time
	Status  int // of HTTP; 0: no answer
	Latency time.Duration
	Answer  string // its first bytes
	Error   string // why there was no answer; never a secret
}

// CallbackFilter selects callbacks of a list. A zero field selects all.
type CallbackFilter struct {
	Send   string
	State  CallbackState
	URL    string
	Status *int      // of HTTP, of the newest try; 0: no answer
	From   time.Time // created at or after
	Until  time.Time // created before
}

// CallbackEndpoint is a URL of callbacks whose newest try failed, or that had a failure before.
type CallbackEndpoint struct {
	URL          string
	FailingSince *time.Time // nil: the newest try succeeded
	Failures     int        // in a row
	PausedAt     *time.Time // nil: callbacks are posted
	RetryAt      *time.Time // of a paused endpoint: the next probe
	Status       int        // of the newest failure; 0: no answer
	Error        string     // of the newest failure
}

// Limits of an endpoint that fails.
const (
	// pauseAfter and pauseFailures are how long and how often an endpoint fails before it is paused.
	pauseAfter    = 2 * time.Hour
	pauseFailures = 10

	// The pause before a probe of a paused endpoint doubles with each failed probe, within these bounds.
	firstProbePause = 2 * time.Minute
	maxProbePause   = 30 * time.Minute
)

// Fail returns the endpoint after one more failed try.
func (e CallbackEndpoint) Fail(t CallbackTry, now time.Time) CallbackEndpoint {
	if e.FailingSince == nil {
		e.FailingSince, e.Failures = &now, 0
	}
	e.Failures++
	e.Status, e.Error = t.Status, t.Error
	switch {
	case e.PausedAt != nil:
		probes := now.Sub(*e.PausedAt)
		e.RetryAt = new(now.Add(min(max(probes, firstProbePause), maxProbePause)))
	case e.Failures >= pauseFailures && now.Sub(*e.FailingSince) >= pauseAfter:
		e.PausedAt, e.RetryAt = &now, new(now.Add(firstProbePause))
	}
	return e
}

// Succeed returns the endpoint after a successful try.
func (e CallbackEndpoint) Succeed() CallbackEndpoint { return CallbackEndpoint{URL: e.URL} }

// Bounds of the pause between two tries of a callback.
const (
	firstRetryPause = 5 * time.Second
	maxRetryPause   = time.Hour
)

// RetryPause returns the pause after a failed try of a callback: 5 s after the first, then the double each time, 1 h at most. The
// receiver's Retry-After counts if it is longer; it is bounded by CallbackLife. Jitter is between 0 and 1: the pause is up to a
// quarter shorter or longer, so that many callbacks are not retried at the same moment.
func RetryPause(tries int, retryAfter time.Duration, jitter float64) time.Duration {
	const doublings = 10 // more reach maxRetryPause too
	pause := min(firstRetryPause<<min(max(tries-1, 0), doublings), maxRetryPause)
	pause += time.Duration((jitter - 0.5) / 2 * float64(pause))
	return max(pause, min(retryAfter, CallbackLife))
}
