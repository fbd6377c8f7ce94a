package provider

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/backstophq/backstop"
)

// longestRetryAfter is the longest pause that a provider's Retry-After header can cause.
const longestRetryAfter = time.Hour

// Meaning is what an error code or an HTTP status of a provider means for the message.
type Meaning int

// The meanings. The zero Meaning says nothing: the code is in no table.
const (
	Recipient   Meaning = iota + 1 // rejected: this recipient cannot be reached
	Template                       // rejected: the text or the template is wrong
	Account                        // rejected: an operator must act
	Sender                         // the same, because of the message's sender: other rules have other senders
	OptedOut                       // rejected: the recipient wants no such messages
	Expired                        // rejected: the message's validity period ended before it was sent
	Throttled                      // not sent: too much traffic
	Unavailable                    // not sent: a temporary fault of the provider
	Doubtful                       // not sent: a temporary fault of the provider, or a wrong request: few tries
	NotReady                       // not sent: the template is not ready yet
	Rejected                       // rejected: nothing says whose fault it is
	unknown                        // the message may have been sent
)

// fewTries is the maximum number of calls after a Doubtful failure. With the engine's pauses they take about 15 s.
const fewTries = 5

func (m Meaning) class() backstop.RejectClass {
	switch m {
	case Recipient:
		return backstop.RecipientFault
	case Template:
		return backstop.TemplateFault
	case Account, Sender:
		return backstop.AccountFault
	case OptedOut:
		return backstop.OptedOut
	case Expired:
		return backstop.Expired
	case Throttled, Unavailable, Doubtful, NotReady, Rejected, unknown:
		return ""
	}
	return ""
}

func (m Meaning) kind() backstop.FailureKind {
	switch m {
	case Recipient, Template, Account, Sender, OptedOut, Expired, Rejected:
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

// Refusal is a provider's error for a message that it did not accept or did not deliver.
type Refusal struct {
	Code    string  // the provider's error code
	Text    string  // the provider's text, unchanged
	Meaning Meaning // the meaning of the code; zero if the code is in no table
}

// Refused returns the failure for an answer whose HTTP status is not 2xx. The refusal is nil if the provider did not write
// the body. A code in the driver's table decides alone: Meta answers 500 to requests that can never succeed, and Twilio
// answers 429 for an account at its daily limit. If there is no such code, the HTTP status decides the kind. The failure then
// has no class, because a class says whose fault it is and an HTTP status does not.
func (p *Poster) Refused(a Answer, refusal *Refusal) *backstop.Failure {
	meaning := statusMeaning(a.Status, refusal != nil)
	failure := &backstop.Failure{Reason: fmt.Sprintf("HTTP %d without the provider's error", a.Status)}
	if refusal != nil {
		failure.Code, failure.Reason = refusal.Code, p.Text(refusal.Text)
		meaning = cmp.Or(refusal.Meaning, meaning)
	}
	failure.Kind, failure.Class = meaning.kind(), meaning.class()
	switch meaning { //nolint:exhaustive // the other meanings set nothing about retries
	case Throttled:
		failure.RetryAfter = retryAfter(a.Header.Get("Retry-After"), time.Now())
	case Doubtful:
		failure.MaxTries, failure.IsNarrow = fewTries, true
	case NotReady, Sender:
		failure.IsNarrow = true
	}
	return failure
}

// statusMeaning is the meaning of an HTTP status (RFC 9110, section 15). byProvider: the provider itself wrote the answer,
// not a proxy in between.
func statusMeaning(status int, byProvider bool) Meaning {
	switch {
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusRequestTimeout:
		return Unavailable // the request did not arrive in full
	case status >= 400 && status <= 499:
		return Rejected
	case status == http.StatusServiceUnavailable:
		return Unavailable // overloaded or in maintenance: the request was not handled
	case status >= 500 && byProvider:
		return Unavailable // the provider itself reports that it made no message
	default:
		// 500, 502 and 504 from a proxy in between: it may have forwarded the request and lost the answer. Also
		// redirects: no provider documents them.
		return unknown
	}
}

// retryAfter reads the Retry-After header (RFC 9110, section 10.2.3): seconds or a date. It returns 0 if the header is
// missing, unreadable or not in the future.
func retryAfter(value string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		wait = time.Duration(min(max(seconds, 0), int64(longestRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestRetryAfter)
}

// Unconfirmed returns the failure for a 2xx answer without a valid message id.
func (p *Poster) Unconfirmed(a Answer) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Unknown, Reason: fmt.Sprintf("HTTP %d without a readable message id", a.Status)}
}

// Undelivered returns the failure of a message that the provider first accepted and then reports as failed. Such a failure is
// final with any code. The class follows from the code. The failure has no class if the code is in no table, or if the code
// is about the provider's own state.
func (p *Poster) Undelivered(refusal Refusal) *backstop.Failure {
	return &backstop.Failure{
		Kind: backstop.Rejected, Class: refusal.Meaning.class(), Code: refusal.Code, Reason: p.Text(refusal.Text),
	}
}
