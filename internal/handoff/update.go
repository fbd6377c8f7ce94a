package handoff

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/workflows"
)

const (
	// updatePatience is how long a worker may take to answer an update; then the receipt is signalled. It ends before the
	// sweeper would signal it too, and leaves time for that within handTimeout.
	updatePatience = 4 * time.Second
	// noWorker is how long receipts are signalled at once after no worker answered.
	noWorker = 5 * time.Second
)

// inform tells a workflow of a receipt. One that has ended the send is all that the workflow waits for, so that its worker
// answers at once: as an update it costs the engine one write, as a signal three. But an update is kept nowhere until a
// worker answers it; then, or when none does, the receipt is signalled. To be told twice changes nothing. A worker that
// does not answer says nothing of Temporal.
func (h *Handoff) inform(ctx context.Context, receipt Handover) error {
	if receipt.Outcome != "" && !h.outage.isOn() && h.workers.answer(h.now()) {
		answered, cancel := context.WithTimeout(ctx, updatePatience)
		defer cancel()
		err := h.update(answered, receipt)
		if err == nil {
			return nil
		}
		if errors.Is(answered.Err(), context.DeadlineExceeded) {
			h.workers.silent(h.now())
		}
	}
	return h.hand(ctx, func(ctx context.Context) error { return h.signal(ctx, receipt) })
}

// update returns nil when the workflow has taken the receipt in, or has ended.
func (h *Handoff) update(ctx context.Context, receipt Handover) error {
	handle, err := h.engine.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.ID(receipt.Ref.Send), UpdateID: receipt.ID, UpdateName: workflows.ReceiptUpdate,
		Args: []any{message(receipt)}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil) // an older worker knows no such update
	}
	if err != nil && !isGone(err) {
		return fmt.Errorf("update workflow: %w", err)
	}
	return nil
}

// workers remembers that no worker answered.
type workers struct{ silentUntil atomic.Int64 } // Unix nanoseconds

func (w *workers) answer(now time.Time) bool { return now.UnixNano() >= w.silentUntil.Load() }

func (w *workers) silent(now time.Time) { w.silentUntil.Store(now.Add(noWorker).UnixNano()) }
