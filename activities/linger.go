package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/backstophq/backstop"
)

// MaxLingering is how many activities of a process wait for receipts at once. Each holds a workflow task and some 30 KB of
// memory. Further ones do not wait, and updates or signals bring their receipts to the workflow.
const MaxLingering = 1000

// mayLinger reports whether the activity may wait for receipts of a message that its provider has just accepted. If so, it
// acquires a place in lingers. Only a first try waits, because its workflow task is open anyway.
func (a *Activities) mayLinger(ctx context.Context, linger time.Duration) bool {
	if linger <= 0 || !activity.GetInfo(ctx).IsLocalActivity {
		return false
	}
	select {
	case a.lingers <- struct{}{}:
		return true
	default:
		return false
	}
}

// linger waits until a receipt has ended the send or reported a failure, as long as the attempt lingers and the worker runs.
// Most delivery receipts come within seconds. The workflow then ends in its first task, without a timer or a signal.
func (a *Activities) linger(
	ctx context.Context, step Step, attempt backstop.Attempt, view backstop.View, linger time.Duration,
) (Result, error) {
	if view.Outcome == "" && view.WhatsApp != backstop.Failed {
		waiting, stop := context.WithTimeout(ctx, linger)
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
