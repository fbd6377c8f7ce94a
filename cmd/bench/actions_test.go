package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
)

func event(kind enums.EventType) *history.HistoryEvent { return &history.HistoryEvent{EventType: kind} }

func marker(task int64) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_MARKER_RECORDED,
		Attributes: &history.HistoryEvent_MarkerRecordedEventAttributes{
			MarkerRecordedEventAttributes: &history.MarkerRecordedEventAttributes{WorkflowTaskCompletedEventId: task},
		},
	}
}

func started(attempt int32) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_ACTIVITY_TASK_STARTED,
		Attributes: &history.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &history.ActivityTaskStartedEventAttributes{Attempt: attempt},
		},
	}
}

func completed(retries uint32) *history.HistoryEvent {
	return &history.HistoryEvent{
		EventType: enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
		Attributes: &history.HistoryEvent_WorkflowTaskCompletedEventAttributes{
			WorkflowTaskCompletedEventAttributes: &history.WorkflowTaskCompletedEventAttributes{
				MeteringMetadata: &common.MeteringMetadata{NonfirstLocalActivityExecutionAttempts: retries},
			},
		},
	}
}

func TestActionsOf(t *testing.T) {
	t.Parallel()
	task := []*history.HistoryEvent{
		event(enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED), event(enums.EVENT_TYPE_WORKFLOW_TASK_STARTED), completed(0),
	}
	begun := append([]*history.HistoryEvent{event(enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)}, task...)
	with := func(more ...*history.HistoryEvent) []*history.HistoryEvent {
		return append(append([]*history.HistoryEvent{}, begun...), more...)
	}
	tests := map[string]struct {
		events []*history.HistoryEvent
		want   actions
	}{
		"start and tasks": {with(event(enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)), actions{Starts: 1}},
		"an activity, tried three times": {
			with(event(enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED), started(3), event(enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)),
			actions{Starts: 1, Activities: 3},
		},
		"local activities of one task are one": {with(marker(4), marker(4)), actions{Starts: 1, Markers: 1}},
		"of two tasks two":                     {with(marker(4), marker(9)), actions{Starts: 1, Markers: 2}},
		"a timer, cancelled": {
			with(event(enums.EVENT_TYPE_TIMER_STARTED), event(enums.EVENT_TYPE_TIMER_CANCELED)), actions{Starts: 1, Timers: 1},
		},
		"an update": {
			with(event(enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED), event(enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED)),
			actions{Starts: 1, Signals: 1},
		},
		"two signals": {
			with(event(enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED), event(enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)),
			actions{Starts: 1, Signals: 2},
		},
		"a prolonged task, with two retries in it": {
			with(event(enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED), event(enums.EVENT_TYPE_WORKFLOW_TASK_STARTED), completed(2)),
			actions{Starts: 1, Heartbeats: 3},
		},
		"search attributes": {
			with(event(enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)), actions{Starts: 1, Upserts: 1},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, actionsOf(tc.events))
		})
	}
	require.Equal(t, 28, actions{1, 2, 3, 4, 5, 6, 7}.total())
}
