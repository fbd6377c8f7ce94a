package backstop

import "time"

// Inquiry asks a provider what became of a message. It serves two cases: the receipts of a message did not come, and the
// answer to the call that sent it was lost, so that not even its id is known.
type Inquiry struct {
	Ref       Ref
	MessageID string // empty: the call's answer was lost, and the provider looks for the message by what follows
	To        string // E.164
	SendID    string
	Text      string

	// Since and Until bound when the provider made the message. The caller adds the slack: its clock and the provider's differ.
	Since time.Time
	Until time.Time
}

// Found is a provider's word on a message.
type Found struct {
	MessageID string
	Status    Status   // Submitted as long as the provider holds the message
	Failure   *Failure // of a Failed message
	Segments  int      // of an SMS, as the provider counts them; 0 when it does not say
}
