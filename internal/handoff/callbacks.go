package handoff

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/workflows"
)

const (
	// callbackLease is how long other sweepers do not get a claimed queue of callbacks. It is longer than a worker needs to
	// begin, because a second signal may send the workflow to the end of a long task queue.
	callbackLease = 2 * time.Minute
	// gatherFor is how long the wakes of a process are collected.
	gatherFor = 200 * time.Millisecond
	// wakesAtOnce bounds the concurrent calls to Temporal for callbacks, beside those of sends.
	wakesAtOnce = 16
)

// CallbackWake is a queue of callbacks whose workflow must be woken.
type CallbackWake struct {
	Send  string
	Seq   int  // of the newest event in the queue; 0: not known
	IsDue bool // a callback is due, also if its workflow waits for a retry
}

// CallbackStore is what the hand-over of callbacks needs of Postgres.
type CallbackStore interface {
	// Now returns the time by the store's clock.
	Now() time.Time

	// CallbackWakes returns the queues of callbacks that this process changes.
	CallbackWakes() <-chan CallbackWake

	// ClaimCallbacks leases up to limit queues of callbacks that are due at a time. Other sweepers do not get them until the
	// lease ends.
	ClaimCallbacks(ctx context.Context, at time.Time, lease time.Duration, limit int) ([]CallbackWake, error)
}

// CallbackEngine is what the hand-over of callbacks needs of a Temporal client.
type CallbackEngine interface {
	SignalWithStartWorkflow(
		ctx context.Context, workflowID, signal string, arg any, o client.StartWorkflowOptions, workflow any, args ...any,
	) (client.WorkflowRun, error)
}

// Callbacks starts the workflows that post callbacks. A callback is stored with its event first. Then the process that stored it
// wakes the workflow. If that fails, a sweeper does it later.
type Callbacks struct {
	store        CallbackStore
	engine       CallbackEngine
	installation string
	log          *slog.Logger
	outage       outage
	wakes        semaphore
}

// CallbackOptions are what Callbacks needs.
type CallbackOptions struct {
	Store        CallbackStore
	Engine       CallbackEngine
	Installation string
	Log          *slog.Logger
}

// NewCallbacks returns the hand-over of callbacks, or an error that names what is missing.
func NewCallbacks(o CallbackOptions) (*Callbacks, error) {
	if o.Store == nil || o.Engine == nil || o.Installation == "" || o.Log == nil {
		return nil, errors.New("new callbacks: Store, Engine, Installation and Log are required")
	}
	return &Callbacks{
		store: o.Store, engine: o.Engine, installation: o.Installation, log: o.Log, wakes: make(semaphore, wakesAtOnce),
	}, nil
}

// semaphore bounds concurrent calls.
type semaphore chan struct{}

// Run wakes the workflows of the callbacks that this process stores, until ctx is done. It collects those of gatherFor first: the
// first events of a send come close together, so one signal is enough.
func (c *Callbacks) Run(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	gathered := map[string]CallbackWake{}
	var due <-chan time.Time // nil: nothing is gathered
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-c.store.CallbackWakes():
			if due == nil {
				due = time.After(gatherFor)
			}
			earlier := gathered[w.Send]
			w.Seq, w.IsDue = max(w.Seq, earlier.Seq), w.IsDue || earlier.IsDue
			gathered[w.Send] = w
		case <-due:
			for _, w := range gathered {
				c.wakes <- struct{}{}
				calls.Go(func() {
					defer func() { <-c.wakes }()
					c.wakeOrLog(ctx, w)
				})
			}
			clear(gathered)
			due = nil
		}
	}
}

// Sweep wakes the workflows of callbacks that are overdue, until ctx is done. Any number of processes may run it.
func (c *Callbacks) Sweep(ctx context.Context) {
	repeatEvery(ctx, sweepEvery, func(ctx context.Context) {
		for more := true; more && ctx.Err() == nil; {
			more = c.sweepOnce(ctx) == claimLimit
		}
	})
}

// sweepOnce wakes the workflows of one claim, and returns how many queues it has claimed.
func (c *Callbacks) sweepOnce(ctx context.Context) int {
	if c.outage.isShut(time.Now()) {
		return 0
	}
	claims, err := runStatement(ctx, func(ctx context.Context) ([]CallbackWake, error) {
		return c.store.ClaimCallbacks(ctx, c.store.Now(), callbackLease, claimLimit)
	})
	if err != nil {
		if ctx.Err() == nil {
			c.log.WarnContext(ctx, "sweep failed", "what", "callbacks", "error", err)
		}
		return 0
	}
	var calls sync.WaitGroup
	for _, w := range claims {
		c.wakes <- struct{}{}
		calls.Go(func() {
			defer func() { <-c.wakes }()
			c.wakeOrLog(ctx, w)
		})
	}
	calls.Wait()
	return len(claims)
}

func (c *Callbacks) wakeOrLog(ctx context.Context, w CallbackWake) {
	if !c.outage.admits(time.Now()) {
		return // the sweeper repeats it
	}
	ctx, cancel := context.WithTimeout(ctx, sweepCall)
	defer cancel()
	err := c.wake(ctx, w)
	if began, _ := c.outage.record(time.Now(), err); err != nil && (began || !isAway(err)) && !isCanceled(err) {
		c.log.WarnContext(ctx, "callbacks left to the sweeper", "send", w.Send, "error", err)
	}
}

// wake signals the workflow that posts the callbacks of a send. If none runs, it starts one.
func (c *Callbacks) wake(ctx context.Context, w CallbackWake) error {
	signal := workflows.CallbackWake{Seq: w.Seq, IsDue: w.IsDue}
	_, err := c.engine.SignalWithStartWorkflow(ctx, workflows.CallbacksID(w.Send), workflows.CallbackSignal, signal,
		client.StartWorkflowOptions{
			ID: workflows.CallbacksID(w.Send), TaskQueue: workflows.CallbackQueueOf(c.installation),
			WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		}, workflows.Callbacks, workflows.CallbacksInput{Send: w.Send})
	if err != nil {
		return fmt.Errorf("signal workflow: %w", err)
	}
	return nil
}
