package guards

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/backstophq/backstop"
)

// Admit returns the checks that the store must make for a send, or the Error of a cap of which this process knows that it is
// reached.
func (k *Keeper) Admit(send backstop.Send, isRepeat bool) (backstop.GuardChecks, error) {
	now := k.store.Now()
	checks := k.Current().ChecksOf(send.AcceptAt(now), isRepeat)
	if len(checks.Caps) == 0 || len(checks.Digest) > 0 {
		return checks, nil // the same content is to be answered before a cap refuses it
	}
	for _, check := range checks.Caps {
		if until, isFull := k.full.until(check, now); isFull {
			return backstop.GuardChecks{}, backstop.RefuseCap(check, max(until.Sub(now), time.Second))
		}
	}
	return checks, nil
}

// Accepted counts and logs a send to a watched country.
func (k *Keeper) Accepted(ctx context.Context, send backstop.Send) {
	if isWatched, err := k.Current().CheckCountry(send.Country); err != nil || !isWatched {
		return
	}
	k.count(backstop.GuardCountries, backstop.GuardWatched, send.Country)
	k.log.InfoContext(ctx, "send to a watched country", slog.String("send", send.ID),
		slog.String("country", send.Country), slog.String("to", backstop.Mask(send.To)))
}

// Refused counts a send that a guard did not accept, and remembers a cap that is reached. With isAnswered the caller got the
// answer of the first send. Any other error is no refusal.
func (k *Keeper) Refused(ctx context.Context, send backstop.Send, err error, isAnswered bool) {
	refusal, ok := errors.AsType[*backstop.GuardError](err)
	if !ok {
		return
	}
	country := send.Country
	if refusal.Guard == backstop.GuardCountries {
		country = refusal.Country
	}
	result := backstop.GuardRefused
	if isAnswered {
		result = backstop.GuardAnswered
	}
	k.count(refusal.Guard, result, country)
	if refusal.Check.Cap > 0 && k.full.add(refusal.Check, k.store.Now(), refusal.After) {
		k.log.WarnContext(ctx, "a cap is reached: sends are refused", slog.String("guard", string(refusal.Guard)),
			slog.String("country", country), slog.String("key", maskKey(refusal.Check)), slog.Int("cap", refusal.Check.Cap),
			slog.String("for", refusal.After.Round(time.Second).String()))
	}
}

func (k *Keeper) count(guard backstop.Guard, result backstop.GuardResult, country string) {
	k.hit(guard, result)
	k.results.add(backstop.GuardCount{Guard: guard, Result: result, Country: country, Count: 1, LastAt: k.store.Now()})
}

// maskKey hides the number of a cap.
func maskKey(check backstop.CapCheck) string {
	if check.Guard == backstop.GuardCountryCap {
		return check.Key
	}
	return backstop.Mask(check.Key)
}

// maxFull bounds the caps that are remembered.
const maxFull = 10_000

// fullCaps are the caps that are reached. A count never falls before the end of its minute, so no place becomes free earlier, and
// the store need not be asked. A changed cap is another one.
type fullCaps struct {
	mu   sync.Mutex
	ends map[backstop.CapCheck]time.Time
}

// until returns when a cap may have a place again, if it is full.
func (f *fullCaps) until(check backstop.CapCheck, now time.Time) (time.Time, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	end, ok := f.ends[check]
	return end, ok && now.Before(end)
}

// add remembers a full cap, and reports whether it is new. If there are too many, it forgets those that have ended, or else skips
// this one.
func (f *fullCaps) add(check backstop.CapCheck, now time.Time, rest time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if end, ok := f.ends[check]; ok && now.Before(end) {
		return false
	}
	if len(f.ends) >= maxFull {
		for other, end := range f.ends {
			if !now.Before(end) {
				delete(f.ends, other)
			}
		}
	}
	if f.ends == nil {
		f.ends = map[backstop.CapCheck]time.Time{}
	}
	if len(f.ends) < maxFull {
		f.ends[check] = now.Add(rest)
	}
	return true
}

// results are counts that are not stored yet.
type results struct {
	mu  sync.Mutex
	all map[resultKey]backstop.GuardCount
}

type resultKey struct {
	hour    time.Time
	guard   backstop.Guard
	result  backstop.GuardResult
	country string
}

func (r *results) add(counts ...backstop.GuardCount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[resultKey]backstop.GuardCount{}
	}
	for _, c := range counts {
		key := resultKey{c.LastAt.Truncate(time.Hour), c.Guard, c.Result, c.Country}
		if former, ok := r.all[key]; ok {
			c.Count += former.Count
			if former.LastAt.After(c.LastAt) {
				c.LastAt = former.LastAt
			}
		}
		r.all[key] = c
	}
}

func (r *results) take() []backstop.GuardCount {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make([]backstop.GuardCount, 0, len(r.all))
	for _, c := range r.all {
		counts = append(counts, c)
	}
	r.all = nil
	return counts
}
