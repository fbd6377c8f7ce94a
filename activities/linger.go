package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/backstophq/backstop"
)

// MaxLingering is how many activities of a process wait for receipts at once. Each holds a workflow task and some 30 KB of
// memory; further ones do not wait, and their receipts are told by updates and signals.
const MaxLingering = 1000

// mayLinger reports whether the activity may wait for receipts of a message that its provider has just taken, and then takes
// a place among those that do. Only a first try waits, whose workflow task is open anyway.
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
// Most receipts of a delivery come within seconds: then the workflow ends in its first task, and needs neither a timer nor
// a signal.
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
		return Result{Verdict: Accepted, View: view}, nil // nothing of it is signalled any more
	}
	return a.stopWaiting(ctx, step, attempt)
}

// stopWaiting ends the wait for receipts. If that cannot be stored, the next run does it.
func (a *Activities) stopWaiting(ctx context.Context, step Step, attempt backstop.Attempt) (Result, error) {
	storing, cancel := lasting(ctx)
	defer cancel()
	view, err := a.store.StopWaiting(storing, step.Send, attempt.Ref.Step)
	if err != nil {
		return Result{}, permanent(fmt.Errorf("stop waiting: %w", err))
	}
	return resultOf(attempt, view)
}
