package backstop

// Status is how far a message has come on one channel. The empty Status means that the channel was not used.
//
// Receipts come late, twice and out of order, so a status only advances. The result of a merge
// does not depend on the order of the receipts.
type Status string

// The statuses, weakest first. Failed outranks Sent, because providers report a failure after they reported the
// message sent; Delivered outranks Failed, because what has arrived has arrived.
const (
	Queued    Status = "queued"    // accepted by us, not yet by the provider
	Submitted Status = "submitted" // accepted by the provider, perhaps held by it
	Sent      Status = "sent"      // on its way in the provider's network
	Failed    Status = "failed"    // reported as never arriving
	Delivered Status = "delivered" // on the recipient's device
	Read      Status = "read"      // seen; implies delivered
)

// Advance merges a status into another: the higher rank wins.
func (s Status) Advance(next Status) Status {
	if next.rank() > s.rank() {
		return next
	}
	return s
}

// Reached reports whether the message has come at least as far as goal. A failed message has reached nothing.
func (s Status) Reached(goal Status) bool {
	return s != Failed && s.rank() >= goal.rank()
}

// Valid reports whether s is one of the statuses above.
func (s Status) Valid() bool { return s.rank() > 0 }

// Statuses has the status of a send on each channel.
type Statuses struct {
	WhatsApp Status `json:"whatsapp,omitempty"`
	SMS      Status `json:"sms,omitempty"` // empty until a rule fired and an SMS was attempted
}

// Of returns the status on a channel.
func (s Statuses) Of(c Channel) Status { return *statusOn(&s, c) }

// statusOn points to the status on a channel.
func statusOn(s *Statuses, c Channel) *Status {
	if c == SMS {
		return &s.SMS
	}
	return &s.WhatsApp
}

// StatusSet is a set of statuses.
type StatusSet uint8

// With returns the set with a status added.
func (s StatusSet) With(status Status) StatusSet { return s | 1<<status.rank() }

// Has reports whether a status is in the set.
func (s StatusSet) Has(status Status) bool { return s&(1<<status.rank()) != 0 }

func (s Status) rank() int {
	switch s {
	case Queued:
		return 1
	case Submitted:
		return 2
	case Sent:
		return 3
	case Failed:
		return 4
	case Delivered:
		return 5
	case Read:
		return 6
	default:
		return 0
	}
}
