package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// property is something that holds for every run, whatever was done to the installation.
type property struct {
	name  string
	check func(*record) result
}

// result is how a property came out.
type result struct {
	checked  int
	excused  int // of those, how many nobody can judge from outside
	breaches []breach
}

type breach struct {
	send *sendRecord // nil if it concerns none
	text string
}

func (r *result) breachf(s *sendRecord, format string, values ...any) {
	r.breaches = append(r.breaches, breach{s, fmt.Sprintf(format, values...)})
}

// properties are all that is checked, in the order of the table.
func properties() []property {
	return []property{
		{"every 202 has one final outcome", checkEnded},
		{"no message twice", checkOnce},
		{"no SMS after a satisfying receipt", checkSatisfied},
		{"every send that had to fall back did", checkFellBack},
		{"every acknowledged receipt is stored", checkStored},
		{"no SMS to those who opted out", checkOptedOut},
		{"nothing after expires_at", checkExpired},
		{"nothing goes back from look to look", checkForward},
		{"timelines are in order", checkTimelines},
		{"the outcome is what the attempts say", checkOutcome},
		{"every call was written down first", checkWritten},
		{"no workflow fails a task", checkPanics},
		{"no run outlives its send", checkRuns},
		{"no process ends by itself", checkCrashes},
		{"nothing of a person in histories and logs", checkLeaks},
	}
}

// slack is how far two clocks of one machine, or the order of two things that are noted by different processes, may be
// apart.
const slack = 250 * time.Millisecond

// checkEnded: each send that was acknowledged with 202 has ended with an outcome, each that was asked for was
// acknowledged, with no answer on the way that a careful customer cannot understand, and no request made a second send.
func checkEnded(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.ID == "" && s.ExpiresIn == expiresSoon && len(s.Problems) == 0 {
			continue // it had expired before it could be taken
		}
		out.checked++
		switch {
		case len(s.Problems) > 0:
			out.breachf(s, "the customer was answered %q", s.Problems)
		case s.ID == "":
			out.breachf(s, "it was never accepted")
		case s.Final == nil:
			out.breachf(s, "it cannot be read")
		case s.Final.FinishedAt == nil || s.Final.Outcome == pending:
			out.breachf(s, "it has not ended: outcome %s", s.Final.Outcome)
		}
	}
	for _, id := range r.extra {
		out.breachf(nil, "the API has a send that nobody asked for: %s", id)
	}
	return out
}

// checkOnce: a provider accepts one WhatsApp message of a send, two only if the end of the first call was unknown; and
// one SMS of each rule, another rule's only when those before had failed at the provider.
func checkOnce(r *record) result {
	var out result
	for _, s := range r.sends {
		out.checked++
		checkWhatsAppOnce(r, s, &out)
		checkSMSOnce(s, &out)
	}
	for number := range r.calls {
		out.breachf(nil, "a provider was asked to send to %s, to whom nobody sends", maskNumber(number))
	}
	return out
}

func checkWhatsAppOnce(r *record, s *sendRecord, out *result) {
	messages := s.accepted(whatsApp)
	switch {
	case len(messages) < 2:
		return
	case len(messages) > 2:
		out.breachf(s, "%d WhatsApp messages were accepted", len(messages))
		return
	case !s.wasUnknown(whatsApp):
		out.breachf(s, "a second WhatsApp message was accepted, and the end of the first call was known")
		return
	}
	second, begun := s.attemptOf(r, messages[1])
	if !begun {
		out.breachf(s, "a second WhatsApp message was accepted, of which no attempt was written down")
		return
	}
	for _, one := range s.Reports {
		if one.MessageID == messages[0].ID && one.isAckedBefore(r.here(second.StartedAt)) {
			out.breachf(s, "a second WhatsApp message was sent although %s of the first was acknowledged before", one.Status)
			return
		}
	}
}

// isAckedBefore reports whether the receipt was Backstop's before a moment.
func (one report) isAckedBefore(moment time.Time) bool {
	return !one.Acked.IsZero() && one.Acked.Add(slack).Before(moment)
}

// wasUnknown reports whether the end of a call on a channel was unknown at some time: it still is, or was when somebody
// looked, or the timeline says so.
func (s *sendRecord) wasUnknown(channel string) bool {
	return slices.ContainsFunc(s.looks(), func(v view) bool {
		return slices.ContainsFunc(v.Attempts, func(a attempt) bool { return a.Channel == channel && a.State == unknown }) ||
			slices.ContainsFunc(v.Events, func(e event) bool {
				return e.Kind == eventAttempt && e.Channel == channel && strings.HasPrefix(e.Detail, unknown)
			})
	})
}

// attemptOf finds the attempt that a call belongs to: the last of its channel and sender that had begun when the
// provider got it.
func (s *sendRecord) attemptOf(r *record, c call) (found attempt, known bool) {
	for _, a := range s.attemptsOf(c.Channel) {
		if (c.Channel == whatsApp || a.SendID == c.From) && r.here(a.StartedAt).Before(c.Time.Add(slack)) {
			found, known = a, true
		}
	}
	return found, known
}

func checkSMSOnce(s *sendRecord, out *result) {
	messages := s.accepted(sms)
	senders := map[string]int{}
	for i, m := range messages {
		if senders[m.From]++; senders[m.From] > 1 {
			out.breachf(s, "two SMS of the rule of %s were accepted", m.From)
			return
		}
		for n, before := range messages[:i] {
			// The provider itself knows of the failure from then on; there are ways to learn of it without a receipt.
			failedAt := before.Time.Add(smsFails / sandboxSpeed)
			hasFailed := s.Scenario.smsOf(n) == failed || s.ackedFailure(before.ID)
			if !hasFailed || m.Time.Add(slack).Before(failedAt) {
				out.breachf(s, "a second SMS was accepted from %s, and the one from %s had not failed", m.From, before.From)
				return
			}
		}
	}
}

// smsFails is when an SMS that fails does, after it was accepted, at speed 1.
const smsFails = 2 * time.Second

// checkSatisfied: no SMS is asked for after a receipt that satisfies its rule was acknowledged. A receipt that came when
// the call had already begun is too late, so what counts is when the attempt was written down: that, and the receipt,
// are changes of the same row, and the later one sees the earlier. (A message that failed never satisfies a rule in
// these scenarios, so the goal is the rule's own.)
func checkSatisfied(r *record) result {
	var out result
	for _, s := range r.sends {
		for _, c := range s.callsOf(sms) {
			out.checked++
			rule, known := s.ruleOf(c.From)
			if !known {
				out.breachf(s, "an SMS was asked for from %s, which no rule names", c.From)
				continue
			}
			a, begun := s.attemptOf(r, c)
			if !begun {
				out.breachf(s, "an SMS was asked for of which no attempt was written down")
				continue
			}
			for _, one := range s.Reports {
				if one.Provider == meta && hasReached(one.Status, rule.goal()) && one.isAckedBefore(r.here(a.StartedAt)) {
					out.breachf(s, "an SMS from %s was asked for %s after %s was acknowledged", c.From,
						r.here(a.StartedAt).Sub(one.Acked).Round(time.Millisecond), one.Status)
					break
				}
			}
		}
	}
	return out
}

// checkFellBack: each send whose WhatsApp message failed, or never reached what a rule waits for, has an SMS asked for
// at the provider; and another one when that failed and a rule is left.
func checkFellBack(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.ID == "" || !s.mustFallBack() {
			continue
		}
		out.checked++
		calls := s.callsOf(sms)
		switch {
		case s.hasLapsed(): // on a machine that is too busy; what comes after it is checked elsewhere
			out.excused++
		case len(calls) == 0 && (s.isHeld(r) || s.isBlind(r)):
			out.excused++
		case len(calls) == 0:
			out.breachf(s, "no SMS was asked for")
		case s.Scenario.whatsApp == failed && s.askedOfNext(calls) && !s.isHeld(r):
			out.breachf(s, "the SMS failed and no other followed, though the policy has %d rules", len(s.Policy.Rules))
		}
	}
	return out
}

// hasLapsed reports whether the send ended because its expires_at came.
func (s *sendRecord) hasLapsed() bool {
	return s.Final != nil && slices.ContainsFunc(s.Final.Events, func(e event) bool { return e.Kind == "expired" })
}

// smsStop is Twilio's code for a recipient who answered STOP.
const smsStop = 21610

// askedOfNext reports whether another SMS was due: every one that was asked for is known to have failed, none because the
// recipient opted out, and a rule is left.
func (s *sendRecord) askedOfNext(calls []call) bool {
	senders := map[string]bool{}
	for _, c := range calls {
		senders[c.From] = true
		if c.Accepted && !s.ackedFailure(c.ID) || c.Answer.Code == smsStop && s.maybeMarketing() {
			return false
		}
	}
	return len(senders) < len(s.Policy.Rules)
}

// ackedFailure reports whether a message's failure was acknowledged.
func (s *sendRecord) ackedFailure(messageID string) bool {
	for _, one := range s.Reports {
		if one.MessageID == messageID && one.Status == failed && !one.Acked.IsZero() {
			return true
		}
	}
	return false
}

// isHeld reports whether an SMS is held because the process that was about to call died: whether it called, nobody can
// know, and then it is not sent again. A cut connection is no excuse, because the process lives and knows.
func (s *sendRecord) isHeld(r *record) bool {
	return slices.ContainsFunc(s.attemptsOf(sms), func(a attempt) bool { return a.isOrphan(r) })
}

// isOrphan reports whether the attempt's process died in the middle of its call.
func (a attempt) isOrphan(r *record) bool {
	begun := r.here(a.StartedAt)
	return (a.State == unknown || a.State == calling) && r.died(begun.Add(-time.Second), begun.Add(callLength+time.Second))
}

// isBlind reports whether nothing tells of a failure of the WhatsApp message, and no rule waits: a process died in its
// call, and the end of no other is known. Such a send watches for a failure that may still be reported.
func (s *sendRecord) isBlind(r *record) bool {
	attempts := s.attemptsOf(whatsApp)
	return s.Policy.neverWaits() && len(s.Reports) == 0 &&
		slices.ContainsFunc(attempts, func(a attempt) bool { return a.isOrphan(r) }) &&
		!slices.ContainsFunc(attempts, func(a attempt) bool { return a.State == accepted || a.State == rejected })
}
