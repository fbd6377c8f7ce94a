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
// a place among those who do. Only a first try waits, whose workflow task is open anyway.
func (a *Activities) mayLinger(ctx context.Context, attempt backstop.Attempt, until time.Time) bool {
	if !until.After(a.now()) || attempt.State != backstop.Accepted || !activity.GetInfo(ctx).IsLocalActivity {
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
// a word from anybody.
func (a *Activities) linger(ctx context.Context, send backstop.Send, attempt backstop.Attempt) (Result, error) {
	if send.FinishedAt == nil && send.WhatsAppStatus != backstop.Failed {
		waiting, stop := context.WithTimeout(ctx, attempt.LingersUntil.Sub(a.now()))
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
	storing, cancel := lasting(ctx)
	defer cancel()
	send, err := a.store.Leave(storing, attempt)
	if err != nil {
		return Result{}, permanent(fmt.Errorf("leave attempt: %w", err))
	}
	return a.result(ctx, send, attempt)
}
