package backstop

import (
	"slices"
	"time"
)

// Candidate is an account that a call may go to, as the caller sees it now.
type Candidate struct {
	Account  string
	Provider string // the driver's name; empty if the account is not configured

	IsUnhealthy    bool // its circuit breaker allows no call
	RefusesRepeats bool // see Attempt.RefusesRepeats
	HoldsUnknown   bool // a call of unknown end is not sent again
}

// hasForgotten reports whether the account of an attempt would not refuse its message a second time: it has another provider
// now, or other settings. The settings of an account that cannot be opened are not known.
func (c Candidate) hasForgotten(a Attempt) bool {
	isOther := c.Provider != "" && c.Provider != a.Provider
	return isOther || c.Provider != "" && !c.RefusesRepeats && !c.IsUnhealthy
}

// RouteReason is why another account than the one before is tried.
type RouteReason string

// The reasons.
const (
	RouteRefused   RouteReason = "refused"   // the account before refused, for a reason of its own
	RouteDown      RouteReason = "down"      // the account before took no call for a while: it was down, or throttled
	RouteUnhealthy RouteReason = "unhealthy" // other calls found the accounts before unhealthy
)

const (
	// triesOfRoute is how many calls in a row by one account may send nothing before the next account is tried. With the engine's
	// pauses that takes about 3 s.
	triesOfRoute = 3
	// throttledTooLong is the longest pause, asked for by a provider, that a send waits for while it has another account.
	throttledTooLong = 10 * time.Second
)

// candidate returns the caller's candidate of this account. Without one the account is not configured.
func (c Call) candidate(account string) Candidate {
	i := slices.IndexFunc(c.Candidates, func(o Candidate) bool { return o.Account == account })
	switch {
	case i >= 0:
		return c.Candidates[i]
	case account == "" && len(c.Candidates) > 0:
		return c.Candidates[0] // of a plan that names no account
	}
	return Candidate{Account: account}
}

// StepOf returns the step of a call, and the account that the call goes to. The choice follows from the attempts: a call that was
// made, or may have been, keeps its account. Otherwise the first account is chosen that is left, healthy, in no long pause, and
// has had the fewest calls.
func (l *Ledger) StepOf(c Call, now time.Time) (step int, chosen Candidate) {
	if c.Channel == WhatsApp {
		return WhatsAppStep(c.Resend), c.candidate(l.Send.Plan.Account)
	}
	rule := l.Send.Plan.Rules[c.Rule]
	route := l.routeOf(c, now)
	return SMSStep(c.Rule, route, c.Resend), c.candidate(rule.route(route).Account)
}

// routeOf returns the index of the route that a call takes.
func (l *Ledger) routeOf(c Call, now time.Time) int {
	routes := l.Send.Plan.Rules[c.Rule].Routes
	best, bestRank, last := -1, 0, 0
	for i := range max(len(routes), 1) {
		a := l.Attempt(SMSStep(c.Rule, i, false))
		switch {
		case a != nil && !a.IsRetriable() && !a.isAccountRefusal():
			return i
		case a != nil && a.isAccountRefusal():
			last = i
			continue
		}
		rank := rankOf(a, now)
		if c.candidate(l.Send.Plan.Rules[c.Rule].route(i).Account).IsUnhealthy {
			rank += unhealthyRank
		}
		if best < 0 || rank < bestRank {
			best, bestRank = i, rank
		}
	}
	if best < 0 {
		return last // each account refused
	}
	return best
}

// Each of these is more than the rank of any number of calls.
const (
	pausedRank    = 1 << 29
	unhealthyRank = 1 << 30
)

// rankOf orders the routes that are left: by how often an account has had its number of tries. An account in a long pause comes
// after the others, and the pause that ends first before the others.
func rankOf(a *Attempt, now time.Time) int {
	switch {
	case a == nil:
		return 0
	case a.asksForLongPause() && now.Before(a.pausesUntil()):
		return pausedRank + int(a.pausesUntil().Sub(now)/time.Second)
	default:
		return a.Number / triesOfRoute
	}
}

// hasRouteLeft reports whether an account of the rule may still be tried. None may after an account took the message, or may
// have, or refused it for a reason that is not its own.
func (l *Ledger) hasRouteLeft(rule int) bool {
	isLeft := false
	for i := range max(len(l.Send.Plan.Rules[rule].Routes), 1) {
		switch a := l.Attempt(SMSStep(rule, i, false)); {
		case a == nil || a.IsRetriable():
			isLeft = true
		case !a.isAccountRefusal():
			return false
		}
	}
	return isLeft
}

// isPassedOver reports whether an account refused the SMS for a reason of its own, and another account of the rule is left.
func (l *Ledger) isPassedOver(a Attempt) bool {
	return a.Channel == SMS && a.isAccountRefusal() && l.hasRouteLeft(ruleOf(a.Ref.Step))
}

// attemptsOf calls visit for each attempt of a rule.
func (l *Ledger) attemptsOf(rule int, visit func(*Attempt)) {
	for i := range l.Attempts {
		if a := &l.Attempts[i]; a.Channel == SMS && ruleOf(a.Ref.Step) == rule {
			visit(a)
		}
	}
}

// previousAttempt returns the newest attempt of the rule that an attempt of another account follows, or nil.
func (l *Ledger) previousAttempt(a *Attempt) *Attempt {
	var previous *Attempt
	l.attemptsOf(ruleOf(a.Ref.Step), func(o *Attempt) {
		if o.Ref.Step != a.Ref.Step && (previous == nil || o.StartedAt.After(previous.StartedAt)) {
			previous = o
		}
	})
	return previous
}

// recordRoute adds an event if the call is the first by its account, and another account than the rule's first.
func (l *Ledger) recordRoute(a *Attempt, now time.Time) {
	previous := l.previousAttempt(a)
	if a.Number > 0 || isResend(a.Ref.Step) || routeOf(a.Ref.Step) == 0 && previous == nil {
		return
	}
	reason := RouteUnhealthy
	switch {
	case previous == nil:
	case previous.isAccountRefusal():
		reason = RouteRefused
	case previous.sentNothing():
		reason = RouteDown
	}
	l.addEvent(Event{Kind: EventRouted, Channel: SMS, Rule: a.Rule, Account: a.Account, Detail: string(reason)}, now)
}

// RoutedFrom returns the account that was left at an event of kind EventRouted: that of the newest call for the rule, or without
// a call the first of the rule. Before has the earlier events of the send, the oldest first.
func (p Plan) RoutedFrom(routed Event, before []Event) string {
	for _, e := range slices.Backward(before) {
		if e.Kind == EventAttempt && e.Channel == SMS && e.Rule == routed.Rule && e.Account != routed.Account {
			return e.Account
		}
	}
	i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.Name == routed.Rule })
	if i < 0 || p.Rules[i].route(0).Account == routed.Account {
		return ""
	}
	return p.Rules[i].route(0).Account
}

// mustPause reports whether the account of a call asked for a pause that has not ended. A rule with one account makes the call
// all the same, because the engine has waited for the pause.
func (l *Ledger) mustPause(a *Attempt, c Call, now time.Time) (until time.Time, pauses bool) {
	isAlone := c.Channel == WhatsApp || len(l.Send.Plan.Rules[c.Rule].Routes) < 2
	if isAlone || a == nil || a.State != StateThrottled {
		return time.Time{}, false
	}
	until = a.pausesUntil()
	return until, now.Before(until)
}
