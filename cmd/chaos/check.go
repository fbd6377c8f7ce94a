package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// property is a promise that every run must keep, with any faults.
type property struct {
	name  string
	check func(*record) result
}

// result is the result of checking one property.
type result struct {
	checked  int
	excused  int // part of checked: cannot be judged from outside
	breaches []breach
}

type breach struct {
	send *sendRecord // nil if the breach concerns no send
	text string
}

func (r *result) breachf(s *sendRecord, format string, values ...any) {
	r.breaches = append(r.breaches, breach{s, fmt.Sprintf(format, values...)})
}

// allProperties returns all properties, in the order of the table.
func allProperties() []property {
	return []property{
		{"every 202 has one final outcome", checkEnded},
		{"no message twice", checkOnce},
		{"no second account after a call that may have sent", checkOneAccount},
		{"an account that refuses is followed by the next", checkNextAccount},
		{"no send is lost while an account works", checkLost},
		{"calls go by the accounts of the send", checkPlanned},
		{"the timeline says why another account is tried", checkRouted},
		{"no SMS after a satisfying receipt", checkSatisfied},
		{"every send that had to fall back did", checkFellBack},
		{"every acknowledged receipt is stored", checkStored},
		{"no SMS to those who opted out", checkOptedOut},
		{"nothing after expires_at", checkExpired},
		{"nothing before send_at", checkNotBefore},
		{"no call after a send is cancelled or confirmed", checkEndedByCaller},
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

// slack is the tolerance when times that different processes recorded are compared.
const slack = 250 * time.Millisecond

// checkEnded: each requested send gets a 202 and ends with an outcome. No request gets an
// error that it did not cause, and none makes a second send.
func checkEnded(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.ID == "" && s.ExpiresIn == expiresSoon && len(s.Problems) == 0 {
			continue // it had expired before the API could accept it
		}
		out.checked++
		switch {
		case len(s.Problems) > 0:
			out.breachf(s, "the client got %q", s.Problems)
		case s.ID == "":
			out.breachf(s, "it was never accepted")
		case s.Final == nil:
			out.breachf(s, "it cannot be read")
		case s.Final.FinishedAt == nil || s.Final.Outcome == pending:
			out.breachf(s, "it has not ended: outcome %s", s.Final.Outcome)
		}
	}
	for _, id := range r.extra {
		out.breachf(nil, "the API has a send that was not requested: %s", id)
	}
	return out
}

// checkOnce: a provider accepts one WhatsApp message of a send, and a second only if the end of the first call was
// unknown. It accepts one SMS of each rule, and the SMS of another rule only after the earlier SMS have failed.
func checkOnce(r *record) result {
	var out result
	for _, s := range r.sends {
		out.checked++
		checkWhatsAppOnce(r, s, &out)
		checkSMSOnce(s, &out)
	}
	for number := range r.calls {
		out.breachf(nil, "a provider got a call for %s, for which no send was requested", maskNumber(number))
	}
	return out
}

func checkWhatsAppOnce(r *record, s *sendRecord, out *result) {
	messages := s.acceptedCalls(whatsApp)
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
		out.breachf(s, "a second WhatsApp message was accepted, without a stored attempt")
		return
	}
	for _, one := range s.Reports {
		if one.MessageID == messages[0].ID && one.isAckedBefore(r.toOwnClock(second.StartedAt)) {
			out.breachf(s, "a second WhatsApp message was sent although %s of the first was acknowledged before", one.Status)
			return
		}
	}
}

// isAckedBefore reports whether Backstop acknowledged the receipt before a moment.
func (one report) isAckedBefore(moment time.Time) bool {
	return !one.Acked.IsZero() && one.Acked.Add(slack).Before(moment)
}

// wasUnknown reports whether a call on a channel ever had an unknown end, by any view of the send or by its timeline.
func (s *sendRecord) wasUnknown(channel string) bool {
	return slices.ContainsFunc(s.allViews(), func(v view) bool {
		return slices.ContainsFunc(v.Attempts, func(a attempt) bool { return a.Channel == channel && a.State == unknown }) ||
			slices.ContainsFunc(v.Events, func(e event) bool {
				return e.Kind == eventAttempt && e.Channel == channel && strings.HasPrefix(e.Detail, unknown)
			})
	})
}

// attemptOf finds the attempt of a call, as it was then: the last one of its channel, account and sender that began before the
// provider got the call, in any view of the send. An attempt has the time of its newest call alone, so no view may have the
// time of an earlier one.
func (s *sendRecord) attemptOf(r *record, c call) (found attempt, known bool) {
	for _, v := range s.allViews() {
		for _, a := range v.Attempts {
			if a.isOf(c) && r.toOwnClock(a.StartedAt).Before(c.Time.Add(slack)) && !a.StartedAt.Before(found.StartedAt) {
				found, known = a, true
			}
		}
	}
	return found, known
}

// isOf reports whether a call may be of the attempt.
func (a attempt) isOf(c call) bool {
	return a.Channel == c.Channel && (c.Channel == whatsApp || a.SendID == c.From && a.Provider == c.Provider)
}

// isRepeated reports whether the attempt of a call had several calls.
func (s *sendRecord) isRepeated(c call) bool {
	return slices.ContainsFunc(s.attemptsOf(c.Channel), func(a attempt) bool { return a.isOf(c) && a.Number > 1 })
}

func checkSMSOnce(s *sendRecord, out *result) {
	messages := s.acceptedCalls(sms)
	rules := map[int]int{}
	for i, m := range messages {
		if rule := s.ruleIndex(m.From); rules[rule] > 0 {
			out.breachf(s, "two SMS of the rule of %s were accepted", m.From)
			return
		}
		rules[s.ruleIndex(m.From)]++
		for n, before := range messages[:i] {
			// From failedAt on Backstop can get the failure from the provider without a receipt.
			failedAt := before.Time.Add(smsFails / sandboxSpeed)
			hasFailed := s.Scenario.smsOf(n) == failed || s.ackedFailure(before.ID)
			if !hasFailed || m.Time.Add(slack).Before(failedAt) {
				out.breachf(s, "a second SMS was accepted from %s, and the one from %s had not failed", m.From, before.From)
				return
			}
		}
	}
}

// smsFails is the time from the acceptance of an SMS to its failure, at sandbox speed 1.
const smsFails = 2 * time.Second

// checkSatisfied: no SMS is requested after a receipt that satisfies its rule was acknowledged. The start of the attempt
// counts, not the arrival of the call: attempt and receipt change the same row, so the later change sees the earlier
// one. In these scenarios a failed message never satisfies a rule, so only the rule's own goal is compared.
func checkSatisfied(r *record) result {
	var out result
	for _, s := range r.sends {
		for _, c := range s.callsOf(sms) {
			out.checked++
			rule, known := s.ruleOf(c.From)
			if !known {
				out.breachf(s, "the provider got a call for an SMS from %s, which no rule names", c.From)
				continue
			}
			a, begun := s.attemptOf(r, c)
			switch {
			case !begun && s.isRepeated(c): // no view has its start
				out.excused++
				continue
			case !begun:
				out.breachf(s, "the provider got a call for an SMS without a stored attempt")
				continue
			}
			for _, one := range s.Reports {
				if one.Provider == meta && hasReached(one.Status, rule.goal()) && one.isAckedBefore(r.toOwnClock(a.StartedAt)) {
					out.breachf(s, "the call for an SMS from %s began %s after %s was acknowledged", c.From,
						r.toOwnClock(a.StartedAt).Sub(one.Acked).Round(time.Millisecond), one.Status)
					break
				}
			}
		}
	}
	return out
}

// checkFellBack: if the WhatsApp message failed, or never reached the goal of a rule with a wait, the provider got an
// SMS. If that SMS failed and a rule is left, the provider got another SMS.
func checkFellBack(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.ID == "" || !s.mustFallBack() {
			continue
		}
		out.checked++
		calls := s.callsOf(sms)
		switch {
		case s.hasLapsed(): // the machine was too busy; checkExpired checks later calls
			out.excused++
		case len(calls) == 0 && (s.hasHeldSMS(r) || s.lacksReceipts(r)):
			out.excused++
		case len(calls) == 0:
			out.breachf(s, "the provider got no call for an SMS")
		case s.Scenario.whatsApp == failed && s.mustTryNext(calls) && !s.hasHeldSMS(r):
			out.breachf(s, "the SMS failed and no other followed, though the policy has %d rules", len(s.Policy.Rules))
		}
	}
	return out
}

// hasLapsed reports whether the send ended at its expires_at.
func (s *sendRecord) hasLapsed() bool {
	return s.Final != nil && slices.ContainsFunc(s.Final.Events, func(e event) bool { return e.Kind == eventExpired })
}

// smsStop is Twilio's error code for a recipient who answered STOP.
const smsStop = 21610

// mustTryNext reports whether another SMS was due: every earlier SMS was rejected or has an acknowledged failure, the
// recipient did not opt out, and a rule is left.
func (s *sendRecord) mustTryNext(calls []call) bool {
	rules := map[int]bool{}
	// Also those without a call, because no account was well until the wait of the next rule ended.
	for _, a := range s.attemptsOf(sms) {
		rules[s.ruleIndex(a.SendID)] = true
	}
	for _, c := range calls {
		rules[s.ruleIndex(c.From)] = true
		isOut := c.Accepted && !s.ackedFailure(c.ID)
		if isOut || (c.Answer.Code == smsStop || s.ackedOptOut(c.ID)) && s.endsBySTOP() {
			return false
		}
	}
	return len(rules) < len(s.Policy.Rules)
}

// ackedOptOut reports whether Backstop acknowledged a receipt of the message that says that the recipient has opted out.
func (s *sendRecord) ackedOptOut(messageID string) bool {
	return slices.ContainsFunc(s.Reports, func(one report) bool {
		return one.MessageID == messageID && isOptOut(one.Code) && !one.Acked.IsZero()
	})
}

// ackedFailure reports whether Backstop acknowledged a receipt of the message's failure.
func (s *sendRecord) ackedFailure(messageID string) bool {
	for _, one := range s.Reports {
		if one.MessageID == messageID && one.Status == failed && !one.Acked.IsZero() {
			return true
		}
	}
	return false
}

// hasHeldSMS reports whether Backstop does not resend an SMS because the result of its call is unknown: its process died during
// the call, or Twilio hung. A cut connection is no excuse, because the process that called still runs. An SMS by Infobip is never
// held, because Infobip refuses a repeat of a message that it has.
func (s *sendRecord) hasHeldSMS(r *record) bool {
	return slices.ContainsFunc(s.attemptsOf(sms), func(a attempt) bool { return a.Provider != infobip && a.isOrphan(r) })
}

// isOrphan reports whether a process died or the provider hung during the attempt's call, and the attempt has no known end.
func (a attempt) isOrphan(r *record) bool {
	begun := r.toOwnClock(a.StartedAt)
	from, until := begun.Add(-time.Second), begun.Add(callLength+time.Second)
	isCut := r.hasDied(from, until) || r.hadOutage(a.Provider, from, until, outageHang)
	return (a.State == unknown || a.State == calling) && isCut
}

// lacksReceipts reports whether a process died during the WhatsApp call, no other WhatsApp call has a known result, no receipt
// arrived and no rule has a wait. Such a send still waits for a failure receipt.
func (s *sendRecord) lacksReceipts(r *record) bool {
	attempts := s.attemptsOf(whatsApp)
	return s.Policy.neverWaits() && len(s.Reports) == 0 &&
		slices.ContainsFunc(attempts, func(a attempt) bool { return a.isOrphan(r) }) &&
		!slices.ContainsFunc(attempts, func(a attempt) bool { return a.State == accepted || a.State == rejected })
}
