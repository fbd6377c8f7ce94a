package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/backstophq/backstop/internal/handoff"
)

const (
	backlogDatabase = "backstop_bench_backlog"
	backlogSends    = 4000
	overdueSends    = 2000
	manySweepers    = 4
)

// backlogRound is one round of one contestant.
type backlogRound struct {
	PerSecond float64            `json:"per_second"`
	Reads     quantiles          `json:"reads"` // of sends by their ids, meanwhile
	CPU       map[string]float64 `json:"cpu_seconds"`
}

// backlogContestant works off a backlog of n rows. Run returns how long it took.
type backlogContestant struct {
	name string
	n    int
	run  func(ctx context.Context, n int) (time.Duration, error)
}

const (
	startPlain32    = "32 starters of bare workflows"
	startSweeper    = "1 sweeper"
	startSweepers   = "2 sweepers"
	overdueSweeper  = "overdue, 1 sweeper"
	overdueSweepers = "overdue, 4 sweepers"
)

// measureBacklog lets the sweeper work off sends that were accepted while the engine was away, and sends whose last receipt has not
// come in time. It uses a database of its own, whose task queue has no worker: so only the starts count. A reader reads sends by their
// ids meanwhile, through the pool of a sweeper.
func (b *bench) measureBacklog(ctx context.Context) (err error) {
	l, err := b.openBacklog(ctx)
	if err != nil {
		return err
	}
	defer func() { err = l.close(err) }()
	starts, ends := b.flags.scaled(backlogSends), b.flags.scaled(overdueSends)
	all := []backlogContestant{
		{startPlain32, starts, l.startPlain},
		{startSweeper, starts, func(ctx context.Context, n int) (time.Duration, error) { return l.sweepSends(ctx, n, 1) }},
		{startSweepers, starts, func(ctx context.Context, n int) (time.Duration, error) { return l.sweepSends(ctx, n, 2) }},
		{overdueSweeper, ends, func(ctx context.Context, n int) (time.Duration, error) { return l.sweepOverdue(ctx, n, 1) }},
		{overdueSweepers, ends, func(ctx context.Context, n int) (time.Duration, error) { return l.sweepOverdue(ctx, n, manySweepers) }},
	}
	rounds := map[string][]backlogRound{}
	for n := range b.flags.rounds {
		for _, c := range all {
			r, err := b.backlogRound(ctx, l, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			b.say("round %d of %d, %s: %.0f per second, reads p50 %.1f ms, p99 %.1f ms", n+1, b.flags.rounds, c.name, r.PerSecond,
				r.Reads.P50, r.Reads.P99)
			rounds[c.name] = append(rounds[c.name], r)
		}
	}
	b.raw["backlog"] = rounds
	b.printBacklog(all, rounds)
	return nil
}

func (b *bench) backlogRound(ctx context.Context, l *backlog, c backlogContestant) (backlogRound, error) {
	if err := l.fill(ctx, c); err != nil {
		return backlogRound{}, err
	}
	before, err := b.meter.read(ctx)
	if err != nil {
		return backlogRound{}, err
	}
	reads := l.startReads(ctx)
	took, err := c.run(ctx, c.n)
	times, readErr := reads()
	if err == nil {
		err = readErr
	}
	if err != nil {
		return backlogRound{}, err
	}
	after, err := b.meter.read(ctx)
	if err != nil {
		return backlogRound{}, err
	}
	return backlogRound{
		PerSecond: float64(c.n) / took.Seconds(), Reads: quantilesOf(times), CPU: after.since(before),
	}, l.check(ctx)
}

func (b *bench) printBacklog(all []backlogContestant, rounds map[string][]backlogRound) {
	t := table{
		title: fmt.Sprintf("Backlog: %d sends that were not handed over, %d that are overdue, %d rounds in turns; median (lowest-highest)",
			all[0].n, all[len(all)-1].n, b.flags.rounds),
		notes: []string{
			"Starters and sweepers run in the process of the bench, and no worker takes the tasks of their workflows.",
			fmt.Sprintf("Reads: GET of a send by its id, %d a second, through the pool of a sweeper.", int(time.Second/readPeriod)),
			"of: the first line of the same kind.",
		},
	}
	t.row("", "per second", "of", "reads p50 ms", "reads p99 ms", "CPU ms: starter or sweeper", "postgres", "temporal and its postgres")
	base := map[string]string{
		startPlain32: startPlain32, startSweeper: startPlain32, startSweepers: startPlain32,
		overdueSweeper: overdueSweeper, overdueSweepers: overdueSweeper,
	}
	rate := func(r backlogRound) float64 { return r.PerSecond }
	ratio := func(name, of string) spread {
		return spreadOf(ratios(each(rounds[name], rate), each(rounds[of], rate)))
	}
	p99 := func(name string) spread {
		return spreadOf(each(rounds[name], func(r backlogRound) float64 { return r.Reads.P99 }))
	}
	cpu := func(c backlogContestant, who ...string) string {
		return number(spreadOf(each(rounds[c.name], func(r backlogRound) (ms float64) {
			for _, w := range who {
				ms += 1000 * r.CPU[w] / float64(c.n)
			}
			return ms
		})).Median)
	}
	for _, c := range all {
		t.row(c.name, spreadOf(each(rounds[c.name], rate)).String(), ratio(c.name, base[c.name]).String(),
			spreadOf(each(rounds[c.name], func(r backlogRound) float64 { return r.Reads.P50 })).String(), p99(c.name).String(),
			cpu(c, useBench), cpu(c, usePostgresBackstop), cpu(c, useTemporal, usePostgresTemporal))
	}
	b.print(t)
	b.atLeast("backlog: starts per second, of bare", ratio(startSweeper, startPlain32).Median, 0.9, "x")
	b.atMost("backlog: p99 of a read meanwhile", p99(startSweeper).Median, 20, "ms")
	b.atLeast("overdue: "+strconv.Itoa(manySweepers)+" sweepers, of 1", ratio(overdueSweepers, overdueSweeper).Median, 1, "x")
}

func each[T any](list []T, value func(T) float64) []float64 {
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = value(v)
	}
	return values
}

var _ handoff.Engine = (*countingEngine)(nil)
