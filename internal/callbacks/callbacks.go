// Package callbacks sends callbacks: signed HTTP requests to addresses that callers of the API choose. It signs and verifies as
// Standard Webhooks 1.0.0 say (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
//
// A caller may choose any address, so a request must not reach what only the program itself can reach: its own host, its private
// network, the metadata service of its cloud. Policy says which addresses are allowed, and the Sender checks each address when it
// opens a connection, after DNS.
package callbacks

import (
	"net/http"
	"time"
)

// Endpoint is a receiver of callbacks.
type Endpoint struct {
	URL string
	// Secrets sign the messages: one or two, each of the form whsec_..., the newest first. With two, each message has two
	// signatures, so that the receiver can change its secret at any time.
	Secrets []string
}

// Message is one callback.
type Message struct {
	// ID is the same for all attempts to deliver the message. It has 1 to 128 letters, digits, _ and -.
	ID string
	// At is the moment of this attempt, not of the event: receivers refuse a message that is more than 5 minutes old. The zero
	// value is the present.
	At   time.Time
	Body []byte // JSON
}

// Result is the end of one attempt.
type Result struct {
	Status  int           // of HTTP; 0 if there was no answer
	Latency time.Duration // until the header of the answer came, or until the attempt failed
	Answer  string        // the first characters of the answer's body, on one line, printable

	RetryAfter time.Duration // what the answer asks for; 0 if it does not say
	Err        error         // why there is no answer; its text names no address, no secret and no part of the URL's path
	Forbidden  bool          // nothing was sent, because the address is not allowed
}

// Delivered reports whether the receiver has taken the message.
func (r Result) Delivered() bool { return r.Status >= 200 && r.Status <= 299 }

// IsGone reports whether the receiver wants no more messages.
func (r Result) IsGone() bool { return r.Status == http.StatusGone }
