package activities

import (
	"context"
	"errors"
	"fmt"
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
	Failure  *backstop.Failure `json:"failure,omitempty"`
}

// storeTimeout bounds the write that follows a provider call, whatever became of the activity meanwhile.
const storeTimeout = 5 * time.Second

// hold says why a send must not be called for; empty means that it may.
type hold func(backstop.Send) Verdict

// provide calls the provider for a send.
type provide func(context.Context, backstop.Send) (backstop.Submission, error)

// call runs one step: write the attempt down, call the provider, write down what came of it.
func (a *Activities) call(ctx context.Context, attempt backstop.Attempt, hold hold, provide provide) (Result, error) {
	var (
		send     backstop.Send
		previous *backstop.Attempt
		held     Verdict
	)
	attempt.StartedAt = a.now()
	attempt, err := a.store.Begin(ctx, attempt, func(s backstop.Send, newest *backstop.Attempt) bool {
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
		return Result{Verdict: held, WhatsApp: send.WhatsAppStatus, SMS: send.SMSStatus}, nil
	case previous != nil && !previous.Retriable():
		return a.resume(ctx, send, *previous)
	}
	submission, err := provide(ctx, send)
	return a.end(ctx, attempt.End(submission, failureOf(submission, err), a.now()))
}

// resume answers for an attempt that an earlier run of the activity made: it was completed, and only the engine does
// not know, or its end could not be stored, or its worker died in the middle.
func (a *Activities) resume(ctx context.Context, send backstop.Send, previous backstop.Attempt) (Result, error) {
	if previous.State != backstop.Calling {
		return result(send, previous)
	}
	if ended, ok := unsaved(ctx); ok && ended.Number == previous.Number {
		return a.end(ctx, ended)
	}
	died := &backstop.Failure{Kind: backstop.Unknown, Reason: "the worker stopped during the call"}
	return a.end(ctx, previous.End(backstop.Submission{}, died, a.now()))
}

// end stores how an attempt ended. If Postgres is away, what is known is left with the engine, so that the next run
// stores it instead of taking the call for Unknown. Neither ends with ctx: an activity may be cancelled, or its worker
// be told to stop, during the call.
func (a *Activities) end(ctx context.Context, attempt backstop.Attempt) (Result, error) {
	a.note(ctx, attempt)
	ctx = context.WithoutCancel(ctx)
	storing, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	send, err := a.store.End(storing, attempt)
	if err != nil {
		activity.RecordHeartbeat(ctx, attempt)
		return Result{}, permanent(fmt.Errorf("end attempt: %w", err))
	}
	return result(send, attempt)
}

// unsaved returns the attempt whose end an earlier run could not store; it may be stored since.
func unsaved(ctx context.Context) (backstop.Attempt, bool) {
	if !activity.HasHeartbeatDetails(ctx) {
		return backstop.Attempt{}, false
	}
	var attempt backstop.Attempt
	err := activity.GetHeartbeatDetails(ctx, &attempt)
	return attempt, err == nil
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
func result(send backstop.Send, attempt backstop.Attempt) (Result, error) {
	r := Result{WhatsApp: send.WhatsAppStatus, SMS: send.SMSStatus, Failure: attempt.Failure}
	switch attempt.State {
	case backstop.Accepted:
		r.Verdict = Accepted
	case backstop.AttemptState(backstop.Rejected):
		r.Verdict = Rejected
	case backstop.AttemptState(backstop.Unknown), backstop.Calling:
		r.Verdict = Unknown
	case backstop.AttemptState(backstop.Throttled), backstop.AttemptState(backstop.Unavailable):
		f := attempt.Failure
		return Result{}, temporal.NewApplicationErrorWithOptions(f.Error(), string(f.Kind),
			temporal.ApplicationErrorOptions{
				NextRetryDelay: f.RetryAfter,
				Category:       temporal.ApplicationErrorCategoryBenign, // note has logged it
			})
	}
	return r, nil
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
