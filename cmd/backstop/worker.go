package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
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

// version returns the version of the workers; the zero value if they have none.
func (c workerConfig) version() worker.Version {
	if c.Deployment == "" {
		return worker.Version{}
	}
	return worker.Version{Deployment: c.Deployment, Build: cmp.Or(c.Build, version)}
}

// maxVersion is the longest name of a deployment or a build, in bytes. Temporal's own limit is above it.
const maxVersion = 200

// faults returns the problems of the version, by the names of the variables.
func (c workerConfig) faults() map[string]string {
	faults := map[string]string{}
	switch build := c.version().Build; {
	case c.Deployment == "" && c.Build != "":
		faults["WORKER_BUILD"] = "must be set together with " + envPrefix + "WORKER_DEPLOYMENT"
	case c.Deployment == "":
	case strings.ContainsAny(c.Deployment, ".:") || strings.HasPrefix(c.Deployment, "__") || len(c.Deployment) > maxVersion:
		faults["WORKER_DEPLOYMENT"] = fmt.Sprintf("must be a name of up to %d bytes without a dot or colon, not starting with __",
			maxVersion)
	case build == unknownVersion:
		faults["WORKER_BUILD"] = "is required, because this program was built without a version"
	case strings.HasPrefix(build, "__") || len(build) > maxVersion:
		faults["WORKER_BUILD"] = fmt.Sprintf("must be a name of up to %d bytes, not starting with __", maxVersion)
	}
	return faults
}
