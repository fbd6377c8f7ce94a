package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
)

// Verdict is what became of a step.
type Verdict string

// The verdicts. What is worth another try is not a verdict but an error, which the engine retries.
const (
	Accepted Verdict = "accepted" // the provider has taken the message
	Rejected Verdict = "rejected" // it never will
	Unknown  Verdict = "unknown"  // it may have
	Averted  Verdict = "averted"  // not called: the last look found that the message had arrived
	Expired  Verdict = "expired"  // not called: it is past the send's ExpiresAt
)

// Result is how a step ended, with the statuses of both channels as they stand in Postgres, where receipts may have
// been faster than the answer.
type Result struct {
	Verdict  Verdict           `json:"verdict"`
	WhatsApp backstop.Status   `json:"whatsapp,omitempty"`
	SMS      backstop.Status   `json:"sms,omitempty"`
	Failure  *backstop.Failure `json:"failure,omitempty"` // of the call, or by a receipt of the WhatsApp message
	Outcome  backstop.Outcome  `json:"outcome,omitempty"` // set when those receipts have ended the send; Pending: handed back
}

// The types of the errors that are no failure of a provider. All are worth another try.
const (
	Busy     = "busy"      // as many first tries are under way as this worker may make at once
	UnderWay = "under_way" // another worker may still be calling for this step
	Unsaved  = "unsaved"   // the call has ended and that could not be stored; the details hold the attempt
)

// CallTimeout bounds one run of a provider activity: a provider call (at most 20 s by configuration) and the writes
// before and after it. A call that began longer ago is over, whatever became of its worker.
const CallTimeout = 30 * time.Second

// storeTimeout bounds the write that follows a provider call, whatever became of the activity meanwhile.
const storeTimeout = 5 * time.Second

// hold says why a send must not be called for; empty means that it may.
type hold func(backstop.Send) Verdict

// provide calls the provider for a send.
type provide func(context.Context, backstop.Send) (backstop.Submission, error)

// call runs one step: write the attempt down, call the provider, write down what came of it.
func (a *Activities) call(
	ctx context.Context, step Step, attempt backstop.Attempt, hold hold, provide provide,
) (Result, error) {
	free, err := a.admit(ctx)
	if err != nil {
		return Result{}, err
	}
	defer free()
	var (
		send     backstop.Send
		previous *backstop.Attempt
		held     Verdict
	)
	attempt.StartedAt = a.now()
	until := attempt.StartedAt.Add(step.Linger)
	attempt, err = a.store.Begin(ctx, attempt, func(s backstop.Send, newest *backstop.Attempt) bool {
		send, previous, held = s, newest, ""
		if newest != nil && !newest.Retriable() {
			return false
		}
		held = hold(s)
		return held == ""
	})
	switch {
	case err != nil:
		return Result{}, permanent(fmt.Errorf("begin attempt: %w", err))
	case held != "":
		return resultOf(send, held, nil), nil
	case previous != nil && !previous.Retriable():
		return a.resume(ctx, step, send, *previous)
	}
	submission, err := provide(ctx, send)
	free()
	attempt = attempt.End(submission, failureOf(submission, err), a.now())
	if a.mayLinger(ctx, attempt, until) {
		defer func() { <-a.lingers }()
		attempt.LingersUntil = &until
	}
	return a.end(ctx, step, attempt)
}

// admit takes a place among the calls of this worker. A first try, which is a local activity, does not wait for one: it
// would hold its workflow task. It is tried again as an ordinary activity, because the engine's queue is the place to
// wait in.
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
	if activity.GetInfo(ctx).IsLocalActivity {
		return nil, again(Busy, errors.New("the worker makes as many calls as it may"), 0)
	}
	select {
	case a.calls <- struct{}{}:
		return free, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other calls: %w", ctx.Err())
	}
}

// resume answers for an attempt that an earlier run of the activity made: it was completed, and only the engine does
// not know, or its end could not be stored, or its worker died in the middle. A worker that only lost the engine may
// still be calling, for as long as a call can take.
func (a *Activities) resume(ctx context.Context, step Step, send backstop.Send, previous backstop.Attempt) (Result, error) {
	if previous.LingersUntil != nil {
		return a.leave(ctx, previous)
	}
	if previous.State != backstop.Calling {
		return a.result(ctx, send, previous)
	}
	if ended := unsaved(ctx, step); ended != nil && ended.Number == previous.Number {
		ended.LingersUntil = nil
		return a.end(ctx, step, *ended)
	}
	if left := previous.StartedAt.Add(CallTimeout).Sub(a.now()); left > 0 {
		return Result{}, again(UnderWay, errors.New("an earlier call may still be under way"), left)
	}
	died := &backstop.Failure{Kind: backstop.Unknown, Reason: "the worker stopped during the call"}
	return a.end(ctx, step, previous.End(backstop.Submission{}, died, a.now()))
}

// end stores how an attempt ended. If Postgres is away, what is known is left with the engine, so that the next run
// stores it instead of taking the call for Unknown. Neither ends with ctx: an activity may be cancelled, or its worker
// be told to stop, during the call. If the attempt lingers, it then waits for receipts.
func (a *Activities) end(ctx context.Context, step Step, attempt backstop.Attempt) (Result, error) {
	a.note(ctx, attempt)
	storing, cancel := lasting(ctx)
	defer cancel()
	send, err := a.store.End(storing, attempt, step.ReceiptWait)
	if err != nil {
		activity.RecordHeartbeat(context.WithoutCancel(ctx), attempt) // for the next run of an ordinary activity
		err = permanent(fmt.Errorf("end attempt: %w", err))
		if _, final := errors.AsType[*temporal.ApplicationError](err); final {
			return Result{}, err
		}
		a.log.WarnContext(ctx, "end of a call not stored", "send", attempt.Ref.Send, "error", err)
		return Result{}, again(Unsaved, err, 0, attempt) // for the run after a local one
	}
	if attempt.LingersUntil != nil {
		return a.linger(ctx, send, attempt)
	}
	return a.result(ctx, send, attempt)
}

// lasting is a context for what must be known of a call that was made, also when the activity is cancelled meanwhile.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
}

// unsaved returns the attempt whose end an earlier run could not store, or nil; it may be stored since.
func unsaved(ctx context.Context, step Step) *backstop.Attempt {
	if !activity.HasHeartbeatDetails(ctx) {
		return step.Ended
	}
	var attempt backstop.Attempt
	if err := activity.GetHeartbeatDetails(ctx, &attempt); err != nil {
		return step.Ended
	}
	return &attempt
}

// note logs what an operator must act on.
func (a *Activities) note(ctx context.Context, attempt backstop.Attempt) {
	f := attempt.Failure
	if f == nil {
		return
	}
	level := a.log.InfoContext
	if f.Class == backstop.AccountFault {
		level = a.log.ErrorContext
	}
	level(ctx, "provider call failed", "send", attempt.Ref.Send, "provider", attempt.Provider,
		"kind", f.Kind, "class", f.Class, "code", f.Code, "reason", f.Reason)
}

// result turns an attempt that has ended into the step's result, or into an error that the engine retries.
func (a *Activities) result(ctx context.Context, send backstop.Send, attempt backstop.Attempt) (Result, error) {
	switch attempt.State {
	case backstop.AttemptState(backstop.Rejected):
		return resultOf(send, Rejected, attempt.Failure), nil
	case backstop.AttemptState(backstop.Unknown), backstop.Calling:
		return resultOf(send, Unknown, attempt.Failure), nil
	case backstop.AttemptState(backstop.Throttled), backstop.AttemptState(backstop.Unavailable):
		f := attempt.Failure
		return Result{}, again(string(f.Kind), f, f.RetryAfter)
	case backstop.Accepted:
	}
	if attempt.Channel != backstop.WhatsApp || send.WhatsAppStatus != backstop.Failed {
		return resultOf(send, Accepted, nil), nil
	}
	looking, cancel := lasting(ctx)
	defer cancel()
	refusal, err := a.store.Refusal(looking, attempt) // its receipt came without a signal
	if err != nil {
		return Result{}, fmt.Errorf("look for failure: %w", err)
	}
	if refusal != nil {
		refusal.Reason = "" // a signal does not carry it either
	}
	return resultOf(send, Accepted, refusal), nil
}

func resultOf(send backstop.Send, verdict Verdict, failure *backstop.Failure) Result {
	r := Result{Verdict: verdict, WhatsApp: send.WhatsAppStatus, SMS: send.SMSStatus, Failure: failure}
	if send.FinishedAt != nil || send.ReceiptBy != nil {
		r.Outcome = send.Outcome
	}
	return r
}

// again is an error that is worth another try, after a while if that is not 0.
func again(kind string, why error, after time.Duration, details ...any) error {
	return temporal.NewApplicationErrorWithOptions(why.Error(), kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: after,
		Details:        details,
		Category:       temporal.ApplicationErrorCategoryBenign, // note has logged what an operator must know
	})
}

// failureOf reads the failure out of what a driver returned. One that does not say may have sent the message. The text
// of such an error is not kept: nobody knows what it quotes.
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
