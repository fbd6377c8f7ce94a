package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// call is a provider call with its retries. The engine retries the call until the workflow cancels it.
type call struct {
	cancel workflow.CancelFunc
	tried  bool // the first try has ended
	ended  bool
	got    activities.Result // of an ended call without err
	err    error

	unsaved *activities.Ended // how the first try ended, if that could not be stored

	isCutShort bool // the wait of another rule has ended the retries
}

// startCall starts a provider call, and does not wait for it. No timeout of the engine ends the call while it may still send.
func (s *send) startCall(ctx workflow.Context, summary string, activity any, step activities.Step) *call {
	ctx, cancel := workflow.WithCancel(ctx)
	c := &call{cancel: cancel, tried: s.in.Settings.QueuedCalls}
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { c.ended = true }()
		if !c.tried {
			c.err = workflow.ExecuteLocalActivity(tryOptions(ctx, summary), activity, step).Get(ctx, &c.got)
			c.tried = true
			if account, isElsewhere := queueFor(c.err); isElsewhere {
				step.AwaitReceipts = 0
				c.err = s.retryCall(ctx, c, summary, activity, step, s.queueOf(account))
				return
			}
			pause, retry := afterTry(c.err, &step)
			c.unsaved = step.Ended
			if !retry {
				return
			}
			if c.err = workflow.Sleep(ctx, pause); c.err != nil {
				return
			}
		}
		step.AwaitReceipts = 0
		c.err = s.retryCall(ctx, c, summary, activity, step, "")
	})
	return c
}

// retryCall makes a call by an ordinary activity, which the engine retries. If the account has a task queue of its own, the
// activity runs there. If nobody takes it from that queue in time, because the account has no limits any more, or many calls
// wait, the workflow asks again.
func (s *send) retryCall(
	ctx workflow.Context, c *call, summary string, activity any, step activities.Step, queue string,
) error {
	for {
		err := workflow.ExecuteActivity(callOptions(ctx, summary, queue), activity, step).Get(ctx, &c.got)
		account, isElsewhere := queueFor(err)
		switch {
		case isElsewhere:
			queue = s.queueOf(account)
		case isUntaken(err):
			queue = ""
		default:
			return err //nolint:wrapcheck // afterTry and result read it
		}
	}
}

// queueOf returns the task queue of an account.
func (s *send) queueOf(account string) string {
	return QueueOf(s.in.Installation) + activities.QueueSuffix(account)
}

// queueFor returns the account on whose task queue a call must be made.
func queueFor(err error) (account string, isElsewhere bool) {
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || failed.Type() != activities.Elsewhere || failed.Details(&account) != nil {
		return "", false
	}
	return account, true
}

// isUntaken reports whether no worker took an activity from its task queue in time.
func isUntaken(err error) bool {
	late, ok := errors.AsType[*temporal.TimeoutError](err)
	return ok && late.TimeoutType() == enums.TIMEOUT_TYPE_SCHEDULE_TO_START
}

// afterTry reports whether the engine retries a call whose first try ended with err, and after which pause.
func afterTry(err error, step *activities.Step) (pause time.Duration, retry bool) {
	if err == nil || temporal.IsCanceledError(err) {
		return 0, false
	}
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case !ok:
		return firstPause, true // the try timed out: the next run reads the stored attempt
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

// await waits for the end of the call, even if an operator cancels the run, because a call in flight may still send.
func (c *call) await(ctx workflow.Context) error {
	ctx, free := workflow.NewDisconnectedContext(ctx)
	defer free()
	if err := workflow.Await(ctx, func() bool { return c.ended }); err != nil {
		return fmt.Errorf("await call: %w", err)
	}
	return nil
}

// abandon cancels the call, waits for its end and returns the reason.
func (c *call) abandon(ctx workflow.Context, why error) error {
	c.cancel()
	return errors.Join(why, c.await(ctx))
}

// result returns the result of the call. Ended is false if the call was cancelled, or its retries ended, before a result came.
// The state of the call is then in the ledger. An error is permanent, or the cancellation of the run.
func (c *call) result(ctx workflow.Context) (r activities.Result, ended bool, err error) {
	failed, ok := errors.AsType[*temporal.ApplicationError](c.err)
	switch {
	case c.err == nil:
		return c.got, true, nil
	case ok && failed.NonRetryable():
		return activities.Result{}, false, c.err
	default:
		return activities.Result{}, false, cancellationOf(ctx, c.err)
	}
}

// cancellationOf returns the error of a run that an operator cancelled, and nil for any other.
func cancellationOf(ctx workflow.Context, err error) error {
	if ctx.Err() != nil && temporal.IsCanceledError(err) {
		return err
	}
	return nil
}

// giveUp counts a channel as failed after the retries of its call ended without success. The engine retries the activity while a
// call may be in flight.
func (s *send) giveUp(ctx workflow.Context, channel backstop.Channel, step activities.Step) error {
	var v backstop.View
	err := workflow.ExecuteLocalActivity(storeOptions(ctx, "give up"), acts.GiveUp, channel, step).Get(ctx, &v)
	if err != nil {
		return fmt.Errorf("give up %s: %w", channel, err)
	}
	s.updateView(ctx, v)
	return nil
}
