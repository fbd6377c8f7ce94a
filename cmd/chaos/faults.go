package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
)

// faultKind is what is done to the installation.
type faultKind string

// The faults.
const (
	killServe      faultKind = "kill-serve"      // SIGKILL of one process of Backstop, which is started again
	freezeServe    faultKind = "freeze-serve"    // SIGSTOP of one, longer than every time-out
	killTemporal   faultKind = "kill-temporal"   // SIGKILL, started again on the same data
	killPostgres   faultKind = "kill-postgres"   // SIGKILL, started again on the same data
	cutPostgres    faultKind = "cut-postgres"    // every connection of one process to Postgres is cut
	losePostgres   faultKind = "lose-postgres"   // for a moment Postgres does what it is asked and its answers are lost
	stallPostgres  faultKind = "stall-postgres"  // no byte passes for a while
	cutTemporal    faultKind = "cut-temporal"    // as for Postgres
	loseTemporal   faultKind = "lose-temporal"   //
	stallTemporal  faultKind = "stall-temporal"  //
	refuseWebhooks faultKind = "refuse-webhooks" // the load balancer answers webhooks with 503
	skewPostgres   faultKind = "skew-postgres"   // Postgres's clock is wrong for the whole of the run
)

var allFaults = []faultKind{ //nolint:gochecknoglobals // a constant list
	killServe, freezeServe, killTemporal, killPostgres, cutPostgres, losePostgres, stallPostgres, cutTemporal, loseTemporal,
	stallTemporal, refuseWebhooks,
}

// weights say how often a kind is chosen; freezes are planned apart.
func (k faultKind) weight() int {
	switch k {
	case killServe:
		return 6
	case losePostgres:
		return 5
	case cutPostgres, loseTemporal, cutTemporal:
		return 3
	case killTemporal, killPostgres, stallPostgres, stallTemporal, refuseWebhooks:
		return 1
	case freezeServe, skewPostgres:
		return 0
	default:
		return 0
	}
}

// fault is one fault, planned or done.
type fault struct {
	Kind   faultKind
	Target int           // which process of Backstop it concerns
	Reset  bool          // a cut connection gets a RST instead of a FIN
	After  time.Duration // since the beginning of the load
	Length time.Duration // how long what it concerns is away

	Began, Ended time.Time // once done
}

func (f fault) String() string {
	text := fmt.Sprintf("%s %d for %s", f.Kind, f.Target, f.Length.Round(time.Millisecond))
	if f.Reset {
		text += " (reset)"
	}
	return text
}

const (
	freezeLength = 33 * time.Second // longer than a call that nobody has heard of is waited for
	freezeEvery  = 2 * time.Minute
	faultPause   = 1500 * time.Millisecond // between two faults, on average
	faultTail    = 5 * time.Second         // the faults last longer than the load
)

// planFaults makes the faults of a run. Each kind is there at least once, if the run is long enough.
func planFaults(random *rand.Rand, kinds []faultKind, duration time.Duration) []fault {
	var bag []faultKind
	for _, kind := range kinds {
		bag = append(bag, slices.Repeat([]faultKind{kind}, kind.weight())...)
	}
	var faults []fault
	if len(bag) > 0 {
		first := slices.DeleteFunc(slices.Clone(kinds), func(k faultKind) bool { return k.weight() == 0 })
		random.Shuffle(len(first), func(i, j int) { first[i], first[j] = first[j], first[i] })
		for at := faultPause; at < duration+faultTail; at += time.Duration(float64(faultPause) * (0.3 + 1.4*random.Float64())) {
			kind := bag[random.IntN(len(bag))]
			if len(first) > 0 {
				kind, first = first[0], first[1:]
			}
			faults = append(faults, planFault(random, kind, at))
		}
	}
	if slices.Contains(kinds, freezeServe) {
		for at := 2 * time.Second; at < duration; at += freezeEvery {
			faults = append(faults, fault{Kind: freezeServe, Target: random.IntN(serves), After: at, Length: freezeLength})
		}
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return int(a.After - b.After) })
	return faults
}

func planFault(random *rand.Rand, kind faultKind, at time.Duration) fault {
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(random.Int64N(int64(most-least)))
	}
	f := fault{Kind: kind, Target: random.IntN(serves), After: at, Reset: random.IntN(2) == 0}
	switch kind {
	case killServe:
		f.Length = between(100*time.Millisecond, 6*time.Second)
	case killTemporal, killPostgres:
		f.Length = between(100*time.Millisecond, 4*time.Second)
	case losePostgres, loseTemporal:
		f.Length = between(20*time.Millisecond, 400*time.Millisecond)
	case stallPostgres, stallTemporal:
		f.Length = between(time.Second, 8*time.Second)
	case refuseWebhooks:
		f.Length = between(time.Second, 4*time.Second)
	case cutPostgres, cutTemporal, freezeServe, skewPostgres:
	}
	return f
}

// injector does the faults of a plan.
type injector struct {
	stack *stack
	say   say

	mu   sync.Mutex
	done []fault
	wait sync.WaitGroup
}

// run does the faults at their times, and returns when the last has ended.
func (i *injector) run(ctx context.Context, faults []fault, began time.Time) []fault {
	for _, f := range faults {
		if !sleep(ctx, time.Until(began.Add(f.After))) {
			break
		}
		i.wait.Go(func() {
			i.say("%s", f)
			f.Began = time.Now()
			i.inject(ctx, f)
			f.Ended = time.Now()
			i.mu.Lock()
			defer i.mu.Unlock()
			i.done = append(i.done, f)
		})
	}
	i.wait.Wait()
	sortBy(i.done, func(f fault) time.Time { return f.Began })
	return i.done
}

func (i *injector) inject(ctx context.Context, f fault) {
	s := i.stack
	switch f.Kind {
	case killServe:
		s.serves[f.Target].kill(f.Length)
		sleep(ctx, f.Length)
	case freezeServe:
		frozen := s.serves[f.Target].current()
		frozen.signal(syscall.SIGSTOP)
		sleep(ctx, f.Length)
		frozen.signal(syscall.SIGCONT)
	case killTemporal:
		s.temporal.restart(ctx, f.Length)
	case killPostgres:
		s.postgres.restart(ctx, f.Length)
	case cutPostgres:
		s.toPostgres[f.Target].cut(f.Reset)
	case losePostgres:
		lose(ctx, s.toPostgres[f.Target], f)
	case stallPostgres:
		stall(ctx, s.toPostgres[f.Target], f)
	case cutTemporal:
		s.toTemporal[f.Target].cut(f.Reset)
	case loseTemporal:
		lose(ctx, s.toTemporal[f.Target], f)
	case stallTemporal:
		stall(ctx, s.toTemporal[f.Target], f)
	case refuseWebhooks:
		s.front.refuses.Store(true)
		sleep(ctx, f.Length)
		s.front.refuses.Store(false)
	case skewPostgres: // as it was started
	}
}

// lose holds answers back for a while and then cuts the connections, so that what was asked is done and not known.
func lose(ctx context.Context, w *wire, f fault) {
	release := w.hold(toClient)
	sleep(ctx, f.Length)
	w.cut(f.Reset)
	release()
}

func stall(ctx context.Context, w *wire, f fault) {
	release := w.hold(toServer, toClient)
	sleep(ctx, f.Length)
	release()
}

// sleep reports whether the time passed before the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func sortBy[T any](list []T, at func(T) time.Time) {
	slices.SortStableFunc(list, func(a, b T) int { return at(a).Compare(at(b)) })
}
