package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	sdkworker "go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop/worker"
	"github.com/backstophq/backstop/workflows"
)

// runWorker runs the Temporal worker. It retries until Temporal can be reached.
func (p *program) runWorker(ctx context.Context) error {
	failed := make(chan error, 1)
	var w sdkworker.Worker
	for {
		w = worker.New(p.temporal.Client, p.acts, worker.Options{
			Installation: p.install, Version: p.config.Worker.version(),
			Calls: p.config.Worker.Calls, CallsPerSec: p.config.Worker.CallsPerSecond, Cached: p.config.Worker.Cached,
			StopTimeout:  p.config.drainTime(),
			OnFatalError: func(err error) { failed <- err },
			Retention:    p.retention, Erasures: p.eraseActs,
		})
		err := p.temporal.connect(ctx)
		if err == nil {
			err = w.Start()
		}
		if err == nil {
			break
		}
		p.log.WarnContext(ctx, "waiting for temporal", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(workerRetry):
		}
	}
	p.log.InfoContext(ctx, "working", "task_queue", workflows.QueueOf(p.install))
	var ofAccounts sync.WaitGroup
	ofAccounts.Go(func() { p.keepAccountWorkers(ctx) })
	defer func() {
		w.Stop()
		ofAccounts.Wait() // they stop at the same time
	}()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("work: %w", err)
	}
}
