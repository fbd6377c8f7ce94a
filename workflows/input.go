// Package workflows decides, durably, when a send falls back to SMS. Read send.go first: Send, run and next.
//
// A workflow proposes calls, and the ledger of the send decides. Each activity returns a view of the send, and the workflow uses
// the newest view. The workflow's history holds ids, rules, times and statuses, but never a text, a phone number, a provider's
// message id or a secret. Activities read those from Postgres.
package workflows

import (
	"time"

	"github.com/backstophq/backstop"
)

// Names of the signal, the update and the query of a running Send. The signal and the update carry a backstop.View.
const (
	ReceiptSignal = "receipt"
	ReceiptUpdate = "receipt" // cheaper for the engine than the signal, but needs a running worker
	StateQuery    = "state"
)

// ID is the id of the workflow of a send.
func ID(send string) string { return "send/" + send }

// QueueOf returns the task queue of an installation. Only the workers on its database poll it.
func QueueOf(installation string) string { return "backstop-" + installation }

// SendInput is the input of a send's workflow.
type SendInput struct {
	ID        string          `json:"id"`
	Account   string          `json:"account"` // the WhatsApp account
	Rules     []backstop.Rule `json:"rules"`
	Origin    time.Time       `json:"accepted_at"`          // of the deadlines, by the store's clock; see backstop.Send.Origin
	ExpiresAt *time.Time      `json:"expires_at,omitempty"` // by the same clock

	// Age is the time from Origin to the start request, by the store's clock. The workflow counts from its own start less
	// Age, so it never compares the times of two clocks.
	Age time.Duration `json:"age,omitempty"`

	// Installation is the id of the database that stores the send.
	Installation string `json:"installation"`

	Settings Settings `json:"settings"`
}

// Settings are bounds that the operator configures. They travel with the send, so that a change never touches a send
// in flight.
type Settings struct {
	UnknownWait    time.Duration `json:"unknown_wait"`           // for a receipt, after a call that may have sent
	SMSReceiptWait time.Duration `json:"sms_receipt_wait"`       // for the SMS to be reported delivered or failed
	QueuedCalls    bool          `json:"queued_calls,omitempty"` // calls go through the task queue from the first try

	// AwaitReceipts is how long the first try of a WhatsApp call may take if it waits for the message's receipts; 0: it does not
	// wait. It must stay below 5 s: then the SDK warns of a workflow task that takes long, and after 8 s it asks for another.
	AwaitReceipts time.Duration `json:"linger,omitempty"`
}

// SendResult is the result of a send. The outcome is Pending if the store still waits for the SMS's receipt.
type SendResult struct {
	Outcome           backstop.Outcome        `json:"outcome"`
	backstop.Statuses                         //nolint:embeddedstructfieldcheck // histories have its fields at this place
	Rule              string                  `json:"rule,omitempty"` // the newest rule that fired
	Reason            backstop.FallbackReason `json:"reason,omitempty"`
}
