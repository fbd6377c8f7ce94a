package main

import (
	"encoding/json"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
)

// deadlock is the code of the Temporal SDK for a workflow that did not yield for a second.
const deadlock = "TMPRL1101"

// unreached is the error of the Temporal SDK if it could not reach Temporal during a workflow task. The workflow is not at
// fault.
const unreached = "error sending workflow task heartbeat"

// unknownType is the error of the Temporal SDK for a workflow that a worker has not registered.
const unknownType = "unable to find workflow type"

// splitUnknown moves the tasks of workflows that the release of a worker lacks out of the failed tasks. Temporal repeats such a
// task until a worker of the other release gets it. The workflow of sends is in each release.
func (r *record) splitUnknown() {
	r.panics = slices.DeleteFunc(r.panics, func(p failedTask) bool {
		isUnknown := p.send == nil && strings.Contains(p.text, unknownType)
		if isUnknown {
			r.unknownTypes++
		}
		return isUnknown
	})
}

// failedTasks returns the workflow tasks in a history that failed through the workflow's own fault. Temporal records only
// the first of several failures in a row. If a process dies, the history has a time-out and no failure.
func failedTasks(events *history.History, s *sendRecord) []failedTask {
	var failures []failedTask
	for _, e := range events.GetEvents() {
		task := e.GetWorkflowTaskFailedEventAttributes()
		switch task.GetCause() {
		case enums.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
			enums.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE:
			text := task.GetFailure().GetMessage()
			if !strings.Contains(text, deadlock) && !strings.Contains(text, unreached) { // panicsIn counts deadlocks
				failures = append(failures, failedTask{send: s, text: text})
			}
		default:
		}
	}
	return failures
}

// panicsIn returns the workflow deadlocks in a log.
func panicsIn(log string, byID map[string]*sendRecord) []failedTask {
	var failures []failedTask
	for line := range strings.Lines(log) {
		if !strings.Contains(line, deadlock) {
			continue
		}
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		id, _ := entry["WorkflowID"].(string)
		text, _ := entry["Error"].(string)
		failures = append(failures, failedTask{send: byID[id], deadlock: true, text: text})
	}
	return failures
}

// checkCrashes: no Backstop process ends unless chaos kills it.
func checkCrashes(r *record) result {
	out := result{checked: serves}
	for _, name := range r.crashes {
		out.breachf(nil, "%s ended", name)
	}
	return out
}

// checkPanics: no workflow fails a task. One deadlock of a workflow is allowed, because the machine may have paused or the
// process may have been frozen. Two deadlocks of the same workflow are a breach.
func checkPanics(r *record) result {
	out := result{checked: len(r.sends)}
	deadlocks := map[*sendRecord]int{}
	for _, p := range r.panics {
		if !p.deadlock {
			out.breachf(p.send, "a task of its workflow failed: %.200s", p.text)
		} else if deadlocks[p.send]++; deadlocks[p.send] == 2 {
			out.breachf(p.send, "its workflow did not yield for a second, twice: %.200s", p.text)
		}
	}
	return out
}
