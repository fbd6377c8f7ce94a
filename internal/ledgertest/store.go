// Package ledgertest is a store of one send in memory, for tests. Like Postgres, it makes one change after the other, counts
// revisions, returns copies, and asks backstop.Ledger what a change means.
package ledgertest

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/backstophq/backstop"
)

// Store keeps the ledger of one send. Its methods may be called concurrently. They ignore the send's id.
type Store struct {
	now func() time.Time

	mu       sync.Mutex
	ledger   *backstop.Ledger
	events   []backstop.Event
	failures []error
	waiting  []chan backstop.View
}

// New returns a store with a clock, for a send that was just accepted.
func New(send backstop.Send, now func() time.Time) *Store {
	return &Store{
		now:    now,
		ledger: backstop.NewLedger(send),
		events: []backstop.Event{{Send: send.ID, At: send.AcceptedAt, Kind: backstop.EventAccepted}},
	}
}

// Fail makes the next calls of End fail with these errors, one after the other.
func (s *Store) Fail(errs ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, errs...)
}

// Snapshot returns copies of the ledger and of its whole timeline.
func (s *Store) Snapshot() (backstop.Ledger, []backstop.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.ledger.Clone(), slices.Clone(s.events)
}

// Receive stores a receipt. It returns the view afterwards, and whether the workflow must be signalled.
func (s *Store) Receive(r backstop.Receipt) (view backstop.View, mustSignal bool) {
	view = s.change(func(l *backstop.Ledger, now time.Time) { mustSignal = l.Receive(r, now) })
	return view, mustSignal
}

// change lets f change the ledger, and stores the result. If nothing has changed, there is no new revision.
func (s *Store) change(f func(l *backstop.Ledger, now time.Time)) backstop.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.ledger.Clone()
	f(l, s.now())
	if reflect.DeepEqual(l, s.ledger) {
		return l.View()
	}
	s.events = append(s.events, l.Events...)
	l.Revision = l.NextRevision()
	s.ledger = l.Clone()
	if l.View().EndsReceiptWait() {
		for _, c := range s.waiting {
			c <- l.View()
		}
		s.waiting = nil
	}
	return l.View()
}

// Begin calls Ledger.Begin and stores the change.
func (s *Store) Begin(_ context.Context, _ string, c backstop.Call) (r backstop.Ruling, v backstop.View, err error) {
	v = s.change(func(l *backstop.Ledger, now time.Time) { r, err = l.Begin(c, now) })
	return r, v, err
}

// End calls Ledger.End and stores the change, unless Fail has set an error.
func (s *Store) End(_ context.Context, _ string, e backstop.Ending) (a backstop.Attempt, v backstop.View, err error) {
	if err := s.nextFailure(); err != nil {
		return backstop.Attempt{}, backstop.View{}, err
	}
	v = s.change(func(l *backstop.Ledger, now time.Time) { a, err = l.End(e, now) })
	return a, v, err
}

func (s *Store) nextFailure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) == 0 {
		return nil
	}
	err := s.failures[0]
	s.failures = s.failures[1:]
	return err
}

// Await waits until a view ends the wait for receipts. It returns false if ctx is done first.
func (s *Store) Await(ctx context.Context, _ string) (backstop.View, bool) {
	c := make(chan backstop.View, 1)
	s.mu.Lock()
	if v := s.ledger.View(); v.EndsReceiptWait() {
		c <- v
	} else {
		s.waiting = append(s.waiting, c)
	}
	s.mu.Unlock()
	select {
	case v := <-c:
		return v, true
	case <-ctx.Done():
		return backstop.View{}, false
	}
}

// StopWaiting calls Ledger.StopWaiting and stores the change.
func (s *Store) StopWaiting(_ context.Context, _ string, step int) (backstop.View, error) {
	return s.change(func(l *backstop.Ledger, _ time.Time) { l.StopWaiting(step) }), nil
}

// GiveUp calls Ledger.GiveUp and stores the change.
func (s *Store) GiveUp(_ context.Context, _ string, c backstop.Call) (r backstop.Ruling, v backstop.View, err error) {
	v = s.change(func(l *backstop.Ledger, now time.Time) { r = l.GiveUp(c, now) })
	return r, v, nil
}

// Finish calls Ledger.Finish and stores the change.
func (s *Store) Finish(_ context.Context, _ string, lapsed bool) (backstop.View, error) {
	return s.change(func(l *backstop.Ledger, now time.Time) { l.Finish(lapsed, now) }), nil
}

// Cancel calls Ledger.Cancel and stores the change.
func (s *Store) Cancel(context.Context, string) (v backstop.View, err error) {
	v = s.change(func(l *backstop.Ledger, now time.Time) { err = l.Cancel(now) })
	return v, err
}

// Confirm calls Ledger.Confirm and stores the change.
func (s *Store) Confirm(context.Context, string) (backstop.View, error) {
	return s.change(func(l *backstop.Ledger, now time.Time) { l.Confirm(now) }), nil
}

// Ledger returns a copy of the stored ledger.
func (s *Store) Ledger(context.Context, string) (*backstop.Ledger, error) {
	l, _ := s.Snapshot()
	return &l, nil
}

// Learn stores a status that a provider returned to an inquiry.
func (s *Store) Learn(_ context.Context, r backstop.Receipt) (backstop.View, error) {
	view, _ := s.Receive(r)
	return view, nil
}

// Owner returns the attempt that has a receipt's message, or false.
func (s *Store) Owner(_ context.Context, of backstop.Receipt) (backstop.Ref, bool, error) {
	l, _ := s.Snapshot()
	for _, a := range l.Attempts {
		if a.Channel == of.Channel && a.Provider == of.Provider && a.Account == of.Account && a.MessageID == of.MessageID {
			return a.Ref, true, nil
		}
	}
	return backstop.Ref{}, false, nil
}

// Now is the time by the store's clock.
func (s *Store) Now() time.Time { return s.now() }
