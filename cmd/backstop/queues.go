package main

import (
	"cmp"
	"context"
	"time"

	sdkworker "go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop/worker"
)

// queuesEvery is the time between two looks for accounts whose limits have changed.
const queuesEvery = 2 * time.Second

// limits are the limits of one account's calls.
type limits struct {
	perSecond float64
	atOnce    int
}

// accountWorkers are the workers of the accounts that have limits.
type accountWorkers struct {
	p       *program
	running map[string]sdkworker.Worker
	limits  map[string]limits
	failed  chan string // the accounts whose worker does not recover
}

// keepAccountWorkers starts a worker for each account that has limits, and replaces it when they change, until ctx is done.
func (p *program) keepAccountWorkers(ctx context.Context) {
	w := &accountWorkers{p: p, running: map[string]sdkworker.Worker{}, limits: map[string]limits{}, failed: make(chan string, 1)}
	defer w.stopAll()
	ticks := time.NewTicker(queuesEvery)
	defer ticks.Stop()
	for {
		w.adjust(ctx)
		select {
		case <-ctx.Done():
			return
		case name := <-w.failed:
			if failed := w.running[name]; failed != nil {
				failed.Stop()
				delete(w.running, name)
			}
		case <-ticks.C:
		}
	}
}

// adjust starts the workers that are missing, and stops those whose account has other limits, or none.
func (w *accountWorkers) adjust(ctx context.Context) {
	wanted := map[string]limits{}
	for _, account := range w.p.accounts.List() {
		if account.HasLimits() {
			wanted[account.Name] = limits{account.CallsPerSecond, cmp.Or(account.CallsAtOnce, w.p.config.Worker.Calls)}
		}
	}
	for name, running := range w.running {
		if wanted[name] != w.limits[name] {
			running.Stop()
			delete(w.running, name)
		}
	}
	for name, l := range wanted {
		if w.running[name] == nil {
			w.start(ctx, name, l)
		}
	}
}

func (w *accountWorkers) start(ctx context.Context, name string, l limits) {
	started := worker.NewOfAccount(w.p.temporal.Client, w.p.acts, worker.AccountOptions{
		Installation: w.p.install, Account: name, CallsPerSec: l.perSecond, CallsAtOnce: l.atOnce,
		StopTimeout: w.p.config.drainTime(),
		OnFatalError: func(err error) {
			w.p.log.ErrorContext(ctx, "the worker of an account failed, and is started anew", "account", name, "error", err)
			select {
			case w.failed <- name:
			case <-ctx.Done():
			}
		},
	})
	if err := started.Start(); err != nil {
		w.p.log.WarnContext(ctx, "the worker of an account does not start", "account", name, "error", err)
		return
	}
	w.running[name], w.limits[name] = started, l
}

func (w *accountWorkers) stopAll() {
	for _, running := range w.running {
		running.Stop()
	}
}
