package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
)

const (
	// callTimeout bounds one run of a provider activity: a provider call (at most 20 s by configuration) and the
	// writes before and after it.
	callTimeout = 30 * time.Second

	// tryFor bounds the retries of a provider that throttles us or is down, when no rule's wait ends them sooner.
	// An outage of a provider rarely lasts longer, and an older message is seldom of use.
	tryFor = 24 * time.Hour

	// storeTimeout bounds one write to Postgres.
	storeTimeout = 10 * time.Second
)

// Provider calls are retried as fast as a person would not mind and as slowly as a provider would not mind. A
// provider that says when to come back is obeyed (NextRetryDelay).
func callOptions(ctx workflow.Context, within time.Duration, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    callTimeout,
		ScheduleToCloseTimeout: within,
		WaitForCancellation:    true, // a call that is under way may yet send: its end must be known before an SMS goes out
		Summary:                summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
}

// Writes are retried until Postgres is back. They are local activities, because they are short and each saves the
// engine two events and a task.
func storeOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    storeTimeout,
		ScheduleToCloseTimeout: backstop.MaxWait, // without it the engine takes StartToCloseTimeout
		Summary:                summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
}
