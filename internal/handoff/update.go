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
	// sweeper would signal it too, and leaves time for that within handOverTimeout.
	updatePatience = 4 * time.Second
	// noWorker is how long all receipts are signalled at once after no worker answered. Then one is tried.
	noWorker = 5 * time.Second
)

// notify tells a workflow of a receipt. One that has ended the send is all that the workflow waits for, so that its worker
// answers at once: as an update it costs the engine one write, as a signal three. But an update is kept nowhere until a
// worker answers it; then, or when none does, the receipt is signalled. To be told twice changes nothing. A worker that
// does not answer says nothing of Temporal.
func (h *Handoff) notify(ctx context.Context, receipt Handover) error {
	if receipt.View.Outcome != "" && !h.outage.isOn() && h.workers.admit(h.now()) {
		answered, cancel := context.WithTimeout(ctx, updatePatience)
		defer cancel()
		err := h.update(answered, receipt)
		if err == nil {
			h.workers.answered()
			return nil
		}
		if errors.Is(answered.Err(), context.DeadlineExceeded) {
			h.workers.silent(h.now())
		}
	}
	return h.callEngine(ctx, func(ctx context.Context) error { return h.signal(ctx, receipt) })
}

// update returns nil when the workflow has taken the receipt in, or has ended.
func (h *Handoff) update(ctx context.Context, receipt Handover) error {
	handle, err := h.engine.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.ID(receipt.Send), UpdateID: receipt.ID, UpdateName: workflows.ReceiptUpdate,
		Args: []any{receipt.View}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil) // an older worker knows no such update
	}
	if err != nil && !isGone(err) {
		return fmt.Errorf("update workflow: %w", err)
	}
	return nil
}

// workers remembers that no worker answered, so that one receipt in a while waits for them and not all.
type workers struct{ until atomic.Int64 } // Unix nanoseconds of the next try; 0 while they answer

// admit reports whether a receipt may be told by an update: each while workers answer, else one in a while.
func (w *workers) admit(now time.Time) bool {
	until := w.until.Load()
	if until == 0 {
		return true
	}
	taken := now.Add(updatePatience + noWorker).UnixNano()
	return now.UnixNano() >= until && w.until.CompareAndSwap(until, taken)
}

func (w *workers) answered() { w.until.Store(0) }

func (w *workers) silent(now time.Time) { w.until.Store(now.Add(noWorker).UnixNano()) }
