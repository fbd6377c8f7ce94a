package handoff_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/internal/clocktest"
	"github.com/backstophq/backstop/workflows"
)

// inputs records the arguments of started workflows.
type inputs struct {
	*engine

	mu  sync.Mutex
	all map[string]workflows.SendInput // by the send's id
}

func (i *inputs) ExecuteWorkflow(
	ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	run, err := i.engine.ExecuteWorkflow(ctx, o, workflow, args...)
	if err == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		if in, ok := args[0].(workflows.SendInput); ok {
			i.all[in.ID] = in
		}
	}
	return run, err
}

func (i *inputs) of(send string) workflows.SendInput {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.all[send]
}

// A send's age comes from the store's clock only. Its difference from the clocks of this process and of Temporal changes
// nothing.
func TestHandoff_age(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"even": 0, "behind": -31 * time.Second, "ahead": 31 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			clock := clocktest.New(time.Now().Add(skew))
			e := &inputs{engine: r.engine, all: map[string]workflows.SendInput{}}
			h := r.handoffWith(r.store, e, clock.Now)
			send := accept(t, h)
			require.WithinDuration(t, clock.Now(), send.AcceptedAt, time.Millisecond)
			id := uuid.MustParse(send.ID)
			seconds, nanos := id.Time().UnixTime()
			require.WithinDuration(t, send.AcceptedAt, time.Unix(seconds, nanos), time.Millisecond, "the id is as old")
			require.Less(t, e.of(send.ID).Age, time.Millisecond)
			require.Equal(t, installation, e.of(send.ID).Installation)
			require.Equal(t, "number", e.of(send.ID).Account)
			require.Equal(t, send.Plan.Rules, e.of(send.ID).Rules)

			r.engine.fails(func(string) error { return errDied })
			late := accept(t, h)
			r.engine.fails(nil)
			clock.Advance(2 * time.Minute)
			r.sweep(1, h)
			require.InDelta(t, 2*time.Minute, e.of(late.ID).Age, float64(time.Millisecond))
		})
	}
}
