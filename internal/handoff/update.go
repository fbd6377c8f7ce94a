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
	// updatePatience is how long a worker may take to answer an update. After it the receipt is signalled. It ends before the
	// sweeper signals the receipt too, and leaves time for the signal within handOverTimeout.
	updatePatience = 4 * time.Second
	// noWorker is how long no update is tried after no worker has answered. All receipts are signalled meanwhile.
	noWorker = 5 * time.Second
)

// notify brings a receipt to its workflow. If the receipt has ended the send, the workflow waits for nothing else, and its worker
// answers an update at once. An update costs the engine one write, a signal three. But the engine does not store an update
// before a worker answers it, so notify sends a signal if no worker answers. A workflow that gets both ignores the second. A
// missing worker is no outage of Temporal.
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

// update returns nil if the workflow has processed the receipt, or has ended.
func (h *Handoff) update(ctx context.Context, receipt Handover) error {
	handle, err := h.engine.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.ID(receipt.Send), UpdateID: receipt.ID, UpdateName: workflows.ReceiptUpdate,
		Args: []any{receipt.View}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil) // fails if the worker is of a version without this update
	}
	if err != nil && !isGone(err) {
		return fmt.Errorf("update workflow: %w", err)
	}
	return nil
}

// workers is a circuit breaker for updates. While no worker answers, one update per noWorker waits for a worker.
type workers struct{ until atomic.Int64 } // Unix nanoseconds of the next try; 0 while workers answer

// admit reports whether an update may be tried: each while workers answer, else one per noWorker.
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
