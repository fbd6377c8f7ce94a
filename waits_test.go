package backstop_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// What Waits does not want is never signalled, so that a receipt of no interest costs the engine nothing. That is
// right only if a workflow that hears nothing but the wanted receipts decides at every moment as one that hears all.

func TestPlan_Waits(t *testing.T) {
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
		{rules(sendFailed), sent, delivered, true},     // over
		{rules(sendFailed), delivered, read, false},    // it was over
		{rules(sendFailed), submitted, read, true},     // both at once
		{rules(noWait), submitted, sent, false},        // it waits for nothing
		{rules(noWait), sent, delivered, true},         // over
		{rules(noWait), sent, failed, true},            // fires
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
			require.Equal(t, tc.want, tc.plan.Waits(tc.from, tc.to))
		})
	}
}

// Let one workflow hear every status and another only the wanted ones. Then after every receipt, whatever receipts
// come, whichever rules are spent and whatever the time, both get the same answers from Fired and Over.
func TestPlan_Waits_unwanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan := validPlan().Draw(t, "plan")
		all, wanted := backstop.Queued, backstop.Queued
		for _, next := range rapid.SliceOfN(reported(), 1, 8).Draw(t, "receipts") {
			before := all
			all = all.Advance(next)
			if plan.Waits(before, all) {
				wanted = wanted.Advance(next)
			}
			sameAnswers(t, plan, all, wanted)
		}
	})
}

// Nor is anything signalled in vain: a wanted status changes the answer for some rule at some moment.
func TestPlan_Waits_exact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan, from := validPlan().Draw(t, "plan"), reported().Draw(t, "from")
		to := from.Advance(reported().Draw(t, "next"))
		matters := false
		for i, r := range plan.Rules {
			late, _ := r.Deadline(origin)
			allBut := func(j int) bool { return i != j }
			for _, now := range []time.Time{origin, late} {
				_, before := plan.Fired(from, origin, now, allBut)
				_, after := plan.Fired(to, origin, now, allBut)
				matters = matters || before != after || plan.Over(from, allBut) != plan.Over(to, allBut)
			}
		}
		require.Equal(t, matters, plan.Waits(from, to))
	})
}

func sameAnswers(t *rapid.T, plan backstop.Plan, a, b backstop.Status) {
	spent, now := anySpent(t, plan), moment(t, plan.Rules...)
	ruleA, firedA := plan.Fired(a, origin, now, spent)
	ruleB, firedB := plan.Fired(b, origin, now, spent)
	require.Equal(t, firedA, firedB, "fired, of %q and %q", a, b)
	require.Equal(t, ruleA, ruleB, "the rule that fired, of %q and %q", a, b)
	require.Equal(t, plan.Over(a, spent), plan.Over(b, spent), "over, of %q and %q", a, b)
}

// twins are a send as it is stored, and as its workflow knows it by what it was told.
type twins struct {
	stored, told backstop.Send
}

// receipt merges a receipt into the stored send, and tells the workflow if it waits for it.
func (w *twins) receipt(channel backstop.Channel, status backstop.Status, current bool) {
	before := w.stored
	w.stored = before.Absorb(channel, status, current)
	from, to := before.WhatsAppStatus, w.stored.WhatsAppStatus
	if channel == backstop.SMS {
		from, to = before.SMSStatus, w.stored.SMSStatus
	}
	if before.Waits(channel, from, to) {
		w.told = w.told.Absorb(channel, status, current)
	}
}

// look is what an activity's result does: it tells the workflow what is stored.
func (w *twins) look() {
	w.told.WhatsAppStatus = w.told.WhatsAppStatus.Advance(w.stored.WhatsAppStatus)
	w.told.SMSStatus = w.told.SMSStatus.Advance(w.stored.SMSStatus)
}

// The same for a whole send, with its SMS: while the rules are watched, both twins get the same answers about them;
// while an SMS is under way, they agree on whether it has failed or arrived. At all times they agree on whether a call
// of unknown end was heard of. What comes by WhatsApp during an SMS is told by the last look of the next one; if that
// averts it, the rules are watched again, and the stored status of the SMS before it may stay failed.
func TestSend_Waits_unwanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan := validPlan().Draw(t, "plan")
		send := backstop.Send{Plan: plan, AcceptedAt: origin, WhatsAppStatus: backstop.Queued}
		w := twins{stored: send, told: send}
		watching := true
		mayBegin := func() bool { return watching || w.stored.SMSStatus == backstop.Failed }
		t.Repeat(map[string]func(*rapid.T){
			"WhatsApp receipt": func(t *rapid.T) {
				w.receipt(backstop.WhatsApp, reported().Draw(t, "status"), rapid.Bool().Draw(t, "current"))
			},
			"SMS receipt": func(t *rapid.T) {
				if watching {
					return // no SMS is under way
				}
				w.receipt(backstop.SMS, rapid.OneOf(rapid.Just(backstop.Failed), reported()).Draw(t, "status"), rapid.Bool().Draw(t, "current"))
			},
			"SMS begins": func(*rapid.T) {
				if !mayBegin() {
					return
				}
				w.look()
				watching = false
				w.stored.SMSStatus, w.told.SMSStatus = backstop.Queued, backstop.Queued
			},
			"the last look averts the SMS": func(t *rapid.T) {
				if !mayBegin() {
					return
				}
				w.look()
				watching = true
				w.told.SMSStatus = ""
				if rapid.Bool().Draw(t, "as if there had been none") {
					w.stored.SMSStatus = ""
				}
			},
			"a call is answered": func(*rapid.T) {
				w.stored = w.stored.Absorb(backstop.WhatsApp, backstop.Submitted, true)
				w.look()
			},
			"": func(t *rapid.T) {
				queued := func(s backstop.Status) bool { return s == backstop.Queued }
				require.Equal(t, queued(w.stored.WhatsAppStatus), queued(w.told.WhatsAppStatus), "heard of")
				if watching {
					sameAnswers(t, plan, w.stored.WhatsAppStatus, w.told.WhatsAppStatus)
					return
				}
				require.Equal(t, queued(w.stored.SMSStatus), queued(w.told.SMSStatus), "heard of the SMS")
				settled := func(s backstop.Status) [2]bool { return [2]bool{s == backstop.Failed, s.Reached(backstop.Delivered)} }
				require.Equal(t, settled(w.stored.SMSStatus), settled(w.told.SMSStatus), "the SMS is settled")
			},
		})
	})
}

func TestSend_Waits(t *testing.T) {
	t.Parallel()
	const (
		queued, submitted, sent = backstop.Queued, backstop.Submitted, backstop.Sent
		failed, delivered, read = backstop.Failed, backstop.Delivered, backstop.Read
	)
	tests := []struct {
		name     string
		sms      backstop.Status // of the send
		finished bool
		channel  backstop.Channel
		from, to backstop.Status
		want     bool
	}{
		{name: "the first word about a call", channel: backstop.WhatsApp, from: queued, to: submitted, want: true},
		{name: "the first word about an SMS", sms: queued, channel: backstop.SMS, from: queued, to: submitted, want: true},
		{name: "nothing new", channel: backstop.WhatsApp, from: queued, to: queued},
		{name: "what no rule waits for", channel: backstop.WhatsApp, from: submitted, to: sent},
		{name: "what a rule waits for", channel: backstop.WhatsApp, from: sent, to: read, want: true},
		{name: "a failure", channel: backstop.WhatsApp, from: sent, to: failed, want: true},
		{name: "the same once an SMS is under way", sms: queued, channel: backstop.WhatsApp, from: sent, to: read},
		{name: "the same once an SMS has arrived", sms: delivered, channel: backstop.WhatsApp, from: sent, to: read},
		{name: "the same once an SMS has failed", sms: failed, channel: backstop.WhatsApp, from: sent, to: read, want: true},
		{name: "a failure once an SMS has failed", sms: failed, channel: backstop.WhatsApp, from: sent, to: failed, want: true},
		{name: "an SMS on its way", sms: submitted, channel: backstop.SMS, from: submitted, to: sent},
		{name: "an SMS that failed", sms: sent, channel: backstop.SMS, from: sent, to: failed, want: true},
		{name: "an SMS that arrived", sms: sent, channel: backstop.SMS, from: sent, to: delivered, want: true},
		{name: "an SMS that arrived after all", sms: failed, channel: backstop.SMS, from: failed, to: delivered, want: true},
		{name: "an SMS that had arrived", sms: delivered, channel: backstop.SMS, from: delivered, to: read},
		{name: "a failure past the end", finished: true, channel: backstop.WhatsApp, from: sent, to: failed},
		{name: "the first word past the end", finished: true, channel: backstop.WhatsApp, from: queued, to: sent},
		{name: "an SMS past the end", finished: true, sms: sent, channel: backstop.SMS, from: sent, to: delivered},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := backstop.Send{Plan: rules(rule(backstop.Unread, time.Minute)), SMSStatus: tc.sms}
			if tc.finished {
				s.FinishedAt = &origin
			}
			require.Equal(t, tc.want, s.Waits(tc.channel, tc.from, tc.to))
		})
	}
}
