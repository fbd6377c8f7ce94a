package activities

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
)

// Verdict is what became of a step.
type Verdict string

// The verdicts. A step that is to be retried returns an error instead.
const (
	Accepted    Verdict = "accepted" // the provider has taken the message
	Rejected    Verdict = "rejected" // it never will
	Unknown     Verdict = "unknown"  // it may have
	Averted     Verdict = "averted"  // not called: the last look found that the message had arrived
	Out         Verdict = "out"      // not called: another message is out, or may be
	NoMoreCalls Verdict = "over"     // the send has ended, is expired, or its recipient has opted out
)

// Result is how a step ended, with the view of the send after it.
type Result struct {
	Verdict Verdict       `json:"verdict"`
	View    backstop.View `json:"view"`
}

// The types of the errors that are no failure of a provider. The engine retries all of them.
const (
	Busy     = "busy"      // as many calls are under way as this worker may make at once
	UnderWay = "under_way" // another process may still be calling for this send
	TooEarly = "too_early" // the engine's clock is ahead of the store's
	Unsaved  = "unsaved"   // the call has ended and that could not be stored; the details say how
)

const (
	// CallTimeout bounds a provider call with its writes. After it another run may take over.
	CallTimeout = backstop.CallTimeout

	// AdmitTimeout is how long an ordinary activity waits for a slot among the worker's calls, before CallTimeout begins.
	AdmitTimeout = 5 * time.Second

	// storeTimeout bounds the write that follows a provider call. The write goes on if the activity is cancelled.
	storeTimeout = 5 * time.Second

	// callBound bounds Begin and the provider call together. The rest of CallTimeout is for the write that follows.
	callBound = CallTimeout - storeTimeout
)

// provide calls the provider for a call that may be made.
type provide func(context.Context, backstop.Ruling) (backstop.Submission, error)

// call runs one step: begin the call in the ledger, call the provider, write down what came of it.
func (a *Activities) call(ctx context.Context, step Step, c backstop.Call, provide provide) (Result, error) {
	free, err := a.admit(ctx)
	if err != nil {
		return Result{}, err
	}
	defer free()
	if err := a.saveEarlier(ctx, step, c.Step()); err != nil {
		return Result{}, err
	}
	if err := a.spare(ctx, step, c); err != nil {
		return Result{}, err
	}
	began := a.now()
	c.Token = rand.Text()
	ruling, view, err := a.store.Begin(ctx, step.Send, c)
	if err != nil {
		return Result{}, a.notBegun(ctx, step, c, err)
	}
	if ruling.Answer != backstop.MayCall {
		return a.refused(ruling, view)
	}
	ending := backstop.Ending{Step: c.Step(), Token: c.Token, ReceiptWait: step.ReceiptWait}
	call := func(ctx context.Context) (backstop.Submission, error) { return provide(ctx, ruling) }
	ending.Submission, ending.Failure = a.provide(ctx, began.Add(callBound), a.breakerOf(step, c), call)
	free()
	ending.Failure = lastTry(ending.Failure, ruling)
	a.logFailure(ctx, step.Send, c.Provider, ending.Failure)
	if wait := step.AwaitReceipts - a.now().Sub(began); ending.Failure == nil && a.mayAwaitReceipts(ctx, wait) {
		defer func() { <-a.receiptWaits }()
		ending.AwaitReceipts = wait
	}
	return a.end(ctx, step, ending)
}

// provide calls the provider, unless it is later than until: after a process was frozen, another one may have taken over.
func (a *Activities) provide(
	ctx context.Context, until time.Time, circuit breaker, provide func(context.Context) (backstop.Submission, error),
) (backstop.Submission, *backstop.Failure) {
	if !a.now().Before(until) {
		heldUp := &backstop.Failure{Kind: backstop.Unavailable, Reason: "the process was held up before the call"}
		return backstop.Submission{}, heldUp
	}
	ctx, cancel := context.WithTimeout(ctx, until.Sub(a.now()))
	defer cancel()
	return circuit.call(func() (backstop.Submission, *backstop.Failure) {
		submission, err := provide(ctx)
		return submission, failureOf(submission, err)
	})
}

// admit acquires a slot of this worker's concurrent calls. A local activity does not wait for one, because its workflow task
// would wait too; the workflow retries it as an ordinary activity. That one waits for AdmitTimeout at most, so that CallTimeout
// is left for the call; then the engine retries it.
func (a *Activities) admit(ctx context.Context) (free func(), err error) {
	if a.calls == nil {
		return func() {}, nil
	}
	free = sync.OnceFunc(func() { <-a.calls })
	select {
	case a.calls <- struct{}{}:
		return free, nil
	default:
	}
	if !activity.GetInfo(ctx).IsLocalActivity {
		select {
		case a.calls <- struct{}{}:
			return free, nil
		case <-time.After(AdmitTimeout):
		case <-ctx.Done():
		}
	}
	return nil, retryable(Busy, "the worker makes as many calls as it may", 0)
}

// refused answers for a call that the ledger did not allow.
func (a *Activities) refused(r backstop.Ruling, view backstop.View) (Result, error) {
	switch r.Answer {
	case backstop.MadeAlready:
		return resultOf(r.Attempt, view)
	case backstop.UnderWay:
		return Result{}, retryable(UnderWay, "an earlier call may still be under way", r.Until.Sub(a.store.Now()))
	case backstop.TooEarly:
		return Result{}, retryable(TooEarly, "the rule's wait has not ended", r.Until.Sub(a.store.Now()))
	case backstop.Satisfied:
		return Result{Verdict: Averted, View: view}, nil
	case backstop.AlreadyOut:
		return Result{Verdict: Out, View: view}, nil
	case backstop.HasFinished, backstop.HasExpired, backstop.HasOptedOut:
		return Result{Verdict: NoMoreCalls, View: view}, nil
	case backstop.MayCall, backstop.HasGivenUp:
	}
	return Result{}, fmt.Errorf("begin attempt: %q is no refusal", r.Answer)
}

// end stores how a call ended. If the attempt awaits receipts, end waits for receipts.
func (a *Activities) end(ctx context.Context, step Step, e backstop.Ending) (Result, error) {
	attempt, view, err := a.save(ctx, step, e)
	if err != nil {
		return Result{}, err
	}
	if attempt.AwaitsReceiptsUntil != nil && e.AwaitReceipts > 0 {
		return a.awaitReceipts(ctx, step, attempt, view, e.AwaitReceipts)
	}
	return resultOf(attempt, view)
}

// lasting returns a context for a write that must go on when the activity is cancelled.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
}

// lastTry returns the failure of a call. A failure that is worth no further call becomes a rejection. The calls before may have
// failed for other reasons, so the last of them must have failed for the same.
func lastTry(f *backstop.Failure, r backstop.Ruling) *backstop.Failure {
	if f == nil || f.MaxTries == 0 || r.Attempt.Number < f.MaxTries || r.Before == nil || r.Before.Code != f.Code {
		return f
	}
	last := *f
	last.Kind, last.MaxTries = backstop.Rejected, 0
	return &last
}

// logFailure logs why a provider call failed.
func (a *Activities) logFailure(ctx context.Context, send, provider string, f *backstop.Failure) {
	if f != nil {
		a.log.Log(ctx, levelOf(f), "provider call failed", "send", send, "provider", provider,
			"kind", f.Kind, "class", f.Class, "code", f.Code, "reason", f.Reason)
	}
}

// levelOf is ERROR if an operator must act, and WARN for a rejection without a class, because its code is in no table.
func levelOf(f *backstop.Failure) slog.Level {
	switch {
	case f.Class == backstop.AccountFault:
		return slog.LevelError
	case f.Kind == backstop.Rejected && f.Class == "":
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// resultOf turns an attempt that has ended into the step's result, or into an error that the engine retries.
func resultOf(attempt backstop.Attempt, view backstop.View) (Result, error) {
	r := Result{Verdict: Accepted, View: view}
	switch {
	case attempt.Reported != 0 || attempt.State == backstop.Accepted:
	case attempt.State == backstop.StateRejected || attempt.Status == backstop.Failed:
		r.Verdict = Rejected
	case attempt.Failure != nil && attempt.Failure.Kind != backstop.Unknown:
		f := attempt.Failure
		return Result{}, retryable(string(f.Kind), f.Code, f.RetryAfter)
	default:
		r.Verdict = Unknown
	}
	return r, nil
}

// retryable is an error that the engine retries, after the given delay if it is not 0. The history records its text, so of a
// provider's answer it contains only a code.
func retryable(kind, why string, after time.Duration, details ...any) error {
	return temporal.NewApplicationErrorWithOptions(why, kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: max(after, 0),
		Details:        details,
		Category:       temporal.ApplicationErrorCategoryBenign, // logFailure has logged what an operator must know
	})
}

// failureOf returns the failure in a driver's answer, or nil. An error of another type counts as unknown: the message may be
// out. The text of such an error is dropped, because it may quote the request.
func failureOf(s backstop.Submission, err error) *backstop.Failure {
	f, ok := errors.AsType[*backstop.Failure](err)
	switch {
	case err == nil && s.MessageID != "":
		return nil
	case err == nil:
		return &backstop.Failure{Kind: backstop.Unknown, Reason: "the driver returned no message id"}
	case !ok || f == nil || !known(f.Kind):
		return &backstop.Failure{Kind: backstop.Unknown, Reason: fmt.Sprintf("the driver returned no failure but %T", err)}
	default:
		return f
	}
}

func known(kind backstop.FailureKind) bool {
	switch kind {
	case backstop.Rejected, backstop.Throttled, backstop.Unavailable, backstop.Unknown:
		return true
	default:
		return false
	}
}
