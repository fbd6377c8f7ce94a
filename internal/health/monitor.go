package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/backstophq/backstop"
)

const (
	// every is the pause between two exchanges with the store. So an open circuit is known everywhere within two seconds.
	every = time.Second
	// storeTimeout bounds an exchange with the store, so that a call does not wait for a store that hangs.
	storeTimeout = 2 * time.Second
)

// Monitor is the circuit breakers of one process. Its methods may be called concurrently.
type Monitor struct {
	store Store
	log   *slog.Logger

	accounts atomic.Pointer[map[string]*account] // never changed, only replaced
	reached  atomic.Pointer[map[string]Limit]    // never changed, only replaced
	adding   sync.Mutex
	rounds   atomic.Int64  // counts the reads of all rows
	wake     chan struct{} // a verdict is to be stored at once
	isAway   bool          // the store did not answer; of Run alone
}

// New returns a Monitor of a store. Run must run, or the process decides alone.
func New(store Store, log *slog.Logger) (*Monitor, error) {
	if store == nil || log == nil {
		return nil, errors.New("new health monitor: a store and a log are required")
	}
	m := &Monitor{store: store, log: log, wake: make(chan struct{}, 1)}
	m.accounts.Store(&map[string]*account{})
	m.reached.Store(&map[string]Limit{})
	return m, nil
}

// Run exchanges the counts of this process and the circuits of all accounts with the store, until ctx is done. Then it stores
// the counts that are left.
func (m *Monitor) Run(ctx context.Context) {
	m.noteAnswer(ctx, m.refresh(ctx))
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.noteAnswer(ctx, errors.Join(m.flush(ctx, false), m.refresh(ctx)))
		case <-m.wake:
			_ = m.flush(ctx, true) // if it fails, the next tick repeats it
		case <-ctx.Done():
			m.noteAnswer(ctx, m.flush(context.WithoutCancel(ctx), false))
			return
		}
	}
}

// States returns the health of the accounts that this process has called, and of those that have a row, by name.
func (m *Monitor) States() map[string]backstop.AccountHealth {
	all := map[string]backstop.AccountHealth{}
	for name := range *m.reached.Load() {
		all[name] = m.HealthOf(name)
	}
	for name := range *m.accounts.Load() {
		all[name] = m.HealthOf(name)
	}
	return all
}

// HealthOf returns the health of an account, as of the last exchange with the store.
func (m *Monitor) HealthOf(name string) backstop.AccountHealth {
	if limit, isReached := (*m.reached.Load())[name]; isReached {
		return backstop.AccountHealth{State: backstop.Unhealthy, Since: limit.Since, Reason: limit.reason()}
	}
	a := (*m.accounts.Load())[name]
	if a == nil {
		return backstop.AccountHealth{State: backstop.UnknownHealth}
	}
	a.mu.Lock()
	r := a.record
	a.mu.Unlock()
	switch {
	case r.Since.IsZero():
		return backstop.AccountHealth{State: backstop.UnknownHealth}
	case !r.IsOpen:
		return backstop.AccountHealth{State: backstop.Healthy, Since: r.Since, Reason: r.Window.describe()}
	case r.isLeased(m.store.Now()):
		return backstop.AccountHealth{State: backstop.Probing, Since: r.ProbeUntil.Add(-probeLease), Reason: string(r.Reason)}
	}
	return backstop.AccountHealth{State: backstop.Unhealthy, Since: r.Since, Reason: string(r.Reason)}
}

// Forget deletes the health of an account that was deleted, or whose settings have changed: its calls are allowed again, in all
// processes within two seconds. The ends of calls that began before say nothing.
func (m *Monitor) Forget(ctx context.Context, name string) error {
	if err := m.store.DeleteHealth(ctx, name); err != nil {
		return fmt.Errorf("forget health of account: %w", err)
	}
	a := (*m.accounts.Load())[name]
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.record.IsOpen {
		m.log.InfoContext(ctx, "the health of an unhealthy account was deleted: calls are made by it", "account", name)
	}
	a.report, a.round = report{}, m.rounds.Load()
	a.adopt(Record{}, m.store.Now(), "")
	return nil
}

// account returns the account of a name, and adds it if it is new.
func (m *Monitor) account(name string) *account {
	if a := (*m.accounts.Load())[name]; a != nil {
		return a
	}
	m.adding.Lock()
	defer m.adding.Unlock()
	if a := (*m.accounts.Load())[name]; a != nil {
		return a
	}
	all := maps.Clone(*m.accounts.Load())
	all[name] = newAccount(name)
	m.accounts.Store(&all)
	return all[name]
}

// flush stores the reports of this process. It ends at the first one for which the store does not answer.
func (m *Monitor) flush(ctx context.Context, verdictsOnly bool) (failed error) {
	for _, a := range *m.accounts.Load() {
		p, ok := a.take(verdictsOnly)
		if !ok {
			continue
		}
		err := m.save(ctx, a, p)
		if err == nil {
			continue
		}
		if isAlone := a.restore(p); isAlone && ctx.Err() == nil {
			m.log.WarnContext(ctx, "account unhealthy: this process makes no calls by it",
				"account", a.name, "reason", p.verdict.reason, "failures_in_row", failuresInRow)
		}
		failed = errors.Join(failed, err)
		if backstop.CodeOf(err) == backstop.TryLater || ctx.Err() != nil {
			break
		}
	}
	return failed
}

// save merges a report into the row of its account. The process whose report changes the state writes the log line.
func (m *Monitor) save(ctx context.Context, a *account, p report) error {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	var r Record
	err := m.store.ChangeHealth(bounded, a.name, func(stored Record, now time.Time) (Record, bool) {
		r = merge(stored, p, now)
		return r, r != stored
	})
	if err != nil {
		return fmt.Errorf("store health: %w", err)
	}
	if r.ChangedBy == p.by {
		m.logChange(ctx, a.name, r, p)
	}
	a.saved(p, r, m.store.Now())
	return nil
}

func (m *Monitor) logChange(ctx context.Context, name string, r Record, p report) {
	if !r.IsOpen {
		m.log.ErrorContext(ctx, "account is well again", "account", name)
		return
	}
	inRow := 0
	if p.verdict.kind == opens {
		inRow = failuresInRow
	}
	m.log.ErrorContext(ctx, "account unhealthy: no calls are made by it", "account", name, "reason", r.Reason,
		"failures_in_row", inRow, "calls", r.Window.Calls, "account_faults", r.Window.Faults, "unavailable", r.Window.Unavailable,
		"unknown", r.Window.Unknown, "retry_at", r.RetryAt)
}

// refresh reads the circuits of all accounts, and the limits that are reached.
func (m *Monitor) refresh(ctx context.Context) error {
	round := m.rounds.Add(1)
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rows, err := m.store.ListHealth(bounded)
	if err != nil {
		return fmt.Errorf("read health: %w", err)
	}
	reached, err := m.store.ListReached(bounded)
	if err != nil {
		return fmt.Errorf("read messaging limits: %w", err)
	}
	m.reached.Store(&reached)
	now := m.store.Now()
	for name, r := range rows {
		m.account(name).refresh(r, round, now)
	}
	for name, a := range *m.accounts.Load() {
		if _, ok := rows[name]; !ok {
			a.refresh(Record{}, round, now)
		}
	}
	return nil
}

// noteAnswer logs the begin and the end of an outage of the store.
func (m *Monitor) noteAnswer(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() != nil: // the process stops
	case err != nil && !m.isAway:
		m.isAway = true
		m.log.WarnContext(ctx, "the health of accounts is not shared: this process decides by its own calls", "error", err)
	case err == nil && m.isAway:
		m.isAway = false
		m.log.InfoContext(ctx, "the health of accounts is shared again")
	}
}

// wakeUp makes Run store a verdict at once.
func (m *Monitor) wakeUp() {
	select {
	case m.wake <- struct{}{}:
	default: // Run is woken already
	}
}
