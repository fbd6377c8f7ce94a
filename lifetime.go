package backstop

import "time"

// checkMargin is how long after its last wait a send has usually ended: the calls and the receipts that follow take
// seconds, and a provider that is down takes longer.
const checkMargin = 10 * time.Minute

// CheckAt is when a send that has not ended is first compared with its workflow: some minutes after the longest wait of
// its rules, or after ExpiresAt if that comes first. A workflow may still be running then.
func (s Send) CheckAt() time.Time {
	last := s.AcceptedAt
	for _, rule := range s.Plan.Rules {
		if deadline, waits := rule.Deadline(s.AcceptedAt); waits && deadline.After(last) {
			last = deadline
		}
	}
	if s.ExpiresAt != nil && s.ExpiresAt.Before(last) {
		last = *s.ExpiresAt
	}
	return last.Add(checkMargin)
}
