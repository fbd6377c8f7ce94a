package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkStored: each acknowledged receipt is stored, in the timeline or as an equal or higher status of its message. The
// status of the channel is at least as high.
func checkStored(r *record) result {
	var out result
	for _, s := range r.sends {
		for _, one := range s.Reports {
			if one.Acked.IsZero() {
				continue
			}
			out.checked++
			if s.Final == nil || !s.isStored(one) {
				out.breachf(s, "%s of %s was acknowledged and is not stored", one.Status, one.Provider)
			}
		}
	}
	return out
}

// isStored reports whether the API shows a receipt, or a higher status of its message.
func (s *sendRecord) isStored(one report) bool {
	channel := channelOf(one)
	state := s.Final.WhatsApp.Status
	if channel == sms {
		state = s.Final.smsStatus()
	}
	if s.stepsOf(channel) == 1 && rankOf(state) < rankOf(one.Status) {
		return false // with several messages the channel has the status of the newest
	}
	for _, a := range s.attemptsOf(channel) {
		isIt := a.MessageID == one.MessageID || one.Ref == fmt.Sprintf("%s.%d", s.ID, a.Step)
		if isIt && rankOf(a.Status) >= rankOf(one.Status) {
			return true
		}
	}
	return slices.ContainsFunc(s.Final.Events, func(e event) bool {
		return e.Kind == eventReceipt && e.Channel == channel && e.Status == one.Status
	})
}

// stepsOf returns the number of messages of a channel that have an attempt.
func (s *sendRecord) stepsOf(channel string) int {
	steps := map[int]bool{}
	for _, a := range s.attemptsOf(channel) {
		steps[a.Step] = true
	}
	return len(steps)
}

func channelOf(one report) string {
	if one.Provider == meta {
		return whatsApp
	}
	return sms
}

// isOptOut reports whether an error code of a provider means that the recipient has opted out.
func isOptOut(code string) bool {
	return slices.Contains([]string{"131050", "21610", "EC_CONTENT_BLOCKED"}, code) // of Meta, Twilio and Infobip
}

// isSTOP reports whether an error code of a provider means that the recipient has answered STOP to an SMS.
func isSTOP(code string) bool { return isOptOut(code) && code != "131050" }

// lastWord returns the last word of the name of a rule, its sender ID.
func lastWord(rule string) string { return rule[strings.LastIndexByte(rule, ' ')+1:] }

// checkOptedOut: a recipient who opted out gets no SMS that may be marketing. The events are in the order in which they
// were stored, so a rule that fired after the opt-out may not cause an SMS.
func checkOptedOut(r *record) result {
	var out result
	for _, s := range r.sends {
		if !s.maybeMarketing() || s.Final == nil {
			continue
		}
		refused := slices.IndexFunc(s.Final.Events, func(e event) bool { return isOptOut(e.Code) })
		if refused < 0 {
			continue
		}
		out.checked++
		for _, e := range s.Final.Events[refused+1:] {
			if e.Kind != eventFired {
				continue
			}
			rule := s.ruleIndex(lastWord(e.Rule))
			if slices.ContainsFunc(s.callsOf(sms), func(c call) bool { return s.ruleIndex(c.From) == rule }) {
				out.breachf(s, "the call for an SMS of the rule %q began after the recipient had opted out", e.Rule)
			}
		}
	}
	return out
}

// checkExpired: no call begins after expires_at, and none reaches the provider more than callLength after expires_at. A
// process that was frozen during a call may finish it after the freeze. The API's clock counts.
func checkExpired(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.ExpiresAt == nil {
			continue
		}
		for _, c := range s.Calls {
			out.checked++
			a, begun := s.attemptOf(r, c)
			late := c.Time.Add(r.offset).Sub(*s.ExpiresAt)
			switch {
			case begun && a.StartedAt.Sub(*s.ExpiresAt) > slack:
				after := a.StartedAt.Sub(*s.ExpiresAt).Round(time.Millisecond)
				out.breachf(s, "a %s call began %s after expires_at", c.Channel, after)
			case late > callLength+slack && (!begun || !r.hasDied(r.toOwnClock(a.StartedAt).Add(-time.Second), c.Time)):
				out.breachf(s, "a %s call reached the provider %s after expires_at", c.Channel, late.Round(time.Millisecond))
			}
		}
	}
	return out
}

// checkForward: a send in the API only advances from one view to the next.
func checkForward(r *record) result {
	var out result
	for _, s := range r.sends {
		looks := s.allViews()
		for i := 1; i < len(looks); i++ {
			out.checked++
			if text := describeStepBack(looks[i-1], looks[i]); text != "" {
				out.breachf(s, "%s", text)
				break
			}
		}
	}
	return out
}

// allViews returns all views of the send, in order.
func (s *sendRecord) allViews() []view {
	looks := slices.Clone(s.Views)
	if s.Final != nil {
		looks = append(looks, *s.Final)
	}
	return looks
}

// describeStepBack describes the first value that went back between two views; empty if none did.
func describeStepBack(before, after view) string {
	switch {
	case rankOf(after.WhatsApp.Status) < rankOf(before.WhatsApp.Status):
		return fmt.Sprintf("the status of WhatsApp went from %s to %s", before.WhatsApp.Status, after.WhatsApp.Status)
	case before.FinishedAt != nil && (after.FinishedAt == nil || !after.FinishedAt.Equal(*before.FinishedAt)):
		return "finished_at changed"
	case before.Duplicate && !after.Duplicate:
		return "duplicate_delivery went from true to false"
	case len(after.Attempts) < len(before.Attempts), len(after.Events) < len(before.Events):
		return "an attempt or an event vanished"
	case hasArrived(before.Outcome) && !hasArrived(after.Outcome), before.Outcome != pending && after.Outcome == pending:
		return fmt.Sprintf("the outcome went from %s to %s", before.Outcome, after.Outcome)
	}
	for i, e := range before.Events {
		if e != after.Events[i] {
			return fmt.Sprintf("event %d changed from %s to %s", i+1, e.Kind, after.Events[i].Kind)
		}
	}
	for _, a := range before.Attempts {
		for _, b := range after.Attempts {
			if a.Step == b.Step && a.Number == b.Number && rankOf(b.Status) < rankOf(a.Status) {
				return fmt.Sprintf("the status of attempt %d.%d went from %s to %s", a.Step, a.Number, a.Status, b.Status)
			}
		}
	}
	return ""
}

func hasArrived(outcome string) bool { return outcome == whatsApp || outcome == sms }

// checkTimelines: a timeline begins with accepted, and its times never go back. Only receipts, and the duplicates that receipts
// reveal, follow finished.
func checkTimelines(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.Final == nil {
			continue
		}
		out.checked++
		if text := timelineFault(s.Final.Events); text != "" {
			out.breachf(s, "%s", text)
		}
	}
	return out
}

// timelineFault describes the fault of a timeline; empty if it has none.
func timelineFault(events []event) string {
	if len(events) == 0 || events[0].Kind != eventAccepted {
		return "the timeline does not begin with accepted"
	}
	finished := false
	for i, e := range events {
		switch {
		case i > 0 && e.At.Before(events[i-1].At):
			return fmt.Sprintf("%s goes back by %s, after %s", e.Kind, events[i-1].At.Sub(e.At), events[i-1].Kind)
		case finished && e.Kind != eventReceipt && e.Kind != eventDuplicate:
			return fmt.Sprintf("%s follows finished", e.Kind)
		}
		finished = finished || e.Kind == eventFinished
	}
	return ""
}

// checkOutcome: the outcome agrees with the attempts and their statuses.
func checkOutcome(r *record) result {
	var out result
	for _, s := range r.sends {
		if s.Final == nil || s.Final.Outcome == pending {
			continue
		}
		out.checked++
		if want := s.Final.outcomes(); !slices.Contains(want, s.Final.Outcome) {
			out.breachf(s, "the outcome is %s, want %s", s.Final.Outcome, strings.Join(want, " or "))
		}
	}
	return out
}

// outcomes returns the outcomes that an ended send may have: sms if an SMS arrived; else what its caller ended it with; else
// whatsapp if that message arrived; else unconfirmed if a provider has a message or may have one; else expired or failed.
func (v *view) outcomes() []string {
	for _, channel := range []string{sms, whatsApp} {
		isThere := func(a attempt) bool { return a.Channel == channel && hasReached(a.Status, delivered) }
		if slices.ContainsFunc(v.Attempts, isThere) {
			return []string{channel}
		}
		if own := v.outcomeOfCaller(); own != "" {
			return []string{own}
		}
	}
	wasOut, doubtful := false, false
	for i, a := range v.Attempts {
		wasOut = wasOut || a.State == accepted && !v.wasDropped(a)
		isOut := a.Status != failed && (a.State == accepted || a.State == unknown || a.State == calling)
		// A later rejection of the same message suggests that the provider did not accept it before.
		rejects := func(b attempt) bool { return b.Channel == whatsApp && b.State == rejected }
		switch {
		case isOut && a.Channel == whatsApp && a.State != accepted && slices.ContainsFunc(v.Attempts[i:], rejects):
			doubtful = true
		case isOut:
			return []string{unconfirmed}
		}
	}
	switch {
	case doubtful:
		return []string{unconfirmed, failed, expired}
	case v.ExpiresAt == nil || wasOut:
		return []string{failed}
	default:
		return []string{expired, failed}
	}
}

// wasDropped reports whether the provider dropped an SMS from its queue because its validity period had ended (Twilio
// 30036, Infobip EC_MESSAGE_CANCELED). No network ever had such an SMS.
func (v *view) wasDropped(a attempt) bool {
	isValidityOver := func(e event) bool { return e.Code == "30036" || e.Code == "EC_MESSAGE_CANCELED" }
	return a.Channel == sms && a.Status == failed && slices.ContainsFunc(v.Events, isValidityOver)
}

// checkWritten: each call that a provider got has an attempt. Each message that a provider accepted has an attempt with
// its message id, or an attempt without an id that is accepted or has no known end.
func checkWritten(r *record) result {
	var out result
	for _, s := range r.sends {
		for _, channel := range []string{whatsApp, sms} {
			calls, attempts := s.callsOf(channel), s.attemptsOf(channel)
			out.checked += len(calls)
			n := 0
			for _, a := range attempts {
				n += a.Number
			}
			if len(calls) > n {
				out.breachf(s, "%d %s calls reached the provider, but only %d are stored as attempts", len(calls), channel, n)
				continue
			}
			for _, c := range calls {
				isKnown := func(a attempt) bool {
					hasNoID := a.State == unknown || a.State == calling || a.State == accepted
					return a.MessageID == c.ID || a.MessageID == "" && hasNoID
				}
				if c.Accepted && !slices.ContainsFunc(attempts, isKnown) {
					out.breachf(s, "the provider accepted a %s message that no attempt has", channel)
				}
			}
		}
	}
	return out
}

// checkLeaks: no history and no log contains personal data.
func checkLeaks(r *record) result {
	out := result{checked: r.searched}
	for _, l := range r.leaks {
		out.breachf(l.send, "%s has %s", l.where, l.what)
	}
	return out
}
