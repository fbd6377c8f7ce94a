package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// cancelCase is a send at the moment at which its caller ends it.
type cancelCase struct {
	desk   *desk
	reason string // why it cannot be cancelled; empty: it can
	// confirmed is the outcome after Confirm; cancelled, a send without a reason, always is OutcomeCancelled.
	confirmed backstop.Outcome
}

func cancelCases(t *testing.T) map[string]cancelCase {
	t.Helper()
	waiting := func() *desk { return newDesk(t, rule(backstop.Undelivered, time.Minute)) }
	fired := func() *desk { return waiting().call(whatsApp(), nil).at(61 * time.Second) }
	const smsOut = "an SMS was sent, or may have been sent"
	return map[string]cancelCase{
		"before the first call":          {desk: waiting(), confirmed: backstop.OutcomeConfirmed},
		"during the WhatsApp call":       {desk: waiting().answers(backstop.MayCall, whatsApp()), confirmed: backstop.OutcomeConfirmed},
		"after the WhatsApp call":        {desk: waiting().call(whatsApp(), nil), confirmed: backstop.OutcomeConfirmed},
		"WhatsApp sent nothing":          {desk: waiting().call(whatsApp(), throttled), confirmed: backstop.OutcomeConfirmed},
		"WhatsApp unknown":               {desk: waiting().call(whatsApp(), errUnknown), confirmed: backstop.OutcomeConfirmed},
		"the wait has ended":             {desk: fired(), confirmed: backstop.OutcomeConfirmed},
		"the SMS is retried":             {desk: fired().call(smsOf(0), unavailable), confirmed: backstop.OutcomeConfirmed},
		"during the SMS call":            {desk: fired().answers(backstop.MayCall, smsOf(0)), reason: smsOut, confirmed: backstop.OutcomeConfirmed},
		"the process of the SMS is dead": {desk: fired().answers(backstop.MayCall, smsOf(0)).at(time.Hour), reason: smsOut, confirmed: backstop.OutcomeConfirmed},
		"SMS unknown":                    {desk: fired().call(smsOf(0), errUnknown), reason: smsOut, confirmed: backstop.OutcomeConfirmed},
		"SMS accepted":                   {desk: fired().call(smsOf(0), nil), reason: smsOut, confirmed: backstop.OutcomeConfirmed},
		"SMS detached":                   {desk: fired().detach(smsOf(0)), reason: smsOut, confirmed: backstop.OutcomeConfirmed},
		"SMS delivered": {
			desk: fired().call(smsOf(0), nil).receive(smsOf(0), delivered), reason: "it has ended with the outcome sms",
			confirmed: backstop.OutcomeSMS,
		},
		"WhatsApp delivered": {
			desk: waiting().call(whatsApp(), nil).receive(whatsApp(), delivered), reason: "it has ended with the outcome whatsapp",
			confirmed: backstop.OutcomeWhatsApp,
		},
		"both failed": {
			desk: fired().call(smsOf(0), nil).receive(smsOf(0), failed).receive(whatsApp(), failed), reason: "it has ended with the outcome failed",
			confirmed: backstop.OutcomeFailed,
		},
	}
}

// A send is cancelled until an SMS is out, or may be. Then nothing is called any more. A late Cancel changes nothing.
func TestLedger_Cancel(t *testing.T) {
	t.Parallel()
	for name, c := range cancelCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, before := c.desk, c.desk.l.Clone()
			err := d.l.Cancel(d.tick())
			if c.reason != "" {
				require.EqualError(t, err, "the send cannot be cancelled: "+c.reason)
				require.Equal(t, backstop.Conflict, backstop.CodeOf(err))
				require.Equal(t, before.Send, d.l.Send)
				require.Equal(t, before.Attempts, d.l.Clone().Attempts)
				return
			}
			require.NoError(t, err)
			d.ended(backstop.OutcomeCancelled)
			require.Equal(t, []backstop.EventKind{backstop.EventCancelled, backstop.EventFinished}, d.kinds()[len(d.kinds())-2:])
			require.Nil(t, d.l.Send.ConfirmedAt)
			d.isQuiet()
			events := len(d.l.Events)
			require.NoError(t, d.l.Cancel(d.tick()), "it is repeated")
			require.Len(t, d.l.Events, events)
		})
	}
}

// isQuiet requires that no call begins, for whatever rule and at whatever time.
func (d *desk) isQuiet() {
	for _, after := range []time.Duration{0, time.Minute, time.Hour, backstop.MaxWait} {
		d.now = d.now.Add(after)
		for _, c := range []backstop.Call{whatsApp(), resend(whatsApp()), smsOf(0), byFailure(smsOf(0)), resend(smsOf(0))} {
			require.NotEqual(d.t, backstop.MayCall, d.begin(c).Answer)
			require.NotEqual(d.t, backstop.GivenUp, d.l.GiveUp(c, d.tick()).Answer)
		}
	}
}

// A confirmed send ends at once, also while an SMS may arrive: no further SMS follows. A send that has ended keeps its outcome.
func TestLedger_Confirm(t *testing.T) {
	t.Parallel()
	for name, c := range cancelCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := c.desk
			finished, events := d.l.Send.FinishedAt, len(d.l.Events)
			d.l.Confirm(d.tick())
			at := *d.l.Send.ConfirmedAt
			require.Equal(t, d.now, at)
			d.ended(c.confirmed)
			require.Nil(t, d.l.Send.ReceiptBy)
			if finished != nil {
				require.Equal(t, finished, d.l.Send.FinishedAt)
				require.Len(t, d.l.Events, events, "only receipts follow the end")
			} else {
				require.Equal(t, []backstop.EventKind{backstop.EventConfirmed, backstop.EventFinished}, d.kinds()[len(d.kinds())-2:])
			}
			d.isQuiet()
			events = len(d.l.Events)
			d.l.Confirm(d.tick())
			require.Equal(t, at, *d.l.Send.ConfirmedAt, "it is repeated")
			require.Len(t, d.l.Events, events)
		})
	}
}

// What is under way when the caller ends the send still counts: the end of a call, and every receipt. Only an SMS that arrives
// changes the outcome.
func TestLedger_Confirm_underWay(t *testing.T) {
	t.Parallel()
	t.Run("an SMS that arrives", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, time.Minute), rule(backstop.Undelivered, 90*time.Second)).call(whatsApp(), nil).at(61 * time.Second)
		d.answers(backstop.MayCall, smsOf(0))
		d.l.Confirm(d.tick())
		d.end(smsOf(0), nil).ended(backstop.OutcomeConfirmed)
		require.Equal(t, submitted, d.l.Send.Status.SMS)
		d.receive(smsOf(0), delivered).ended(backstop.OutcomeSMS)
		require.NotNil(t, d.l.Send.ConfirmedAt)
	})
	t.Run("an SMS that fails", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, time.Minute), rule(backstop.Undelivered, 90*time.Second)).call(whatsApp(), nil).at(61 * time.Second)
		d.answers(backstop.MayCall, smsOf(0))
		d.l.Confirm(d.tick())
		d.end(smsOf(0), rejected("")).ended(backstop.OutcomeConfirmed)
		d.at(2*time.Minute).answers(backstop.SendFinished, smsOf(1))
	})
	t.Run("WhatsApp", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, time.Minute)).answers(backstop.MayCall, whatsApp())
		require.NoError(t, d.l.Cancel(d.tick()))
		d.end(whatsApp(), nil).ended(backstop.OutcomeCancelled)
		require.Equal(t, submitted, d.l.Send.Status.WhatsApp)
		require.False(t, d.hear(whatsApp(), delivered), "no workflow waits for it")
		d.ended(backstop.OutcomeCancelled)
		require.Equal(t, delivered, d.l.Send.Status.WhatsApp)
	})
	t.Run("a confirmed one that was cancelled", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, time.Minute))
		require.NoError(t, d.l.Cancel(d.tick()))
		d.l.Confirm(d.tick())
		d.ended(backstop.OutcomeCancelled)
		require.NotNil(t, d.l.Send.ConfirmedAt)
	})
	t.Run("a call that was begun and not made", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, time.Minute)).answers(backstop.MayCall, whatsApp())
		require.NoError(t, d.l.Cancel(d.tick()))
		c := whatsApp()
		c.Token = d.tokens[1]
		r, err := d.l.Begin(c, d.tick())
		require.NoError(t, err)
		require.Equal(t, backstop.SendFinished, r.Answer, "the caller lost the answer to its Begin, and asks again")
	})
}
