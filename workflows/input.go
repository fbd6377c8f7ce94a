// Package workflows decides, durably, when a send falls back to SMS.
//
// A workflow proposes, the ledger of the send decides: each activity returns what is known of the send, and the workflow goes by
// the newest of these views. Its history holds ids, rules, times and statuses; never a text, a phone number, a provider's
// message id or a secret. Activities read those from Postgres.
package workflows

import (
	"time"

	"github.com/backstophq/backstop"
)

// TaskQueue begins the names of the queues that the workers of Backstop poll: see QueueOf.
const TaskQueue = "backstop"

// Names by which others reach a running Send. Both carry a backstop.View.
const (
	ReceiptSignal = "receipt"
	ReceiptUpdate = "receipt" // says the same; cheaper for the engine, and only while a worker is there to answer
	StateQuery    = "state"
)

// ID is the id of the workflow of a send.
func ID(send string) string { return "send/" + send }

// SendInput is what a send's workflow needs to know.
type SendInput struct {
	ID         string          `json:"id"`
	Rules      []backstop.Rule `json:"rules"`
	AcceptedAt time.Time       `json:"accepted_at"`          // by the store's clock
	ExpiresAt  *time.Time      `json:"expires_at,omitempty"` // by the same clock

	// Age is how old the send was when its start was requested, by the store's clock. The workflow counts from its own start
	// less the age, so that no time of one clock is compared with a time of another.
	Age time.Duration `json:"age,omitempty"`

	// Installation is the id of the database that has the send.
	Installation string `json:"installation"`

	Settings Settings `json:"settings"`
}

// Settings are bounds that the operator configures. They travel with the send, so that a change never touches a send
// in flight.
type Settings struct {
	UnknownWait    time.Duration `json:"unknown_wait"`           // for a receipt, after a call that may have sent
	ResendWhatsApp bool          `json:"resend_whatsapp"`        // once, when UnknownWait has passed without a receipt
	ResendSMS      bool          `json:"resend_sms"`             // the same for an SMS
	SMSReceiptWait time.Duration `json:"sms_receipt_wait"`       // for the SMS to be reported delivered or failed
	QueuedCalls    bool          `json:"queued_calls,omitempty"` // calls go through the task queue from the first try

	// Linger is how long the first try of a WhatsApp call may take if it waits for the message's receipts; 0: it does not
	// wait. It must stay below 5 s: then the SDK warns of a workflow task that takes long, and after 8 s it asks for another.
	Linger time.Duration `json:"linger,omitempty"`
}

// SendResult is where a send ended. Pending is the outcome of a send whose SMS's receipt is waited for in the store.
type SendResult struct {
	Outcome  backstop.Outcome        `json:"outcome"`
	WhatsApp backstop.Status         `json:"whatsapp,omitempty"`
	SMS      backstop.Status         `json:"sms,omitempty"`
	Rule     string                  `json:"rule,omitempty"` // the newest that fired
	Reason   backstop.FallbackReason `json:"reason,omitempty"`
}

// State answers the StateQuery.
type State struct {
	WhatsApp   backstop.Status         `json:"whatsapp,omitempty"`
	SMS        backstop.Status         `json:"sms,omitempty"`
	WaitingFor string                  `json:"waiting_for"`
	Rule       string                  `json:"rule,omitempty"`
	Reason     backstop.FallbackReason `json:"reason,omitempty"`
	Rules      []RuleState             `json:"rules"`
}

// RuleState is a rule as it stands in a running send.
type RuleState struct {
	Name     string            `json:"name"`
	Type     backstop.RuleType `json:"type"`
	Deadline *time.Time        `json:"deadline,omitempty"`
	Spent    bool              `json:"spent,omitempty"` // its SMS went out, or failed for good
	Over     bool              `json:"over,omitempty"`  // it cannot fire any more
}
