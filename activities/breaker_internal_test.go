package activities

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

type providerCall = func() (backstop.Submission, *backstop.Failure)

func failing(kind backstop.FailureKind) providerCall {
	return func() (backstop.Submission, *backstop.Failure) {
		return backstop.Submission{}, &backstop.Failure{Kind: kind}
	}
}

// After five failures in a row one call every 10 s reaches the provider. When it succeeds, all do.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := newBreaker("whatsapp", defaultOpenFor, slog.New(slog.NewTextHandler(&log, nil)))
		calls := 0
		execute := func(call providerCall) *backstop.Failure {
			_, failure := b.execute(func() (backstop.Submission, *backstop.Failure) { calls++; return call() })
			return failure
		}
		isUp := func() (backstop.Submission, *backstop.Failure) { return backstop.Submission{MessageID: "1"}, nil }
		for range 4 {
			execute(failing(backstop.Unavailable))
		}
		require.Nil(t, execute(isUp), "the failures are not in a row any more")
		for range 50 {
			execute(failing(backstop.Rejected))
			execute(failing(backstop.Throttled))
		}
		for range 50 {
			execute(func() (backstop.Submission, *backstop.Failure) {
				return backstop.Submission{}, &backstop.Failure{Kind: backstop.Unavailable, IsNarrow: true}
			})
		}
		require.False(t, b.refusesCalls(), "these say nothing of other messages")
		for range 5 {
			execute(failing(backstop.Unknown))
		}
		require.True(t, b.refusesCalls())
		calls = 0
		for range 1000 {
			failure := execute(isUp)
			require.Equal(t, backstop.Unavailable, failure.Kind, "it was surely not sent")
		}
		require.Zero(t, calls)

		for range 3 { // it is still down
			time.Sleep(defaultOpenFor + time.Millisecond)
			execute(func() (backstop.Submission, *backstop.Failure) {
				require.NotNil(t, execute(isUp), "no second call while the first is under way")
				return failing(backstop.Unavailable)()
			})
			require.NotNil(t, execute(isUp))
		}
		require.Equal(t, 3, calls)
		time.Sleep(defaultOpenFor + time.Millisecond)
		require.Nil(t, execute(isUp))
		require.Nil(t, execute(isUp))
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("level=ERROR")), "one line per outage")
		require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("a provider is back")))
	})
}

// A call that panics counts as a failure.
func TestBreaker_panic(t *testing.T) {
	t.Parallel()
	b := newBreaker("whatsapp", defaultOpenFor, slog.New(slog.DiscardHandler))
	for range failuresInRow {
		require.Panics(t, func() { _, _ = b.execute(func() (backstop.Submission, *backstop.Failure) { panic("a bug") }) })
	}
	_, failure := b.execute(failing(backstop.Rejected))
	require.Equal(t, backstop.Unavailable, failure.Kind)
}

type oneLedger struct {
	Store

	ledger backstop.Ledger
}

func (s oneLedger) Ledger(context.Context, string) (*backstop.Ledger, error) { return &s.ledger, nil }

// While the circuit is open, a step whose attempt sent nothing waits without a change of the ledger. A step without an attempt
// gets one, because GiveUp needs an attempt.
func TestActivities_checkBreaker(t *testing.T) {
	t.Parallel()
	attempt := func(state backstop.AttemptState) backstop.Attempt {
		return backstop.Attempt{Ref: backstop.Ref{Step: 1}, Channel: backstop.WhatsApp, State: state}
	}
	reported, now := attempt("unavailable"), time.Now()
	reported.Reported = 1
	tests := map[string]struct {
		ledger backstop.Ledger
		spares bool
	}{
		"no attempt":  {},
		"unavailable": {backstop.Ledger{Attempts: []backstop.Attempt{attempt("unavailable")}}, true},
		"throttled":   {backstop.Ledger{Attempts: []backstop.Attempt{attempt("throttled")}}, true},
		"a dead call": {backstop.Ledger{Attempts: []backstop.Attempt{attempt(backstop.Calling)}}, false},
		"a receipt":   {backstop.Ledger{Attempts: []backstop.Attempt{reported}}, false},
		"finished": {backstop.Ledger{
			Send: backstop.Send{FinishedAt: &now}, Attempts: []backstop.Attempt{attempt("unavailable")},
		}, false},
	}
	for name, tc := range tests {
		a := Activities{store: oneLedger{ledger: tc.ledger}}
		a.breakers = map[string]breaker{"": newBreaker("whatsapp", time.Hour, slog.New(slog.DiscardHandler))}
		call := backstop.Call{Channel: backstop.WhatsApp}
		require.NoError(t, a.checkBreaker(t.Context(), Step{}, call), "%s: the circuit is closed", name)
		for range failuresInRow {
			_, _ = a.breakers[""].execute(failing(backstop.Unavailable))
		}
		require.Equal(t, tc.spares, a.checkBreaker(t.Context(), Step{}, call) != nil, name)
	}
}
