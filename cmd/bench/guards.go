package main

import (
	"context"
	"errors"

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

// measureGuards compares whole sends with all guards on and with none. All sends go to one country and one prefix, so they share
// the rows that count.
func (b *bench) measureGuards(ctx context.Context) (err error) {
	settings := map[string]client.GuardsInput{guardsOff: {}, guardsOn: guardSettings()}
	defer func() { err = errors.Join(err, b.setGuards(context.WithoutCancel(ctx), client.GuardsInput{})) }()
	return b.comparePair(ctx, pair{
		title: "Guards", raw: "guards", off: guardsOff, on: guardsOn, least: leastWithGuards,
		note:   "guards on: three caps, the same text, and a watched country. All sends go to one country and one prefix.",
		target: "completed sends per second with guards, of without",
		run: func(ctx context.Context, c contestant, name string) (round, error) {
			if err := b.setGuards(ctx, settings[name]); err != nil {
				return round{}, err
			}
			return b.runRound(ctx, c, b.flags.round)
		},
	})
}

func (b *bench) setGuards(ctx context.Context, settings client.GuardsInput) error {
	done, err := b.send.api.ReplaceGuardsWithResponse(ctx, &client.ReplaceGuardsParams{IfMatch: "*"}, settings)
	if err != nil || done.JSON200 == nil {
		return client.CallError("replace guards", done, err)
	}
	return nil
}
