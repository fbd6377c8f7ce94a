package demo

import (
	"time"

	"github.com/backstophq/backstop/client"
)

// demoCase is a message of the demo and its expected result. The last two digits of the recipient choose a scenario of the
// sandbox.
type demoCase struct {
	to       string
	what     string // the scenario, in short
	policy   string
	category client.Category
	end      ending // what the caller does when WhatsApp has sent the message; empty: nothing

	outcome   client.Outcome
	rule      string // the rule of the last SMS
	duplicate bool   // the message also arrives by WhatsApp, after the SMS
	whatsapp  int    // messages that the WhatsApp provider accepted
	sms       int    // messages that the SMS provider accepted
}

// ending is how the caller ends a send.
type ending string

const (
	cancels  ending = "cancel"
	confirms ending = "confirm"
)

// demoPolicies are the policies of the demo and their rules.
func demoPolicies() map[string][]Rule {
	unread := Rule{Name: "Unread 4 s", Type: client.RuleTypeUnread, Wait: 4 * time.Second, SendID: "ACME"}
	undelivered := Rule{Name: "Undelivered 3 s", Type: client.RuleTypeUndelivered, Wait: 3 * time.Second, SendID: "ACME"}
	patient := Rule{Name: "Undelivered 9 s", Type: client.RuleTypeUndelivered, Wait: 9 * time.Second, SendID: "ACME"}
	unsent := Rule{Name: "Not sent 2 s", Type: client.RuleTypeSendFailed, Wait: 2 * time.Second, SendID: "ACME"}
	failed := Rule{Name: "Only failures", Type: client.RuleTypeUndelivered, SendID: "ACME"}
	spare := Rule{Name: "Spare sender", Type: client.RuleTypeUndelivered, SendID: "ACME2"}
	return map[string][]Rule{
		"Must be read": {unread}, "Must arrive": {undelivered}, "Must arrive, patiently": {patient},
		"Must be sent": {unsent}, "Only if it fails": {failed}, "Two senders": {failed, spare},
	}
}

func demoCases() []demoCase { //nolint:funlen // a table
	const (
		byWhatsApp = client.OutcomeWhatsapp
		bySMS      = client.OutcomeSms
		failed     = client.OutcomeFailed
	)
	return []demoCase{
		{
			to: "+447400123401", what: "read", policy: "Must be read",
			outcome: byWhatsApp, whatsapp: 1,
		},
		{
			to: "+447400123402", what: "delivered, never read", policy: "Must be read",
			outcome: bySMS, rule: "Unread 4 s", whatsapp: 1, sms: 1,
		},
		{
			to: "+447400124402", what: "delivered is enough", policy: "Must arrive",
			outcome: byWhatsApp, whatsapp: 1,
		},
		{
			to: "+447400123403", what: "sent, never delivered", policy: "Must arrive",
			outcome: bySMS, rule: "Undelivered 3 s", whatsapp: 1, sms: 1,
		},
		{
			to: "+447400123404", what: "rejected at once", policy: "Only if it fails",
			outcome: bySMS, rule: "Only failures", sms: 1,
		},
		{
			to: "+447400123405", what: "fails by receipt", policy: "Must arrive",
			outcome: bySMS, rule: "Undelivered 3 s", whatsapp: 1, sms: 1,
		},
		{
			to: "+447400123406", what: "silence", policy: "Must be sent",
			outcome: bySMS, rule: "Not sent 2 s", whatsapp: 1, sms: 1,
		},
		{
			to: "+447400123407", what: "throttled twice", policy: "Must arrive, patiently",
			outcome: byWhatsApp, whatsapp: 1,
		},
		{
			to: "+447400123408", what: "5xx twice", policy: "Must arrive, patiently",
			outcome: byWhatsApp, whatsapp: 1,
		},
		{
			to: "+447400123409", what: "sent, answer lost", policy: "Must arrive, patiently",
			outcome: byWhatsApp, whatsapp: 1,
		},
		{
			to: "+447400123410", what: "request lost", policy: "Must arrive, patiently",
			outcome: byWhatsApp, whatsapp: 1,
		},
		{
			to: "+447400123411", what: "receipts in disorder", policy: "Must be read",
			outcome: byWhatsApp, whatsapp: 1,
		},
		{
			to: "+447400123412", what: "delivered too late", policy: "Must arrive",
			outcome: bySMS, rule: "Undelivered 3 s", duplicate: true, whatsapp: 1, sms: 1,
		},
		{
			to: "+447400123413", what: "nothing works", policy: "Two senders",
			outcome: failed, rule: "Spare sender",
		},
		{
			to: "+447400123414", what: "SMS undelivered", policy: "Only if it fails",
			outcome: failed, rule: "Only failures", sms: 1,
		},
		{
			to: "+447400123415", what: "template error", policy: "Only if it fails",
			outcome: bySMS, rule: "Only failures", sms: 1,
		},
		{
			to: "+447400123416", what: "opted out", policy: "Only if it fails",
			category: client.CategoryMarketing, outcome: failed,
		},
		{
			to: "+447400123417", what: "receipts come first", policy: "Must be read",
			outcome: byWhatsApp, whatsapp: 1,
		},
		{
			to: "+447400123418", what: "SMS sent, answer lost", policy: "Only if it fails",
			outcome: bySMS, rule: "Only failures", sms: 1,
		},
		{
			to: "+447400123419", what: "next sender works", policy: "Two senders",
			outcome: bySMS, rule: "Spare sender", sms: 2,
		},
		{
			to: "+447400124403", what: "cancelled by the caller", policy: "Must arrive, patiently",
			end: cancels, outcome: client.OutcomeCancelled, whatsapp: 1,
		},
		{
			to: "+447400125403", what: "confirmed, no SMS", policy: "Must arrive, patiently",
			end: confirms, outcome: client.OutcomeConfirmed, whatsapp: 1,
		},
	}
}
