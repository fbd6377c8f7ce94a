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

// timerInput is the input of Due.
type timerInput struct {
	At time.Time `json:"at"`
}

// Due is a workflow of a timer and a local activity that records how late the timer fires.
func (p *plain) Due(ctx workflow.Context, in timerInput) error {
	if err := workflow.Sleep(ctx, in.At.Sub(workflow.Now(ctx))); err != nil {
		return fmt.Errorf("sleep: %w", err)
	}
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: callTimeout})
	if err := workflow.ExecuteLocalActivity(local, p.RecordLateness, in).Get(ctx, nil); err != nil {
		return fmt.Errorf("record lateness: %w", err)
	}
	return nil
}

// latenessRecord holds how late each timer fired, by its deadline.
type latenessRecord struct {
	mu         sync.Mutex
	byDeadline map[time.Time]time.Duration
}

// RecordLateness is a local activity. It records how late a timer fired. A second run for the same timer changes nothing.
func (p *plain) RecordLateness(_ context.Context, in timerInput) error {
	p.lateness.mu.Lock()
	defer p.lateness.mu.Unlock()
	if _, again := p.lateness.byDeadline[in.At]; !again {
		p.lateness.byDeadline[in.At] = time.Since(in.At)
	}
	return nil
}

// DueArgs are the arguments of Due.
type DueArgs struct {
	N, InFlight int
	First       time.Time     // no timer is due before
	Within      time.Duration // all timers are due within this time after First
}

// Due starts workflows and returns how late their timers fired. Timers that were due before the last workflow was started do
// not count.
func (r *plainRPC) Due(args DueArgs, reply *[]time.Duration) error {
	p := r.plain
	p.lateness.byDeadline = make(map[time.Time]time.Duration, args.N)
	_, err := loopTimes(p.ctx, args.InFlight, args.N, func(ctx context.Context) (string, error) {
		in := timerInput{At: args.First.Add(rand.N(args.Within)).UTC()} //nolint:gosec // spread, not secret
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
	for deadline := args.First.Add(args.Within + smsTimeout); time.Now().Before(deadline); time.Sleep(time.Second) {
		if p.lateness.count() == args.N {
			*reply = p.lateness.after(started)
			return nil
		}
	}
	return fmt.Errorf("%d of %d timers fired", p.lateness.count(), args.N)
}

func (r *latenessRecord) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byDeadline)
}

// after returns the lateness of the timers that were due after a moment.
func (r *latenessRecord) after(moment time.Time) []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var late []time.Duration
	for at, by := range r.byDeadline {
		if at.After(moment) {
			late = append(late, by)
		}
	}
	return late
}
