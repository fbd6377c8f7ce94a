package provider

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/backstophq/backstop"
)

// longestRetryAfter bounds what a provider may ask us to wait: no message is worth more than an hour of silence.
const longestRetryAfter = time.Hour

// Meaning is what an error code or an HTTP status of a provider means for the message.
type Meaning int

// The meanings. The zero Meaning says nothing: the code is in no table.
const (
	Recipient   Meaning = iota + 1 // rejected: this recipient cannot be reached
	Template                       // rejected: what is sent is wrong
	Account                        // rejected: an operator must act
	OptedOut                       // rejected: the recipient wants no such messages
	Expired                        // rejected: the message's validity period ended before it was sent
	Throttled                      // not sent: too much traffic
	Unavailable                    // not sent: a fault of the provider's that will pass
	Doubtful                       // not sent: a fault of the provider's that will pass, or else a wrong request: few tries
	NotReady                       // not sent: what is sent is not ready yet
	refused                        // rejected, and nothing says whose fault it is
	unknown                        // it may have been sent
)

// fewTries is how many calls a Doubtful failure is worth. With the engine's pauses they take about 15 seconds.
const fewTries = 5

func (m Meaning) class() backstop.RejectClass {
	switch m {
	case Recipient:
		return backstop.RecipientFault
	case Template:
		return backstop.TemplateFault
	case Account:
		return backstop.AccountFault
	case OptedOut:
		return backstop.OptedOut
	case Expired:
		return backstop.Expired
	case Throttled, Unavailable, Doubtful, NotReady, refused, unknown:
		return ""
	}
	return ""
}

func (m Meaning) kind() backstop.FailureKind {
	switch m {
	case Recipient, Template, Account, OptedOut, Expired, refused:
		return backstop.Rejected
	case Throttled:
		return backstop.Throttled
	case Unavailable, Doubtful, NotReady:
		return backstop.Unavailable
	case unknown:
		return backstop.Unknown
	}
	return backstop.Unknown
}

// Refusal is a provider's own word on why it did not take, or did not deliver, a message.
type Refusal struct {
	Code    string  // the provider's own
	Text    string  // as the provider wrote it
	Meaning Meaning // of the code; zero when it is in no table
}

// Refused is the failure for an answer that is none of success. The refusal is nil when the answer's body is not the
// provider's. A code that is in the driver's table decides alone, without the HTTP status: Meta answers 500 to what can never
// work, and Twilio answers 429 to an account that has reached its daily limit. Only without such a code the HTTP status
// decides the kind, and then there is no class: a class says whose fault it is, and HTTP does not know that.
func (p *Poster) Refused(a Answer, refusal *Refusal) *backstop.Failure {
	meaning := byStatus(a.Status, refusal != nil)
	failure := &backstop.Failure{Reason: fmt.Sprintf("HTTP %d without the provider's error", a.Status)}
	if refusal != nil {
		failure.Code, failure.Reason = refusal.Code, p.Text(refusal.Text)
		meaning = cmp.Or(refusal.Meaning, meaning)
	}
	failure.Kind, failure.Class = meaning.kind(), meaning.class()
	switch meaning { //nolint:exhaustive // the others say nothing about a repetition
	case Throttled:
		failure.RetryAfter = retryAfter(a.Header.Get("Retry-After"), time.Now())
	case Doubtful:
		failure.MaxTries, failure.IsNarrow = fewTries, true
	case NotReady:
		failure.IsNarrow = true
	}
	return failure
}

// byStatus judges an answer by its HTTP status (RFC 9110, section 15). Own says that the provider itself wrote it.
func byStatus(status int, own bool) Meaning {
	switch {
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusRequestTimeout:
		return Unavailable // the request did not arrive whole
	case status >= 400 && status <= 499:
		return refused
	case status == http.StatusServiceUnavailable:
		return Unavailable // overloaded or in maintenance: the request was not handled
	case status >= 500 && own:
		return Unavailable // the provider says itself that it made no message
	default:
		// 500, 502 and 504 from something in between, which may have passed the request on and lost the answer, and
		// redirects, which no provider documents.
		return unknown
	}
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date. Zero means that it says nothing usable.
func retryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		wait = time.Duration(min(max(seconds, 0), int64(longestRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestRetryAfter)
}

// Unconfirmed is the failure for an answer of success that names no message.
func (p *Poster) Unconfirmed(a Answer) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unknown, Reason: fmt.Sprintf("HTTP %d without a readable message id", a.Status)}
}

// Undelivered is the failure of a message that the provider had taken and then reports as failed, which is for good
// whatever the code. The class is that of the code: none if the code is in no table, or if it is about the provider's own state.
func (p *Poster) Undelivered(refusal Refusal) *backstop.Failure {
	return &backstop.Failure{
		Kind: backstop.Rejected, Class: refusal.Meaning.class(), Code: refusal.Code, Reason: p.Text(refusal.Text),
	}
}
