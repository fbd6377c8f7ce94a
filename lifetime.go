package backstop

import "time"

// checkMargin is the time after a send's last wait in which most sends end. Calls and receipts take seconds; only a provider
// that is down takes longer.
const checkMargin = 10 * time.Minute

// CheckAt returns when a send that has not ended is first compared with its workflow: 10 minutes after the longest wait of its
// rules, or after ExpiresAt if that is earlier. The workflow may still run then.
func (s Send) CheckAt() time.Time {
	origin := s.Origin()
	last := origin
	for _, rule := range s.Plan.Rules {
		if deadline, waits := rule.Deadline(origin); waits && deadline.After(last) {
			last = deadline
		}
	}
	if s.ExpiresAt != nil && s.ExpiresAt.Before(last) {
		last = *s.ExpiresAt
	}
	return last.Add(checkMargin)
}
