package backstop

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ref names one step of a send. The provider gets it with the message, and returns it with each receipt.
type Ref struct {
	Send string // the id of the send
	Step int    // the step of the send, see WhatsAppStep and SMSStep
}

// String returns "<send id>.<step>", as providers get it: 38 bytes for a step of one digit.
func (r Ref) String() string { return r.Send + "." + strconv.Itoa(r.Step) }

// ParseRef reads a text that String wrote, and refuses any other: the provider may return the reference of another program.
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
	Account   string    // the account that sent the message; empty if another one did, and Ref is ours
	Channel   Channel   //
	MessageID string    // the provider's id of the message: the second correlation key
	Ref       Ref       // the first correlation key; zero if the provider did not return it
	Status    Status    // Sent, Failed, Delivered or Read
	At        time.Time // by the provider's clock, or the time of arrival if the provider gives none
	Failure   *Failure  // of a Failed receipt

	// Inbound is a message of the recipient. The receipt then has no status.
	Inbound *Inbound
}

// ReadOf returns the receipt of a message that this one, an inbound message, answers: a person who answers has read it.
func (r Receipt) ReadOf(message Ref, messageID string) Receipt {
	return Receipt{
		Provider: r.Provider, Account: r.Account, Channel: r.Channel, MessageID: messageID, Ref: message, Status: Read, At: r.At,
	}
}

// Inbound is a message from a person to one of our senders.
type Inbound struct {
	From    string // E.164
	To      string // the sender that it was written to, as the provider names it
	Text    string
	Keyword Keyword
	// Category is the purpose of the messages that a StopKeyword or a StartKeyword is about; empty: the person did not say.
	Category Category
	ReplyTo  string // the provider's id of the message that it answers; empty if it answers none, or the provider gives none
}

// Keyword is what a provider, or the text alone, says that an inbound message asks for.
type Keyword string

// The keywords. An inbound message that has none is a reply.
const (
	StopKeyword  Keyword = "stop"  // the person wants no more messages
	StartKeyword Keyword = "start" // the person wants them again
)
