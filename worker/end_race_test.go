package worker_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

const (
	racesWon  = 100 // by each side, at least
	raceLanes = 16  // sends at the same time
	raceWait  = time.Second
	raceStep  = 4 * time.Millisecond
	raceMost  = 3 * time.Minute // of a busy machine; a quiet one takes some seconds
)

// A caller cancels or confirms a send at the moment at which the timer of its rule fires. Exactly one of the two wins: either
// the send ends and no SMS goes out, or one SMS goes out, a cancellation is refused, and a confirmation prevents the next one.
func TestWorker_endRace(t *testing.T) {
	t.Parallel()
	for _, outcome := range []backstop.Outcome{backstop.OutcomeCancelled, backstop.OutcomeConfirmed} {
		t.Run(string(outcome), func(t *testing.T) {
			t.Parallel()
			race := &endRace{rig: newRig(t), outcome: outcome}
			race.provider.during = func(context.Context) error { time.Sleep(5 * time.Millisecond); return nil } // of the network
			race.work(limits)
			ctx, cancel := context.WithTimeout(t.Context(), raceMost)
			defer cancel()
			var lanes sync.WaitGroup
			for range raceLanes {
				lanes.Go(func() { race.run(ctx) })
			}
			lanes.Wait()
			t.Logf("%s first %d, SMS first %d, of them in flight %d", outcome, race.byCaller, race.bySMS, race.inFlight)
			require.GreaterOrEqual(t, race.byCaller, racesWon)
			require.GreaterOrEqual(t, race.bySMS, racesWon)
		})
	}
}

type endRace struct {
	*rig

	outcome backstop.Outcome // that the caller wants

	mu              sync.Mutex
	byCaller, bySMS int
	inFlight        int // the SMS call was under way when the caller came
}

// run repeats the race until both sides have won often enough. After each race the caller comes a little later or earlier, so
// that it comes at the moment at which the timer fires; the step doubles as long as one side wins, because a busy machine is late.
func (e *endRace) run(ctx context.Context) {
	delay, step, wasFirst := raceWait, raceStep, true
	for ctx.Err() == nil && !e.isDone() && !e.t.Failed() {
		isFirst := e.once(ctx, delay)
		if step = min(2*step, raceWait/8); isFirst != wasFirst {
			step = raceStep
		}
		if wasFirst = isFirst; isFirst {
			delay += step
		} else {
			delay -= step
		}
	}
}

func (e *endRace) isDone() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return min(e.byCaller, e.bySMS) >= racesWon
}

// once accepts a send, ends it after a delay, and reports whether the caller came before the SMS.
func (e *endRace) once(ctx context.Context, delay time.Duration) (isFirst bool) {
	send, _, err := e.handoff.Accept(ctx, planned(number, backstop.Undelivered, raceWait, sender), nil)
	if !e.succeeds(err) {
		return false
	}
	time.Sleep(delay - e.db.Now().Sub(send.AcceptedAt))
	isRefused := false
	if e.outcome == backstop.OutcomeConfirmed {
		err = e.handoff.Confirm(ctx, send.ID)
	} else if err = e.handoff.Cancel(ctx, send.ID); backstop.CodeOf(err) == backstop.Conflict {
		isRefused, err = true, nil
	}
	if !e.succeeds(err) {
		return false
	}
	var result workflows.SendResult
	err = e.client.GetWorkflow(ctx, workflows.ID(send.ID), "").Get(ctx, &result)
	// A send that ended before a busy machine had started its workflow gets none.
	if notFound := (*serviceerror.NotFound)(nil); !errors.As(err, &notFound) && !e.succeeds(err) {
		return false
	}
	isFirst = e.check(ctx, send.ID, isRefused)
	e.mu.Lock()
	defer e.mu.Unlock()
	if isFirst {
		e.byCaller++
	} else {
		e.bySMS++
	}
	return isFirst
}

// succeeds reports whether a step of a race has succeeded. A failed one fails the test.
func (e *endRace) succeeds(err error) bool {
	if err != nil {
		e.t.Errorf("race: %v", err)
	}
	return err == nil
}

// check requires that one side has won, and reports whether it was the caller.
func (e *endRace) check(ctx context.Context, id string, isRefused bool) (isFirst bool) {
	attempts, events, err := e.db.Timeline(ctx, id)
	send, errSend := e.db.Send(ctx, id)
	if !e.succeeds(err) || !e.succeeds(errSend) {
		return false
	}
	called := e.provider.messagesOf(id, smsStep)
	sms := slices.IndexFunc(attempts, func(a backstop.Attempt) bool { return a.Channel == backstop.SMS })
	fired := slices.ContainsFunc(events, func(ev backstop.Event) bool { return ev.Kind == backstop.EventFired })
	if sms < 0 {
		e.holds(called == 0 && !fired, "an SMS that goes out has an attempt")
		e.holds(!isRefused && send.Outcome == e.outcome && send.FinishedAt != nil, "without an SMS the caller has won")
		return true
	}
	e.holds(called == 1 && fired, "one SMS goes out")
	if e.outcome == backstop.OutcomeCancelled {
		e.holds(isRefused && send.FinishedAt == nil, "a send whose SMS is out is not cancelled")
	} else {
		e.holds(send.Outcome == e.outcome && send.ConfirmedAt != nil, "a send whose SMS is out is confirmed")
		if a := attempts[sms]; a.EndedAt != nil && a.StartedAt.Before(*send.ConfirmedAt) && send.ConfirmedAt.Before(*a.EndedAt) {
			e.mu.Lock()
			e.inFlight++
			e.mu.Unlock()
		}
	}
	_, err = e.db.InsertReceipts(ctx, []backstop.Receipt{receipt(id, smsStep, backstop.SMS, backstop.Delivered)})
	arrived, errSend := e.db.Send(ctx, id)
	if e.succeeds(err) && e.succeeds(errSend) {
		e.holds(arrived.Outcome == backstop.OutcomeSMS, "an SMS that arrives is the outcome")
	}
	return false
}

func (e *endRace) holds(ok bool, law string) {
	if !ok {
		e.t.Errorf("race: %s", law)
	}
}

// A recipient who writes to the account after the message went out has read it. That satisfies a rule that waits for the message
// to be read, and ends the send.
func TestWorker_reply(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(limits)
	send := r.accept(backstop.Unread, time.Hour)
	r.submitted(send, backstop.WhatsApp)
	require.NoError(t, r.handoff.Deliver(t.Context(), []backstop.Receipt{{
		Provider: "scripted", Account: number, Channel: backstop.WhatsApp, MessageID: "reply", At: r.db.Now().Add(time.Second),
		Inbound: &backstop.Inbound{From: "+447400123456", Text: "thanks"},
	}}))
	r.handoff.Close()
	result := r.ended(send)
	require.Equal(t, backstop.OutcomeWhatsApp, result.Outcome)
	require.Equal(t, backstop.Read, result.WhatsApp)
	r.requireCalls(1, 0)
}
