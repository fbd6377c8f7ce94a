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

// Ended is how a call ended, as the engine keeps it until it can be stored. It has no message id, which may hold the
// recipient's number, and no text of the provider's: a receipt brings the id later.
type Ended struct {
	Token       string               `json:"token"`
	Kind        backstop.FailureKind `json:"kind,omitempty"` // empty: accepted
	Class       backstop.RejectClass `json:"class,omitempty"`
	Code        string               `json:"code,omitempty"`
	RetryAfter  time.Duration        `json:"retry_after,omitempty"`
	Segments    int                  `json:"segments,omitempty"`
	ReceiptWait time.Duration        `json:"receipt_wait,omitempty"`
}

func endedOf(e backstop.Ending) Ended {
	ended := Ended{Token: e.Token, Segments: e.Submission.Segments, ReceiptWait: e.ReceiptWait}
	if f := e.Failure; f != nil {
		ended.Kind, ended.Class, ended.Code, ended.RetryAfter = f.Kind, f.Class, f.Code, f.RetryAfter
	}
	return ended
}

// sentNothing reports whether the call may be made again.
func (e Ended) sentNothing() bool {
	return e.Kind == backstop.Unavailable || e.Kind == backstop.Throttled
}

func (e Ended) ending(step int) backstop.Ending {
	ending := backstop.Ending{Step: step, Token: e.Token, ReceiptWait: e.ReceiptWait}
	if e.Kind == "" {
		ending.Submission.Segments = e.Segments
		return ending
	}
	ending.Failure = &backstop.Failure{Kind: e.Kind, Class: e.Class, Code: e.Code, RetryAfter: e.RetryAfter}
	return ending
}

// unsaved returns how an earlier run's call ended that could not be stored, or nil. It may be stored since.
func unsaved(ctx context.Context, step Step) *Ended {
	if !activity.HasHeartbeatDetails(ctx) {
		return step.Ended
	}
	var ended Ended
	if err := activity.GetHeartbeatDetails(ctx, &ended); err != nil {
		return step.Ended
	}
	return &ended
}

// save stores how a call ended. If Postgres is away, the engine keeps what the next run has to store. The write does not end
// with ctx: an activity may be cancelled, or its worker be stopped, during the call.
func (a *Activities) save(ctx context.Context, step Step, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	storing, cancel := lasting(ctx)
	defer cancel()
	attempt, view, err := a.store.End(storing, step.Send, e)
	if err == nil {
		return attempt, view, nil
	}
	ended := endedOf(e)
	activity.RecordHeartbeat(context.WithoutCancel(ctx), ended) // for the next run of an ordinary activity
	err = permanent(fmt.Errorf("end attempt: %w", err))
	if _, final := errors.AsType[*temporal.ApplicationError](err); final {
		return backstop.Attempt{}, backstop.View{}, err
	}
	a.log.WarnContext(ctx, "end of a call not stored", "send", step.Send, "error", err)
	err = retryable(Unsaved, "the end of the call could not be stored", 0, ended) // for the run after a local one
	return backstop.Attempt{}, backstop.View{}, err
}

// notBegun is the error of a run that could not begin its call, or never learned that it has. Surely the provider was not
// called, and only this run knows: the engine keeps the token for the next one, which takes the call back if it stands in the
// ledger. Otherwise it would count as one that may have sent, which is not made again.
func (a *Activities) notBegun(ctx context.Context, step Step, c backstop.Call, err error) error {
	err = permanent(fmt.Errorf("begin attempt: %w", err))
	if _, final := errors.AsType[*temporal.ApplicationError](err); final || ctx.Err() != nil {
		return err
	}
	ended := Ended{Token: c.Token, Kind: backstop.Unavailable}
	activity.RecordHeartbeat(ctx, ended)
	a.log.WarnContext(ctx, "begin of a call not stored, or its answer lost", "send", step.Send, "error", err)
	return retryable(Unsaved, "the call could not be begun", 0, ended)
}

// saveEarlier stores the end of an earlier call that could not be stored then. The engine keeps that end for all runs that
// follow, so the ledger says what the step needs now: the call may be stored, made again or under way since. Only the delay
// that a provider asked for is for the engine.
func (a *Activities) saveEarlier(ctx context.Context, step Step, number int) error {
	ended := unsaved(ctx, step)
	if ended == nil {
		return nil
	}
	attempt, _, err := a.save(ctx, step, ended.ending(number))
	if backstop.CodeOf(err) == backstop.NotFound && ended.sentNothing() {
		return nil // the call was never begun
	}
	if err != nil {
		return err
	}
	if attempt.Token != ended.Token || attempt.State != backstop.AttemptState(backstop.Throttled) {
		return nil
	}
	if left := ended.RetryAfter - a.store.Now().Sub(*attempt.EndedAt); left > 0 {
		return retryable(string(backstop.Throttled), ended.Code, left)
	}
	return nil
}
