package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/backstophq/backstop/activities"
)

const (
	eraseTimeout   = time.Hour
	eraseHeartbeat = time.Minute

	// firstErasePause is how long an erasure waits for the sends that a message is on its way of. It doubles up to maxErasePause.
	firstErasePause, maxErasePause = 10 * time.Second, time.Hour
)

// ErasureID is the id of the workflow of an erasure.
func ErasureID(erasure string) string { return "erasure/" + erasure }

// ErasureInput is the input of Erase. It has no number: the store has it.
type ErasureInput struct {
	ID    string        `json:"id"`
	Pause time.Duration `json:"pause,omitempty"` // the next one, after a new start
}

// Erase removes a person. It repeats the activity until no send to the person is under way.
func Erase(ctx workflow.Context, in ErasureInput) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: eraseTimeout,
		HeartbeatTimeout:    eraseHeartbeat,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
	var acts *activities.Erasures // names the activity; a worker has the real one
	for pause := max(in.Pause, firstErasePause); ; pause = min(2*pause, maxErasePause) {
		isDone := false
		if err := workflow.ExecuteActivity(ctx, acts.ErasePerson, in.ID).Get(ctx, &isDone); err != nil {
			return fmt.Errorf("erase person: %w", err)
		}
		if isDone {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, Erase, ErasureInput{ID: in.ID, Pause: pause})
		}
		if err := workflow.Sleep(ctx, pause); err != nil {
			return fmt.Errorf("wait for sends: %w", err)
		}
	}
}
