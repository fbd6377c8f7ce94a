package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/backstophq/backstop/client"
)

// pair is a comparison of whole sends with something off and on.
type pair struct {
	title   string
	raw     string // its name in the raw results
	off, on string
	note    string

	target string  // what the ratio is
	least  float64 // the ratio that is wanted

	run func(ctx context.Context, c contestant, name string) (round, error)
}

// compareSettings compares whole sends by two settings of Backstop. Each round has its own warm process.
func (b *bench) compareSettings(ctx context.Context, p pair, off, on map[string]string) (err error) {
	settings := map[string]map[string]string{p.off: off, p.on: on}
	p.note += " Each round has its own warm process."
	p.run = func(ctx context.Context, c contestant, name string) (round, error) {
		return b.runRestarted(ctx, c, settings[name])
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		// The first restart makes the numbers plain again.
		err = errors.Join(err, b.restartBackstop(ctx, off), b.restartBackstop(ctx, nil))
	}()
	return b.comparePair(ctx, p)
}

// comparePair runs the rounds of a pair in turns, and prints them.
func (b *bench) comparePair(ctx context.Context, p pair) error {
	policy, err := b.send.policy(ctx, p.title, rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	installation, err := b.store.installation(ctx)
	if err != nil {
		return err
	}
	all := b.contestants(policy, installation)
	rounds := map[string][]round{}
	for n := range b.flags.rounds {
		for _, name := range inTurn(n, p.off, p.on) {
			r, err := p.run(ctx, all[len(all)-1], name)
			if err != nil {
				return err
			}
			b.logProgress("round %d of %d, %s: %.1f completed per second", n+1, b.flags.rounds, name, r.PerSecond)
			rounds[name] = append(rounds[name], r)
		}
	}
	b.raw[p.raw] = rounds
	b.atLeast(p.target, b.printPair(p.title, p.off, p.on, rounds, p.note), p.least, "x")
	return nil
}

// inTurn returns two names, in the other order in every second round: a machine that gets slower, or faster, favours neither.
func inTurn(n int, first, second string) []string {
	if n%2 == 1 {
		return []string{second, first}
	}
	return []string{first, second}
}

// printPair prints the rounds of whole sends with something off and on, and returns the ratio of their throughputs.
func (b *bench) printPair(title, off, on string, rounds map[string][]round, note string) float64 {
	t := table{
		title: fmt.Sprintf("%s: %d in flight, %d rounds of %s each, in turns; median (lowest-highest)",
			title, b.flags.inFlight, b.flags.rounds, b.flags.round),
		notes: []string{note, "CPU: of Backstop and its part of Postgres, per completed send."},
	}
	t.row("", "completed/s", "of "+off, "CPU ms/send")
	base := roundRates(rounds[off])
	for _, name := range []string{off, on} {
		mine := roundRates(rounds[name])
		var cpu []float64
		for _, r := range rounds[name] {
			const ms = 1000
			cpu = append(cpu, ms*(r.CPU[useBackstop]+r.CPU[usePostgresBackstop])/float64(r.Completed))
		}
		t.row(name, spreadOf(mine).String(), spreadOf(ratiosOf(mine, base)).String(), spreadOf(cpu).String())
	}
	b.printTable(t)
	return spreadOf(ratiosOf(roundRates(rounds[on]), base)).Median
}
