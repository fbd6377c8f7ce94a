package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/workflows"
)

const (
	// settleTime is the pause before each round.
	settleTime = 2 * time.Second
	// closeTimeout bounds the wait for the close of the last workflows. Temporal's visibility store lags by about 1 s.
	closeTimeout = 30 * time.Second
)

// contestant is one of the compared systems: a hand-written workflow or Backstop.
type contestant struct {
	name      string
	process   string // of its API (or starter) and worker, a user of CPU time
	taskQueue string
	run       func(context.Context, time.Duration) (Tally, error)
}

// round is the result of one round of one contestant.
type round struct {
	PerSecond float64            `json:"per_second"`
	Completed int                `json:"completed"` // all operations, with the ramp and the drain
	CPU       map[string]float64 `json:"cpu_seconds"`
	Events    []float64          `json:"events"` // of a sample of workflows
}

const (
	backstopName = "backstop"
	// allOnName is Backstop with all that a team turns on in production, as settingsOfAll. The audit is never off.
	allOnName = "backstop, all on"
)

// settingsOfAll returns the settings of a Backstop with metrics, traces and encryption, and a function that stops the collector.
func (b *bench) settingsOfAll(ctx context.Context) (settings map[string]string, stop func() error, err error) {
	settings, stop, err = b.serveCollector(ctx)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(settings, encrypted())
	return settings, stop, nil
}

func (b *bench) contestants(policy, installation string) []contestant {
	plain := func(k kind) func(context.Context, time.Duration) (Tally, error) {
		return func(ctx context.Context, during time.Duration) (t Tally, err error) {
			err = b.plain.call(ctx, "Run", RunArgs{Kind: string(k), During: during, InFlight: b.flags.inFlight}, &t)
			return t, err
		}
	}
	backstop := func(ctx context.Context, during time.Duration) (Tally, error) {
		t, err := loopFor(ctx, b.flags.inFlight, during, func(ctx context.Context) (string, error) {
			return b.send.sendToEnd(ctx, sendInput{to: nextReadRecipient(), policy: policy})
		})
		for i, id := range t.IDs {
			t.IDs[i] = workflows.ID(id)
		}
		return t, err
	}
	return []contestant{
		{string(bare), usePlain, bare.taskQueue(), plain(bare)},
		{string(tuned), usePlain, tuned.taskQueue(), plain(tuned)},
		{backstopName, useBackstop, workflows.QueueOf(installation), backstop},
	}
}

// measureThroughput runs the contestants in turns, so that other load on the machine slows all of them.
// Each round of a Backstop has its own warm process.
func (b *bench) measureThroughput(ctx context.Context) (err error) {
	policy, err := b.send.policy(ctx, "Throughput", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	installation, err := b.store.installation(ctx)
	if err != nil {
		return err
	}
	on, stop, err := b.settingsOfAll(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.restartBackstop(context.WithoutCancel(ctx), nil), stop()) }()
	all, rounds := b.contestants(policy, installation), map[string][]round{}
	allOn := all[len(all)-1]
	allOn.name = allOnName
	all = append(all, allOn)
	settings := map[string]map[string]string{backstopName: withKeyring(), allOnName: on}
	for _, c := range all[:2] {
		b.logProgress("warming up %s", c.name)
		if _, err := b.runRound(ctx, c, min(b.flags.round, 5*time.Second)); err != nil {
			return err
		}
	}
	for n := range b.flags.rounds {
		for _, c := range all {
			r, err := b.runTurn(ctx, c, settings[c.name])
			if err != nil {
				return err
			}
			b.logProgress("round %d of %d, %s: %.1f completed per second", n+1, b.flags.rounds, c.name, r.PerSecond)
			rounds[c.name] = append(rounds[c.name], r)
		}
	}
	b.raw["throughput"] = rounds
	b.throughput = spreadOf(roundRates(rounds[backstopName])).Median
	b.printThroughput(all, rounds)
	b.printCPU(all, rounds)
	return nil
}

// runTurn runs a round of a contestant. A Backstop is started anew, with more settings.
func (b *bench) runTurn(ctx context.Context, c contestant, more map[string]string) (round, error) {
	if c.process == useBackstop {
		return b.runRestarted(ctx, c, more)
	}
	return b.runRound(ctx, c, b.flags.round)
}

// runRound runs one contestant and waits until all of its workflows are closed.
func (b *bench) runRound(ctx context.Context, c contestant, during time.Duration) (round, error) {
	if err := pauseFor(ctx, settleTime); err != nil {
		return round{}, err
	}
	open, err := b.openWorkflows(ctx, c.taskQueue) // another part has parked them
	if err != nil {
		return round{}, err
	}
	before, err := b.meter.read(ctx)
	if err != nil {
		return round{}, err
	}
	t, err := c.run(ctx, during)
	if err != nil {
		return round{}, err
	}
	if err := b.awaitClosed(ctx, c.taskQueue, open); err != nil {
		return round{}, err
	}
	after, err := b.meter.read(ctx)
	if err != nil {
		return round{}, err
	}
	r := round{PerSecond: t.perSecond(during), Completed: t.All, CPU: after.since(before)}
	r.Events, err = b.eventCounts(ctx, t.IDs)
	return r, err
}

// openWorkflows counts the workflows of a task queue that have not ended.
func (b *bench) openWorkflows(ctx context.Context, taskQueue string) (int64, error) {
	query := fmt.Sprintf("TaskQueue = '%s' AND ExecutionStatus = 'Running'", taskQueue)
	open, err := b.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, fmt.Errorf("count open workflows: %w", err)
	}
	return open.GetCount(), nil
}

// awaitClosed waits until a task queue has no more open workflows than before the round. It fails if some stay open, because
// the round counted them as completed.
func (b *bench) awaitClosed(ctx context.Context, taskQueue string, before int64) error {
	for began := time.Now(); ; {
		open, err := b.openWorkflows(ctx, taskQueue)
		if err != nil || open <= before {
			return err
		}
		if time.Since(began) > closeTimeout {
			return fmt.Errorf("%d workflows of task queue %s are still open", open-before, taskQueue)
		}
		if err := pauseFor(ctx, pollPeriod); err != nil {
			return err
		}
	}
}

// eventCounts returns the number of events of each workflow.
func (b *bench) eventCounts(ctx context.Context, ids []string) ([]float64, error) {
	lengths := make([]float64, 0, len(ids))
	for _, id := range ids {
		d, err := b.temporal.DescribeWorkflowExecution(ctx, id, "")
		if err != nil {
			return nil, fmt.Errorf("describe workflow: %w", err)
		}
		lengths = append(lengths, float64(d.GetWorkflowExecutionInfo().GetHistoryLength()))
	}
	return lengths, nil
}

func roundRates(rounds []round) []float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = r.PerSecond
	}
	return values
}

func (b *bench) printThroughput(all []contestant, rounds map[string][]round) {
	t := table{
		title: fmt.Sprintf("Throughput: %d in flight, %d rounds of %s each, in turns; median (lowest-highest)",
			b.flags.inFlight, b.flags.rounds, b.flags.round),
		notes: []string{
			"bare, tuned: hand-written workflows with no API and no store; their activity: " + b.flags.activity + ".",
			"backstop: POST /v1/sends, WhatsApp by HTTP, signed webhooks back (sent, delivered, read), all stored.",
			fmt.Sprintf("Its calls wait %s for receipts. A later delivery costs as much as one after 0.1 s without that wait:",
				b.flags.awaitReceipts),
			"-await-receipts 0s -speed 20.",
			"all on: with metrics that are scraped, a trace of every request, and encrypted payloads. The audit is on in both.",
		},
	}
	t.row("", "completed/s", "of bare", "of tuned", "events")
	base := [2][]float64{roundRates(rounds[string(bare)]), roundRates(rounds[string(tuned)])}
	for _, c := range all {
		mine := roundRates(rounds[c.name])
		var events []float64
		for _, r := range rounds[c.name] {
			events = append(events, r.Events...)
		}
		t.row(c.name, spreadOf(mine).String(), spreadOf(ratiosOf(mine, base[0])).String(),
			spreadOf(ratiosOf(mine, base[1])).String(), spreadOf(events).String())
	}
	b.printTable(t)
	for _, name := range []string{backstopName, allOnName} {
		mine := roundRates(rounds[name])
		b.atLeast(name+": completed sends per second, of bare", spreadOf(ratiosOf(mine, base[0])).Median, 2, "x")
		b.atLeast(name+": completed sends per second, of tuned", spreadOf(ratiosOf(mine, base[1])).Median, 0.9, "x")
	}
}

// printCPU prints the CPU time of a send by process. The first column is the contestant's own process.
func (b *bench) printCPU(all []contestant, rounds map[string][]round) {
	others := []string{useTemporal, usePostgresTemporal, usePostgresBackstop, usePostgresShared, useBench}
	t := table{
		title: "CPU time per completed send in ms, median over the rounds",
		notes: []string{"The sum does not contain the bench, which simulates the customer and the providers."},
	}
	t.row(append(append([]string{"", "API and worker"}, others...), "sum", "of bare")...)
	base := 0.0
	for _, c := range all {
		cells, sum := []string{c.name}, 0.0
		for _, user := range append([]string{c.process}, others...) {
			ms := cpuPerSend(rounds[c.name], user)
			if user != useBench {
				sum += ms
			}
			cells = append(cells, fmt.Sprintf("%.2f", ms))
		}
		if c.name == string(bare) {
			base = sum
		}
		t.row(append(cells, fmt.Sprintf("%.2f", sum), formatNumber(sum/base))...)
	}
	b.printTable(t)
}

// cpuPerSend returns a user's CPU time per completed send in milliseconds, as the median of the rounds.
func cpuPerSend(rounds []round, user string) float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = 1000 * r.CPU[user] / float64(max(1, r.Completed))
	}
	return spreadOf(values).Median
}
