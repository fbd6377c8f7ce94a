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

// call is a provider call with its retries. It can be called off.
type call struct {
	cancel workflow.CancelFunc
	tried  bool // the first try has ended
	ended  bool
	result activities.Result // when it has ended
	err    error
}

// provide starts a provider call, and does not wait for it.
func (s *send) provide(ctx workflow.Context, summary string, activity any, step activities.Step) *call {
	ctx, cancel := workflow.WithCancel(ctx)
	c := &call{cancel: cancel, tried: s.in.Settings.QueuedCalls}
	until := workflow.Now(ctx).Add(s.tryFor(ctx))
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { c.ended = true }()
		if !c.tried {
			c.err = workflow.ExecuteLocalActivity(tryOptions(ctx, summary), activity, step).Get(ctx, &c.result)
			c.tried = true
			pause, retry := afterTry(c.err, &step)
			if !retry {
				return
			}
			if c.err = workflow.Sleep(ctx, pause); c.err != nil {
				return
			}
		}
		step.Linger = 0
		within := max(until.Sub(workflow.Now(ctx)), time.Second)
		c.err = workflow.ExecuteActivity(callOptions(ctx, within, summary), activity, step).Get(ctx, &c.result)
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
		var ended backstop.Attempt
		if failed.Details(&ended) == nil {
			step.Ended = &ended
		}
	}
	return max(failed.NextRetryDelay(), firstPause), true
}

// end waits for the call and returns how it ended, or that the provider took no call for as long as we tried. It waits
// also when an operator cancels the run, because a call that is under way may yet send.
func (c *call) end(ctx workflow.Context) (r activities.Result, gaveUp bool, err error) {
	ctx, free := workflow.NewDisconnectedContext(ctx)
	defer free()
	if err := workflow.Await(ctx, func() bool { return c.ended }); err != nil {
		return activities.Result{}, false, fmt.Errorf("await call: %w", err)
	}
	failed, ok := errors.AsType[*temporal.ActivityError](c.err)
	gaveUp = ok && !temporal.IsCanceledError(c.err) && failed.RetryState() != enums.RETRY_STATE_NON_RETRYABLE_FAILURE
	if gaveUp {
		return activities.Result{}, true, nil
	}
	return c.result, false, c.err
}

// tryFor is how long a provider may be retried from now: not past the moment when the message expires.
func (s *send) tryFor(ctx workflow.Context) time.Duration {
	if s.in.ExpiresAt == nil {
		return tryFor
	}
	return min(tryFor, max(s.in.ExpiresAt.Sub(workflow.Now(ctx)), time.Second))
}
