package handoff

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

// launch is how a workflow is started.
type launch int

const (
	// firstStart is eager, unless workers have versions: the answer of the engine contains the first task.
	firstStart launch = iota
	// lateStart is the sweeper's. It is not eager, because a call that times out would lose the task.
	lateStart
	// restartLost may follow a run that failed, timed out, or was terminated or cancelled, and not a completed run.
	restartLost
)

func (l launch) reusePolicy() enums.WorkflowIdReusePolicy {
	if l == restartLost {
		return enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	}
	return enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
}

// startWorkflow starts the workflow of a send. It returns no error if the workflow was started before.
func (h *Handoff) startWorkflow(ctx context.Context, send backstop.Send, l launch) error {
	_, err := h.engine.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.ID(send.ID),
		TaskQueue:                workflows.QueueOf(h.installation),
		WorkflowIDReusePolicy:    l.reusePolicy(),
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowTaskTimeout:      h.taskTimeout,
		EnableEagerStart:         l == firstStart && !h.hasVersions,
		StaticSummary:            summaryOf(send.Plan),

		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflows.Send, h.workflowInput(send))
	if _, started := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); started {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start workflow: %w", err)
	}
	return nil
}

// summaryOf is what Temporal's pages show of a send.
func summaryOf(plan backstop.Plan) string {
	if plan.HasOwnRules() {
		return "rules of its own"
	}
	return "policy " + plan.PolicyName
}

// workflowInput returns the workflow's argument. Its Age comes from the store's clock, as the origin does. The workflow counts
// its waits from its own start, so it never compares that clock with Temporal's.
func (h *Handoff) workflowInput(send backstop.Send) workflows.SendInput {
	return workflows.SendInput{
		ID: send.ID, Account: send.Plan.Account, Rules: send.Plan.Rules, Origin: send.Origin(), ExpiresAt: send.ExpiresAt,
		Age: max(h.store.Now().Sub(send.Origin()), 0), Settings: h.settings, Installation: h.installation,
	}
}
