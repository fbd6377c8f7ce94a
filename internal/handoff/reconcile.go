package handoff

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/backstophq/backstop/workflows"
)

const (
	// reconcileEvery is how often the sweeper looks for sends that should have ended.
	reconcileEvery = time.Minute
	// checkAfterStart is the pause before a restarted workflow is checked again.
	checkAfterStart = 10 * time.Minute
	// If a send's workflow runs, the pause before the next check is the age of the send, within these bounds. A wait of 30 days
	// costs some 35 checks.
	minCheckPause = time.Hour
	maxCheckPause = 24 * time.Hour
	// maxRestarts bounds the restarts of a lost workflow. If it is lost again, a further restart would not help.
	maxRestarts = 3
)

// runState is the state of a workflow, as far as the reconciler needs it.
type runState string

const (
	running runState = "running"
	ended   runState = "ended" // completed or cancelled; it is not restarted
	lost    runState = "lost"  // terminated, failed, timed out, or unknown to Temporal
)

// reconcile checks the workflows of sends that should have ended. It restarts a lost workflow. The ledger has all calls, so the
// new run repeats none. If a workflow has ended and its send has not, reconcile ends the send, so no send is pending for ever.
func (h *Handoff) reconcile(ctx context.Context) {
	claim := func(ctx context.Context, limit int) ([]SendClaim, error) {
		return h.store.ClaimChecks(ctx, h.store.Now(), 4*lease, limit) // a check may make two calls and a write
	}
	sweep(ctx, h, pass[SendClaim]{what: "checks", atOnce: sweepAtOnce, limit: h.claimLimit, claim: claim, do: h.checkSend})
}

// checkSend compares one send with its workflow, and reports whether the workflow runs or was restarted.
func (h *Handoff) checkSend(ctx context.Context, c SendClaim) bool {
	var found runState
	err := c.Err
	if err == nil {
		err = h.callFromSweep(ctx, func(ctx context.Context) (err error) {
			found, err = h.runStateOf(ctx, c.Send.ID)
			return err
		})
	}
	now := h.store.Now()
	switch {
	case err != nil:
		h.checkLater(ctx, c, err, false)
	case found == running:
		pause := min(max(now.Sub(c.Send.Origin()), minCheckPause), maxCheckPause)
		h.deferredChecks.add(Deferral{ID: c.Send.ID, Until: now.Add(pause)})
		return true
	case found == ended:
		h.endUnfinished(ctx, c, "its workflow ended without an outcome")
	case c.Tries >= maxRestarts:
		h.endUnfinished(ctx, c, fmt.Sprintf("its workflow was lost %d times", c.Tries+1))
	default:
		return h.restart(ctx, c)
	}
	return false
}

// runStateOf asks Temporal for the status of the newest run of a send's workflow.
func (h *Handoff) runStateOf(ctx context.Context, send string) (runState, error) {
	d, err := h.engine.DescribeWorkflowExecution(ctx, workflows.ID(send), "")
	if isGone(err) {
		return lost, nil // its retention is over, or Temporal has lost its data
	}
	if err != nil {
		return "", fmt.Errorf("describe workflow: %w", err)
	}
	switch status := d.GetWorkflowExecutionInfo().GetStatus(); status {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return ended, nil
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return lost, nil
	default: // an operator may have paused it
		return running, nil
	}
}

// restart starts the workflow of a send again.
func (h *Handoff) restart(ctx context.Context, c SendClaim) bool {
	start := func(ctx context.Context) error { return h.startWorkflow(ctx, c.Send, restartLost) }
	if err := h.callFromSweep(ctx, start); err != nil {
		h.checkLater(ctx, c, err, true)
		return false
	}
	h.deferredChecks.add(Deferral{ID: c.Send.ID, Until: h.store.Now().Add(checkAfterStart), Failed: true})
	h.log.WarnContext(ctx, "lost workflow restarted", "send", c.Send.ID, "times", c.Tries+1)
	return true
}

// checkLater defers the check of a send after a call that was not made, got no answer, or was refused. A refused start counts
// as a restart. A refused status request does not, because the workflow may exist.
func (h *Handoff) checkLater(ctx context.Context, c SendClaim, err error, isStart bool) {
	d := h.deferral(ctx, claimed{c.Send.ID, c.Send.ID, c.Tries}, err)
	if d.Failed {
		d.Failed, d.Until = isStart, h.store.Now().Add(minCheckPause)
	}
	h.deferredChecks.add(d)
}

// endUnfinished ends a send that has no workflow to end it.
func (h *Handoff) endUnfinished(ctx context.Context, c SendClaim, reason string) {
	err := runWrite(ctx, func(ctx context.Context) error { return h.store.Abandon(ctx, c.Send.ID, reason) })
	if err != nil {
		h.sweepFailed(ctx, "checks", err)
		h.deferredChecks.add(Deferral{ID: c.Send.ID, Until: h.store.Now().Add(minCheckPause)})
		return
	}
	h.log.ErrorContext(ctx, "send ended without its workflow", "send", c.Send.ID, "reason", reason)
}
