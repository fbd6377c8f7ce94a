package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/client"
)

const (
	dueSends = 10_000 // in a minute
	// parkRate is the expected rate of parking, as a share of the throughput. The time for parking is longer by parkExtra. So all
	// sends are parked before the first is due.
	parkRate  = 0.5
	parkExtra = 10 * time.Second
	// parkInFlight is 1 so that parking does not load Temporal. A busy Temporal sets a timer late, so the timer also fires late,
	// and that would be the latency of the acceptance.
	parkInFlight = 1
	// smsTimeout bounds the lateness of the last SMS. It is long because a lateness of minutes is a valid result.
	smsTimeout = 10 * time.Minute
)

// measureTimers parks many sends whose waits end within one minute, and measures how late each SMS reaches the provider. Then
// it does the same with as many hand-written workflows that have only a timer. Their lateness is Temporal's part.
func (b *bench) measureTimers(ctx context.Context) error {
	policy, err := b.send.policy(ctx, "Timers", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	capacity, err := b.measureCapacity(ctx, policy)
	if err != nil {
		return err
	}
	n := b.flags.scaled(dueSends)
	const minute = time.Minute
	parking := time.Duration(float64(n)/(parkRate*capacity)*float64(time.Second)) + b.flags.awaitReceipts + parkExtra
	first := time.Now().Add(parking)
	b.logProgress("parking %d sends within %s; then all are due within %s",
		n, parking.Round(time.Second), minute.Round(time.Second))
	sends, err := b.parkSends(ctx, parkInFlight, n, func(int) sendInput {
		due := first.Add(rand.N(minute)) //nolint:gosec // spread, not secret
		wait := max(time.Until(due), time.Second).Truncate(time.Second)
		return sendInput{to: nextRecipient(scenarioSilent), policy: policy, wait: wait}
	})
	if err != nil {
		return err
	}
	late, err := b.smsLateness(ctx, sends, time.Now())
	if err != nil {
		return err
	}
	if len(late) < n/2 {
		return fmt.Errorf("parking was too slow: only %d of %d sends were due after the last was parked", len(late), n)
	}
	plain, err := b.startPlainTimers(ctx, DueArgs{
		N: n, InFlight: parkInFlight, Within: minute, First: time.Now().Add(parking),
	})
	if err != nil {
		return err
	}
	b.printTimers(n, minute, late, plain)
	return nil
}

func (b *bench) startPlainTimers(ctx context.Context, args DueArgs) (late []time.Duration, err error) {
	b.logProgress("starting %d hand-written workflows that have only a timer", args.N)
	err = b.plain.call(ctx, "Due", args, &late)
	return late, err
}

// smsLateness waits for the SMS of each send and returns how late they were. Sends that were due before parkedAt do not count.
func (b *bench) smsLateness(ctx context.Context, sends []parkedSend, parkedAt time.Time) (late []time.Duration, err error) {
	b.logProgress("waiting for %d SMS", len(sends))
	last := slices.MaxFunc(sends, func(a, b parkedSend) int { return a.deadline.Compare(b.deadline) })
	ctx, cancel := context.WithDeadlineCause(ctx, last.deadline.Add(smsTimeout), errors.New("an SMS did not come"))
	defer cancel()
	for _, s := range sends {
		key := callKey{backstop.SMS, s.id}
		if err := b.calls.milestones.wait(ctx, key.milestone()); err != nil {
			return nil, err
		}
		at, _ := b.calls.firstCall(key.channel, key.send)
		if s.deadline.Before(parkedAt) {
			continue
		}
		late = append(late, at.Sub(s.deadline))
	}
	ids := make([]string, len(sends))
	for i, s := range sends {
		ids[i] = s.id
	}
	_, err = loopOver(ctx, len(ids), ids, b.send.awaitEnd) // all at once, because watchEnds polls
	return late, err
}

func (b *bench) printTimers(n int, minute time.Duration, late, plain []time.Duration) {
	t := table{title: fmt.Sprintf("Timer lateness in ms: %d due within %s", n, minute.Round(time.Millisecond)), notes: []string{
		"backstop: from the deadline to the SMS request at the provider. hand-written timer: from the deadline to a local",
		"activity, in a workflow with a timer alone. Timers that were due before the last one was set do not count.",
	}}
	ours, theirs := quantilesOf(late), quantilesOf(plain)
	t.row("", "n", "p50", "p99", "highest")
	row := func(name string, q quantiles) {
		t.row(name, strconv.Itoa(q.N), formatNumber(q.P50), formatNumber(q.P99), formatNumber(q.Max))
	}
	row("backstop", ours)
	row("hand-written timer", theirs)
	b.raw["timers"] = map[string]quantiles{"backstop": ours, "plain": theirs}
	b.printTable(t)
	b.atMost("timer lateness p99", ours.P99, 1000, "ms")
}
