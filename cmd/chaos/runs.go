package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// runsEnd is how long workflows may run after all sends have ended. The sweeper retries lost signals, 30 s later if a
// process died that had claimed them.
const runsEnd = 75 * time.Second

// runningAfter waits until no workflow runs, for at most runsEnd. It returns the ids of the sends whose workflow still runs.
func runningAfter(ctx context.Context, engine client.Client, say say) ([]string, error) {
	said := false
	for deadline := time.Now().Add(runsEnd); ; {
		page, err := engine.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: "WorkflowType = 'Send' AND ExecutionStatus = 'Running'",
		})
		if err != nil {
			return nil, fmt.Errorf("list running workflows: %w", err)
		}
		var running []string
		for _, found := range page.GetExecutions() {
			running = append(running, strings.TrimPrefix(found.GetExecution().GetWorkflowId(), "send/"))
		}
		if len(running) == 0 || time.Now().After(deadline) {
			return running, nil
		}
		if !said {
			say("waiting for %d workflows to end", len(running))
			said = true
		}
		if !sleepFor(ctx, time.Second) {
			return nil, fmt.Errorf("wait for runs: %w", ctx.Err())
		}
	}
}

// checkRuns: no workflow still runs after its send has ended.
func checkRuns(r *record) result {
	out := result{checked: len(r.sends)}
	for _, s := range r.sends {
		if r.running[s.ID] && s.Final != nil && s.Final.FinishedAt != nil {
			out.breachf(s, "its workflow still runs although the send has ended")
		}
	}
	return out
}
