package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const (
	backlogDatabase = "backstop_bench_backlog"
	backlogSends    = 4000
	overdueSends    = 20_000 // enough to make the start of four sweepers, with 24 connections, a small part
	manySweepers    = 4
)

// backlogRound is the result of one round of one contestant.
type backlogRound struct {
	PerSecond float64            `json:"per_second"`
	Reads     quantiles          `json:"reads"` // of single sends, during the round
	CPU       map[string]float64 `json:"cpu_seconds"`
	Repeated  int                `json:"repeated"` // starts of running workflows, and ends of ended sends
}

// backlogContestant processes a backlog of n rows. The function run returns the time that it took.
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

func (c backlogContestant) isOverdue() bool {
	return c.name == overdueSweeper || c.name == overdueSweepers
}

// measureBacklog measures two tasks of the sweeper: it starts the workflows of sends that were accepted during an outage of
// Temporal, and it ends sends whose last receipt is overdue. The part has its own database. No worker polls its task queue, so
// the figures contain the starts alone. During each round a reader reads single sends through the pool of the first sweeper.
func (b *bench) measureBacklog(ctx context.Context) (err error) {
	l, err := b.openBacklog(ctx, backlogDatabase)
	if err != nil {
		return err
	}
	defer func() { err = l.close(err) }()
	starts, ends := b.flags.scaled(backlogSends), b.flags.scaled(overdueSends)
	all := []backlogContestant{
		{startPlain32, starts, l.startBare},
		{startSweeper, starts, bySweepers(1, l.sweepSends)}, {startSweepers, starts, bySweepers(2, l.sweepSends)},
		{overdueSweeper, ends, bySweepers(1, l.sweepOverdue)}, {overdueSweepers, ends, bySweepers(manySweepers, l.sweepOverdue)},
	}
	rounds := map[string][]backlogRound{}
	for n := range b.flags.rounds {
		turn := slices.Clone(all)
		if n%2 == 1 { // so that a contestant does not always run after the same other
			slices.Reverse(turn)
		}
		for _, c := range turn {
			r, err := b.backlogRound(ctx, l, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			b.logProgress("round %d of %d, %s: %.0f per second, reads p50 %.1f ms, p99 %.1f ms", n+1, b.flags.rounds, c.name,
				r.PerSecond, r.Reads.P50, r.Reads.P99)
			rounds[c.name] = append(rounds[c.name], r)
		}
	}
	b.raw["backlog"] = rounds
	b.printBacklog(all, rounds)
	return nil
}

// bySweepers returns a run by this number of sweepers.
func bySweepers(
	sweepers int, sweep func(ctx context.Context, n, sweepers int) (time.Duration, error),
) func(context.Context, int) (time.Duration, error) {
	return func(ctx context.Context, n int) (time.Duration, error) { return sweep(ctx, n, sweepers) }
}

func (b *bench) backlogRound(ctx context.Context, l *backlog, c backlogContestant) (backlogRound, error) {
	if err := l.storeSends(ctx, c); err != nil {
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
		Repeated: l.repeated,
	}, l.checkEmpty(ctx)
}

func (b *bench) printBacklog(all []backlogContestant, rounds map[string][]backlogRound) {
	t := table{
		title: fmt.Sprintf("Backlog: %d sends not handed over, %d overdue, %d rounds in turns; median (lowest-highest)",
			all[0].n, all[len(all)-1].n, b.flags.rounds),
		notes: []string{
			"Starters and sweepers run in the process of the bench. No worker polls the tasks of their workflows.",
			fmt.Sprintf("Reads: a send by its id, %d a second, through a sweeper's pool. Of: the first row of the same task.",
				int(time.Second/readPeriod)),
			"CPU in ms per row: the starter or sweeper with the reader, Backstop's Postgres, Temporal with its Postgres.",
		},
	}
	t.row("", "per second", "of", "reads p50 ms", "reads p99 ms", "CPU", "Postgres", "Temporal", "repeated")
	base := startPlain32
	for _, c := range all {
		if c.name == overdueSweeper {
			base = c.name
		}
		mine, repeated := rounds[c.name], 0
		for _, r := range mine {
			repeated += r.Repeated
		}
		t.row(c.name, spreadOf(valuesOf(mine, backlogRate)).String(), backlogRatio(mine, rounds[base]).String(),
			spreadOf(valuesOf(mine, readsP50)).String(), spreadOf(valuesOf(mine, readsP99)).String(),
			backlogCPU(c, mine, useBench), backlogCPU(c, mine, usePostgresBackstop),
			backlogCPU(c, mine, useTemporal, usePostgresTemporal), strconv.Itoa(repeated))
	}
	b.printTable(t)
	b.atLeast("backlog: starts per second, of bare", backlogRatio(rounds[startSweeper], rounds[startPlain32]).Median, 0.9, "x")
	b.atMost("backlog: p99 of a read during the starts", spreadOf(valuesOf(rounds[startSweeper], readsP99)).Median, 20, "ms")
	b.atLeast(fmt.Sprintf("overdue: %d sweepers, of 1", manySweepers),
		backlogRatio(rounds[overdueSweepers], rounds[overdueSweeper]).Median, 1, "x")
}

func backlogRate(r backlogRound) float64 { return r.PerSecond }
func readsP50(r backlogRound) float64    { return r.Reads.P50 }
func readsP99(r backlogRound) float64    { return r.Reads.P99 }

func backlogRatio(rounds, base []backlogRound) spread {
	return spreadOf(ratiosOf(valuesOf(rounds, backlogRate), valuesOf(base, backlogRate)))
}

// backlogCPU is the CPU time of some users per row in milliseconds, as the median of the rounds.
func backlogCPU(c backlogContestant, rounds []backlogRound, users ...string) string {
	return formatNumber(spreadOf(valuesOf(rounds, func(r backlogRound) (ms float64) {
		for _, user := range users {
			ms += 1000 * r.CPU[user] / float64(c.n)
		}
		return ms
	})).Median)
}

func valuesOf[T any](list []T, value func(T) float64) []float64 {
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = value(v)
	}
	return values
}
