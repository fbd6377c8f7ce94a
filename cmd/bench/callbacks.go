package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/workflows"
)

// benchCallbackSecret signs the callbacks. It is no secret: only the bench has it.
const benchCallbackSecret = "whsec_YmVuY2ggb25seTogbm90IGEgc2VjcmV0IGF0IGFsbA==" //nolint:gosec // see above

// callbackNames are the two contestants.
const (
	withoutCallback = "without a callback"
	withCallback    = "with a callback"
)

// callbackCost is what a sample of sends with callbacks has cost the engine, beside their own workflows.
type callbackCost struct {
	Posts  float64 `json:"posts"`  // per send
	Runs   float64 `json:"runs"`   // of the workflow of callbacks, per send
	Events float64 `json:"events"` // of these runs, per send
}

// measureCallbacks compares sends with and without a callback, in turns. The receiver is in this process, and answers at once.
func (b *bench) measureCallbacks(ctx context.Context) error {
	policy, err := b.send.policy(ctx, "Callbacks", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	installation, err := b.store.installation(ctx)
	if err != nil {
		return err
	}
	receiver, err := startCallbackReceiver(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = receiver.server.Close() }()
	var sample []string
	run := func(url string) func(context.Context, time.Duration) (Tally, error) {
		return func(ctx context.Context, during time.Duration) (Tally, error) {
			t, err := loopFor(ctx, b.flags.inFlight, during, func(ctx context.Context) (string, error) {
				return b.send.sendToEnd(ctx, sendInput{to: nextReadRecipient(), policy: policy, callback: url})
			})
			if err == nil && url != "" {
				sample = append([]string{}, t.IDs...)
				err = b.awaitPosted(ctx)
			}
			for i, id := range t.IDs {
				t.IDs[i] = workflows.ID(id)
			}
			return t, err
		}
	}
	queue := workflows.QueueOf(installation)
	all := []contestant{
		{withoutCallback, useBackstop, queue, run("")},
		{withCallback, useBackstop, queue, run(receiver.url)},
	}
	rounds, sends := map[string][]round{}, 0
	for n := range b.flags.rounds + 1 { // the first one warms up
		for _, c := range all {
			r, err := b.runRound(ctx, c, b.flags.round)
			if err != nil {
				return err
			}
			b.logProgress("round %d of %d, %s: %.1f completed per second", n, b.flags.rounds, c.name, r.PerSecond)
			if c.name == withCallback {
				sends += r.Completed
			}
			if n > 0 {
				rounds[c.name] = append(rounds[c.name], r)
			}
		}
	}
	cost := callbackCost{Posts: float64(receiver.posts.Load()) / float64(sends)}
	if cost.Runs, cost.Events, err = b.callbackRuns(ctx, sample); err != nil {
		return err
	}
	b.raw["callbacks"] = map[string]any{"rounds": rounds, "cost": cost}
	b.printCallbacks(all, rounds, cost)
	return nil
}

// callbackReceiver counts the callbacks, and answers each at once.
type callbackReceiver struct {
	url    string
	server *http.Server
	posts  atomic.Int64
}

func startCallbackReceiver(ctx context.Context) (*callbackReceiver, error) {
	listener, err := listenLoopback(ctx)
	if err != nil {
		return nil, err
	}
	r := &callbackReceiver{url: "http://" + listener.Addr().String() + "/hook"}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: callTimeout}
	go func() { _ = r.server.Serve(listener) }() // until server.Close
	return r, nil
}

func (r *callbackReceiver) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.posts.Add(1)
	w.WriteHeader(http.StatusNoContent)
}

const openQueues = `SELECT count(*) FROM callback_queues`

// awaitPosted waits until all callbacks are posted.
func (b *bench) awaitPosted(ctx context.Context) error {
	for began := time.Now(); ; {
		var open int
		if err := b.store.db.QueryRowContext(ctx, openQueues).Scan(&open); err != nil {
			return fmt.Errorf("count queues of callbacks: %w", err)
		}
		if open == 0 {
			return nil
		}
		if time.Since(began) > closeTimeout {
			return fmt.Errorf("the callbacks of %d sends are not posted", open)
		}
		if err := pauseFor(ctx, pollPeriod); err != nil {
			return err
		}
	}
}

// callbackRuns returns how many runs and events the workflows of callbacks have per send.
func (b *bench) callbackRuns(ctx context.Context, sends []string) (runs, events float64, err error) {
	for _, send := range sends {
		list, err := b.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: fmt.Sprintf("WorkflowId = '%s'", workflows.CallbacksID(send)),
		})
		if err != nil {
			return 0, 0, fmt.Errorf("list workflows: %w", err)
		}
		for _, run := range list.GetExecutions() {
			runs++
			events += float64(run.GetHistoryLength())
		}
	}
	n := float64(max(1, len(sends)))
	return runs / n, events / n, nil
}

func (b *bench) printCallbacks(all []contestant, rounds map[string][]round, cost callbackCost) {
	others := []string{useTemporal, usePostgresTemporal, usePostgresBackstop, usePostgresShared}
	t := table{
		title: "Callbacks: CPU time per completed send in ms, median over the rounds",
		notes: []string{fmt.Sprintf(
			"A send with a callback has %s posts, by %s runs of %s events in all, beside its own workflow.",
			formatNumber(cost.Posts), formatNumber(cost.Runs), formatNumber(cost.Events),
		)},
	}
	t.row(append(append([]string{"", "completed/s", "events", "API and worker"}, others...), "sum")...)
	for _, c := range all {
		var events []float64
		for _, r := range rounds[c.name] {
			events = append(events, r.Events...)
		}
		cells := []string{c.name, spreadOf(roundRates(rounds[c.name])).String(), formatNumber(spreadOf(events).Median)}
		sum := 0.0
		for _, user := range append([]string{c.process}, others...) {
			ms := cpuPerSend(rounds[c.name], user)
			sum += ms
			cells = append(cells, fmt.Sprintf("%.2f", ms))
		}
		t.row(append(cells, fmt.Sprintf("%.2f", sum))...)
	}
	b.printTable(t)
}
