package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop"
)

// await waits for a condition. It reads all receipts before each check, so a receipt outranks a timer in the same workflow task.
func (s *send) await(ctx workflow.Context, condition func() bool) error {
	err := workflow.Await(ctx, func() bool { s.drainReceipts(ctx); return condition() })
	if err != nil {
		return fmt.Errorf("await: %w", err)
	}
	return nil
}

// drainReceipts takes in every receipt that has come as a signal.
func (s *send) drainReceipts(ctx workflow.Context) {
	receipts := workflow.GetSignalChannel(ctx, ReceiptSignal)
	for {
		var v backstop.View
		if !receipts.ReceiveAsync(&v) {
			return
		}
		s.updateView(ctx, v)
	}
}

// receiveUpdate takes in a receipt that came as an update. The SDK runs it before everything else in the same workflow task.
func (s *send) receiveUpdate(ctx workflow.Context, v backstop.View) error {
	s.updateView(ctx, v)
	return nil
}

// updateView takes in a view of the send, unless the current view is newer.
func (s *send) updateView(ctx workflow.Context, v backstop.View) {
	if !v.WhatsApp.Valid() {
		workflow.GetLogger(ctx).Warn("view of no known status ignored", "status", string(v.WhatsApp))
		return
	}
	if v.Revision > s.view.Revision {
		s.view = v
	}
}
