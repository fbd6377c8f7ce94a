package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// load is a careful customer: it repeats each request, with its idempotency key, until it is accepted; and it looks at
// the sends now and then.
type load struct {
	api *api

	mu    sync.Mutex
	sends []*sendRecord
}

const (
	repeatPause = 300 * time.Millisecond
	repeatFor   = 2 * time.Minute
	looksEach   = 40 * time.Millisecond // between two looks at a send
)

// run posts the orders at their times, and returns when each was accepted, or given up.
func (l *load) run(ctx context.Context, orders []order, began time.Time) {
	var posting sync.WaitGroup
	for _, o := range orders {
		if !sleep(ctx, time.Until(began.Add(o.After))) {
			break
		}
		s := &sendRecord{order: o}
		l.mu.Lock()
		l.sends = append(l.sends, s)
		l.mu.Unlock()
		posting.Go(func() { l.post(ctx, s) })
	}
	posting.Wait()
}

// post repeats a request until it is accepted.
func (l *load) post(ctx context.Context, s *sendRecord) {
	began := time.Now()
	var expiresAt *time.Time
	if s.ExpiresIn > 0 {
		at := began.Add(s.ExpiresIn)
		expiresAt = &at
	}
	var answer identified
	var problems []string
	for time.Since(began) < repeatFor && ctx.Err() == nil {
		var err error
		if answer, err = l.api.post(ctx, s.order, expiresAt); err == nil {
			break
		}
		no := (*refusal)(nil)
		if errors.As(err, &no) && no.status < http.StatusInternalServerError {
			if isTooLate(no, expiresAt) {
				break
			}
			problems = append(problems, no.Error())
		}
		sleep(ctx, repeatPause)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.PostedAt, s.ExpiresAt, s.Problems = began, expiresAt, problems
	if answer.ID != "" {
		s.ID, s.AnsweredAt = answer.ID, time.Now()
	}
}

// isTooLate reports whether a send was refused because it had expired before anybody was there to take it.
func isTooLate(no *refusal, expiresAt *time.Time) bool {
	return no.status == http.StatusUnprocessableEntity && expiresAt != nil && strings.Contains(no.body, "expires_at")
}

// accepted returns the sends that were accepted so far.
func (l *load) accepted() []*sendRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []*sendRecord
	for _, s := range l.sends {
		if s.ID != "" {
			found = append(found, s)
		}
	}
	return found
}

// watch looks at sends, the newest more often, until the context ends.
func (l *load) watch(ctx context.Context) {
	for sleep(ctx, looksEach) {
		known := l.accepted()
		if len(known) == 0 {
			continue
		}
		recent := known[max(0, len(known)-30):]
		if rand.IntN(4) == 0 { //nolint:gosec // a choice
			recent = known
		}
		s := recent[rand.IntN(len(recent))] //nolint:gosec // a choice
		v, err := l.api.get(ctx, s.ID)
		if err != nil {
			continue // a fault is being done
		}
		l.mu.Lock()
		s.Views = append(s.Views, *v)
		l.mu.Unlock()
	}
}

// settle waits until no send is pending, or long enough.
func (l *load) settle(ctx context.Context, atMost time.Duration, say say) error {
	last := -1
	for deadline := time.Now().Add(atMost); ; {
		open, err := l.api.list(ctx, pending)
		switch {
		case err == nil && len(open) == 0:
			return nil
		case err == nil && len(open) != last:
			last = len(open)
			say("%d sends are pending", last)
		}
		if time.Now().After(deadline) {
			say("gave up after %s: %d sends are pending", atMost, last)
			return nil
		}
		if !sleep(ctx, time.Second) {
			return fmt.Errorf("settle: %w", ctx.Err())
		}
	}
}

// clockOffset measures how far the API's clock is ahead: by accepted_at, which lies between the request and its answer. Only
// the quickest answers say it exactly, and their median is not moved by one that was repeated.
func clockOffset(sends []*sendRecord) time.Duration {
	type measure struct{ took, ahead time.Duration }
	var found []measure
	for _, s := range sends {
		if s.Final != nil && !s.AnsweredAt.IsZero() {
			took := s.AnsweredAt.Sub(s.PostedAt)
			found = append(found, measure{took, s.Final.AcceptedAt.Sub(s.PostedAt.Add(took / 2))})
		}
	}
	if len(found) == 0 {
		return 0
	}
	slices.SortFunc(found, func(a, b measure) int { return cmp.Compare(a.took, b.took) })
	quick := found[:(len(found)+3)/4]
	slices.SortFunc(quick, func(a, b measure) int { return cmp.Compare(a.ahead, b.ahead) })
	return quick[len(quick)/2].ahead
}
