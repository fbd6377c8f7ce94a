package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"
)

// due is the input of Due.
type due struct {
	At time.Time `json:"at"`
}

// Due is the least that a timer can lead to: a local activity that does nothing but note how late it is.
func (p *plain) Due(ctx workflow.Context, in due) error {
	if err := workflow.Sleep(ctx, in.At.Sub(workflow.Now(ctx))); err != nil {
		return fmt.Errorf("sleep: %w", err)
	}
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: callTimeout})
	if err := workflow.ExecuteLocalActivity(local, p.Ring, in).Get(ctx, nil); err != nil {
		return fmt.Errorf("ring: %w", err)
	}
	return nil
}

// rings are the timers that have rung.
type rings struct {
	mu   sync.Mutex
	late map[time.Time]time.Duration // by the moment at which each was due
}

// Ring notes how late it is, once for each timer.
func (p *plain) Ring(_ context.Context, in due) error {
	p.rings.mu.Lock()
	defer p.rings.mu.Unlock()
	if _, again := p.rings.late[in.At]; !again {
		p.rings.late[in.At] = time.Since(in.At)
	}
	return nil
}

// DueArgs ask for timers that are due within a time.
type DueArgs struct {
	N, InFlight int
	First       time.Time
	Within      time.Duration
}

// Due starts workflows and answers how late each rang, without those that were due while others were still being
// started.
func (r *plainRPC) Due(args DueArgs, reply *[]time.Duration) error {
	p := r.plain
	p.rings.late = make(map[time.Time]time.Duration, args.N)
	_, err := loopTimes(p.ctx, args.InFlight, args.N, func(ctx context.Context) (string, error) {
		in := due{At: args.First.Add(rand.N(args.Within)).UTC()} //nolint:gosec // spread, not secret
		options := client.StartWorkflowOptions{
			ID: "due/" + uuid.NewString(), TaskQueue: tuned.taskQueue(), EnableEagerStart: true,
		}
		if _, err := p.clients[tuned].ExecuteWorkflow(ctx, options, p.Due, in); err != nil {
			return "", fmt.Errorf("start workflow: %w", err)
		}
		return options.ID, nil
	})
	if err != nil {
		return err
	}
	started := time.Now()
	for deadline := args.First.Add(args.Within + smsPatience); time.Now().Before(deadline); time.Sleep(time.Second) {
		if p.rings.count() == args.N {
			*reply = p.rings.after(started)
			return nil
		}
	}
	return fmt.Errorf("%d of %d timers rang", p.rings.count(), args.N)
}

func (r *rings) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.late)
}

// after returns the lateness of those that were due after a moment.
func (r *rings) after(moment time.Time) []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var late []time.Duration
	for at, by := range r.late {
		if at.After(moment) {
			late = append(late, by)
		}
	}
	return late
}
