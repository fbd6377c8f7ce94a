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

// reserveReceiptWait reserves a wait for receipts of a message that its provider has just accepted. It returns how long the
// activity may wait, 0 for not at all. Only a first try waits, because its workflow task is open anyway.
func (a *Activities) reserveReceiptWait(ctx context.Context, wait time.Duration) (reserved time.Duration, free func()) {
	if wait > 0 && activity.GetInfo(ctx).IsLocalActivity {
		select {
		case a.receiptWaits <- struct{}{}:
			return wait, func() { <-a.receiptWaits }
		default:
		}
	}
	return 0, func() {}
}

// awaitReceipts waits until a receipt has ended the send or reported a failure, for wait at most and while the worker runs. Most
// delivery receipts come within seconds. The workflow then ends in its first task, without a timer or a signal. awaitReceipts
// stores that the wait is over, unless the send has ended. If Postgres is away, it returns an error, and the next run retries.
func (a *Activities) awaitReceipts(
	ctx context.Context, message backstop.Ref, view backstop.View, wait time.Duration,
) (backstop.View, error) {
	if view.Outcome == "" && !view.EndsReceiptWait() {
		waiting, stop := contextOfWorker(ctx, wait)
		defer stop()
		if now, decided := a.store.Await(waiting, message.Send); decided {
			view = now
		}
	}
	if view.Outcome != "" {
		return view, nil // no receipt is signalled any more, so the end of the wait need not be stored
	}
	storing, cancel := writeContext(ctx)
	defer cancel()
	view, err := a.store.StopWaiting(storing, message.Send, message.Step)
	if err != nil {
		return backstop.View{}, finalIfNotFound(fmt.Errorf("stop waiting: %w", err))
	}
	return view, nil
}

// contextOfWorker returns a context that ends after a time, or earlier if the worker stops.
func contextOfWorker(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	waiting, stop := context.WithTimeout(ctx, after)
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			stop()
		case <-waiting.Done():
		}
	}()
	return waiting, stop
}
