package backstop_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// Plan.MustSignal selects the receipts that are signalled, so that the others cost the engine nothing. The selection is right
// only if a workflow that gets the selected receipts alone decides at every moment like a workflow that gets all of them.

func TestPlan_MustSignal(t *testing.T) {
	t.Parallel()
	const (
		queued, submitted, sent = backstop.Queued, backstop.Submitted, backstop.Sent
		failed, delivered, read = backstop.Failed, backstop.Delivered, backstop.Read
	)
	const m = time.Minute
	sendFailed, undelivered, unread := rule(backstop.SendFailed, m), rule(backstop.Undelivered, m), rule(backstop.Unread, m)
	noWait := rule(backstop.SendFailed, 0)
	tests := []struct {
		plan     backstop.Plan
		from, to backstop.Status
		want     bool
	}{
		{rules(sendFailed), queued, submitted, false},
		{rules(sendFailed), submitted, sent, true},     // satisfied
		{rules(sendFailed), sent, delivered, true},     // satisfied
		{rules(sendFailed), delivered, read, false},    // it was satisfied before
		{rules(sendFailed), submitted, read, true},     // both at once
		{rules(noWait), submitted, sent, false},        // it waits for nothing
		{rules(noWait), sent, delivered, true},         // satisfied
		{rules(noWait), sent, failed, true},            // due
		{rules(undelivered), submitted, sent, false},   //
		{rules(undelivered), sent, delivered, true},    //
		{rules(undelivered), delivered, read, false},   //
		{rules(unread), sent, delivered, false},        //
		{rules(unread), delivered, read, true},         //
		{rules(unread), submitted, failed, true},       //
		{rules(unread), failed, delivered, true},       // the failure is undone: the wait runs on
		{rules(unread), failed, read, true},            //
		{rules(unread, sendFailed), sent, sent, false}, // nothing has changed
		{rules(unread, sendFailed), submitted, sent, true},
		{rules(unread, undelivered), submitted, sent, false},
	}
	for _, tc := range tests {
		t.Run(fmt.Sprintf("%s/%s to %s", tc.plan.Rules[0].Type, tc.from, tc.to), func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, tc.plan.MustSignal(tc.from, tc.to))
		})
	}
}

// One workflow gets every status and another the selected ones alone. After every receipt, both get the same answers from Due and
// IsSatisfied, for all receipts, used rules and times.
func TestPlan_MustSignal_unwanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan := validPlan().Draw(t, "plan")
		all, wanted := backstop.Queued, backstop.Queued
		for _, next := range rapid.SliceOfN(reported(), 1, 8).Draw(t, "receipts") {
			before := all
			all = all.Advance(next)
			if plan.MustSignal(before, all) {
				wanted = wanted.Advance(next)
			}
			sameAnswers(t, plan, all, wanted)
		}
	})
}

// Nor is anything signalled in vain: a wanted status changes the answer for some rule at some moment.
func TestPlan_MustSignal_exact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan, from := validPlan().Draw(t, "plan"), reported().Draw(t, "from")
		to := from.Advance(reported().Draw(t, "next"))
		matters := false
		for i, r := range plan.Rules {
			late, _ := r.Deadline(origin)
			allBut := func(j int) bool { return i != j }
			for _, now := range []time.Time{origin, late} {
				_, before := plan.Due(from, origin, now, allBut)
				_, after := plan.Due(to, origin, now, allBut)
				matters = matters || before != after || plan.IsSatisfied(from, allBut) != plan.IsSatisfied(to, allBut)
			}
		}
		require.Equal(t, matters, plan.MustSignal(from, to))
	})
}

func sameAnswers(t *rapid.T, plan backstop.Plan, a, b backstop.Status) {
	used, now := anyUsed(t, plan), moment(t, plan.Rules...)
	ruleA, firedA := plan.Due(a, origin, now, used)
	ruleB, firedB := plan.Due(b, origin, now, used)
	require.Equal(t, firedA, firedB, "fired, of %q and %q", a, b)
	require.Equal(t, ruleA, ruleB, "the rule that fired, of %q and %q", a, b)
	require.Equal(t, plan.IsSatisfied(a, used), plan.IsSatisfied(b, used), "satisfied, of %q and %q", a, b)
}
