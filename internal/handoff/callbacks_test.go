package handoff_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/workflows"
)

// callbackDesk is a store of queues, and an engine that counts the wakes.
type callbackDesk struct {
	wakes chan handoff.CallbackWake

	mu      sync.Mutex
	claims  []handoff.CallbackWake // those that are due
	claimed int
	woken   map[string][]workflows.CallbackWake
	options []client.StartWorkflowOptions
	away    error
}

func newCallbackDesk() *callbackDesk {
	return &callbackDesk{wakes: make(chan handoff.CallbackWake, 10), woken: map[string][]workflows.CallbackWake{}}
}

func (*callbackDesk) Now() time.Time { return time.Now() }

func (d *callbackDesk) CallbackWakes() <-chan handoff.CallbackWake { return d.wakes }

func (d *callbackDesk) ClaimCallbacks(_ context.Context, _ time.Time, _ time.Duration, limit int) ([]handoff.CallbackWake, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.claimed++
	claims := d.claims[:min(limit, len(d.claims))]
	d.claims = d.claims[len(claims):]
	return claims, nil
}

func (d *callbackDesk) SignalWithStartWorkflow(
	_ context.Context, id, signal string, arg any, o client.StartWorkflowOptions, _ any, args ...any,
) (client.WorkflowRun, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away != nil {
		return nil, d.away
	}
	wake, ok := arg.(workflows.CallbackWake)
	if !ok || signal != workflows.CallbackSignal || len(args) != 1 {
		return nil, errors.New("another signal")
	}
	d.woken[id] = append(d.woken[id], wake)
	d.options = append(d.options, o)
	return nil, nil //nolint:nilnil // no caller uses the run
}

func (d *callbackDesk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.woken)
}

// run runs the hand-over until the test ends.
func (d *callbackDesk) run(t *testing.T) {
	t.Helper()
	c, err := handoff.NewCallbacks(handoff.CallbackOptions{
		Store: d, Engine: d, Installation: installation, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	parts.Go(func() { c.Run(ctx) })
	parts.Go(func() { c.Sweep(ctx) })
	t.Cleanup(func() {
		stop()
		parts.Wait()
	})
}

// A stored callback wakes the workflow of its send, which is started if there is none.
func TestCallbacks_wake(t *testing.T) {
	t.Parallel()
	d := newCallbackDesk()
	d.run(t)
	for seq := range 4 { // one signal for all
		d.wakes <- handoff.CallbackWake{Send: "a", Seq: seq}
	}
	require.Eventually(t, func() bool { return d.count() == 1 }, longest, moment)
	require.Equal(t, []workflows.CallbackWake{{Seq: 3}}, d.woken["callbacks/a"])
	o := d.options[0]
	require.Equal(t, "callbacks/a", o.ID)
	require.Equal(t, "backstop-"+installation+"-callbacks", o.TaskQueue)
	require.Equal(t, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, o.WorkflowIDReusePolicy)
}

// The sweeper wakes all that is due, in as many claims as it takes.
func TestCallbacks_sweep(t *testing.T) {
	t.Parallel()
	d := newCallbackDesk()
	const due = 150
	for i := range due {
		d.claims = append(d.claims, handoff.CallbackWake{Send: string(rune('a' + i)), Seq: 1, IsDue: i == 0})
	}
	d.run(t)
	require.Eventually(t, func() bool { return d.count() == due }, longest, moment)
	require.True(t, d.woken["callbacks/a"][0].IsDue)
}

// While Temporal is away, few calls are made, and the sweeper claims nothing that it cannot hand over.
func TestCallbacks_away(t *testing.T) {
	t.Parallel()
	d := newCallbackDesk()
	d.away = serviceerror.NewUnavailable("away")
	d.run(t)
	d.wakes <- handoff.CallbackWake{Send: "a", Seq: 1}
	require.Eventually(t, func() bool { return len(d.wakes) == 0 }, longest, moment)
	d.mu.Lock()
	d.away = nil
	d.claims = []handoff.CallbackWake{{Send: "a", Seq: 1}}
	d.mu.Unlock()
	require.Eventually(t, func() bool { return d.count() == 1 }, longest, moment)
}
