package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// call is a provider call with its retries. It goes on until it is cancelled.
type call struct {
	cancel workflow.CancelFunc
	tried  bool // the first try has ended
	ended  bool
	got    activities.Result // when it has ended
	err    error

	unsaved *activities.Ended // how the first try ended, if that could not be stored
}

// provide starts a provider call, and does not wait for it. No time-out of the engine ends it while it may still send.
func (s *send) provide(ctx workflow.Context, summary string, activity any, step activities.Step) *call {
	ctx, cancel := workflow.WithCancel(ctx)
	c := &call{cancel: cancel, tried: s.in.Settings.QueuedCalls}
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { c.ended = true }()
		if !c.tried {
			c.err = workflow.ExecuteLocalActivity(tryOptions(ctx, summary), activity, step).Get(ctx, &c.got)
			c.tried = true
			pause, retry := afterTry(c.err, &step)
			c.unsaved = step.Ended
			if !retry {
				return
			}
			if c.err = workflow.Sleep(ctx, pause); c.err != nil {
				return
			}
		}
		step.Linger = 0
		c.err = workflow.ExecuteActivity(callOptions(ctx, summary), activity, step).Get(ctx, &c.got)
	})
	return c
}

// afterTry reports whether, and after which pause, the engine goes on with a call whose first try ended with err.
func afterTry(err error, step *activities.Step) (pause time.Duration, retry bool) {
	if err == nil || temporal.IsCanceledError(err) {
		return 0, false
	}
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case !ok:
		return firstPause, true // it took too long: the attempt that it wrote down tells the next run
	case failed.NonRetryable():
		return 0, false
	case failed.Type() == activities.Busy:
		return 0, true
	case failed.Type() == activities.Unsaved:
		var ended activities.Ended
		if failed.Details(&ended) == nil {
			step.Ended = &ended
		}
	}
	return max(failed.NextRetryDelay(), firstPause), true
}

// await waits for the end of the call, also when an operator cancels the run: a call in flight may yet send.
func (c *call) await(ctx workflow.Context) error {
	ctx, free := workflow.NewDisconnectedContext(ctx)
	defer free()
	if err := workflow.Await(ctx, func() bool { return c.ended }); err != nil {
		return fmt.Errorf("await call: %w", err)
	}
	return nil
}

// abandon waits for the end of the call and returns why it is not waited for any longer.
func (c *call) abandon(ctx workflow.Context, why error) error {
	c.cancel()
	return errors.Join(why, c.await(ctx))
}

// result returns how the call ended. Without a result, because it was cancelled and its last run did not answer, the ledger
// knows more. An error is one that no other try can cure.
func (c *call) result(ctx workflow.Context) (r activities.Result, ended bool, err error) {
	failed, ok := errors.AsType[*temporal.ApplicationError](c.err)
	switch {
	case c.err == nil:
		return c.got, true, nil
	case ok && failed.NonRetryable():
		return activities.Result{}, false, c.err
	default:
		return activities.Result{}, false, cancelled(ctx, c.err)
	}
}

// cancelled returns the error of a run that an operator cancelled, and nil for any other.
func cancelled(ctx workflow.Context, err error) error {
	if ctx.Err() != nil && temporal.IsCanceledError(err) {
		return err
	}
	return nil
}

// giveUp counts a channel as failed because its provider took no call for as long as was tried. A call that may be in flight
// is waited for.
func (s *send) giveUp(ctx workflow.Context, channel backstop.Channel, step activities.Step) error {
	var v backstop.View
	err := workflow.ExecuteLocalActivity(storeOptions(ctx, "give up"), acts.GiveUp, channel, step).Get(ctx, &v)
	if err != nil {
		return fmt.Errorf("give up %s: %w", channel, err)
	}
	s.see(ctx, v)
	return nil
}
