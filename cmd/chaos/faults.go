package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// faultKind is a kind of fault that chaos injects.
type faultKind string

// The kinds of faults.
const (
	killServe      faultKind = "kill-serve"      // SIGKILL of one Backstop process, which then restarts
	freezeServe    faultKind = "freeze-serve"    // SIGSTOP of one Backstop process, longer than every time-out
	killTemporal   faultKind = "kill-temporal"   // SIGKILL, then a restart on the same data
	killPostgres   faultKind = "kill-postgres"   // SIGKILL, then a restart on the same data
	cutPostgres    faultKind = "cut-postgres"    // every connection of one Backstop process to Postgres is cut
	losePostgres   faultKind = "lose-postgres"   // for a moment Postgres executes requests, but the answers are lost
	stallPostgres  faultKind = "stall-postgres"  // no byte passes for a while
	cutTemporal    faultKind = "cut-temporal"    // as for Postgres
	loseTemporal   faultKind = "lose-temporal"   // as for Postgres
	stallTemporal  faultKind = "stall-temporal"  // as for Postgres
	refuseWebhooks faultKind = "refuse-webhooks" // the load balancer answers webhooks with 503
	doubleWebhooks faultKind = "double-webhooks" // each webhook goes to both processes at once; providers may repeat webhooks too
	loseAnswers    faultKind = "lose-answers"    // the load balancer answers 502 to requests that were handled, so clients retry
	refuseSMS      faultKind = "refuse-sms"      // an SMS provider refuses the credentials of its account
	downSMS        faultKind = "down-sms"        // an SMS provider answers with 503
	hangSMS        faultKind = "hang-sms"        // an SMS provider answers no call, and sends nothing
	downWhatsApp   faultKind = "down-whatsapp"   // Meta answers with 503
	skewPostgres   faultKind = "skew-postgres"   // Postgres's clock is wrong during the whole run
)

var allFaults = []faultKind{ //nolint:gochecknoglobals // a constant list
	killServe, freezeServe, killTemporal, killPostgres, cutPostgres, losePostgres, stallPostgres, cutTemporal, loseTemporal,
	stallTemporal, refuseWebhooks, doubleWebhooks, loseAnswers, refuseSMS, downSMS, hangSMS, downWhatsApp, skewPostgres,
}

// weight is how often a kind is chosen besides its first time, relative to the others. planFaults plans the freezes separately.
func (k faultKind) weight() int {
	switch k {
	case killServe:
		return 6
	case losePostgres:
		return 5
	case cutPostgres, loseTemporal, cutTemporal:
		return 3
	case refuseSMS:
		return 2
	case killTemporal, killPostgres, stallPostgres, stallTemporal, refuseWebhooks, doubleWebhooks, loseAnswers, downSMS, hangSMS:
		return 1
	case downWhatsApp: // once: the messages of 10 s and more go by SMS alone
		return 0
	case freezeServe, skewPostgres:
		return 0
	default:
		return 0
	}
}

// fault is one fault, planned or injected.
type fault struct {
	Kind   faultKind
	Target int           // the index of the Backstop process
	Reset  bool          // a cut connection gets a RST instead of a FIN
	After  time.Duration // the start, from the beginning of the load
	Length time.Duration // how long the fault lasts; for a kill, the pause before the restart

	Provider string // that an outage hits

	Began, Ended time.Time // set when the fault is injected
}

func (f fault) String() string {
	text := string(f.Kind)
	whole := []faultKind{
		killTemporal, killPostgres, refuseWebhooks, doubleWebhooks, loseAnswers,
		faultKind(migrateDatabase), faultKind(startNew), faultKind(stopPrevious), faultKind(killPrevious),
		faultKind(startPrevious), faultKind(stopNew),
	}
	switch {
	case f.Provider != "":
		text += " of " + f.Provider
	case !slices.Contains(whole, f.Kind):
		text += fmt.Sprintf(" of serve-%d", f.Target)
	}
	if f.Length != 0 {
		text += fmt.Sprintf(" for %s", f.Length.Round(time.Millisecond))
	}
	if slices.Contains([]faultKind{cutPostgres, losePostgres, cutTemporal, loseTemporal}, f.Kind) {
		text += map[bool]string{true: ", reset", false: ", closed"}[f.Reset]
	}
	return text
}

const (
	freezeLength  = 33 * time.Second // longer than the 30 s after which another process takes over a call
	freezeEvery   = 2 * time.Minute
	faultPause    = 1500 * time.Millisecond // between two faults, on average
	faultOverhang = 5 * time.Second         // the time after the load in which faults still occur
)

// planFaults plans the faults of a run. Each kind but skew-postgres occurs at least once, if the run is long enough.
func planFaults(random *rand.Rand, kinds []faultKind, duration time.Duration) []fault {
	var faults []fault
	if slices.Contains(kinds, freezeServe) {
		for at := duration / 10; at < duration; at += freezeEvery {
			begins := at + time.Duration(random.Int64N(int64(min(duration, freezeEvery)/4)))
			faults = append(faults, fault{Kind: freezeServe, Target: random.IntN(serves), After: begins, Length: freezeLength})
		}
	}
	freezes := slices.Clone(faults)
	short := slices.DeleteFunc(slices.Clone(kinds), func(k faultKind) bool { return k == freezeServe || k == skewPostgres })
	random.Shuffle(len(short), func(i, j int) { short[i], short[j] = short[j], short[i] })
	var bag []faultKind
	for _, kind := range short {
		bag = append(bag, slices.Repeat([]faultKind{kind}, kind.weight())...)
	}
	pause := func() time.Duration { return faultPause*3/10 + time.Duration(random.Int64N(int64(faultPause*14/10))) }
	for at := faultPause; at < duration+faultOverhang && len(short)+len(bag) > 0; at += pause() {
		var kind faultKind
		if len(short) > 0 {
			kind, short = short[0], short[1:]
		} else {
			kind = bag[random.IntN(len(bag))]
		}
		f := planFault(random, kind, at)
		for _, freeze := range freezes {
			if f.After < freeze.After+freeze.Length && freeze.After < f.After+f.Length && f.Target == freeze.Target {
				f.Target = 1 - f.Target // other faults have no effect on a frozen process, and a kill would end the freeze
			}
		}
		faults = append(faults, f)
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(a.After, b.After) })
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
	case hangSMS, downWhatsApp:
		f.Length = between(500*time.Millisecond, 2500*time.Millisecond)
	case refuseWebhooks, doubleWebhooks, loseAnswers, refuseSMS:
		f.Length = between(time.Second, 4*time.Second)
	case downSMS:
		f.Length = between(time.Second, 8*time.Second)
	case cutPostgres, cutTemporal, freezeServe, skewPostgres:
	}
	if out, isOutage := outageOf(kind); isOutage {
		f.Provider = meta
		if out.channel == sms {
			f.Provider = []string{twilio, twilio, twilio, infobip}[random.IntN(4)]
		}
	}
	return f
}

// injector injects the planned faults.
type injector struct {
	stack *stack
	say   say

	mu   sync.Mutex
	done []fault
	wait sync.WaitGroup
}

// run injects each fault at its time. It returns the injected faults when the last has ended.
func (i *injector) run(ctx context.Context, faults []fault, began time.Time) []fault {
	for _, f := range faults {
		if !sleepFor(ctx, time.Until(began.Add(f.After))) {
			break
		}
		i.wait.Go(func() {
			f.Began = time.Now()
			if !i.inject(ctx, f) {
				return // the process to kill did not run
			}
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

// inject injects a fault and returns when it has ended. It returns false if the process to kill does not run.
func (i *injector) inject(ctx context.Context, f fault) bool {
	s := i.stack
	if f.Kind == killServe && !s.serves[f.Target].kill(f.Length) {
		return false
	}
	i.say("%s", f)
	switch f.Kind {
	case killServe:
		sleepFor(ctx, f.Length)
	case freezeServe:
		frozen := s.serves[f.Target].current()
		frozen.signal(syscall.SIGSTOP)
		sleepFor(ctx, f.Length)
		frozen.signal(syscall.SIGCONT)
	case killTemporal:
		s.temporal.restart(ctx, f.Length)
		s.retargetWires()
	case killPostgres:
		s.postgres.restart(ctx, f.Length)
		s.retargetWires()
	case cutPostgres:
		s.toPostgres[f.Target].cut(f.Reset)
	case losePostgres:
		loseFor(ctx, s.toPostgres[f.Target], f)
	case stallPostgres:
		stallFor(ctx, s.toPostgres[f.Target], f)
	case cutTemporal:
		s.toTemporal[f.Target].cut(f.Reset)
	case loseTemporal:
		loseFor(ctx, s.toTemporal[f.Target], f)
	case stallTemporal:
		stallFor(ctx, s.toTemporal[f.Target], f)
	case refuseWebhooks:
		setDuring(ctx, &s.front.refuses, f.Length)
	case doubleWebhooks:
		setDuring(ctx, &s.front.doubles, f.Length)
	case loseAnswers:
		setDuring(ctx, &s.front.loses, f.Length)
	case refuseSMS, downSMS, hangSMS, downWhatsApp:
		if err := s.outageFor(ctx, f); err != nil {
			i.say("%s: %v", f, err)
		}
	case skewPostgres: // startStack sets the clock
	}
	return true
}

// setDuring sets a flag for a while. If two faults of a kind overlap, both end with the first.
func setDuring(ctx context.Context, flag *atomic.Bool, length time.Duration) {
	flag.Store(true)
	sleepFor(ctx, length)
	flag.Store(false)
}

// loseFor holds the answers back for a while and then cuts the connections. The server executes the requests, but the
// client gets no answer.
func loseFor(ctx context.Context, w *wire, f fault) {
	release := w.hold(toClient)
	sleepFor(ctx, f.Length)
	w.cut(f.Reset)
	release()
}

func stallFor(ctx context.Context, w *wire, f fault) {
	release := w.hold(toServer, toClient)
	sleepFor(ctx, f.Length)
	release()
}

// sleepFor waits. It returns false if the context ends first.
func sleepFor(ctx context.Context, d time.Duration) bool {
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
