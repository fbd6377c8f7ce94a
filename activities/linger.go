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

// mayLinger returns how long the activity may wait for receipts of a message that its provider has just taken, or 0, and
// gives back its place when it leaves. Only a first try waits, whose workflow task is open anyway.
func (a *Activities) mayLinger(ctx context.Context, step Step, attempt backstop.Attempt) (patience time.Duration, leave func()) {
	patience = step.Linger - attempt.EndedAt.Sub(attempt.StartedAt)
	if patience <= 0 || attempt.State != backstop.Accepted || !activity.GetInfo(ctx).IsLocalActivity {
		return 0, func() {}
	}
	select {
	case a.lingers <- struct{}{}:
		return patience, func() { <-a.lingers }
	default:
		return 0, func() {}
	}
}

// linger waits until a receipt has ended the send or reported a failure, for patience at most and not longer than the worker
// runs. Most receipts of a delivery come within seconds: then the workflow ends in its first task, and needs neither a
// timer nor a word from anybody.
func (a *Activities) linger(
	ctx context.Context, send backstop.Send, attempt backstop.Attempt, patience time.Duration,
) (Result, error) {
	if send.FinishedAt == nil && send.WhatsAppStatus != backstop.Failed {
		waiting, stop := context.WithTimeout(ctx, patience)
		defer stop()
		go func() {
			select {
			case <-activity.GetWorkerStopChannel(ctx):
				stop()
			case <-waiting.Done():
			}
		}()
		if now, decided := a.store.Await(waiting, send.ID); decided {
			send = now
		}
	}
	if send.FinishedAt != nil {
		return a.result(ctx, send, attempt) // nothing of it is signalled any more
	}
	return a.leave(ctx, attempt)
}

// leave ends the lingering. If that cannot be stored, the next run does it.
func (a *Activities) leave(ctx context.Context, attempt backstop.Attempt) (Result, error) {
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	send, err := a.store.Leave(storing, attempt)
	if err != nil {
		return Result{}, permanent(fmt.Errorf("leave attempt: %w", err))
	}
	return a.result(ctx, send, attempt)
}
