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

	// firstPause is the pause before the second try, unless the provider asks for another one.
	firstPause = time.Second

	// storeTimeout bounds one write to Postgres.
	storeTimeout = 10 * time.Second

	// untakenFor is how long a call may wait on the task queue of its account. Then the workflow asks for the queue again,
	// because the account may have no limits any more, and no worker its queue.
	untakenFor = 10 * time.Minute

	// askFor bounds the retries of an inquiry about an SMS. After it, the send goes on without an answer.
	askFor = 10 * time.Minute
)

// acts names the activities; a worker has the real ones.
var acts *activities.Activities

// tryOptions are for the first try of a provider call. It is a local activity, which costs the engine no task queue and no
// further workflow task. There is one try, because retries would hold the workflow task.
func tryOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: activities.CallTimeout,
		Summary:             summary,
		RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// callOptions are for the retries of a provider call: after 1 s at first, 2 s, 4 s and so on, and 1 min at most. If the provider
// asks for another delay, the activity returns that delay to the engine (NextRetryDelay).
// On the task queue of an account it may wait for untakenFor.
func callOptions(ctx workflow.Context, summary, queue string) workflow.Context {
	var untaken time.Duration
	if queue != "" {
		untaken = untakenFor
	}
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              queue,
		ScheduleToStartTimeout: untaken,
		// After it the process counts as dead, and the engine starts another run.
		StartToCloseTimeout: activities.AdmitTimeout + activities.CallTimeout,
		WaitForCancellation: true, // a call in flight may still send, so its end counts
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: firstPause, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
}

// inquiryOptions are for an inquiry. It sends nothing, so the engine may stop it at any time.
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

// storeOptions are for a write to Postgres, which is retried until Postgres is back. It is a local activity, because it is short.
// An ordinary activity would cost the engine 2 more events and a task.
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
