package backstop

import (
	"slices"
	"time"
)

// NextRule returns the rule that fires next if nothing more is received, by its index in the plan, and when it fires. A rule
// that is due fires now; any other rule fires at the end of its wait. NextRule returns false if no rule fires in this way: the
// send has ended, the recipient has opted out, the message expires first, an SMS is being sent or may still arrive, or no unused
// rule has a wait that the message has not satisfied.
//
// NextRule is a forecast, for people. The call itself needs Begin.
func (l *Ledger) NextRule(now time.Time) (rule int, at time.Time, found bool) {
	s := l.Send
	hasSMS := s.Status.SMS != "" && s.Status.SMS != Failed
	if s.FinishedAt != nil || hasSMS || l.optOut() != nil || l.isListed() {
		return 0, time.Time{}, false
	}
	for _, at := range s.Plan.moments(s.Origin(), now) {
		if l.hasExpired(at) {
			break
		}
		if rule, fires := s.Plan.Due(s.Status.WhatsApp, s.Origin(), at, l.usedRules().Has); fires {
			if held := l.heldUntil(); held.After(at) {
				at = held
			}
			return rule, at, !l.hasExpired(at)
		}
	}
	return 0, time.Time{}, false
}

// moments returns now and the later ends of waits, in order: no rule begins to be due at another time, unless a receipt comes.
func (p Plan) moments(origin, now time.Time) []time.Time {
	moments := []time.Time{now}
	for _, rule := range p.Rules {
		if deadline, waits := rule.Deadline(origin); waits && deadline.After(now) {
			moments = append(moments, deadline)
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	return moments
}
