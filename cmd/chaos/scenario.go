package main

import "slices"

// The statuses of a message, weakest first.
const (
	queued    = "queued"
	submitted = "submitted"
	sent      = "sent"
	failed    = "failed"
	delivered = "delivered"
	read      = "read"
)

// rankOf returns the rank of a status; 0 if there is none.
func rankOf(status string) int {
	return 1 + slices.Index([]string{queued, submitted, sent, failed, delivered, read}, status)
}

// hasReached reports whether a status is at least the goal. A failed message has reached no goal.
func hasReached(status, goal string) bool { return status != failed && rankOf(status) >= rankOf(goal) }

// scenario is a row of the table in docs/sandbox.md: the final statuses of messages to numbers that end in the digits.
type scenario struct {
	digits   string
	whatsApp string   // the final status of the WhatsApp message
	optedOut bool     // the failure is an opt-out from marketing
	sms      []string // the final status of the SMS of the first sender, the second and so on; the last for all others
}

// allScenarios is the table in docs/sandbox.md.
func allScenarios() []scenario {
	arrives := []string{delivered}
	return []scenario{
		{"01", read, false, arrives},
		{"02", delivered, false, arrives},
		{"03", sent, false, arrives},
		{"04", failed, false, arrives},
		{"05", failed, false, arrives},
		{"06", submitted, false, arrives},
		{"07", read, false, arrives},
		{"08", read, false, arrives},
		{"09", read, false, arrives},
		{"10", read, false, arrives},
		{"11", read, false, arrives},
		{"12", delivered, false, arrives},
		{"13", failed, false, []string{failed}},
		{"14", failed, false, []string{failed}},
		{"15", failed, false, arrives},
		{"16", failed, true, arrives},
		{"17", read, false, arrives},
		{"18", failed, false, arrives},
		{"19", failed, false, []string{failed, delivered}},
		{"20", failed, false, arrives},
		{"21", failed, false, arrives},
		{"22", failed, true, arrives},
		{"23", failed, false, []string{failed}},
	}
}

// smsOf returns the final status of the SMS of a sender; 0 is the first.
func (s scenario) smsOf(sender int) string { return s.sms[min(sender, len(s.sms)-1)] }
