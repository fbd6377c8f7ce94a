package main

import (
	"context"
	"errors"
	"time"

	"github.com/backstophq/backstop/client"
)

const (
	codecOff = "codec off"
	codecOn  = "codec on"
	// leastWithCodec is the share of the throughput that remains with encryption.
	leastWithCodec = 0.9

	benchKeyring = "bench:bG9jYWwgb25seTogbm90IGEgc2VjcmV0IGF0IGFsbC4="
)

// measureCodec compares whole sends with encrypted payloads and with plain ones, in turns. The program is started anew for each
// round, because the setting is read at its start.
func (b *bench) measureCodec(ctx context.Context) (err error) {
	policy, err := b.send.policy(ctx, "Codec", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	installation, err := b.store.installation(ctx)
	if err != nil {
		return err
	}
	all := b.contestants(policy, installation)
	c, rounds := all[len(all)-1], map[string][]round{}
	settings := map[string]map[string]string{
		codecOff: {"BACKSTOP_KEYRING": benchKeyring},
		codecOn:  {"BACKSTOP_KEYRING": benchKeyring, "BACKSTOP_TEMPORAL_ENCRYPT": "true"},
	}
	defer func() { err = errors.Join(err, b.restartBackstop(context.WithoutCancel(ctx), nil)) }()
	for n := range b.flags.rounds {
		for _, name := range []string{codecOff, codecOn} {
			if err := b.restartBackstop(ctx, settings[name]); err != nil {
				return err
			}
			if _, err := b.runRound(ctx, c, min(b.flags.round, 3*time.Second)); err != nil { // warm up
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
	b.raw["codec"] = rounds
	ratio := b.printPair("Codec", codecOff, codecOn, rounds,
		"codec on: BACKSTOP_TEMPORAL_ENCRYPT. Each round has a process of its own, warmed up.")
	b.atLeast("completed sends per second with encrypted payloads, of plain", ratio, leastWithCodec, "x")
	return nil
}
