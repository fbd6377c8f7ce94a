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
	// parkShare is how much of the throughput is counted on for parking, so that all sends wait before the first is due.
	parkShare = 0.4
	parkExtra = 10 * time.Second
	// parkInFlight keeps parking from loading the engine: a timer that a busy engine starts late rings as late, and that
	// is the latency of accepting, not of the timer.
	parkInFlight = 1
	// smsPatience is how late the last SMS may be; a lateness of minutes is a result, not a failure.
	smsPatience = 10 * time.Minute
)

// measureTimers lets the waits of many sends end within a minute, and looks how late each SMS reaches the provider.
func (b *bench) measureTimers(ctx context.Context) error {
	policy, err := b.send.policy(ctx, "Timers", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return err
	}
	capacity, err := b.capacity(ctx, policy)
	if err != nil {
		return err
	}
	n := b.flags.scaled(dueSends)
	const minute = time.Minute
	parking := time.Duration(float64(n)/(parkShare*capacity)*float64(time.Second)) + parkExtra
	first := time.Now().Add(parking)
	b.say("parking %d sends within %s, to be due within %s", n, parking.Round(time.Second), minute.Round(time.Second))
	sends, err := b.park(ctx, parkInFlight, n, func(int) order {
		due := first.Add(rand.N(minute)) //nolint:gosec // spread, not secret
		return order{to: recipient(scenarioSilent), policy: policy, wait: max(time.Until(due), time.Second).Truncate(time.Second)}
	})
	if err != nil {
		return err
	}
	late, err := b.lateness(ctx, sends, time.Now())
	if err != nil {
		return err
	}
	b.printTimers(n, minute, late)
	return nil
}

// lateness waits for the SMS of each send. Those that were due while others were still being parked do not count.
func (b *bench) lateness(ctx context.Context, sends []parkedSend, parkedAt time.Time) (late []time.Duration, err error) {
	b.say("waiting for %d SMS", len(sends))
	last := slices.MaxFunc(sends, func(a, b parkedSend) int { return a.deadline.Compare(b.deadline) })
	ctx, cancel := context.WithDeadlineCause(ctx, last.deadline.Add(smsPatience), errors.New("an SMS did not come"))
	defer cancel()
	for _, s := range sends {
		key := callKey{backstop.SMS, s.id}
		if err := b.tap.milestones.wait(ctx, key.milestone()); err != nil {
			return nil, err
		}
		at, _ := b.tap.called(key.channel, key.send)
		if s.deadline.Before(parkedAt) {
			continue
		}
		late = append(late, at.Sub(s.deadline))
	}
	for _, s := range sends {
		if err := b.send.await(ctx, s.id); err != nil {
			return nil, err
		}
	}
	return late, nil
}

func (b *bench) printTimers(n int, minute time.Duration, late []time.Duration) {
	q := quantilesOf(late)
	t := table{title: fmt.Sprintf("Timer lateness in ms: %d sends due within %s, SMS request at the provider minus deadline",
		n, minute.Round(time.Millisecond))}
	if early := n - len(late); early > 0 {
		t.notes = append(t.notes, fmt.Sprintf("%d more were due before all were parked, and are left out.", early))
	}
	t.row("n", "p50", "p99", "highest")
	t.row(strconv.Itoa(q.N), number(q.P50), number(q.P99), number(q.Max))
	b.raw["timers"] = q
	b.print(t)
	b.atMost("timer lateness p99", q.P99, 1000, "ms")
}
