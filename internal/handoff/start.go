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
	// firstStart is eager: the answer brings the first task with it.
	firstStart launch = iota
	// lateStart is a sweeper's: its call may be given up, and then a task that came with it would be lost.
	lateStart
	// restart follows a run that was terminated, cancelled or timed out, or that failed; not one that has completed.
	restart
)

func (l launch) reusePolicy() enums.WorkflowIdReusePolicy {
	if l == restart {
		return enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	}
	return enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
}

// start starts the workflow of a send. One that was started before counts as started.
func (h *Handoff) start(ctx context.Context, send backstop.Send, l launch) error {
	_, err := h.engine.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.ID(send.ID),
		TaskQueue:                workflows.QueueOf(h.install),
		WorkflowIDReusePolicy:    l.reusePolicy(),
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowTaskTimeout:      h.task,
		EnableEagerStart:         l == firstStart,
		StaticSummary:            "policy " + send.Plan.PolicyName,

		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflows.Send, h.input(send))
	if _, started := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); started {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start workflow: %w", err)
	}
	return nil
}

// input is what a workflow is started with now. Its Age comes from the clock that stamped AcceptedAt, so the workflow counts
// its waits from its own start and never compares that clock with Temporal's.
func (h *Handoff) input(send backstop.Send) workflows.SendInput {
	return workflows.SendInput{
		ID: send.ID, Rules: send.Plan.Rules, AcceptedAt: send.AcceptedAt, ExpiresAt: send.ExpiresAt,
		Age: max(h.store.Now().Sub(send.AcceptedAt), 0), Settings: h.settings, Installation: h.install,
	}
}
