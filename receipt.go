package backstop

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ref names one step of a send: the value that goes out with a message and comes back with its receipts.
type Ref struct {
	Send string // the id of the send
	Step int    // which activity of its workflow, counted from 1
}

// String is the form that travels: "<send id>.<step>", 38 bytes for a single-digit step.
func (r Ref) String() string { return r.Send + "." + strconv.Itoa(r.Step) }

// ParseRef reads what String wrote, and nothing else: a provider may return what another program gave it.
func ParseRef(s string) (Ref, error) {
	send, step, ok := strings.Cut(s, ".")
	n, err := strconv.ParseUint(step, 10, 31) // a Postgres integer: a larger number is not from us
	ref := Ref{Send: send, Step: int(n)}
	if !ok || send == "" || err != nil || n < 1 || ref.String() != s {
		return Ref{}, fmt.Errorf("parse ref: %.80q is not <send id>.<step>", s)
	}
	return ref, nil
}

// Receipt is a status report from a provider about a message.
type Receipt struct {
	Provider  string    // the driver's name, like "meta"
	Channel   Channel   //
	MessageID string    // the provider's id of the message: the second correlation key
	Ref       Ref       // the first correlation key; zero when the provider did not return it
	Status    Status    // Sent, Failed, Delivered or Read
	At        time.Time // by the provider's clock, or when it came in if the provider gives none
	Failure   *Failure  // of a Failed receipt
}
