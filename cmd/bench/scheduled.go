package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

const (
	fewScheduledDatabase  = "backstop_bench_unscheduled"
	manyScheduledDatabase = "backstop_bench_scheduled"
	manyScheduled         = 100_000
	acceptedSends         = 2000 // of each kind in a round
	claimSamples          = 500  // of each claim in a round
	claimedAtOnce         = 16   // as a sweeper claims
	acceptInFlight        = 16
	// maxClaimSlowdown is the target for the time of a claim beside many scheduled sends, divided by the time without.
	maxClaimSlowdown = 1.5
)

// scheduledRound is the result of one round.
type scheduledRound struct {
	Usual     acceptCost             `json:"usual"`
	Scheduled acceptCost             `json:"scheduled"`
	Claims    map[string]claimQuants `json:"claims"`
}

// acceptCost is the cost of accepting one send.
type acceptCost struct {
	PerSecond float64            `json:"per_second"`
	CPU       map[string]float64 `json:"cpu_ms"` // per send
	Bytes     float64            `json:"bytes"`  // of Backstop's tables and indexes, per send
}

// claimQuants are the times of the claims that find nothing, without scheduled sends and beside many.
type claimQuants struct{ Few, Many quantiles }

// measureScheduled measures what scheduled sends cost: to accept one, and the claims of the sweeper while many wait. It has two
// databases, one with many scheduled sends, which are months ahead. No worker polls the tasks of the usual sends, so their cost
// ends with the start of their workflows.
func (b *bench) measureScheduled(ctx context.Context) (err error) {
	few, err := b.openBacklog(ctx, fewScheduledDatabase)
	if err != nil {
		return err
	}
	defer func() { err = few.close(err) }()
	many, err := b.openBacklog(ctx, manyScheduledDatabase)
	if err != nil {
		return err
	}
	defer func() { err = many.close(err) }()
	n := b.flags.scaled(manyScheduled)
	b.logProgress("storing %d scheduled sends", n)
	if err := many.fillScheduled(ctx, n); err != nil {
		return err
	}
	var rounds []scheduledRound
	for i := range b.flags.rounds {
		r, err := b.scheduledRound(ctx, few, many, i%2 == 1)
		if err != nil {
			return err
		}
		b.logProgress("round %d of %d: %.0f usual and %.0f scheduled sends accepted per second", i+1, b.flags.rounds,
			r.Usual.PerSecond, r.Scheduled.PerSecond)
		rounds = append(rounds, r)
	}
	b.raw["scheduled"] = rounds
	b.printScheduled(n, rounds)
	return nil
}

// scheduledRound accepts sends of both kinds in turns, in the database with many scheduled sends, and times the claims.
func (b *bench) scheduledRound(ctx context.Context, few, many *backlog, isReversed bool) (r scheduledRound, err error) {
	accept := []func() error{
		func() (err error) { r.Usual, err = b.acceptSends(ctx, many, nil); return err },
		func() (err error) {
			r.Scheduled, err = b.acceptSends(ctx, many, new(time.Now().AddDate(0, 0, daysAhead)))
			return err
		},
	}
	if isReversed {
		accept[0], accept[1] = accept[1], accept[0]
	}
	for _, do := range accept {
		if err := do(); err != nil {
			return r, err
		}
	}
	r.Claims = map[string]claimQuants{}
	for name, claim := range claims() {
		var q claimQuants
		if q.Few, err = b.timeClaims(ctx, few, claim); err != nil {
			return r, err
		}
		if q.Many, err = b.timeClaims(ctx, many, claim); err != nil {
			return r, err
		}
		r.Claims[name] = q
	}
	return r, nil
}

// acceptSends accepts sends as the API does. The time includes their hand-over.
func (b *bench) acceptSends(ctx context.Context, l *backlog, at *time.Time) (acceptCost, error) {
	h, err := handoff.New(handoff.Options{
		Store: l.db, Engine: l.temporal, Installation: l.install, Settings: backlogSettings(), Log: l.log,
	})
	if err != nil {
		return acceptCost{}, fmt.Errorf("make handoff: %w", err)
	}
	n := b.flags.scaled(acceptedSends)
	bytesBefore, err := l.store.sizeOfTables(ctx)
	if err != nil {
		return acceptCost{}, err
	}
	before, err := b.meter.read(ctx)
	if err != nil {
		return acceptCost{}, err
	}
	began := time.Now()
	_, err = loopTimes(ctx, acceptInFlight, n, func(ctx context.Context) (string, error) {
		send, _, err := h.Accept(ctx, backstop.Send{
			To: nextRecipient(scenarioSilent), Country: "GB", Text: whatsAppText, SMSText: whatsAppText, Plan: backlogPlan(),
			SendAt: at,
		}, nil)
		if err != nil {
			return "", fmt.Errorf("accept send: %w", err)
		}
		return send.ID, nil
	})
	h.Close()
	took := time.Since(began)
	if err != nil {
		return acceptCost{}, err
	}
	after, err := b.meter.read(ctx)
	if err != nil {
		return acceptCost{}, err
	}
	bytesAfter, err := l.store.sizeOfTables(ctx)
	cost := acceptCost{
		PerSecond: float64(n) / took.Seconds(), CPU: after.since(before), Bytes: (bytesAfter - bytesBefore) / float64(n),
	}
	for user, seconds := range cost.CPU {
		cost.CPU[user] = 1000 * seconds / float64(n)
	}
	return cost, err
}

const (
	claimOfUsual     = "of sends that were not handed over"
	claimOfScheduled = "of scheduled sends"
)

type claim func(ctx context.Context, l *backlog) (int, error)

// claims are the two queries that a sweeper runs each second.
func claims() map[string]claim {
	const lease = 30 * time.Second
	return map[string]claim{
		claimOfUsual: func(ctx context.Context, l *backlog) (int, error) {
			rows, err := l.db.ClaimSends(ctx, l.db.Now(), lease, claimedAtOnce)
			return len(rows), err
		},
		claimOfScheduled: func(ctx context.Context, l *backlog) (int, error) {
			rows, err := l.db.ClaimScheduled(ctx, l.db.Now(), lease, claimedAtOnce, handoff.DefaultScheduledPerSecond)
			return len(rows), err
		},
	}
}

// timeClaims times claims that find nothing: all sends are handed over, or months ahead.
func (b *bench) timeClaims(ctx context.Context, l *backlog, claim claim) (quantiles, error) {
	if err := l.markAll(ctx); err != nil {
		return quantiles{}, err
	}
	took := make([]time.Duration, b.flags.scaled(claimSamples))
	for i := range took {
		began := time.Now()
		found, err := claim(ctx, l)
		took[i] = time.Since(began)
		if err != nil {
			return quantiles{}, fmt.Errorf("claim: %w", err)
		}
		if found > 0 {
			return quantiles{}, errors.New("a claim found sends that are not due")
		}
	}
	return quantilesOf(took), nil
}

func (b *bench) printScheduled(n int, rounds []scheduledRound) {
	usual := valuesOf(rounds, func(r scheduledRound) float64 { return r.Usual.PerSecond })
	scheduled := valuesOf(rounds, func(r scheduledRound) float64 { return r.Scheduled.PerSecond })
	t := table{
		title: fmt.Sprintf("Scheduled sends: %d of them wait, %d rounds in turns; median (lowest-highest)", n, b.flags.rounds),
		notes: []string{
			"Accepted by the process of the bench, 16 at once. A usual send costs the start of its workflow, too.",
			"CPU in ms per send: the process of the bench, Backstop's Postgres, Temporal with its Postgres.",
		},
	}
	t.row("accept", "per second", "of usual", "CPU", "Postgres", "Temporal", "bytes of rows")
	costs := func(name string, of func(scheduledRound) acceptCost, rates []float64) {
		cpu := func(users ...string) string {
			return formatNumber(spreadOf(valuesOf(rounds, func(r scheduledRound) (ms float64) {
				for _, user := range users {
					ms += of(r).CPU[user]
				}
				return ms
			})).Median)
		}
		bytes := spreadOf(valuesOf(rounds, func(r scheduledRound) float64 { return of(r).Bytes })).Median
		t.row(name, spreadOf(rates).String(), spreadOf(ratiosOf(rates, usual)).String(), cpu(useBench),
			cpu(usePostgresBackstop), cpu(useTemporal, usePostgresTemporal), formatNumber(bytes))
	}
	costs("usual", func(r scheduledRound) acceptCost { return r.Usual }, usual)
	costs("with send_at", func(r scheduledRound) acceptCost { return r.Scheduled }, scheduled)
	b.printTable(t)

	t = table{title: "Claims of the sweeper that find nothing, each once a second in each process"}
	t.row("claim", "p50 ms without scheduled sends", "p50 ms beside them", "ratio")
	for _, name := range []string{claimOfUsual, claimOfScheduled} {
		few := valuesOf(rounds, func(r scheduledRound) float64 { return r.Claims[name].Few.P50 })
		many := valuesOf(rounds, func(r scheduledRound) float64 { return r.Claims[name].Many.P50 })
		ratio := spreadOf(ratiosOf(many, few))
		t.row(name, spreadOf(few).String(), spreadOf(many).String(), ratio.String())
		b.atMost("scheduled: claim "+name+" beside many, of without", ratio.Median, maxClaimSlowdown, "x")
	}
	b.printTable(t)
	b.atLeast("scheduled: sends accepted per second, of usual", spreadOf(ratiosOf(scheduled, usual)).Median, 1, "x")
}
