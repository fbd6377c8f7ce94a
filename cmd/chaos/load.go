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

// load is a correct client of the API. It retries each request, with the same idempotency key, until the API accepts it.
// Meanwhile it polls the sends.
type load struct {
	api *api

	mu    sync.Mutex
	sends []*sendRecord
}

const (
	repeatPause = 300 * time.Millisecond
	repeatFor   = 2 * time.Minute
	pollPause   = 40 * time.Millisecond // the pause between two polls
)

// run posts each order at its time. It returns when every order is accepted or given up.
func (l *load) run(ctx context.Context, orders []order, began time.Time) {
	var posting sync.WaitGroup
	for _, o := range orders {
		if !sleepFor(ctx, time.Until(began.Add(o.After))) {
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

// post retries a request until the API accepts it, for at most repeatFor. Then it ends the send, if its order says so.
func (l *load) post(ctx context.Context, s *sendRecord) {
	began := time.Now()
	var sendAt, expiresAt *time.Time
	if s.SendIn > 0 {
		sendAt = new(began.Add(s.SendIn))
	}
	if s.ExpiresIn > 0 {
		expiresAt = new(began.Add(s.SendIn + s.ExpiresIn))
	}
	var answer identified
	var problems []string
	for time.Since(began) < repeatFor && ctx.Err() == nil {
		var err error
		if answer, err = l.api.post(ctx, s.order, sendAt, expiresAt); err == nil {
			break
		}
		no := (*refusal)(nil)
		if errors.As(err, &no) && no.status < http.StatusInternalServerError {
			if isTooLate(no, expiresAt) {
				break
			}
			problems = append(problems, no.Error())
		}
		sleepFor(ctx, repeatPause)
	}
	l.mu.Lock()
	s.PostedAt, s.SendAt, s.ExpiresAt, s.Problems = began, sendAt, expiresAt, problems
	if answer.ID != "" {
		s.ID, s.AnsweredAt = answer.ID, time.Now()
	}
	l.mu.Unlock()
	if answer.ID != "" && s.EndBy != "" {
		l.end(ctx, s)
	}
}

// isTooLate reports whether the API refused a send because its expires_at had passed.
func isTooLate(no *refusal, expiresAt *time.Time) bool {
	return no.status == http.StatusUnprocessableEntity && expiresAt != nil && strings.Contains(no.body, "expires_at")
}

// accepted returns the sends accepted so far.
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

// watch polls random sends, the newest more often, until the context ends.
func (l *load) watch(ctx context.Context) {
	for sleepFor(ctx, pollPause) {
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
			continue // a fault is under way
		}
		l.mu.Lock()
		s.Views = append(s.Views, *v)
		l.mu.Unlock()
	}
}

// settle waits until no send is pending, for at most atMost.
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
			say("stopped waiting after %s: %d sends are pending", atMost, last)
			return nil
		}
		if !sleepFor(ctx, time.Second) {
			return fmt.Errorf("settle: %w", ctx.Err())
		}
	}
}

// clockOffset measures how far the API's clock is ahead. accepted_at lies between the request and its answer, so quick
// answers are exact: clockOffset returns the median of the quickest quarter. The median ignores requests that were retried.
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
