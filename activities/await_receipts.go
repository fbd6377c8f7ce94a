package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/backstophq/backstop"
)

// MaxReceiptWaits is how many activities of a process wait for receipts at once. Each holds a workflow task and some 30 KB of
// memory. Further ones do not wait, and updates or signals bring their receipts to the workflow.
const MaxReceiptWaits = 1000

// mayAwaitReceipts reports whether the activity may wait for receipts of a message that its provider has just accepted. If so, it
// acquires a place in receiptWaits. Only a first try waits, because its workflow task is open anyway.
func (a *Activities) mayAwaitReceipts(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 || !activity.GetInfo(ctx).IsLocalActivity {
		return false
	}
	select {
	case a.receiptWaits <- struct{}{}:
		return true
	default:
		return false
	}
}

// awaitReceipts waits until a receipt has ended the send or reported a failure, for wait at most and while the worker runs.
// Most delivery receipts come within seconds. The workflow then ends in its first task, without a timer or a signal.
func (a *Activities) awaitReceipts(
	ctx context.Context, step Step, attempt backstop.Attempt, view backstop.View, wait time.Duration,
) (Result, error) {
	if view.Outcome == "" && !view.EndsReceiptWait() {
		waiting, stop := context.WithTimeout(ctx, wait)
		defer stop()
		go func() {
			select {
			case <-activity.GetWorkerStopChannel(ctx):
				stop()
			case <-waiting.Done():
			}
		}()
		if now, decided := a.store.Await(waiting, step.Send); decided {
			view = now
		}
	}
	if view.Outcome != "" {
		return Result{Verdict: Accepted, View: view}, nil // no receipt is signalled any more, so the wait need not be ended
	}
	return a.stopWaiting(ctx, step, attempt)
}

// stopWaiting stores that the activity waits no longer for receipts. If the store fails, the next run retries.
func (a *Activities) stopWaiting(ctx context.Context, step Step, attempt backstop.Attempt) (Result, error) {
	storing, cancel := lasting(ctx)
	defer cancel()
	view, err := a.store.StopWaiting(storing, step.Send, attempt.Ref.Step)
	if err != nil {
		return Result{}, permanent(fmt.Errorf("stop waiting: %w", err))
	}
	return resultOf(attempt, view)
}
