package activities

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/backstophq/backstop"
)

const (
	// failuresInRow is how many calls of one account must fail one after the other before its circuit opens.
	failuresInRow = 5
	// defaultOpenFor is how long an open circuit allows no call. Then it allows one; if that one fails, it opens again. The
	// pauses between the retries of one send are longer after a minute.
	defaultOpenFor = 10 * time.Second
)

// breaker is the circuit breaker of one account in this process. While the account's provider is down, one call every 10 s checks
// whether the provider is back. The other sends do not call it.
type breaker struct {
	circuit *gobreaker.TwoStepCircuitBreaker[struct{}]
}

var errDown = errors.New("the provider is down")

func newBreaker(account string, openFor time.Duration, log *slog.Logger) breaker {
	return breaker{gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: account, Timeout: openFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failuresInRow },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			switch {
			case from == gobreaker.StateClosed && to == gobreaker.StateOpen:
				log.Error("a provider is down: its calls wait", "account", account, "failures_in_row", failuresInRow)
			case to == gobreaker.StateClosed:
				log.Info("a provider is back", "account", account)
			}
		},
	})}
}

// newBreakers returns a breaker for WhatsApp and one for each SMS route, by name. WhatsApp has no name.
func newBreakers(routes []Route, openFor time.Duration, log *slog.Logger) map[string]breaker {
	if openFor < 0 {
		return nil
	}
	openFor = cmp.Or(openFor, defaultOpenFor)
	all := map[string]breaker{"": newBreaker(string(backstop.WhatsApp), openFor, log)}
	for _, r := range routes {
		all[r.Name] = newBreaker(r.Name, openFor, log)
	}
	return all
}

// execute calls the provider, unless the circuit is open. A provider that rejects or throttles is not down, nor is one whose
// failure is about this message alone.
func (b breaker) execute(call func() (backstop.Submission, *backstop.Failure)) (backstop.Submission, *backstop.Failure) {
	if b.circuit == nil { // the route is not configured, or there are no breakers
		return call()
	}
	done, err := b.circuit.Allow()
	if err != nil {
		down := &backstop.Failure{Kind: backstop.Unavailable, Reason: "not called: other calls found the provider down"}
		return backstop.Submission{}, down
	}
	result := errDown // also if the call panics
	defer func() { done(result) }()
	s, failure := call()
	if failure == nil || failure.Kind == backstop.Rejected || failure.Kind == backstop.Throttled || failure.IsNarrow {
		result = nil
	}
	return s, failure
}

// refusesCalls reports whether the circuit allows no call now.
func (b breaker) refusesCalls() bool {
	if b.circuit == nil {
		return false
	}
	state := b.circuit.State()
	return state == gobreaker.StateOpen || state == gobreaker.StateHalfOpen && b.circuit.Counts().Requests > 0
}

// breakerOf returns the circuit breaker of the account that a call goes to.
func (a *Activities) breakerOf(step Step, c backstop.Call) breaker {
	if c.Channel == backstop.WhatsApp {
		return a.breakers[""]
	}
	return a.breakers[a.routeNamed(step.Route).Name]
}

// checkBreaker returns an error for the engine if the circuit allows no call, and the step has an attempt that sent nothing. The
// run then needs no change of the ledger, so 100,000 waiting sends do not each write to Postgres. Otherwise the ledger decides.
func (a *Activities) checkBreaker(ctx context.Context, step Step, c backstop.Call) error {
	if !a.breakerOf(step, c).refusesCalls() {
		return nil
	}
	l, err := a.store.Ledger(ctx, step.Send)
	if err != nil {
		return nil //nolint:nilerr // Begin meets it too
	}
	attempt := l.Attempt(c.Step())
	if attempt == nil || l.Send.FinishedAt != nil || !attempt.IsRetriable() {
		return nil
	}
	return retryableError(string(backstop.Unavailable), "not called: the provider is down", 0)
}
