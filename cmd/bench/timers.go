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
	// parkRate is how many sends are parked in the time of a whole one among many, and parkExtra is added, so that all wait
	// before the first is due.
	parkRate  = 0.5
	parkExtra = 10 * time.Second
	// parkInFlight keeps parking from loading the engine: a timer that a busy engine starts late rings as late, and that
	// is the latency of accepting, not of the timer.
	parkInFlight = 1
	// smsTimeout is how late the last SMS may be; a lateness of minutes is a result, not a failure.
	smsTimeout = 10 * time.Minute
)

// measureTimers lets the waits of many sends end within a minute, and looks how late each SMS reaches the provider. Then it
// does the same with as many hand-written workflows that have a timer and nothing else: that is the engine's part of it.
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
	b.logProgress("parking %d sends within %s, to be due within %s", n, parking.Round(time.Second), minute.Round(time.Second))
	sends, err := b.parkSends(ctx, parkInFlight, n, func(int) sendInput {
		due := first.Add(rand.N(minute)) //nolint:gosec // spread, not secret
		return sendInput{to: nextRecipient(scenarioSilent), policy: policy, wait: max(time.Until(due), time.Second).Truncate(time.Second)}
	})
	if err != nil {
		return err
	}
	late, err := b.smsLateness(ctx, sends, time.Now())
	if err != nil {
		return err
	}
	if len(late) < n/2 {
		return fmt.Errorf("only %d of %d sends were due after all had been parked", len(late), n)
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
	b.logProgress("starting %d workflows that have a timer and nothing else", args.N)
	err = b.plain.call(ctx, "Due", args, &late)
	return late, err
}

// smsLateness waits for the SMS of each send. Those that were due while others were still being parked do not count.
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
	_, err = loopOver(ctx, len(ids), ids, b.send.awaitEnd) // all at once: each waits for a look at the rows
	return late, err
}

func (b *bench) printTimers(n int, minute time.Duration, late, plain []time.Duration) {
	t := table{title: fmt.Sprintf("Timer lateness in ms: %d due within %s", n, minute.Round(time.Millisecond)), notes: []string{
		"Backstop: from the deadline to the SMS request at the provider. Plain: to a local activity that does nothing, in a",
		"hand-written workflow that has a timer and nothing else. What was due before all had been parked is left out.",
	}}
	ours, theirs := quantilesOf(late), quantilesOf(plain)
	t.row("", "n", "p50", "p99", "highest")
	row := func(name string, q quantiles) {
		t.row(name, strconv.Itoa(q.N), formatNumber(q.P50), formatNumber(q.P99), formatNumber(q.Max))
	}
	row("backstop", ours)
	row("plain", theirs)
	b.raw["timers"] = map[string]quantiles{"backstop": ours, "plain": theirs}
	b.printTable(t)
	b.atMost("timer lateness p99", ours.P99, 1000, "ms")
}
