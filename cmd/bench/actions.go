package main

import (
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
)

// actions counts the billable actions of a workflow, by the rules that Temporal Cloud publishes
// (https://docs.temporal.io/evaluate/cloud/actions, as of November 2026). Workflow tasks and the end are free.
type actions struct {
	Starts     int `json:"starts"`
	Activities int `json:"activities"` // each try of each activity
	Markers    int `json:"markers"`    // of local activities; all markers of a workflow task are one action
	Timers     int `json:"timers"`     // that were started, also if they never fire
	Signals    int `json:"signals"`    // and updates
	Upserts    int `json:"upserts"`    // of search attributes
	Heartbeats int `json:"heartbeats"` // workflow tasks that only extend a long local activity, and its retries in a task
}

func (a actions) total() int {
	return a.Starts + a.Activities + a.Markers + a.Timers + a.Signals + a.Upserts + a.Heartbeats
}

// actionsOf counts the billable actions of a whole history.
func actionsOf(events []*history.HistoryEvent) actions {
	var (
		a      actions
		marked = map[int64]bool{} // the workflow tasks whose markers are counted
		last   enums.EventType
	)
	for _, e := range events {
		switch e.GetEventType() { // other events are free, or belong to features that are not used
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
			a.Starts++
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			a.Activities++
		case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			a.Activities += int(e.GetActivityTaskStartedEventAttributes().GetAttempt()) - 1
		case enums.EVENT_TYPE_MARKER_RECORDED:
			marked[e.GetMarkerRecordedEventAttributes().GetWorkflowTaskCompletedEventId()] = true
		case enums.EVENT_TYPE_TIMER_STARTED:
			a.Timers++
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
			a.Signals++
		case enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
			a.Upserts++
		case enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
			if last == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
				a.Heartbeats++ // no event lies between the two tasks, so the worker requested the second
			}
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			metering := e.GetWorkflowTaskCompletedEventAttributes().GetMeteringMetadata()
			a.Heartbeats += int(metering.GetNonfirstLocalActivityExecutionAttempts())
		}
		last = e.GetEventType()
	}
	a.Markers = len(marked)
	return a
}
