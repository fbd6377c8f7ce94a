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
	overdueSends    = 20_000 // many, as four sweepers make 24 more connections at first
	manySweepers    = 4
)

// backlogRound is one round of one contestant.
type backlogRound struct {
	PerSecond float64            `json:"per_second"`
	Reads     quantiles          `json:"reads"` // of sends by their ids, meanwhile
	CPU       map[string]float64 `json:"cpu_seconds"`
	Repeated  int                `json:"repeated"` // starts of workflows that ran already, ends of sends that had ended
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

func (c backlogContestant) isOverdue() bool {
	return c.name == overdueSweeper || c.name == overdueSweepers
}

// measureBacklog lets the sweeper work off sends that were accepted while the engine was away, and sends whose last receipt
// has not come in time. It uses a database of its own, whose task queue has no worker, so only the starts count. A reader reads
// sends by their ids meanwhile, through the pool of a sweeper.
func (b *bench) measureBacklog(ctx context.Context) (err error) {
	l, err := b.openBacklog(ctx)
	if err != nil {
		return err
	}
	defer func() { err = l.close(err) }()
	starts, ends := b.flags.scaled(backlogSends), b.flags.scaled(overdueSends)
	all := []backlogContestant{
		{startPlain32, starts, l.startPlain},
		{startSweeper, starts, by(1, l.sweepSends)}, {startSweepers, starts, by(2, l.sweepSends)},
		{overdueSweeper, ends, by(1, l.sweepOverdue)}, {overdueSweepers, ends, by(manySweepers, l.sweepOverdue)},
	}
	rounds := map[string][]backlogRound{}
	for n := range b.flags.rounds {
		turn := slices.Clone(all)
		if n%2 == 1 { // so that none always follows the same one
			slices.Reverse(turn)
		}
		for _, c := range turn {
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

// by returns a run by several sweepers.
func by(
	sweepers int, sweep func(ctx context.Context, n, sweepers int) (time.Duration, error),
) func(context.Context, int) (time.Duration, error) {
	return func(ctx context.Context, n int) (time.Duration, error) { return sweep(ctx, n, sweepers) }
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
		Repeated: l.repeated,
	}, l.check(ctx)
}

func (b *bench) printBacklog(all []backlogContestant, rounds map[string][]backlogRound) {
	t := table{
		title: fmt.Sprintf("Backlog: %d sends not handed over, %d overdue, %d rounds in turns; median (lowest-highest)",
			all[0].n, all[len(all)-1].n, b.flags.rounds),
		notes: []string{
			"Starters and sweepers run in the process of the bench, and no worker takes the tasks of their workflows.",
			fmt.Sprintf("Reads: a send by its id, %d a second, by a sweeper's pool. Of: the first line of the same kind.",
				int(time.Second/readPeriod)),
			"CPU: ms per row of starter or sweeper, with the reader; of Backstop's Postgres; of Temporal with its Postgres.",
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
		t.row(c.name, spreadOf(each(mine, backlogRate)).String(), backlogRatio(mine, rounds[base]).String(),
			spreadOf(each(mine, readsP50)).String(), spreadOf(each(mine, readsP99)).String(),
			backlogCPU(c, mine, useBench), backlogCPU(c, mine, usePostgresBackstop),
			backlogCPU(c, mine, useTemporal, usePostgresTemporal), strconv.Itoa(repeated))
	}
	b.print(t)
	b.atLeast("backlog: starts per second, of bare", backlogRatio(rounds[startSweeper], rounds[startPlain32]).Median, 0.9, "x")
	b.atMost("backlog: p99 of a read meanwhile", spreadOf(each(rounds[startSweeper], readsP99)).Median, 20, "ms")
	b.atLeast(fmt.Sprintf("overdue: %d sweepers, of 1", manySweepers),
		backlogRatio(rounds[overdueSweepers], rounds[overdueSweeper]).Median, 1, "x")
}

func backlogRate(r backlogRound) float64 { return r.PerSecond }
func readsP50(r backlogRound) float64    { return r.Reads.P50 }
func readsP99(r backlogRound) float64    { return r.Reads.P99 }

func backlogRatio(rounds, base []backlogRound) spread {
	return spreadOf(ratios(each(rounds, backlogRate), each(base, backlogRate)))
}

// backlogCPU is the CPU time per row in milliseconds, the median over the rounds.
func backlogCPU(c backlogContestant, rounds []backlogRound, who ...string) string {
	return number(spreadOf(each(rounds, func(r backlogRound) (ms float64) {
		for _, w := range who {
			ms += 1000 * r.CPU[w] / float64(c.n)
		}
		return ms
	})).Median)
}

func each[T any](list []T, value func(T) float64) []float64 {
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = value(v)
	}
	return values
}
