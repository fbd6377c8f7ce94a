package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop/workflows"
)

// pauseSchedule makes the schedule of the retention before a Backstop does, and pauses it. The bench starts the runs itself.
func (r *retained) pauseSchedule(ctx context.Context) error {
	_, err := r.temporal.ScheduleClient().Create(ctx, temporal.ScheduleOptions{
		ID: workflows.RetentionID(r.install), Paused: true,
		Action: &temporal.ScheduleWorkflowAction{
			ID: workflows.RetentionID(r.install), Workflow: workflows.RemoveOld, TaskQueue: workflows.QueueOf(r.install),
		},
	})
	if err != nil && !errors.Is(err, sdktemporal.ErrScheduleAlreadyRunning) { // of an earlier run of the bench
		return fmt.Errorf("make schedule: %w", err)
	}
	return nil
}

// startRun starts a run of the retention.
func (r *retained) startRun(ctx context.Context) (err error) {
	r.run, err = r.temporal.ExecuteWorkflow(ctx, temporal.StartWorkflowOptions{
		ID: workflows.RetentionID(r.install) + "/bench", TaskQueue: workflows.QueueOf(r.install),
	}, workflows.RemoveOld)
	if err != nil {
		return fmt.Errorf("start retention: %w", err)
	}
	return nil
}

// endRun ends the run, so that its process does not have to.
func (r *retained) endRun(ctx context.Context) error {
	if r.run == nil {
		return nil
	}
	err := r.temporal.TerminateWorkflow(ctx, r.run.GetID(), "", "the next round")
	r.run = nil
	var ended *serviceerror.NotFound
	if err != nil && !errors.As(err, &ended) {
		return fmt.Errorf("end retention: %w", err)
	}
	return nil
}

// countDays lets the retention count all days of a new database, and times the overview before and after that.
func (b *bench) countDays(ctx context.Context, r *retained) (c countingOfDays, err error) {
	const few, samples = 3, 20 // before the days are counted a request takes seconds
	days, sends, err := r.store.uncounted(ctx)
	if err != nil {
		return c, err
	}
	if days > 0 {
		if c.Before, err = r.timeOverview(ctx, few); err != nil {
			b.logProgress("the overview before the days are counted: %v", err)
		}
	}
	b.logProgress("counting %d days with %d sends", days, sends)
	began := time.Now()
	if err := r.startRun(ctx); err != nil {
		return c, err
	}
	if err := r.run.Get(ctx, nil); err != nil {
		return c, fmt.Errorf("count days: %w", err)
	}
	c.Days, c.PerSecond = days, float64(sends)/time.Since(began).Seconds()
	c.After, err = r.timeOverview(ctx, samples)
	return c, err
}

func (r *retained) timeOverview(ctx context.Context, samples int) (quantiles, error) {
	var took []time.Duration
	for range samples {
		began := time.Now()
		if err := r.overview(ctx); err != nil {
			return quantiles{}, err
		}
		took = append(took, time.Since(began))
	}
	return quantilesOf(took), nil
}

// removalRound measures one round. Before it, the days that a removal has changed are counted anew.
func (b *bench) removalRound(ctx context.Context, r *retained, what, variable string) (round removalRound, err error) {
	if err := r.restart(ctx, variable); err != nil {
		return round, err
	}
	if err := r.startRun(ctx); err != nil {
		return round, err
	}
	if variable == "" {
		if err := r.run.Get(ctx, nil); err != nil {
			return round, fmt.Errorf("count days: %w", err)
		}
	} else if err := r.awaitRemoval(ctx, what); err != nil {
		return round, err
	}
	before, err := r.store.removed(ctx, what)
	if err != nil {
		return round, err
	}
	began := time.Now()
	kinds := []rated{{r.accept, acceptRate}, {r.list, listRate}, {r.overview, overviewRate}}
	results := []*quantiles{&round.Accept, &round.List, &round.Overview}
	for i, times := range atRates(ctx, b.flags.round, kinds) {
		err = errors.Join(err, times.err)
		*results[i] = quantilesOf(times.took)
	}
	took := time.Since(began)
	after, removedErr := r.store.removed(ctx, what)
	round.Removed = float64(after-before) / took.Seconds()
	return round, errors.Join(err, removedErr)
}

// awaitRemoval waits until the first batch is removed.
func (r *retained) awaitRemoval(ctx context.Context, what string) error {
	first, err := r.store.removed(ctx, what)
	for began := time.Now(); err == nil && time.Since(began) < retentionPatience; {
		if err := pauseFor(ctx, pollPeriod); err != nil {
			return err
		}
		var now int64
		if now, err = r.store.removed(ctx, what); now > first {
			return nil
		}
	}
	return errors.Join(err, errors.New("nothing is removed: "+what))
}

// rated is a request that is made at a constant rate.
type rated struct {
	request   func(context.Context) error
	perSecond float64
}

type ratedTimes struct {
	took []time.Duration
	err  error
}

// atRates makes requests of several kinds for a time. It does not wait for slow ones.
func atRates(ctx context.Context, during time.Duration, kinds []rated) []ratedTimes {
	all := make([]ratedTimes, len(kinds))
	var group sync.WaitGroup
	for i, k := range kinds {
		group.Go(func() { all[i].took, all[i].err = atRate(ctx, during, k) })
	}
	group.Wait()
	return all
}

func atRate(ctx context.Context, during time.Duration, k rated) ([]time.Duration, error) {
	took := make([]time.Duration, max(1, int(k.perSecond*during.Seconds())))
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for i := range took {
		due := began.Add(time.Duration(float64(i) / k.perSecond * float64(time.Second)))
		if err := pauseFor(ctx, time.Until(due)); err != nil {
			break // the group returns the cause
		}
		group.Go(func() error {
			began := time.Now()
			err := k.request(ctx)
			took[i] = time.Since(began)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("at %.1f a second: %w", k.perSecond, err)
	}
	return took, nil
}

func (b *bench) printRetention(rows int, c countingOfDays, rounds map[string][]removalRound) {
	t := table{
		title: fmt.Sprintf("Retention: %d sends, the older half is removed; %d rounds of %s each, in turns; "+
			"median (lowest-highest)", rows, b.flags.rounds, b.flags.round),
		notes: []string{
			fmt.Sprintf("Times in ms, at %.0f accepted sends, %.0f lists and %.1f overviews a second.",
				acceptRate, listRate, overviewRate),
			fmt.Sprintf("Days counted: %d, %.0f sends a second. The overview of 90 days before and after, p50 in ms: %s, %s.",
				c.Days, c.PerSecond, formatNumber(c.Before.P50), formatNumber(c.After.P50)),
		},
	}
	t.row("removed", "sends/s", "accept p99", "of nothing", "list p99", "of nothing", "overview p50")
	accept := func(r removalRound) float64 { return r.Accept.P99 }
	list := func(r removalRound) float64 { return r.List.P99 }
	worst := 0.0
	for _, c := range removals() {
		mine, base := rounds[c.what], rounds[removeNothing]
		accepts := spreadOf(ratiosOf(eachOf(mine, accept), eachOf(base, accept)))
		lists := spreadOf(ratiosOf(eachOf(mine, list), eachOf(base, list)))
		worst = max(worst, accepts.Median, lists.Median)
		t.row(c.what, spreadOf(eachOf(mine, func(r removalRound) float64 { return r.Removed })).String(),
			spreadOf(eachOf(mine, accept)).String(), accepts.String(), spreadOf(eachOf(mine, list)).String(), lists.String(),
			spreadOf(eachOf(mine, func(r removalRound) float64 { return r.Overview.P50 })).String())
	}
	b.printTable(t)
	b.atMost("worst p99 of accepting or listing while old sends are removed, of without, "+strconv.Itoa(rows)+" sends", worst,
		maxRemovalSlowdown, "x")
}

func eachOf[T any](list []T, value func(T) float64) []float64 {
	all := make([]float64, len(list))
	for i, one := range list {
		all[i] = value(one)
	}
	return all
}
