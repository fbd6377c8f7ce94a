package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop/activities"
)

const (
	// removeTimeout bounds one run of the activity, which ends by itself before.
	removeTimeout = time.Hour
	// removeHeartbeat is after how long without a heartbeat its process counts as dead. A day of many sends is counted in one
	// statement.
	removeHeartbeat = 12 * time.Minute
)

// RetentionID is the id of the schedule that runs RemoveOld for an installation, and of its workflow.
func RetentionID(installation string) string { return "retention/" + installation }

// RemoveOld removes what is older than the settings allow. A schedule starts it, one run at a time.
func RemoveOld(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: removeTimeout,
		HeartbeatTimeout:    removeHeartbeat,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
	var acts *activities.Retention // names the activity; a worker has the real one
	if err := workflow.ExecuteActivity(ctx, acts.RemoveOld).Get(ctx, nil); err != nil {
		return fmt.Errorf("remove old sends: %w", err)
	}
	return nil
}
