package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/workflows"
)

const (
	plainStarters = 32 // a sweeper has as many calls in flight
	// backlogTimeout bounds the time of one round. It is about a hundred times the expected time.
	backlogTimeout = 10 * time.Minute
)

// startBare starts bare workflows with the input of a send.
func (l *backlog) startBare(ctx context.Context, n int) (time.Duration, error) {
	var next atomic.Int64
	t, err := loopTimes(ctx, plainStarters, n, func(ctx context.Context) (string, error) {
		id := l.ids[next.Add(1)-1]
		in := workflows.SendInput{
			ID: id, Rules: backlogPlan().Rules, Origin: time.Now().UTC(), Age: time.Minute, Settings: backlogSettings(),
			Installation: l.install,
		}
		_, err := l.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: "backlog/" + id, TaskQueue: "bench-backlog",
		}, "Bare", in)
		if err != nil {
			return "", fmt.Errorf("start workflow: %w", err)
		}
		return id, nil
	})
	return t.Took, err
}

func backlogSettings() workflows.Settings {
	return workflows.Settings{UnknownWait: time.Minute, SMSReceiptWait: time.Hour, AwaitReceipts: 4 * time.Second}
}

// countdown closes its channel when n different sends are done.
type countdown struct {
	mu       sync.Mutex
	n        int
	isDone   map[string]bool
	done     chan struct{}
	repeated int // calls of count for a send that was done already
}

func newCountdown(n int) *countdown {
	return &countdown{n: n, isDone: make(map[string]bool, n), done: make(chan struct{})}
}

func (c *countdown) count(send string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isDone[send] {
		c.repeated++
		return
	}
	c.isDone[send] = true
	if len(c.isDone) == c.n {
		close(c.done)
	}
}

// countingEngine counts the started workflows.
type countingEngine struct {
	client.Client

	started *countdown
}

// ExecuteWorkflow implements handoff.Engine. A workflow that already runs counts as started: the answer to its start was lost.
func (e countingEngine) ExecuteWorkflow(
	ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	run, err := e.Client.ExecuteWorkflow(ctx, o, workflow, args...)
	if _, runs := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); err == nil || runs {
		e.started.count(o.ID)
	}
	return run, err //nolint:wrapcheck // handoff wraps it
}

// countingStore counts the overdue sends that were ended.
type countingStore struct {
	*postgres.DB

	ended *countdown
}

// FinishOverdue implements handoff.Store.
func (s countingStore) FinishOverdue(ctx context.Context, send string) error {
	err := s.DB.FinishOverdue(ctx, send)
	if err == nil {
		s.ended.count(send)
	}
	return err
}

func (l *backlog) sweepSends(ctx context.Context, n, sweepers int) (time.Duration, error) {
	started := newCountdown(n)
	return l.runSweepers(ctx, sweepers, started, func(db *postgres.DB) (handoff.Store, handoff.Engine) {
		return db, countingEngine{l.temporal, started}
	})
}

func (l *backlog) sweepOverdue(ctx context.Context, n, sweepers int) (time.Duration, error) {
	ended := newCountdown(n)
	return l.runSweepers(ctx, sweepers, ended, func(db *postgres.DB) (handoff.Store, handoff.Engine) {
		return countingStore{db, ended}, l.temporal
	})
}

// runSweepers runs n sweepers, each with its own pool, until all counted sends are done. The function parts returns the store
// and the engine of a sweeper.
func (l *backlog) runSweepers(
	ctx context.Context, n int, counted *countdown, parts func(*postgres.DB) (handoff.Store, handoff.Engine),
) (took time.Duration, err error) {
	ctx, stop := context.WithTimeout(ctx, backlogTimeout)
	defer stop()
	var sweepers []*handoff.Handoff
	for i := range n {
		db := l.process
		if i > 0 {
			if db, err = postgres.Open(ctx, l.url, postgres.Options{}); err != nil {
				return 0, fmt.Errorf("open database: %w", err)
			}
			l.others = append(l.others, db)
		}
		store, engine := parts(db)
		h, err := handoff.New(handoff.Options{
			Store: store, Engine: engine, Installation: l.install, Settings: backlogSettings(), Log: l.log,
		})
		if err != nil {
			return 0, fmt.Errorf("make sweeper: %w", err)
		}
		sweepers = append(sweepers, h)
	}
	var sweeping errgroup.Group
	began := time.Now()
	for _, h := range sweepers {
		sweeping.Go(func() error { h.Sweep(ctx); h.Close(); return nil })
	}
	select {
	case <-counted.done:
		took = time.Since(began)
	case <-ctx.Done():
		err = fmt.Errorf("the backlog is not empty after %s: %w", backlogTimeout, ctx.Err())
	}
	stop()
	_ = sweeping.Wait() // it returns no error
	l.repeated = counted.repeated
	return took, err
}
