package handoff

import (
	"context"
	"fmt"

	"github.com/backstophq/backstop"
)

// Cancel ends a send that its caller does not want any more, and brings the end to its workflow in the background. When it
// returns without an error, no call to a provider begins any more. It returns an Error of code Conflict if it comes too late.
func (h *Handoff) Cancel(ctx context.Context, send string) error {
	view, err := h.store.Cancel(ctx, send)
	if err != nil {
		return fmt.Errorf("cancel send: %w", err)
	}
	h.notifyEnd(ctx, send, view)
	return nil
}

// Confirm records that the recipient has acted on the message, and ends the send as Cancel does. A send that has ended before
// keeps its outcome.
func (h *Handoff) Confirm(ctx context.Context, send string) error {
	view, err := h.store.Confirm(ctx, send)
	if err != nil {
		return fmt.Errorf("confirm send: %w", err)
	}
	h.notifyEnd(ctx, send, view)
	return nil
}

// notifyEnd brings the end of a send to its workflow, if the caller decided it. A repeated request repeats that. Without it the
// workflow ends at its next timer, because the ledger refuses the call that the workflow proposes then.
func (h *Handoff) notifyEnd(ctx context.Context, send string, view backstop.View) {
	if !view.Outcome.IsOfCaller() {
		return
	}
	h.handOver(ctx, func(ctx context.Context) {
		if err := h.notify(ctx, Handover{ID: string(view.Outcome), Send: send, View: view}); err != nil {
			h.log.InfoContext(ctx, "workflow not signalled: it ends at its next timer", "send", send, "error", err)
		}
	})
}
