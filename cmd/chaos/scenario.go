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

// rankOf is how far a status is; 0 for none.
func rankOf(status string) int {
	return 1 + slices.Index([]string{queued, submitted, sent, failed, delivered, read}, status)
}

// hasReached reports whether a message of a status has come at least as far as a goal. A failed one has reached nothing.
func hasReached(status, goal string) bool { return status != failed && rankOf(status) >= rankOf(goal) }

// scenario is what becomes of the messages to numbers that end in some digits, as the README's table has it.
type scenario struct {
	digits   string
	whatsApp string   // the status that the WhatsApp message comes to in the end
	optedOut bool     // the failure says that the recipient wants no marketing
	sms      []string // the status that an SMS of the first sender comes to, of the second and so on; the last for all others
}

// scenarios is the README's table.
func scenarios() []scenario {
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

// smsOf is the status that the SMS of the nth sender comes to.
func (s scenario) smsOf(sender int) string { return s.sms[min(sender, len(s.sms)-1)] }
