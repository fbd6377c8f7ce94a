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
	loadShare      = 0.7 // of the throughput
	// loadRounds is the length of the load, in rounds. A p99 needs some hundreds of sends.
	loadRounds = 3
)

// latencies are the measured times of one operation.
type latencies struct {
	name string
	took []time.Duration
}

// measureLatency first measures single operations, one after the other in turns. Then it measures sends under load.
func (b *bench) measureLatency(ctx context.Context) error {
	policy, err := b.send.policy(ctx, "Latency", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	capacity, err := b.measureCapacity(ctx, policy)
	if err != nil {
		return err
	}
	unloaded, err := b.timeUnloaded(ctx, policy)
	if err != nil {
		return err
	}
	loaded, err := b.timeLoaded(ctx, policy, loadShare*capacity)
	if err != nil {
		return err
	}
	b.printLatency(append(unloaded, loaded...))
	return nil
}

// measureCapacity returns Backstop's throughput in completed sends per second. It measures one round if no part has measured
// the throughput yet.
func (b *bench) measureCapacity(ctx context.Context, policy string) (float64, error) {
	if b.throughput > 0 {
		return b.throughput, nil
	}
	b.logProgress("measuring the throughput for one round")
	t, err := loopFor(ctx, b.flags.inFlight, b.flags.round, func(ctx context.Context) (string, error) {
		return b.send.sendToEnd(ctx, sendInput{to: nextReadRecipient(), policy: policy})
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

// timeUnloaded measures one operation after the other. Each workflow is closed before the next starts.
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
		s, err := b.timeSend(ctx, sendInput{to: nextReadRecipient(), policy: policy})
		if err != nil {
			return nil, err
		}
		all[2].took = append(all[2].took, s.post)
		all[3].took = append(all[3].took, s.provider)
	}
	return all, nil
}

// timed are the times of one send.
type timed struct {
	post     time.Duration // from the request to its answer
	provider time.Duration // from the acceptance to the call of the provider
}

// timeSend starts a send, waits for its end, and returns its times.
func (b *bench) timeSend(ctx context.Context, o sendInput) (timed, error) {
	began := time.Now()
	accepted, err := b.send.post(ctx, o)
	if err != nil {
		return timed{}, err
	}
	t := timed{post: time.Since(began)}
	if err := b.send.awaitEnd(ctx, accepted.ID); err != nil {
		return timed{}, err
	}
	at, called := b.calls.firstCall(backstop.WhatsApp, accepted.ID)
	if !called {
		return timed{}, fmt.Errorf("send %s ended and no provider was called", accepted.ID)
	}
	t.provider = at.Sub(accepted.AcceptedAt)
	return t, nil
}

// timeLoaded starts sends at a constant rate. It does not wait for earlier sends: a client that waits sends fewer requests to a
// slow server, and so measures too short a latency.
func (b *bench) timeLoaded(ctx context.Context, policy string, rate float64) ([]latencies, error) {
	n := max(1, int(rate*b.flags.round.Seconds()*loadRounds))
	b.logProgress("starting %d sends, %.1f per second", n, rate)
	sends := make([]timed, n)
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for i := range sends {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if err := pauseFor(ctx, time.Until(due)); err != nil {
			break // the group returns the cause
		}
		group.Go(func() (err error) {
			sends[i], err = b.timeSend(ctx, sendInput{to: nextReadRecipient(), policy: policy})
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
			"Without load, one after the other in turns; then at " + strconv.Itoa(int(100*loadShare)) + " % of the throughput.",
			"The baseline is the plain ExecuteWorkflow. The answer to an eager start contains the first workflow task.",
		},
	}
	t.row("", "n", "p50", "p99", "highest")
	for _, l := range all {
		q := quantilesOf(l.took)
		raw[l.name] = q
		t.row(l.name, strconv.Itoa(q.N), formatNumber(q.P50), formatNumber(q.P99), formatNumber(q.Max))
	}
	b.raw["latency"] = raw
	b.printTable(t)
	b.atMost("POST /v1/sends p50, of a bare start", raw[postName].P50/raw[startBare].P50, 1.3, "x")
}
