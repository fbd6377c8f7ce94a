package handoff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/backstophq/backstop"
)

// A scheduled send that its caller ended before its time is never started.
func TestHandoff_Cancel_scheduled(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	cancelled, confirmed, other := r.insertScheduled(), r.insertScheduled(), r.insertScheduled()
	require.NoError(t, h.Cancel(t.Context(), cancelled.ID))
	require.NoError(t, h.Confirm(t.Context(), confirmed.ID))
	store := &paced{Store: clocked{Store: r.store, now: muchLater}, rate: 10_000}
	stop := r.sweeping(r.handoffWith(store, r.engine, nil))
	require.Eventually(t, func() bool { return r.started(other) == 1 }, longest, moment)
	time.Sleep(1200 * time.Millisecond) // one more sweep
	stop()
	require.Zero(t, r.started(cancelled, confirmed))
	r.requireMarked()
	for send, outcome := range map[string]backstop.Outcome{
		cancelled.ID: backstop.OutcomeCancelled, confirmed.ID: backstop.OutcomeConfirmed,
	} {
		stored, err := r.db.Send(t.Context(), send)
		require.NoError(t, err)
		require.Equal(t, outcome, stored.Outcome)
		require.Nil(t, stored.StartedAt)
		require.False(t, stored.IsScheduled())
	}
}

// Cancellations race with the sweeper that starts the same sends. A send that was cancelled first is not started. One that was
// started first ends all the same, and its ledger refuses the call.
func TestHandoff_Cancel_scheduled_race(t *testing.T) {
	t.Parallel()
	const n = 150
	r := newRig(t, nil)
	var sends []backstop.Send
	for range n {
		sends = append(sends, r.insertScheduled())
	}
	h := r.handoff(nil)
	store := &paced{Store: clocked{Store: r.store, now: later}, rate: 10_000}
	stop := r.sweeping(r.handoffWith(store, r.engine, nil))
	var cancels errgroup.Group
	for _, send := range sends {
		cancels.Go(func() error { return h.Cancel(t.Context(), send.ID) })
	}
	require.NoError(t, cancels.Wait())
	time.Sleep(1200 * time.Millisecond) // one more sweep
	stop()
	r.requireMarked()
	late := 0
	for _, send := range sends {
		stored, err := r.db.Send(t.Context(), send.ID)
		require.NoError(t, err)
		require.Equal(t, backstop.OutcomeCancelled, stored.Outcome)
		if stored.StartedAt == nil {
			require.Zero(t, r.started(send))
			continue
		}
		late++
		require.LessOrEqual(t, r.started(send), 1)
		ruling, _, err := r.db.Begin(t.Context(), send.ID, backstop.Call{
			Channel: backstop.WhatsApp, Token: "a", Candidates: []backstop.Candidate{{Account: "number", Provider: "meta"}},
		})
		require.NoError(t, err)
		require.Equal(t, backstop.SendFinished, ruling.Answer)
	}
	t.Logf("%d of %d were started before they were cancelled", late, n)
}
