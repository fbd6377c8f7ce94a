package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

const (
	// tryFor bounds the retries of a provider that throttles us or is down, when neither a rule's wait nor ExpiresAt ends
	// them. An outage of a provider rarely lasts longer, and an older message is seldom of use.
	tryFor = 24 * time.Hour

	// firstPause is how long the second try waits, unless the provider says.
	firstPause = time.Second

	// storeTimeout bounds one write to Postgres.
	storeTimeout = 10 * time.Second

	// askFor bounds the inquiries about an SMS. A provider that answers none in this time counts as down.
	askFor = 10 * time.Minute
)

// The first try of a provider call is a local activity: it saves the engine the way through the task queue and a
// workflow task. It is tried once, because a try that waits, or waits long for its answer, would hold the workflow task.
func tryOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: activities.CallTimeout,
		Summary:             summary,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// Provider calls are retried as fast as a person would not mind and as slowly as a provider would not mind. A
// provider that says when to come back is obeyed (NextRetryDelay).
func callOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		// Then the process counts as dead, and another run takes over.
		StartToCloseTimeout: activities.AdmitTimeout + activities.CallTimeout,
		WaitForCancellation: true, // a call in flight may still send, so its end counts
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: firstPause, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
}

// An inquiry sends nothing, so it may be stopped at any time.
func inquiryOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    activities.CallTimeout,
		ScheduleToCloseTimeout: askFor,
		Summary:                "what became of the SMS?",
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: firstPause, BackoffCoefficient: 2, MaximumInterval: time.Minute,
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
