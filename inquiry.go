package backstop

import "time"

// Inquiry asks a provider for the status of a message. It serves two cases: the message's receipts did not come, or the answer to
// the call was lost, and with it the message's id.
type Inquiry struct {
	Ref       Ref
	MessageID string // empty if the call's answer was lost: the provider then searches by the fields below
	To        string // E.164
	SendID    string
	Text      string // of a WhatsApp template: empty

	// Since and Until bound when the provider created the message. The caller widens the range, because its clock and the
	// provider's differ.
	Since time.Time
	Until time.Time
}

// Found is a provider's answer to an Inquiry.
type Found struct {
	MessageID string
	Status    Status   // Submitted while the provider holds the message
	Failure   *Failure // of a Failed message
	Segments  int      // of an SMS, as the provider counts them; 0 if it gives none
}
