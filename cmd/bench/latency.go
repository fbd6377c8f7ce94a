package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/client"
)

const (
	latencySamples = 300
	load           = 0.7 // of the throughput
	// loadRounds is how long the load lasts, in rounds: a p99 wants some hundreds of sends.
	loadRounds = 3
)

// latencies are the results of measureLatency, by what was timed.
type latencies struct {
	name string
	took []time.Duration
}

// measureLatency times single operations on a machine that does nothing else, in turns, and then sends under load.
func (b *bench) measureLatency(ctx context.Context) error {
	policy, err := b.send.policy(ctx, "Latency", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	capacity, err := b.capacity(ctx, policy)
	if err != nil {
		return err
	}
	unloaded, err := b.timeUnloaded(ctx, policy)
	if err != nil {
		return err
	}
	loaded, err := b.timeLoaded(ctx, policy, load*capacity)
	if err != nil {
		return err
	}
	b.printLatency(append(unloaded, loaded...))
	return nil
}

// capacity is Backstop's throughput in completed sends per second, measured shortly unless it is known.
func (b *bench) capacity(ctx context.Context, policy string) (float64, error) {
	if b.throughput > 0 {
		return b.throughput, nil
	}
	b.say("measuring the throughput shortly")
	t, err := loopFor(ctx, b.flags.inFlight, b.flags.round, func(ctx context.Context) (string, error) {
		return b.send.drive(ctx, order{to: recipientRead(), policy: policy})
	})
	if err == nil && t.Within == 0 {
		err = errors.New("no send was completed within a round")
	}
	b.throughput = t.perSecond(b.flags.round)
	return b.throughput, err
}

const (
	startBare    = "start, plain ExecuteWorkflow"
	startEager   = "start, eager"
	postName     = "POST /v1/sends"
	providerName = "accepted to provider called"
)

// timeUnloaded times one operation after the other; each workflow is closed before the next one is started.
func (b *bench) timeUnloaded(ctx context.Context, policy string) ([]latencies, error) {
	all := []latencies{{name: startBare}, {name: startEager}, {name: postName}, {name: providerName}}
	for range b.flags.scaled(latencySamples) {
		for i, k := range []kind{bare, tuned} {
			var started StartReply
			if err := b.plain.call(ctx, "Start", string(k), &started); err != nil {
				return nil, err
			}
			all[i].took = append(all[i].took, started.Took)
		}
		s, err := b.timeSend(ctx, order{to: recipientRead(), policy: policy})
		if err != nil {
			return nil, err
		}
		all[2].took = append(all[2].took, s.post)
		all[3].took = append(all[3].took, s.provider)
	}
	return all, nil
}

// timed is one send.
type timed struct {
	post     time.Duration // until it was answered
	provider time.Duration // from the moment when it was accepted until the provider was called
}

// timeSend drives a send to its end.
func (b *bench) timeSend(ctx context.Context, o order) (timed, error) {
	began := time.Now()
	accepted, err := b.send.post(ctx, o)
	if err != nil {
		return timed{}, err
	}
	t := timed{post: time.Since(began)}
	if err := b.send.await(ctx, accepted.ID); err != nil {
		return timed{}, err
	}
	at, called := b.tap.called(backstop.WhatsApp, accepted.ID)
	if !called {
		return timed{}, fmt.Errorf("send %s ended and no provider was called", accepted.ID)
	}
	t.provider = at.Sub(accepted.AcceptedAt)
	return t, nil
}

// timeLoaded starts sends at a steady rate, whether or not the ones before have ended: who waits for a slow server
// before the next request hides how slow it is.
func (b *bench) timeLoaded(ctx context.Context, policy string, rate float64) ([]latencies, error) {
	n := max(1, int(rate*b.flags.round.Seconds()*loadRounds))
	b.say("starting %d sends, %.1f per second", n, rate)
	sends := make([]timed, n)
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for i := range sends {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if err := pause(ctx, time.Until(due)); err != nil {
			break // the group knows why
		}
		group.Go(func() (err error) {
			sends[i], err = b.timeSend(ctx, order{to: recipientRead(), policy: policy})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("send under load: %w", err)
	}
	suffix := fmt.Sprintf(", at %.1f per second", rate)
	all := []latencies{{name: postName + suffix}, {name: providerName + suffix}}
	for _, s := range sends {
		all[0].took = append(all[0].took, s.post)
		all[1].took = append(all[1].took, s.provider)
	}
	return all, nil
}

func (b *bench) printLatency(all []latencies) {
	raw, t := map[string]quantiles{}, table{
		title: "Latency in ms",
		notes: []string{
			"Unloaded, one after the other in turns; then at " + strconv.Itoa(int(100*load)) + " % of the throughput.",
			"The baseline is the plain ExecuteWorkflow; with eager start the answer carries the first task as well.",
		},
	}
	t.row("", "n", "p50", "p99", "highest")
	for _, l := range all {
		q := quantilesOf(l.took)
		raw[l.name] = q
		t.row(l.name, strconv.Itoa(q.N), number(q.P50), number(q.P99), number(q.Max))
	}
	b.raw["latency"] = raw
	b.print(t)
	b.atMost("POST /v1/sends p50, of a bare start", raw[postName].P50/raw[startBare].P50, 1.3, "x")
}
