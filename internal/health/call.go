package health

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/backstophq/backstop"
)

// IsUnhealthy reports whether the messaging limit of an account is reached, or its circuit is open and this process may not ask
// for the probe now.
func (m *Monitor) IsUnhealthy(name string) bool {
	if m.isLimited(name) {
		return true
	}
	a := (*m.accounts.Load())[name]
	return a != nil && a.circuit.Load().refusesCalls()
}

func (m *Monitor) isLimited(name string) bool {
	_, isReached := (*m.reached.Load())[name]
	return isReached
}

// Limit returns why an account sends nothing if its messaging limit is reached, in words for people; otherwise "".
func (m *Monitor) Limit(name string) string {
	if limit, isReached := (*m.reached.Load())[name]; isReached {
		return limit.reason()
	}
	return ""
}

// Allow asks for one call by an account. If it returns true, the caller calls done once, with the failure of the call or nil.
// While the circuit is open, Allow returns true to one caller of all processes, for the probe. Only then it makes a query.
func (m *Monitor) Allow(ctx context.Context, name string) (done func(*backstop.Failure), allowed bool) {
	if m.isLimited(name) {
		return nil, false
	}
	a := m.account(name)
	switch c := a.circuit.Load(); {
	case !c.isOpen:
		return m.call(a, c.generation)
	case c.refusesCalls():
		return nil, false
	}
	return m.askProbe(ctx, a)
}

func (m *Monitor) call(a *account, generation int) (done func(*backstop.Failure), allowed bool) {
	return func(f *backstop.Failure) { m.endCall(a, generation, f) }, true
}

// endCall counts the end of a call, unless the state has changed since the call began.
func (m *Monitor) endCall(a *account, generation int, f *backstop.Failure) {
	e := endOf(f)
	if e == endsNeutral {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if generation != a.generation {
		return
	}
	a.count(e)
	if reason := a.streak.reason(); reason != "" {
		a.decide(verdict{kind: opens, reason: reason}, m.store.Now())
		m.wakeUp()
	}
}

// askProbe asks the store for the probe. The other calls of this process are refused meanwhile. If the store does not answer, or
// lacks the last verdict of this process because it is away, the process makes a probe of its own.
func (m *Monitor) askProbe(ctx context.Context, a *account) (done func(*backstop.Failure), allowed bool) {
	lease := rand.Text()
	a.mu.Lock()
	isOpen, refuses, generation := a.record.IsOpen, a.circuit.Load().refusesCalls(), a.generation
	isAlone := isOpen && !refuses && a.report.verdict.kind != noVerdict
	if isAlone {
		a.probeAlone(lease, m.store.Now())
	} else if isOpen && !refuses {
		a.askedUntil = time.Now().Add(storeTimeout)
		a.publish(m.store.Now())
	}
	a.mu.Unlock()
	switch {
	case !isOpen:
		return m.call(a, generation)
	case refuses:
		return nil, false
	case isAlone:
		return m.probe(a, lease, true)
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	r, isLeased, err := m.store.LeaseProbe(bounded, a.name, lease, probeLease)
	return m.afterAsking(ctx, a, lease, r, isLeased, err)
}

// afterAsking decides about the call by the store's answer.
func (m *Monitor) afterAsking(
	ctx context.Context, a *account, lease string, r Record, isLeased bool, err error,
) (done func(*backstop.Failure), allowed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.askedUntil = time.Time{}
	switch now := m.store.Now(); {
	case err == nil:
		a.round = m.rounds.Load()
		a.adopt(r, now, "")
	case ctx.Err() != nil: // the call is cancelled, which says nothing of the store
		a.publish(now)
		return nil, false
	case a.record.IsOpen:
		a.probeAlone(lease, now)
		return m.probe(a, lease, true)
	}
	switch {
	case isLeased:
		return m.probe(a, lease, false)
	case !a.record.IsOpen:
		return m.call(a, a.generation)
	}
	return nil, false
}

// probeAlone begins a probe without the store. The caller has locked mu.
func (a *account) probeAlone(lease string, now time.Time) {
	a.record.ProbeBy, a.record.ProbeUntil = lease, now.Add(probeLease)
	a.publish(now)
}

func (m *Monitor) probe(a *account, lease string, isAlone bool) (done func(*backstop.Failure), allowed bool) {
	return func(f *backstop.Failure) { m.endProbe(a, lease, isAlone, f) }, true
}

// endProbe closes the circuit or opens it anew, unless the lease has passed to another probe or the state has changed.
func (m *Monitor) endProbe(a *account, lease string, isAlone bool, f *backstop.Failure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.record.ProbeBy != lease {
		return
	}
	v := endOf(f).probeVerdict(a.record.Reason)
	v.lease, v.isAlone = lease, isAlone
	a.decide(v, m.store.Now())
	m.wakeUp()
}
