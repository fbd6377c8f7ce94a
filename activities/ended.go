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

// Ended is how a call ended. The engine keeps it until Postgres stores it. It has no message id, because an id may contain the
// recipient's number, and no text of the provider. A receipt brings the id later.
type Ended struct {
	Step           int                  `json:"step,omitempty"` // 0 if the call may not have been begun
	Token          string               `json:"token"`
	Kind           backstop.FailureKind `json:"kind,omitempty"` // empty: accepted
	Class          backstop.RejectClass `json:"class,omitempty"`
	Code           string               `json:"code,omitempty"`
	RetryAfter     time.Duration        `json:"retry_after,omitempty"`
	Segments       int                  `json:"segments,omitempty"`
	SMSReceiptWait time.Duration        `json:"receipt_wait,omitempty"`
}

// endedOf returns what the engine may keep of an ending.
func endedOf(e backstop.Ending) Ended {
	ended := Ended{Step: e.Step, Token: e.Token, Segments: e.Submission.Segments, SMSReceiptWait: e.SMSReceiptWait}
	if f := e.Failure; f != nil {
		ended.Kind, ended.Class, ended.Code, ended.RetryAfter = f.Kind, f.Class, f.Code, f.RetryAfter
	}
	return ended
}

// sentNothing reports whether the provider has surely not taken the message.
func (e Ended) sentNothing() bool {
	return e.Kind == backstop.Unavailable || e.Kind == backstop.Throttled
}

// ending returns the ending to be stored.
func (e Ended) ending() backstop.Ending {
	ending := backstop.Ending{Step: e.Step, Token: e.Token, SMSReceiptWait: e.SMSReceiptWait}
	if e.Kind == "" {
		ending.Submission.Segments = e.Segments
		return ending
	}
	ending.Failure = &backstop.Failure{Kind: e.Kind, Class: e.Class, Code: e.Code, RetryAfter: e.RetryAfter}
	return ending
}

// unsavedEnd returns the end of a call that an earlier run could not store, or nil. Another process may have stored it meanwhile.
func unsavedEnd(ctx context.Context, step Step) *Ended {
	if !activity.HasHeartbeatDetails(ctx) {
		return step.Ended
	}
	var ended Ended
	if err := activity.GetHeartbeatDetails(ctx, &ended); err != nil {
		return step.Ended
	}
	return &ended
}

// saveEnd stores how a call ended. If Postgres is away, it returns an error with the end in its details, which the engine gives
// to the next run. The write outlives ctx, because an activity may be cancelled, or its worker stopped, during the call.
func (a *Activities) saveEnd(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	storing, cancel := writeContext(ctx)
	defer cancel()
	attempt, view, err := a.store.End(storing, send, e)
	if err == nil {
		return attempt, view, nil
	}
	a.keepSaving(send, e)
	ended := endedOf(e)
	activity.RecordHeartbeat(context.WithoutCancel(ctx), ended) // for the next run of an ordinary activity
	err = finalIfNotFound(fmt.Errorf("end attempt: %w", err))
	if _, final := errors.AsType[*temporal.ApplicationError](err); final {
		return backstop.Attempt{}, backstop.View{}, err
	}
	a.log.WarnContext(ctx, "end of a call not stored", "send", send, "error", err)
	err = retryableError(Unsaved, "the end of the call could not be stored", 0, ended) // for the run after a local one
	return backstop.Attempt{}, backstop.View{}, err
}

const (
	// keepSaving pauses between two writes for savingPause at first, twice as long each time, and maxSavingPause at most. It
	// stops after savingFor.
	savingPause    = time.Second
	maxSavingPause = 30 * time.Second
	savingFor      = time.Hour
	// maxSaving bounds the ends that a process keeps. Without Postgres no provider is called, so the ends of real calls are
	// few. The others belong to calls that could not be begun; the engine keeps those too.
	maxSaving = 1000
)

// keepSaving retries in the background until the end of a call is stored. The engine keeps the end too, but loses it if the
// workflow task of a local activity is lost. The ledger ignores an end that another run has stored meanwhile.
func (a *Activities) keepSaving(send string, e backstop.Ending) {
	select {
	case a.saving <- struct{}{}:
	default:
		a.log.Warn("too many ends wait to be stored: only the engine keeps this one", "send", send, "waiting", maxSaving)
		return
	}
	e.AwaitReceipts = 0 // no activity waits for the receipts any more
	go func() {
		defer func() { <-a.saving }()
		ctx, cancel := context.WithTimeout(context.Background(), savingFor)
		defer cancel()
		for pause := savingPause; ctx.Err() == nil; pause = min(2*pause, maxSavingPause) {
			time.Sleep(pause)
			storing, free := writeContext(ctx)
			_, _, err := a.store.End(storing, send, e)
			free()
			if err == nil || backstop.CodeOf(err) == backstop.NotFound {
				return
			}
		}
	}()
}

// keepFailedBegin returns the error of a run whose Begin failed, or whose answer to Begin was lost. The provider was not
// called, but the ledger may hold the call, and would later count its end as unknown. So the engine keeps the token, and the
// next run ends that call as unavailable, which may be retried.
func (a *Activities) keepFailedBegin(ctx context.Context, send string, c backstop.Call, err error) error {
	err = finalIfNotFound(fmt.Errorf("begin attempt: %w", err))
	if _, final := errors.AsType[*temporal.ApplicationError](err); final || ctx.Err() != nil {
		return err
	}
	ended := Ended{Token: c.Token, Kind: backstop.Unavailable}
	a.keepSaving(send, ended.ending())
	activity.RecordHeartbeat(ctx, ended)
	a.log.WarnContext(ctx, "begin of a call not stored, or its answer lost", "send", send, "error", err)
	return retryableError(Unsaved, "the call could not be begun", 0, ended)
}

// saveEarlierEnd stores the end of an earlier run's call, if that run could not. All later runs get the same end from the engine,
// so the call may meanwhile be stored, retried or under way again; the ledger decides. It returns an error only to wait for the
// delay that the provider asked for, or if the end cannot be stored now either.
func (a *Activities) saveEarlierEnd(ctx context.Context, step Step) error {
	ended := unsavedEnd(ctx, step)
	if ended == nil {
		return nil
	}
	attempt, _, err := a.saveEnd(ctx, step.Send, ended.ending())
	if backstop.CodeOf(err) == backstop.NotFound && ended.sentNothing() {
		return nil // the call was never begun
	}
	if err != nil {
		return err
	}
	isThrottled := attempt.State == backstop.StateThrottled && len(step.Accounts) < 2 // else the ledger knows whose turn it is
	if attempt.Token != ended.Token || !isThrottled && !attempt.MayRepeat() {
		return nil
	}
	if left := ended.RetryAfter - a.store.Now().Sub(*attempt.EndedAt); left > 0 {
		return retryableError(string(attempt.State), ended.Code, left)
	}
	return nil
}

// saveLastEnd stores the end of the last call, if an earlier run could not. Without that end, the ledger would count the end of
// the call as unknown, and would not count the step as failed.
func (a *Activities) saveLastEnd(ctx context.Context, step Step) error {
	if step.Ended == nil {
		return nil
	}
	_, _, err := a.saveEnd(ctx, step.Send, step.Ended.ending())
	if backstop.CodeOf(err) == backstop.NotFound {
		return nil // the call was never begun
	}
	return err
}
