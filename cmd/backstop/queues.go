package main

import (
	"cmp"
	"context"
	"sync"
	"time"

	sdkworker "go.temporal.io/sdk/worker"

	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/worker"
)

const (
	// queuesEvery is the time between two looks for accounts whose limits have changed.
	queuesEvery = 2 * time.Second

	// queueKept is how long the task queue of an account is polled after its limits are removed: calls may still wait on it. A
	// call that is retried on the queue for longer goes back to the common queue (workflows.untakenFor).
	queueKept = time.Hour
)

// limits are the limits of one account's calls.
type limits struct {
	perSecond float64 // 0: no limit
	atOnce    int
}

// accountWorkers are the workers that poll the task queues of accounts.
type accountWorkers struct {
	p       *program
	started time.Time
	until   map[string]time.Time // how long the queue of an account is polled

	running map[string]*accountWorker
	ended   chan *accountWorker // those that have stopped, or do not recover
	stops   sync.WaitGroup
}

// accountWorker is the worker of one account.
type accountWorker struct {
	sdkworker.Worker

	account    string
	limits     limits
	isStopping bool
}

// keepAccountWorkers runs a worker for each account that has limits, or had them a while ago, and replaces it when they change,
// until ctx is done.
func (p *program) keepAccountWorkers(ctx context.Context) {
	w := &accountWorkers{
		p: p, started: p.db.Now(), until: map[string]time.Time{}, running: map[string]*accountWorker{},
		ended: make(chan *accountWorker),
	}
	defer w.stopAll()
	ticks := time.NewTicker(queuesEvery)
	defer ticks.Stop()
	for {
		w.adjust(ctx)
		select {
		case <-ctx.Done():
			return
		case ended := <-w.ended:
			if !ended.isStopping {
				ended.isStopping = true
				w.stops.Go(ended.Stop)
			}
			if w.running[ended.account] == ended {
				delete(w.running, ended.account)
			}
		case <-ticks.C:
		}
	}
}

// adjust starts the workers that are missing, and stops those whose account has other limits. A worker that stops lets its calls
// end first, and its successor starts after that: together they would exceed the limit of calls at once.
func (w *accountWorkers) adjust(ctx context.Context) {
	wanted := w.wanted(w.p.accounts.List(), w.p.db.Now())
	for name, running := range w.running {
		if l, isWanted := wanted[name]; running.isStopping || isWanted && l == running.limits {
			continue
		}
		running.isStopping = true
		w.stops.Go(func() {
			running.Stop()
			w.end(ctx, running)
		})
	}
	for name, l := range wanted {
		if _, isRunning := w.running[name]; !isRunning {
			w.start(ctx, name, l)
		}
	}
}

// wanted returns the limits of the accounts whose queue is polled: those with limits, and those that may have had limits within
// queueKept. Such are all whose settings changed since, and all of the environment if this process is younger.
func (w *accountWorkers) wanted(all []accounts.Open, now time.Time) map[string]limits {
	atOnce := w.p.config.Worker.Calls
	current := map[string]limits{}
	for _, account := range all {
		var limited time.Time // when it may have had limits
		switch {
		case account.HasLimits():
			current[account.Name] = limits{account.CallsPerSecond, cmp.Or(account.CallsAtOnce, atOnce)}
			limited = now
		case account.IsFromEnvironment:
			limited = w.started
		case account.Version > 1:
			limited = account.UpdatedAt
		default:
			continue // it never had another setting
		}
		if until := limited.Add(queueKept); until.After(w.until[account.Name]) {
			w.until[account.Name] = until
		}
	}
	wanted := map[string]limits{}
	for name, until := range w.until {
		if !now.Before(until) {
			delete(w.until, name)
			continue
		}
		wanted[name] = cmp.Or(current[name], limits{atOnce: atOnce})
	}
	return wanted
}

func (w *accountWorkers) start(ctx context.Context, name string, l limits) {
	started := &accountWorker{account: name, limits: l}
	started.Worker = worker.NewOfAccount(w.p.temporal.Client, w.p.acts, worker.AccountOptions{
		Installation: w.p.install, Version: w.p.config.Worker.version(), Account: name,
		CallsPerSec: l.perSecond, CallsAtOnce: l.atOnce,
		StopTimeout: w.p.config.drainTime(),
		OnFatalError: func(err error) {
			w.p.log.ErrorContext(ctx, "the worker of an account failed, and is started anew", "account", name, "error", err)
			w.end(ctx, started)
		},
	})
	if err := started.Start(); err != nil {
		w.p.log.WarnContext(ctx, "the worker of an account does not start", "account", name, "error", err)
		return
	}
	w.running[name] = started
}

func (w *accountWorkers) end(ctx context.Context, ended *accountWorker) {
	select {
	case w.ended <- ended:
	case <-ctx.Done():
	}
}

// stopAll stops the workers at the same time.
func (w *accountWorkers) stopAll() {
	for _, running := range w.running {
		if !running.isStopping {
			w.stops.Go(running.Stop)
		}
	}
	w.stops.Wait()
}
