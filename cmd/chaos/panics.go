package main

import (
	"encoding/json"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
)

// deadlock is how the engine's SDK calls a workflow that does not yield.
const deadlock = "TMPRL1101"

// unreached is how it says that it did not reach the engine while a workflow task was at work: no fault of the workflow.
const unreached = "error sending workflow task heartbeat"

// failedTasks returns the tasks of a run that its workflow failed, by its history. The engine notes the first of several
// in a row. A process that dies is a time-out and no failure.
func failedTasks(events *history.History, s *sendRecord) []failedTask {
	var failures []failedTask
	for _, e := range events.GetEvents() {
		task := e.GetWorkflowTaskFailedEventAttributes()
		switch task.GetCause() {
		case enums.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
			enums.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE:
			text := task.GetFailure().GetMessage()
			if !strings.Contains(text, deadlock) && !strings.Contains(text, unreached) { // deadlocks are counted by the log
				failures = append(failures, failedTask{send: s, text: text})
			}
		default:
		}
	}
	return failures
}

// panicsIn returns the deadlocks of workflows that a log tells of.
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

// checkCrashes: no process of Backstop ends that was not killed.
func checkCrashes(r *record) result {
	out := result{checked: serves}
	for _, name := range r.crashes {
		out.breachf(nil, "%s ended", name)
	}
	return out
}

// checkPanics: no workflow fails a task. That a workflow did not yield for a second may be the fault of a machine that
// stood still, or of a process that was frozen; but not twice for the same workflow.
func checkPanics(r *record) result {
	out := result{checked: len(r.sends)}
	deadlocks := map[*sendRecord]int{}
	for _, p := range r.panics {
		if !p.deadlock {
			out.breachf(p.send, "a task of its workflow failed: %.200s", p.text)
		} else if deadlocks[p.send]++; deadlocks[p.send] == 2 {
			out.breachf(p.send, "its workflow does not yield: %.200s", p.text)
		}
	}
	return out
}
