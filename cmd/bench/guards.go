package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/backstophq/backstop/client"
)

const (
	guardsOff = "guards off"
	guardsOn  = "guards on"
	// leastWithGuards is the share of the throughput that remains with all guards on.
	leastWithGuards = 0.9
)

// guardSettings turn all guards on. The caps are far above what a round sends, so each send is counted and none is refused. No
// recipient gets a second send within a second.
func guardSettings() client.GuardsInput {
	most, digits, one := 10_000_000, 6, 1
	watch := []string{"GB"}
	return client.GuardsInput{
		RecipientCap: &most, PrefixCap: &most, PrefixDigits: &digits, CountryCap: &most, SameTextSeconds: &one, Watch: &watch,
	}
}

// measureGuards compares whole sends with all guards on and with none, in turns. All sends go to one country and one prefix, so
// they share the rows that count.
func (b *bench) measureGuards(ctx context.Context) (err error) {
	policy, err := b.send.policy(ctx, "Guards", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	installation, err := b.store.installation(ctx)
	if err != nil {
		return err
	}
	all := b.contestants(policy, installation)
	c, rounds := all[len(all)-1], map[string][]round{}
	settings := map[string]client.GuardsInput{guardsOff: {}, guardsOn: guardSettings()}
	defer func() { err = errors.Join(err, b.setGuards(context.WithoutCancel(ctx), client.GuardsInput{})) }()
	for n := range b.flags.rounds {
		for _, name := range []string{guardsOff, guardsOn} {
			if err := b.setGuards(ctx, settings[name]); err != nil {
				return err
			}
			r, err := b.runRound(ctx, c, b.flags.round)
			if err != nil {
				return err
			}
			b.logProgress("round %d of %d, %s: %.1f completed per second", n+1, b.flags.rounds, name, r.PerSecond)
			rounds[name] = append(rounds[name], r)
		}
	}
	b.raw["guards"] = rounds
	b.printGuards(rounds)
	return nil
}

func (b *bench) setGuards(ctx context.Context, settings client.GuardsInput) error {
	done, err := b.send.api.ReplaceGuardsWithResponse(ctx, &client.ReplaceGuardsParams{IfMatch: "*"}, settings)
	if err != nil || done.JSON200 == nil {
		return client.CallError("replace guards", done, err)
	}
	return nil
}

func (b *bench) printGuards(rounds map[string][]round) {
	ratio := b.printPair("Guards", guardsOff, guardsOn, rounds,
		"guards on: three caps, the same text, and a watched country. All sends go to one country and one prefix.")
	b.atLeast("completed sends per second with guards, of without", ratio, leastWithGuards, "x")
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
