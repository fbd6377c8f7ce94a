package handoff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/clocktest"
)

// overdue is a clock by which every send should have ended.
func overdue() time.Time { return time.Now().Add(2 * time.Hour) }

// check runs the reconciler once, with a clock.
func (r *rig) check(now func() time.Time) {
	r.t.Helper()
	h := r.handoff(now)
	before := r.checks()
	stop := r.sweeping(h)
	require.Eventually(r.t, func() bool { return r.checks() > before }, longest, moment)
	time.Sleep(5 * moment) // until the check has ended
	stop()
	h.Close()
}

func (r *rig) checks() int {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	return r.engine.described
}

func (r *rig) outcome(send string) backstop.Outcome {
	r.t.Helper()
	s, err := r.db.Send(r.t.Context(), send)
	require.NoError(r.t, err)
	return s.Outcome
}

// next returns the time of a send's next check, and how often its workflow was restarted.
func (r *rig) next(send string) (at time.Time, restarts int) {
	r.t.Helper()
	r.raw.Row(`SELECT check_at, restarts FROM sends WHERE id = $1`, []any{send}, &at, &restarts)
	return at, restarts
}

// A lost workflow is restarted up to 3 times, for each status of a lost workflow. Then the send fails.
func TestHandoff_reconcile_lost(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]enums.WorkflowExecutionStatus{
		"terminated": enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, "failed": enums.WORKFLOW_EXECUTION_STATUS_FAILED,
		"timed out": enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, "unknown": 0,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			send := accept(t, r.handoff(nil))
			if status != 0 {
				r.engine.ends(send.ID, status)
			}
			clock := clocktest.New(overdue())
			for again := range 3 {
				r.check(clock.Now)
				require.Equal(t, 2+again, r.engine.starts["send/"+send.ID])
				at, restarts := r.next(send.ID)
				require.Equal(t, 1+again, restarts)
				require.WithinDuration(t, clock.Now().Add(10*time.Minute), at, time.Second)
				require.Equal(t, backstop.OutcomePending, r.outcome(send.ID))
				clock.Advance(11 * time.Minute)
			}
			r.check(clock.Now)
			require.Equal(t, 4, r.engine.starts["send/"+send.ID], "it is lost for a reason")
			require.Equal(t, backstop.OutcomeFailed, r.outcome(send.ID))
			_, events, err := r.db.Timeline(t.Context(), send.ID)
			require.NoError(t, err)
			require.Equal(t, "its workflow was lost 4 times", events[len(events)-2].Detail)
		})
	}
}

// The reconciler ends a send whose workflow has ended without an outcome.
func TestHandoff_reconcile_ended(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]enums.WorkflowExecutionStatus{
		"completed": enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, "cancelled": enums.WORKFLOW_EXECUTION_STATUS_CANCELED,
	} {
		r := newRig(t, nil)
		send := accept(t, r.handoff(nil))
		r.engine.ends(send.ID, status)
		r.check(overdue)
		require.Equal(t, backstop.OutcomeFailed, r.outcome(send.ID), name)
		require.Equal(t, 1, r.engine.starts["send/"+send.ID], name)
		require.Contains(t, r.log.String(), "send ended without its workflow")
	}
}

// A running workflow is not changed, and checked again later.
func TestHandoff_reconcile_running(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	send := accept(t, r.handoff(nil))
	r.engine.ends(send.ID, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	at, _ := r.next(send.ID)
	require.WithinDuration(t, send.AcceptedAt.Add(70*time.Minute), at, 0, "its longest wait, and a margin")
	clock := clocktest.New(overdue())
	r.check(clock.Now)
	at, restarts := r.next(send.ID)
	require.WithinDuration(t, clock.Now().Add(2*time.Hour), at, time.Minute, "after its age")
	require.Zero(t, restarts)
	require.Equal(t, backstop.OutcomePending, r.outcome(send.ID))
	require.Equal(t, 1, r.engine.starts["send/"+send.ID])
}

// While Temporal is away, the send does not change, and is checked again after 5 s.
func TestHandoff_reconcile_away(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	send := accept(t, r.handoff(nil))
	r.engine.unreachable = serviceerror.NewUnavailable("away")
	clock := clocktest.New(overdue())
	r.check(clock.Now)
	at, restarts := r.next(send.ID)
	require.WithinDuration(t, clock.Now().Add(5*time.Second), at, time.Second)
	require.Zero(t, restarts)
	require.Equal(t, backstop.OutcomePending, r.outcome(send.ID))
	require.Equal(t, 1, r.engine.starts["send/"+send.ID])
}

// If Temporal refuses the status request, nothing is restarted, because the workflow may exist.
func TestHandoff_reconcile_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	send := accept(t, r.handoff(nil))
	r.engine.unreachable = serviceerror.NewInternal("a shard moves")
	clock := clocktest.New(overdue())
	r.check(clock.Now)
	at, restarts := r.next(send.ID)
	require.WithinDuration(t, clock.Now().Add(time.Hour), at, time.Second)
	require.Zero(t, restarts)
}

// The reconciler skips sends that are not overdue, that have ended, or that only wait for the receipt of their SMS.
func TestHandoff_reconcile_healthy(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	young, done := accept(t, h), accept(t, h)
	deliver(t, h, receipt(done.ID, backstop.Delivered))
	r.raw.Exec(`UPDATE sends SET check_at = now() WHERE id <> $1`, young.ID)
	back := accept(t, h)
	r.fallBack(back.ID, 3*time.Hour)
	r.raw.Exec(`UPDATE sends SET check_at = now() WHERE id = $1`, back.ID)
	stop := r.sweeping(r.handoff(later))
	time.Sleep(200 * time.Millisecond)
	stop()
	require.Zero(t, r.checks())
}
