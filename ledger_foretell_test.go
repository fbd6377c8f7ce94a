package backstop_test

import (
	"slices"
	"time"

	"github.com/backstophq/backstop"
)

// foretell is the model. It computes the documented result of a script from the whole script, without attempts and revisions.
// Every status is a function of the messages that were sent and of the time.
func foretell(s script) fate {
	m := &oracle{script: s, now: origin.Add(s.Start)}
	if rule := m.firing(); rule < 0 && !m.late() {
		m.whatsApp(false)
	}
	for !m.ends() {
		rule := m.firing()
		switch {
		case rule >= 0:
			m.resendAt = time.Time{}
			m.sms(rule)
		case !m.resendAt.IsZero() && !m.now.Before(m.resendAt):
			m.resendAt = time.Time{}
			if m.reached(m.now) == queued {
				m.whatsApp(true)
			}
		default:
			m.walk(m.now.Add(2*backstop.MaxWait), func() bool { return true })
		}
	}
	m.AtEnd = m.outcome(m.now)
	m.Outcome = m.outcome(m.now.Add(2 * backstop.MaxWait))
	m.Double = m.doubled()
	return m.fate
}

type oracle struct {
	script
	fate

	now      time.Time
	messages []message
	resendAt time.Time
	waited   bool // the wait for the last SMS's receipt has ended
	tried    bool // a provider was called with the WhatsApp message
}

// message is a message that a provider was asked to send. Its times are those of the last call.
type message struct {
	delivery

	rule         int // -1: WhatsApp
	begun, ended time.Time
	gaveUp       bool
}

func (m message) at(t time.Time) backstop.Status {
	s := queued
	switch {
	case t.Before(m.ended):
	case m.gaveUp, m.End != nil && m.End.Kind == backstop.Rejected:
		s = failed
	case m.End == nil:
		s = submitted
	}
	for _, r := range m.reports(t) {
		s = s.Advance(r.Status)
	}
	return s
}

func (m message) reports(t time.Time) []report {
	var known []report
	for _, r := range m.Reports {
		if !m.gaveUp && !m.begun.Add(r.After).After(t) {
			known = append(known, r)
		}
	}
	return known
}

func (m message) mayArrive(t time.Time) bool {
	s := m.at(t)
	return s != failed && !s.Reached(delivered)
}

// had reports whether a provider is known to have taken the message.
func (m message) had(t time.Time) bool {
	return !m.gaveUp && m.End == nil && !t.Before(m.ended) || len(m.reports(t)) > 0
}

func (m *oracle) of(rule int) []message {
	var of []message
	for _, msg := range m.messages {
		if msg.rule == rule {
			of = append(of, msg)
		}
	}
	return of
}

// reached returns the status of WhatsApp: of the newest message, unless an older one arrived. If an SMS went out and no WhatsApp
// message before it, WhatsApp counts as failed.
func (m *oracle) reached(t time.Time) backstop.Status {
	s := queued
	if len(m.of(-1)) == 0 && len(m.messages) > 0 {
		s = failed
	}
	for _, msg := range m.of(-1) {
		if own := msg.at(t); own.Reached(delivered) || !s.Reached(delivered) {
			s = own
		}
	}
	for _, msg := range m.of(-1) {
		if own := msg.at(t); own.Reached(delivered) {
			s = s.Advance(own)
		}
	}
	return s
}

func (m *oracle) late() bool { return m.Expires > 0 && !m.now.Before(origin.Add(m.Expires)) }

func (m *oracle) used(rule int) bool { return len(m.of(rule)) > 0 }

func (m *oracle) smsMayArrive() bool {
	return slices.ContainsFunc(m.messages, func(msg message) bool { return msg.rule >= 0 && msg.mayArrive(m.now) })
}

// firing is the rule that fires now, or -1.
func (m *oracle) firing() int {
	goal := map[backstop.RuleType]backstop.Status{backstop.SendFailed: sent, backstop.Undelivered: delivered, backstop.Unread: read}
	best, after := -1, false
	status := m.reached(m.now)
	for i := range m.Rules {
		after = after || m.used(i)
	}
	for i, r := range m.Rules {
		wait := time.Duration(r.WaitSeconds) * time.Second
		fires := status == failed || wait > 0 && !m.now.Before(origin.Add(wait)) && rank(status) < rank(goal[r.Type])
		switch {
		case m.used(i) || !fires:
		case best < 0, status != failed && !after && r.WaitSeconds < m.Rules[best].WaitSeconds:
			best = i
		}
	}
	return best
}

// ends reports whether nothing is left to decide.
func (m *oracle) ends() bool {
	arrived := func(msg message) bool { return msg.rule >= 0 && msg.at(m.now).Reached(delivered) }
	switch {
	case slices.ContainsFunc(m.messages, arrived), m.waited:
		return true
	case m.smsMayArrive():
		return false
	}
	return m.optedOut() || m.over() || m.late() || !m.now.Before(origin.Add(backstop.MaxWait)) && m.firing() < 0
}

func (m *oracle) over() bool {
	status := m.reached(m.now)
	for i, r := range m.Rules {
		satisfied := status == read || status == delivered && r.Type != backstop.Unread
		if !m.used(i) && !satisfied {
			return false
		}
	}
	return true
}

func (m *oracle) optedOut() bool {
	if m.Category == backstop.Utility || m.Category == backstop.Authentication {
		return false
	}
	return slices.ContainsFunc(m.messages, func(msg message) bool {
		if msg.End != nil && !msg.gaveUp && msg.End.Class == backstop.OptedOut && !m.now.Before(msg.ended) {
			return true
		}
		known := msg.reports(m.now)
		i := slices.IndexFunc(known, func(r report) bool { return r.Status == failed })
		return i >= 0 && known[i].Class == backstop.OptedOut
	})
}

// walk advances the time to a moment, event by event. It stops early when stop is true.
func (m *oracle) walk(until time.Time, stop func() bool) {
	for m.now.Before(until) {
		next := until
		sooner := func(t time.Time) {
			if t.After(m.now) && t.Before(next) {
				next = t
			}
		}
		for _, msg := range m.messages {
			for _, r := range msg.Reports {
				sooner(msg.begun.Add(r.After))
			}
		}
		for _, r := range m.Rules {
			sooner(origin.Add(time.Duration(r.WaitSeconds) * time.Second))
		}
		sooner(m.resendAt)
		sooner(origin.Add(m.Expires))
		sooner(origin.Add(backstop.MaxWait))
		if m.now = next; stop() {
			return
		}
	}
}

// stop returns when the retries of a provider end: after tryFor, or at the end of another rule's wait if that is earlier. Rules
// that are used or satisfied do not count.
func (m *oracle) stop(since time.Time, but int) time.Time {
	stop := since.Add(tryFor)
	for i, r := range m.Rules {
		at := origin.Add(time.Duration(r.WaitSeconds) * time.Second)
		met := m.reached(m.now).Reached(r.Type.Goal())
		if i != but && r.WaitSeconds > 0 && !m.used(i) && !met && at.After(m.now) && at.Before(stop) {
			stop = at
		}
	}
	return stop
}

func (m *oracle) until(stop time.Time) time.Time {
	until := m.now.Add(pause)
	if stop.Before(until) {
		until = stop
	}
	if at := origin.Add(m.Expires); m.Expires > 0 && at.Before(until) {
		until = at
	}
	return until
}

func (m *oracle) whatsApp(again bool) {
	c := whatsApp()
	c.Resend = again
	d := m.Deliveries[c.Step()]
	since := m.now
	m.tried = true
	for range d.Tries {
		m.now = m.now.Add(d.Takes)
		if m.ends() || m.firing() >= 0 {
			return
		}
		stop := m.stop(since, -1)
		m.walk(m.until(stop), func() bool { return m.ends() || m.firing() >= 0 })
		switch first := m.of(-1); {
		case m.ends() || m.firing() >= 0:
			return
		case !m.now.Before(stop):
			if !again {
				m.messages = append(m.messages, message{rule: -1, begun: m.now, ended: m.now, gaveUp: true})
			}
			return
		case again && len(first[0].reports(m.now)) > 0:
			return
		}
	}
	m.send(c, d)
	if !again && m.ResendWA && d.End == errUnknown {
		m.resendAt = m.now.Add(unknownWait)
	}
}

func (m *oracle) send(c backstop.Call, d delivery) {
	rule := -1
	if c.Channel == backstop.SMS {
		rule = c.Rule
	}
	m.takes(c, d)
	m.messages = append(m.messages, message{rule: rule, begun: m.now, ended: m.now.Add(d.Takes), delivery: d})
	m.now = m.now.Add(d.Takes)
}

func (m *oracle) sms(rule int) {
	c := smsOf(rule)
	c.ByFailure = m.reached(m.now) == failed
	if !m.submit(c) || m.ends() {
		return
	}
	first := m.of(rule)[0]
	if first.End == errUnknown && m.ResendSMS && first.at(m.now) == queued {
		silent := func() bool { return m.of(rule)[0].at(m.now) == queued && !m.ends() }
		m.walk(m.now.Add(unknownWait), func() bool { return !silent() })
		if silent() {
			c.Resend = true
			m.submit(c)
		}
	}
	if m.smsMayArrive() {
		m.walk(m.now.Add(receiptWait), func() bool { return !m.smsMayArrive() || m.ends() })
	}
	m.waited = m.smsMayArrive()
}

// cause returns why the rule of an SMS fires now.
func (m *oracle) cause(c backstop.Call) backstop.FallbackReason {
	switch {
	case c.ByFailure || m.reached(m.now) == failed:
		return "failed"
	case !m.tried:
		return "too_late"
	default:
		return map[backstop.RuleType]backstop.FallbackReason{
			backstop.SendFailed: "not_sent", backstop.Undelivered: "not_delivered", backstop.Unread: "not_read",
		}[m.Rules[c.Rule].Type]
	}
}

// submit calls until the provider gives a final answer, and reports whether a message may be out.
func (m *oracle) submit(c backstop.Call) bool {
	d := m.Deliveries[c.Step()]
	since := m.now
	for n := 0; ; n++ {
		goal := m.Rules[c.Rule].Type.Goal()
		if c.ByFailure || m.reached(m.now) == failed {
			goal = delivered
		}
		if m.reached(m.now).Reached(goal) || m.optedOut() || m.late() {
			return false
		}
		if c.Resend && len(m.of(c.Rule)[0].reports(m.now)) > 0 {
			return false
		}
		if n == 0 && !c.Resend {
			m.fires(c.Rule, m.now, m.cause(c))
		}
		if n == d.Tries {
			m.send(c, d)
			return d.End == nil || d.End == errUnknown
		}
		m.now = m.now.Add(d.Takes)
		if m.ends() {
			return false
		}
		stop := m.stop(since, c.Rule)
		m.walk(m.until(stop), m.ends)
		if m.ends() {
			return false
		}
		if !m.now.Before(stop) && !m.late() {
			m.messages = append(m.messages, message{rule: c.Rule, begun: m.now, ended: m.now, gaveUp: true})
			return false
		}
	}
}

// outcome returns the outcome of the send by its messages at a time.
func (m *oracle) outcome(t time.Time) backstop.Outcome {
	is := func(what func(message) bool) bool { return slices.ContainsFunc(m.messages, what) }
	switch {
	case is(func(msg message) bool { return msg.rule >= 0 && msg.at(t).Reached(delivered) }):
		return backstop.OutcomeSMS
	case m.reached(t).Reached(delivered):
		return backstop.OutcomeWhatsApp
	case is(func(msg message) bool { return msg.mayArrive(t) }):
		return backstop.OutcomeUnconfirmed
	case m.late() && !m.optedOut() && !is(func(msg message) bool { return msg.had(t) }):
		return backstop.OutcomeExpired
	default:
		return backstop.OutcomeFailed
	}
}

// doubled reports whether WhatsApp arrived after an SMS that did not fail.
func (m *oracle) doubled() bool {
	var arrived time.Time
	var moments []time.Time
	for _, msg := range m.messages {
		moments = append(moments, msg.ended)
		for _, r := range msg.Reports {
			at := msg.begun.Add(r.After)
			if moments = append(moments, at); msg.rule < 0 && r.Status.Reached(delivered) && (arrived.IsZero() || at.Before(arrived)) {
				arrived = at
			}
		}
	}
	for _, t := range moments {
		for _, msg := range m.messages {
			paid := msg.rule >= 0 && msg.had(t) && msg.at(t) != failed && msg.begun.Before(arrived)
			if paid && !arrived.IsZero() && !t.Before(arrived) {
				return true
			}
		}
	}
	return false
}
