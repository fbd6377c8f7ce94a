package backstop

import (
	"fmt"
	"time"
)

// FailureKind says what a failed provider call means for the message. Only a driver decides it.
type FailureKind string

// The four kinds.
const (
	Rejected    FailureKind = "rejected"    // it will never work for this message: a permanent failure
	Throttled   FailureKind = "throttled"   // surely not sent, try again after RetryAfter
	Unavailable FailureKind = "unavailable" // surely not sent, try again with backoff
	Unknown     FailureKind = "unknown"     // it may have been sent: never blindly send again
)

// RejectClass says whose fault a rejection is.
type RejectClass string

// The classes of a rejection.
const (
	RecipientFault RejectClass = "recipient" // this recipient cannot be reached on this channel
	TemplateFault  RejectClass = "template"  // the message or its template is wrong
	AccountFault   RejectClass = "account"   // the provider account is; an operator must act
	OptedOut       RejectClass = "opted_out" // the recipient wants no such messages
	Expired        RejectClass = "expired"   // the provider dropped the message: its validity was over before it was sent
)

// Failure is why a provider did not take, or did not deliver, a message.
type Failure struct {
	Kind       FailureKind   `json:"kind"`
	Class      RejectClass   `json:"class,omitempty"`       // of a Rejected failure; empty if nothing says whose fault it is
	Code       string        `json:"code,omitempty"`        // the provider's own
	Reason     string        `json:"reason,omitempty"`      // for people; never a secret or a phone number
	RetryAfter time.Duration `json:"retry_after,omitempty"` // of a Throttled failure; 0 when the provider gave none
	MaxTries   int           `json:"-"`                     // how many calls an Unavailable failure is worth; 0: no limit
	IsNarrow   bool          `json:"-"`                     // it is about what is sent, and says nothing of other messages
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
