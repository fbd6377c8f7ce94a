package backstop

import (
	"errors"
	"fmt"
	"time"
)

// FailureKind says what a failed provider call means for the message. Only a driver decides it.
type FailureKind string

// The four kinds.
const (
	Rejected    FailureKind = "rejected"    // a permanent failure of this message
	Throttled   FailureKind = "throttled"   // not sent: retry after RetryAfter
	Unavailable FailureKind = "unavailable" // not sent: retry with backoff
	Unknown     FailureKind = "unknown"     // the message may have been sent: do not repeat the call blindly
)

// RejectClass is the cause of a rejection.
type RejectClass string

// The classes of a rejection.
const (
	RecipientFault RejectClass = "recipient" // this recipient cannot be reached on this channel
	TemplateFault  RejectClass = "template"  // the message or its template is wrong
	AccountFault   RejectClass = "account"   // the provider account is wrong: an operator must act
	OptedOut       RejectClass = "opted_out" // the recipient wants no such messages
	Expired        RejectClass = "expired"   // the provider dropped the message: its validity was over before it was sent
)

// NotCalled says why no call was made to a provider.
type NotCalled string

// The reasons.
const (
	NotCalledUnhealthy NotCalled = "unhealthy" // other calls found the account unhealthy
	NotCalledLimit     NotCalled = "limit"     // the messaging limit of the account is reached
	NotCalledFaulty    NotCalled = "faulty"    // the account cannot be opened
	NotCalledMissing   NotCalled = "missing"   // the account is not configured
	NotCalledChanged   NotCalled = "changed"   // the account has just changed
	NotCalledLate      NotCalled = "late"      // the time of the call ended before
)

// Failure is why a provider did not take, or did not deliver, a message.
type Failure struct {
	Kind       FailureKind   `json:"kind"`
	Class      RejectClass   `json:"class,omitempty"`       // of a Rejected failure; empty: unknown. See Attempt.WasUnknown
	Code       string        `json:"code,omitempty"`        // the provider's own
	Reason     string        `json:"reason,omitempty"`      // for people; never a secret or a phone number
	RetryAfter time.Duration `json:"retry_after,omitempty"` // of a Throttled failure; 0 if the provider gave none
	MaxTries   int           `json:"-"`                     // of an Unavailable failure: the most calls to make; 0: no limit
	NotCalled  NotCalled     `json:"not_called,omitempty"`  // why the provider was not called; empty if it was
	IsNarrow   bool          `json:"-"`                     // the cause is this message or its sender; other messages may pass
}

// ErrorCode is an error code of a provider, explained for people.
type ErrorCode struct {
	Provider  string // the driver's name
	Code      string
	Class     RejectClass            // of a rejection with this code; empty if the code means something else
	Explained map[string]Explanation // by language: "en" and "zh-CN"
}

// Explanation says what an error code means: a sentence each.
type Explanation struct {
	Cause  string `json:"cause"`
	Action string `json:"action"`
}

func (f *Failure) Error() string {
	s := string(f.Kind)
	if f.Class != "" {
		s += " (" + string(f.Class) + ")"
	}
	if f.Code != "" {
		s += " " + f.Code
	}
	if f.Reason != "" {
		s += fmt.Sprintf(": %s", f.Reason)
	}
	return s
}

// FailureOf returns the failure in a driver's answer, or nil. An error of another type counts as unknown: the message may be out.
// The text of such an error is dropped, because it may quote the request.
func FailureOf(s Submission, err error) *Failure {
	f, ok := errors.AsType[*Failure](err)
	switch {
	case err == nil && s.MessageID != "":
		return nil
	case err == nil:
		return &Failure{Kind: Unknown, Reason: "the driver returned no message id"}
	case !ok || f == nil || !f.Kind.isKnown():
		return &Failure{Kind: Unknown, Reason: fmt.Sprintf("the driver returned no failure but %T", err)}
	default:
		return f
	}
}

func (k FailureKind) isKnown() bool {
	switch k {
	case Rejected, Throttled, Unavailable, Unknown:
		return true
	default:
		return false
	}
}
