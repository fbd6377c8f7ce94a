package main

import (
	"net/http"
	"slices"
	"time"
)

// callEnd is what the answer to a call says of its message.
type callEnd int

const (
	wasTaken       callEnd = iota // the provider has the message
	mayBeTaken                    // there was no answer
	accountRefused                // the provider took nothing, for a reason of the account
	notNow                        // the provider took nothing: it was down, or throttled
	messageRefused                // the provider took nothing, for a reason of the message or of the recipient
)

// infobipRepeat is Infobip's code for a message that it has already.
const infobipRepeat = 23

func (c call) end() callEnd {
	isRepeat := c.Provider == infobip && c.Answer.Code == infobipRepeat
	switch status := c.Answer.Status; {
	case c.Accepted || isRepeat:
		return wasTaken
	case status == 0:
		return mayBeTaken
	case status == http.StatusUnauthorized:
		return accountRefused
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return notNow
	default:
		return messageRefused
	}
}

// callsOfRule returns the calls for the SMS of a rule, in order.
func (s *sendRecord) callsOfRule(rule int) []call {
	return slices.DeleteFunc(s.callsOf(sms), func(c call) bool { return s.ruleIndex(c.From) != rule })
}

// checkOneAccount: while a call by one account has, or may have, sent the SMS of a rule, or was refused for a reason that is not
// the account's, no other account is called for it.
func checkOneAccount(r *record) result {
	var out result
	for _, s := range r.sends {
		for rule := range s.Policy.Rules {
			calls := s.callsOfRule(rule)
			for i, c := range calls {
				out.checked++
				for _, before := range calls[:i] {
					if before.Provider != c.Provider && before.end() != accountRefused && before.end() != notNow {
						out.breachf(s, "%s was called for the SMS from %s, and %s had answered a call with %d %d",
							c.Provider, c.From, before.Provider, before.Answer.Status, before.Answer.Code)
						break
					}
				}
			}
		}
	}
	return out
}

// unhealthyFor is how long Backstop may leave an account alone after an outage: a minute until the probe, and the time of a probe
// whose process dies.
const unhealthyFor = 100 * time.Second

// checkNextAccount: if an account refuses the SMS of a rule for a reason of its own, the other accounts of the rule are called,
// unless one of them has taken the SMS, or may have, or has refused the message.
func checkNextAccount(r *record) result {
	var out result
	for _, s := range r.sends {
		for i, rule := range s.Policy.Rules {
			calls := s.callsOfRule(i)
			if !slices.ContainsFunc(calls, func(c call) bool { return c.end() == accountRefused }) || len(rule.Routes) < 2 {
				continue
			}
			out.checked++
			left := rule.uncalled(calls)
			isOver := func(c call) bool { return c.end() != accountRefused && c.end() != notNow }
			switch {
			case len(left) == 0, slices.ContainsFunc(calls, isOver), s.needsNoSMS(rule):
			case s.hasLapsed(), s.hasHeldSMS(r), s.mayLeaveOut(r, left):
				out.excused++
			default:
				out.breachf(s, "an account refused the SMS from %s, and no call by %q followed", calls[0].From, left)
			}
		}
	}
	return out
}

// uncalled returns the providers of the accounts of the rule that got none of the calls.
func (r rule) uncalled(calls []call) []string {
	var left []string
	for _, one := range r.routes() {
		provider := providerOf(one.Account)
		if !slices.ContainsFunc(calls, func(c call) bool { return c.Provider == provider }) {
			left = append(left, provider)
		}
	}
	return left
}

// needsNoSMS reports whether the message has reached the goal of a rule, its recipient has opted out, or its caller has ended it.
func (s *sendRecord) needsNoSMS(of rule) bool {
	if s.Final == nil {
		return false
	}
	hasOptedOut := slices.ContainsFunc(s.Final.Events, func(e event) bool { return isOptOut(e.Code) })
	hasStopped := slices.ContainsFunc(s.Final.Events, func(e event) bool { return isSTOP(e.Code) })
	return s.Final.outcomeOfCaller() != "" || hasReached(s.Final.WhatsApp.Status, of.goal()) ||
		hasOptedOut && s.maybeMarketing() || hasStopped && s.endsBySTOP()
}

// mayLeaveOut reports whether one of the providers was out of order, so that Backstop may not have called it before the wait of
// another rule ended.
func (s *sendRecord) mayLeaveOut(r *record, providers []string) bool {
	if len(s.Policy.Rules) < 2 || s.Final == nil || s.Final.FinishedAt == nil {
		return false
	}
	from, until := s.PostedAt.Add(-unhealthyFor), r.toOwnClock(*s.Final.FinishedAt)
	return slices.ContainsFunc(providers, func(provider string) bool {
		return r.hadOutage(provider, from, until, outageAccount, outageDown, outageHang)
	})
}

// checkLost: a send that has to fall back has its SMS taken by a provider, unless each account of its last rule refused for a
// reason of the account. Nothing else ends the retries of the last rule.
func checkLost(r *record) result {
	var out result
	for _, s := range r.sends {
		calls := s.callsOf(sms)
		if s.ID == "" || !s.mustFallBack() || len(calls) == 0 {
			continue // checkFellBack has those without a call
		}
		out.checked++
		isDecided := func(c call) bool { return c.end() == wasTaken || c.end() == messageRefused }
		switch {
		case slices.ContainsFunc(calls, isDecided):
		case s.hasLapsed(), s.hasHeldSMS(r):
			out.excused++
		case !s.allRefused(calls[len(calls)-1]):
			out.breachf(s, "no provider took the SMS, and an account was left")
		}
	}
	return out
}

// allRefused reports whether each account of the rule of a call refused the SMS for a reason of the account.
func (s *sendRecord) allRefused(last call) bool {
	i := s.ruleIndex(last.From)
	if i < 0 {
		return false
	}
	refused := slices.DeleteFunc(s.callsOfRule(i), func(c call) bool { return c.end() != accountRefused })
	return len(s.Policy.Rules[i].uncalled(refused)) == 0
}

// checkPlanned: an SMS goes out by an account of its rule, with the sender ID that the rule has for the account. A WhatsApp
// message goes out by the account that the send names, or by the default account.
func checkPlanned(r *record) result {
	var out result
	for _, s := range r.sends {
		for _, c := range s.callsOf(whatsApp) {
			out.checked++
			if want := numberOf(s.Account); c.From != want {
				out.breachf(s, "the WhatsApp message went out from %s, want %s", c.From, want)
			}
		}
		for _, c := range s.callsOf(sms) {
			out.checked++
			rule, known := s.ruleOf(c.From)
			isIt := func(one route) bool { return providerOf(one.Account) == c.Provider && one.SendID == c.From }
			if known && !slices.ContainsFunc(rule.routes(), isIt) {
				out.breachf(s, "%s got a call for an SMS from %s, and the rule has no such account", c.Provider, c.From)
			}
		}
	}
	return out
}

// checkRouted: if another account than the first of a rule is called, the timeline says so. If it says that an account before
// refused, one did. If it says that an account was unhealthy, an outage came before.
func checkRouted(r *record) result {
	var out result
	for _, s := range r.sends {
		for i, rule := range s.Policy.Rules {
			calls := s.callsOfRule(i)
			for _, one := range rule.routes()[1:] {
				provider := providerOf(one.Account)
				first := slices.IndexFunc(calls, func(c call) bool { return c.Provider == provider })
				if first < 0 || s.Final == nil {
					continue
				}
				out.checked++
				if text := s.routeFault(r, one.Account, calls[:first], calls[first]); text != "" {
					out.breachf(s, "%s was called for the SMS from %s, and %s", provider, calls[first].From, text)
				}
			}
		}
	}
	return out
}

// routeFault describes what is wrong with the event of a call by another account than the first; empty if nothing is.
func (s *sendRecord) routeFault(r *record, account string, before []call, c call) string {
	isIt := func(e event) bool {
		return e.Kind == eventRouted && e.Account == account && s.ruleIndex(lastWord(e.Rule)) == s.ruleIndex(c.From)
	}
	at := slices.IndexFunc(s.Final.Events, isIt)
	if at < 0 {
		return "the timeline does not say so"
	}
	hasRefused := slices.ContainsFunc(before, func(c call) bool { return c.end() == accountRefused })
	wasOut := slices.ContainsFunc([]string{twilio, infobip}, func(provider string) bool {
		return provider != c.Provider && r.hadOutage(provider, time.Time{}, c.Time, outageAccount, outageDown, outageHang)
	})
	switch reason := s.Final.Events[at].Reason; {
	case reason == "refused" && !hasRefused:
		return "no account had refused"
	case reason == "unhealthy" && !wasOut:
		return "no provider had an outage"
	case reason != "refused" && reason != "unhealthy" && reason != "down":
		return "the reason is missing"
	}
	return ""
}
