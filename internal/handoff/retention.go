package handoff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop/workflows"
)

// removeEvery is the time between two runs of the retention.
const removeEvery = time.Hour

// ScheduleRetention makes the schedule that removes old sends, if the installation has none, and starts its first run.
func ScheduleRetention(ctx context.Context, schedules client.ScheduleClient, installation string) error {
	_, err := schedules.Create(ctx, client.ScheduleOptions{
		ID:   workflows.RetentionID(installation),
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: removeEvery}}},
		Action: &client.ScheduleWorkflowAction{
			ID: workflows.RetentionID(installation), Workflow: workflows.RemoveOld, TaskQueue: workflows.QueueOf(installation),
		},
		Overlap:            enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		TriggerImmediately: true,
	})
	if err != nil && !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return fmt.Errorf("schedule retention: %w", err)
	}
	return nil
}
