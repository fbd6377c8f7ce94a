package backstop_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestLedger_Receive(t *testing.T) {
	t.Parallel()
	minute, unread := rule(backstop.Undelivered, time.Minute), rule(backstop.Unread, time.Hour)
	out := func(d *desk) { d.call(whatsApp(), nil) }
	sms := func(d *desk) { d.call(whatsApp(), nil).at(time.Minute).call(smsOf(0), nil) }
	tests := map[string]struct {
		rules   []backstop.Rule
		history func(*desk)
		call    backstop.Call
		status  backstop.Status
		signals bool
	}{
		"what no rule waits for":               {history: out, call: whatsApp(), status: sent},
		"what a rule waits for":                {history: out, call: whatsApp(), status: delivered, signals: true},
		"a failure":                            {history: out, call: whatsApp(), status: failed, signals: true},
		"the first word about a call":          {history: func(d *desk) { d.call(whatsApp(), errUnknown) }, call: whatsApp(), status: sent, signals: true},
		"the first word about an SMS":          {history: func(d *desk) { d.at(time.Minute).call(smsOf(0), errUnknown) }, call: smsOf(0), status: sent, signals: true},
		"a repeated receipt":                   {history: func(d *desk) { out(d); d.receive(whatsApp(), failed) }, call: whatsApp(), status: failed},
		"a weaker one, later":                  {history: func(d *desk) { out(d); d.receive(whatsApp(), failed) }, call: whatsApp(), status: sent},
		"a call in flight brings it":           {history: func(d *desk) { d.begin(whatsApp()) }, call: whatsApp(), status: failed},
		"a dead process brings nothing":        {history: func(d *desk) { d.begin(whatsApp()); d.at(31 * time.Second) }, call: whatsApp(), status: failed, signals: true},
		"WhatsApp's, an SMS under way":         {history: sms, call: whatsApp(), status: delivered},
		"WhatsApp's, an SMS failed":            {rules: []backstop.Rule{minute, unread}, history: func(d *desk) { sms(d); d.receive(smsOf(0), failed) }, call: whatsApp(), status: read, signals: true},
		"WhatsApp's failure, an SMS failed":    {rules: []backstop.Rule{minute, unread}, history: func(d *desk) { sms(d); d.receive(smsOf(0), failed) }, call: whatsApp(), status: failed, signals: true},
		"an SMS on its way":                    {history: sms, call: smsOf(0), status: sent},
		"an SMS that failed":                   {history: sms, call: smsOf(0), status: failed, signals: true},
		"an SMS that arrived":                  {history: sms, call: smsOf(0), status: delivered, signals: true},
		"an SMS that arrived after all":        {rules: []backstop.Rule{minute, unread}, history: func(d *desk) { sms(d); d.receive(smsOf(0), failed) }, call: smsOf(0), status: delivered, signals: true},
		"past the end":                         {history: func(d *desk) { out(d); d.l.Finish(false, d.tick()) }, call: whatsApp(), status: delivered},
		"an SMS's, past the end":               {history: func(d *desk) { sms(d); d.l.Finish(false, d.tick()) }, call: smsOf(0), status: failed},
		"the store waits for it, not the flow": {history: func(d *desk) { out(d); d.at(time.Minute).detach(smsOf(0)) }, call: smsOf(0), status: failed},
		"the last word that an unread rule can use": {
			rules: []backstop.Rule{unread}, history: func(d *desk) { out(d); d.receive(whatsApp(), delivered) }, call: whatsApp(), status: read, signals: true,
		},
		"delivered, to an unread rule alone": {rules: []backstop.Rule{unread}, history: out, call: whatsApp(), status: delivered},
		"an activity waits for it": {
			history: func(d *desk) { out(d); d.awaitReceipts(whatsApp()) }, call: whatsApp(), status: failed,
		},
		"an activity waited for it": {
			history: func(d *desk) { out(d); d.awaitReceipts(whatsApp()).at(5 * time.Second) }, call: whatsApp(), status: failed, signals: true,
		},
		"an activity waits no more": {
			history: func(d *desk) { out(d); d.awaitReceipts(whatsApp()); d.l.StopWaiting(1) }, call: whatsApp(), status: failed, signals: true,
		},
		"the activity that waited was replaced by another run": {
			history: func(d *desk) { out(d); d.awaitReceipts(whatsApp()).answers(backstop.MadeAlready, whatsApp()) },
			call:    whatsApp(), status: failed, signals: true,
		},
		"the failure of the first, whose resend failed": {
			rules: []backstop.Rule{minute, minute},
			history: func(d *desk) {
				d.at(time.Minute).call(smsOf(0), errUnknown).call(resend(smsOf(0)), rejected(""))
				d.answers(backstop.AlreadyOut, smsOf(1))
			},
			call: smsOf(0), status: failed, signals: true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.rules == nil {
				tc.rules = []backstop.Rule{minute}
			}
			d := newDesk(t, tc.rules...)
			tc.history(d)
			require.Equal(t, tc.signals, d.hear(tc.call, tc.status))
		})
	}
}

// awaitReceipts makes an activity wait 4 s for the receipts of its call.
func (d *desk) awaitReceipts(c backstop.Call) *desk {
	until := d.now.Add(4 * time.Second)
	d.l.Attempt(c.Step()).AwaitsReceiptsUntil = &until
	return d
}

// detach makes a call after which the store waits for the receipt.
func (d *desk) detach(c backstop.Call) *desk {
	d.answers(backstop.MayCall, c)
	e := d.ending(c, nil)
	e.SMSReceiptWait = 12 * time.Hour
	_, err := d.l.End(e, d.tick())
	require.NoError(d.t, err)
	return d
}

func TestLedger_Receive_merges(t *testing.T) {
	t.Parallel()
	minute := rule(backstop.Undelivered, time.Minute)
	t.Run("a receipt brings a lost id", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute).call(whatsApp(), errUnknown).receive(whatsApp(), sent)
		require.Equal(t, "message 1", d.l.Attempt(1).MessageID)
	})
	t.Run("no such status", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute).call(whatsApp(), throttled)
		require.False(t, d.hear(whatsApp(), "seen"))
		d.answers(backstop.MayCall, whatsApp())
	})
	t.Run("a replaced message's failure says nothing", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute, minute).call(whatsApp(), errUnknown).call(resend(whatsApp()), nil).receive(whatsApp(), failed)
		require.Equal(t, submitted, d.l.Send.Status.WhatsApp)
		d.receive(resend(whatsApp()), failed)
		require.Equal(t, failed, d.l.Send.Status.WhatsApp)
	})
	t.Run("a replaced message may arrive", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute, minute).at(time.Minute).call(smsOf(0), nil).receive(smsOf(0), failed).call(smsOf(1), nil)
		require.Equal(t, submitted, d.l.Send.Status.SMS, "the second SMS has a status of its own")
		d.receive(smsOf(0), delivered).ended(backstop.OutcomeSMS)
	})
	t.Run("the failed SMS is reported on while the next is tried", func(t *testing.T) {
		t.Parallel()
		for _, late := range []backstop.Status{sent, failed} {
			d := newDesk(t, minute, minute).at(time.Minute).call(smsOf(0), rejected("")).call(smsOf(1), throttled)
			d.receive(smsOf(0), late)
			require.Equal(t, queued, d.l.Send.Status.SMS, "the status is of one message")
			d.call(smsOf(1), nil)
			require.Equal(t, submitted, d.l.Send.Status.SMS)
		}
	})
	t.Run("a resend fails while the first may still arrive", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute, minute).at(time.Minute).call(smsOf(0), errUnknown).call(resend(smsOf(0)), rejected(""))
		require.NotEqual(t, failed, d.l.View().SMS, "no rule fires while an SMS may arrive, so the workflow may not propose one")
		d.answers(backstop.AlreadyOut, smsOf(1)).receive(smsOf(0), failed)
		require.Equal(t, failed, d.l.View().SMS)
		d.answers(backstop.MayCall, smsOf(1))
	})
	t.Run("the first fails while its resend is called for, in vain", func(t *testing.T) {
		t.Parallel()
		for _, c := range []backstop.Call{whatsApp(), smsOf(0)} {
			d := newDesk(t, minute, minute).at(time.Minute).call(c, errUnknown)
			d.begin(resend(c))
			d.receive(c, failed).end(resend(c), throttled)
			v := d.l.View()
			require.Equal(t, failed, map[backstop.Channel]backstop.Status{backstop.WhatsApp: v.WhatsApp, backstop.SMS: v.SMS}[c.Channel])
			d.answers(backstop.MayCall, byFailure(smsOf(1)))
		}
	})
	t.Run("another channel's receipt leaves an attempt alone", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute, minute).call(whatsApp(), nil).at(time.Minute).call(smsOf(0), nil)
		odd := receiptOf(smsOf(0), delivered, "")
		odd.Channel = backstop.WhatsApp
		d.l.Receive(odd, d.tick())
		require.Equal(t, submitted, d.l.Attempt(3).Status)
	})
	t.Run("the second SMS began at the moment at which the first failed", func(t *testing.T) {
		t.Parallel()
		l := newLedger(minute, minute)
		now := origin.Add(time.Hour)
		l.At = now // the clocks of the processes lag behind the newest event
		for _, rule := range []int{1, 0} {
			c := smsOf(rule)
			c.Token = "t"
			r, err := l.Begin(c, now)
			require.NoError(t, err)
			require.Equal(t, backstop.MayCall, r.Answer)
			_, err = l.End(backstop.Ending{Step: c.Step(), Token: "t"}, now)
			require.NoError(t, err)
			l.Receive(receiptOf(c, failed, ""), now)
			require.Equal(t, failed, l.Send.Status.SMS, "the newest SMS failed")
		}
		require.NotNil(t, l.Send.FinishedAt)
	})
}

func TestLedger_DuplicateDelivery(t *testing.T) {
	t.Parallel()
	two := []backstop.Rule{rule(backstop.Undelivered, time.Minute), rule(backstop.Unread, time.Hour)}
	tests := map[string]struct {
		history func(*desk)
		want    bool
	}{
		"WhatsApp after an SMS":          {history: func(d *desk) { d.call(smsOf(0), nil).receive(whatsApp(), delivered) }, want: true},
		"WhatsApp after a delivered SMS": {history: func(d *desk) { d.call(smsOf(0), nil).receive(smsOf(0), delivered).receive(whatsApp(), read) }, want: true},
		"WhatsApp after a failed SMS":    {history: func(d *desk) { d.call(smsOf(0), nil).receive(smsOf(0), failed).receive(whatsApp(), delivered) }},
		"the SMS fails after it":         {history: func(d *desk) { d.call(smsOf(0), nil).receive(whatsApp(), delivered).receive(smsOf(0), failed) }, want: true},
		"the failure of the SMS is undone": {history: func(d *desk) {
			d.call(smsOf(0), nil).receive(smsOf(0), failed).receive(whatsApp(), delivered).receive(smsOf(0), delivered)
		}, want: true},
		"an SMS that was rejected":  {history: func(d *desk) { d.call(smsOf(0), rejected("")).receive(whatsApp(), delivered) }},
		"an SMS that was throttled": {history: func(d *desk) { d.call(smsOf(0), throttled).receive(whatsApp(), delivered) }},
		"an SMS of unknown end":     {history: func(d *desk) { d.call(smsOf(0), errUnknown).receive(whatsApp(), delivered) }},
		"it turns out to be sent":   {history: func(d *desk) { d.call(smsOf(0), errUnknown).receive(whatsApp(), delivered).receive(smsOf(0), sent) }, want: true},
		"delivered before, unread": {history: func(d *desk) {
			d.receive(whatsApp(), delivered).at(time.Hour).call(smsOf(1), nil).receive(whatsApp(), read)
		}},
		"delivered during a pause between two calls": {
			history: func(d *desk) {
				d.at(time.Hour).call(smsOf(1), throttled).receive(whatsApp(), delivered).call(smsOf(1), nil).receive(whatsApp(), read)
			},
		},
		"delivered at the moment at which the SMS began": {
			history: func(d *desk) {
				d.at(time.Hour).receive(whatsApp(), delivered)
				now := d.now
				d.now = now.Add(-calm) // the clock of the process that begins lags a little
				d.answers(backstop.MayCall, smsOf(1)).end(smsOf(1), nil)
			},
		},
		"past the end": {history: func(d *desk) { d.call(smsOf(0), nil); d.l.Finish(false, d.tick()); d.receive(whatsApp(), delivered) }, want: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, two...).call(whatsApp(), nil).at(time.Minute)
			tc.history(d)
			require.Equal(t, tc.want, d.l.Send.DuplicateDelivery)
		})
	}
}

// After Abandon no call is made any more, so a message that no provider took has failed. A message that may be out keeps its
// status.
func TestLedger_Abandon(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		history func(*desk)
		want    backstop.Status
		outcome backstop.Outcome
	}{
		"no call":        {func(*desk) {}, failed, backstop.OutcomeFailed},
		"throttled":      {func(d *desk) { d.call(whatsApp(), throttled) }, failed, backstop.OutcomeFailed},
		"unknown":        {func(d *desk) { d.call(whatsApp(), errUnknown) }, backstop.Queued, backstop.OutcomeUnconfirmed},
		"a call goes on": {func(d *desk) { d.begin(whatsApp()) }, backstop.Queued, backstop.OutcomeUnconfirmed},
		"accepted":       {func(d *desk) { d.call(whatsApp(), nil) }, backstop.Submitted, backstop.OutcomeUnconfirmed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, rule(backstop.Undelivered, time.Minute))
			tc.history(d)
			d.l.Abandon("its workflow was lost", d.tick())
			require.Equal(t, tc.want, d.l.Send.Status.WhatsApp)
			require.Equal(t, tc.outcome, d.l.Send.Outcome)
		})
	}
}

// The table "Where a send ends" in docs/rules.md.
func TestLedger_Outcome(t *testing.T) {
	t.Parallel()
	finish := func(d *desk) { d.l.Finish(false, d.tick()) }
	abandon := func(d *desk) { d.l.Abandon("the engine refused it", d.tick()) }
	lapse := func(d *desk) { d.l.Finish(true, d.at(2*time.Hour).now) }
	tests := map[string]struct {
		history func(*desk)
		want    backstop.Outcome
	}{
		"nothing happened":                    {history: finish, want: backstop.OutcomeFailed},
		"delivered by WhatsApp":               {history: func(d *desk) { d.call(whatsApp(), nil).receive(whatsApp(), read) }, want: backstop.OutcomeWhatsApp},
		"delivered by SMS":                    {history: func(d *desk) { d.sms(nil).receive(smsOf(0), delivered) }, want: backstop.OutcomeSMS},
		"delivered by both":                   {history: func(d *desk) { d.sms(nil).receive(whatsApp(), read).receive(smsOf(0), delivered) }, want: backstop.OutcomeSMS},
		"delivered by WhatsApp, SMS failed":   {history: func(d *desk) { d.sms(nil).receive(whatsApp(), read).receive(smsOf(0), failed) }, want: backstop.OutcomeWhatsApp},
		"delivered by WhatsApp, SMS open":     {history: func(d *desk) { d.sms(nil).receive(whatsApp(), read); finish(d) }, want: backstop.OutcomeWhatsApp},
		"accepted by WhatsApp, nothing more":  {history: func(d *desk) { d.call(whatsApp(), nil); finish(d) }, want: backstop.OutcomeUnconfirmed},
		"a WhatsApp call of unknown end":      {history: func(d *desk) { d.call(whatsApp(), errUnknown); finish(d) }, want: backstop.OutcomeUnconfirmed},
		"a WhatsApp call in flight":           {history: func(d *desk) { d.begin(whatsApp()); finish(d) }, want: backstop.OutcomeUnconfirmed},
		"throttled by WhatsApp":               {history: func(d *desk) { d.call(whatsApp(), throttled); finish(d) }, want: backstop.OutcomeFailed},
		"an SMS, nothing more":                {history: func(d *desk) { d.sms(nil); finish(d) }, want: backstop.OutcomeUnconfirmed},
		"an SMS of unknown end":               {history: func(d *desk) { d.sms(errUnknown); finish(d) }, want: backstop.OutcomeUnconfirmed},
		"WhatsApp may arrive, the SMS failed": {history: func(d *desk) { d.sms(nil).receive(smsOf(0), failed) }, want: backstop.OutcomeUnconfirmed},
		"both failed": {history: func(d *desk) {
			d.call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), nil).receive(smsOf(0), failed)
		}, want: backstop.OutcomeFailed},
		"expired, nobody has it":        {history: func(d *desk) { d.expires(2 * time.Hour); lapse(d) }, want: backstop.OutcomeExpired},
		"expired by the engine's clock": {history: func(d *desk) { d.expires(2*time.Hour + 1); lapse(d) }, want: backstop.OutcomeExpired},
		"expired, throttled":            {history: func(d *desk) { d.expires(2*time.Hour).call(whatsApp(), throttled); lapse(d) }, want: backstop.OutcomeExpired},
		"expired, WhatsApp has it":      {history: func(d *desk) { d.expires(2*time.Hour).call(whatsApp(), nil); lapse(d) }, want: backstop.OutcomeUnconfirmed},
		"expired, WhatsApp may have it": {history: func(d *desk) { d.expires(2*time.Hour).call(whatsApp(), errUnknown); lapse(d) }, want: backstop.OutcomeUnconfirmed},
		"expired, WhatsApp had it":      {history: func(d *desk) { d.expires(2*time.Hour).call(whatsApp(), nil).receive(whatsApp(), failed); lapse(d) }, want: backstop.OutcomeFailed},
		"expired, yet delivered": {history: func(d *desk) {
			d.expires(2*time.Hour).call(whatsApp(), nil)
			lapse(d)
			d.receive(whatsApp(), delivered)
		}, want: backstop.OutcomeWhatsApp},
		"expired, it came to light that it was": {history: func(d *desk) {
			d.expires(2*time.Hour).call(whatsApp(), errUnknown)
			lapse(d)
			d.receive(whatsApp(), failed)
		}, want: backstop.OutcomeFailed},
		"expired after a rejection": {
			history: func(d *desk) {
				d.expires(2*time.Hour).call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), throttled)
				lapse(d)
			},
			want: backstop.OutcomeExpired,
		},
		"expired, by the last look of the SMS": {
			history: func(d *desk) {
				d.expires(2*time.Hour).call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), throttled)
				d.at(2*time.Hour).answers(backstop.SendExpired, byFailure(smsOf(0)))
			}, want: backstop.OutcomeExpired,
		},
		"expired, the last SMS is given up": {
			history: func(d *desk) {
				d.expires(2*time.Hour).call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), throttled)
				d.l.GiveUp(byFailure(smsOf(0)), d.at(2*time.Hour).now)
			}, want: backstop.OutcomeExpired,
		},
		"the SMS's validity ended at its provider": {
			history: func(d *desk) {
				d.expires(2*time.Hour).call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), nil).at(2 * time.Hour)
				d.l.Receive(receiptOf(smsOf(0), failed, backstop.Expired), d.tick())
			}, want: backstop.OutcomeExpired,
		},
		"the SMS before it failed, and the next expired": {
			history: func(d *desk) {
				d.l = newLedger(rule(backstop.Undelivered, time.Hour), rule(backstop.Undelivered, time.Hour))
				d.expires(2*time.Hour).call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), nil).receive(smsOf(0), failed)
				d.call(byFailure(smsOf(1)), throttled)
				lapse(d)
			}, want: backstop.OutcomeFailed,
		},
		"ended, not lapsed, after expires_at": {
			history: func(d *desk) { d.expires(2 * time.Hour).at(3 * time.Hour); finish(d) }, want: backstop.OutcomeExpired,
		},
		"abandoned after expires_at": {
			history: func(d *desk) { d.expires(2 * time.Hour).at(3 * time.Hour); abandon(d) }, want: backstop.OutcomeExpired,
		},
		"abandoned before any call": {history: abandon, want: backstop.OutcomeFailed},
		"abandoned, WhatsApp has it": {
			history: func(d *desk) { d.call(whatsApp(), nil); abandon(d) }, want: backstop.OutcomeUnconfirmed,
		},
		"abandoned, an SMS was throttled": {
			history: func(d *desk) { d.call(whatsApp(), rejected("")).call(byFailure(smsOf(0)), throttled); abandon(d) }, want: backstop.OutcomeFailed,
		},
		"opted out": {history: func(d *desk) { d.call(whatsApp(), rejected(backstop.OptedOut)) }, want: backstop.OutcomeFailed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, rule(backstop.Undelivered, time.Hour))
			tc.history(d)
			d.ended(tc.want)
			if tc.want == backstop.OutcomeExpired {
				require.True(t, d.l.Send.Expired)
			}
		})
	}
}

// sms sends WhatsApp, and at the end of the wait the SMS.
func (d *desk) sms(f *backstop.Failure) *desk {
	return d.call(whatsApp(), nil).at(time.Hour).call(smsOf(0), f)
}

// Sequences of crashes and lost answers that once lost a send, sent it twice, or reached a recipient who had opted out.
func TestLedger_cases(t *testing.T) {
	t.Parallel()
	t.Run("a second run takes another path", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, 5*time.Second)).call(whatsApp(), nil)
		d.at(6*time.Second).answers(backstop.MayCall, smsOf(0)) // it skips WhatsApp, because the rule is due
		require.Equal(t, "meta", d.l.Attempt(1).Provider)
		require.Equal(t, "twilio", d.l.Attempt(3).Provider)
		d.end(smsOf(0), nil).receive(smsOf(0), delivered).ended(backstop.OutcomeSMS)
	})
	t.Run("between a resend and an SMS", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, 5*time.Second)).call(whatsApp(), errUnknown).call(resend(whatsApp()), nil)
		d.at(6*time.Second).call(smsOf(0), nil).answers(backstop.MadeAlready, resend(whatsApp()))
	})
	t.Run("WhatsApp is not resent to who has it", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, time.Minute)).call(whatsApp(), errUnknown).receive(whatsApp(), delivered)
		d.ended(backstop.OutcomeWhatsApp).answers(backstop.SendFinished, resend(whatsApp()))
	})
	t.Run("nor retried", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Unread, time.Hour)).call(whatsApp(), unavailable).receive(whatsApp(), delivered)
		d.answers(backstop.MadeAlready, whatsApp())
	})
	t.Run("giving up waits for the call under way", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, time.Minute)).call(whatsApp(), unavailable)
		d.begin(whatsApp())
		require.Equal(t, backstop.UnderWay, d.l.GiveUp(whatsApp(), d.tick()).Answer)
		d.end(whatsApp(), nil)
		require.Equal(t, submitted, d.l.Send.Status.WhatsApp)
		require.Equal(t, backstop.MadeAlready, d.l.GiveUp(whatsApp(), d.tick()).Answer)
	})
	t.Run("131050 is stored and not signalled", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Undelivered, time.Minute)).call(whatsApp(), nil).optOut(whatsApp())
		d.ended(backstop.OutcomeFailed).at(time.Minute).answers(backstop.SendFinished, smsOf(0))
		require.Contains(t, d.kinds(), backstop.EventOptedOut)
	})
	t.Run("21610 ends the send", func(t *testing.T) {
		t.Parallel()
		for _, byReceipt := range []bool{true, false} {
			for _, arrived := range []backstop.Status{sent, delivered} {
				d := newDesk(t, rule(backstop.Unread, time.Minute), rule(backstop.Unread, time.Hour)).call(whatsApp(), nil)
				d.receive(whatsApp(), arrived).at(time.Minute)
				if byReceipt {
					d.call(smsOf(0), nil).optOut(smsOf(0))
				} else {
					d.call(smsOf(0), rejected(backstop.OptedOut))
				}
				require.NotNil(t, d.l.Send.FinishedAt, "WhatsApp is %s", arrived)
			}
		}
	})
	t.Run("131050, and yet delivered", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Unread, time.Minute)).call(whatsApp(), nil).receive(whatsApp(), delivered).optOut(whatsApp())
		d.at(time.Minute).begin(smsOf(0))
		d.ended(backstop.OutcomeWhatsApp)
	})
}

// If an SMS fails, the next rule fires, also on a system without faults.
func TestLedger_following_rules(t *testing.T) {
	t.Parallel()
	const s = time.Second
	t.Run("send_failed 1 s, unread 4 s: sent, and the first SMS undelivered", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.SendFailed, s), rule(backstop.Unread, 4*s)).call(whatsApp(), nil)
		d.at(s).call(smsOf(0), nil).receive(whatsApp(), sent).receive(smsOf(0), failed).pending()
		require.True(t, d.l.View().Used.Has(0))
		d.answers(backstop.TooEarly, smsOf(1)).at(4*s).call(smsOf(1), nil).receive(smsOf(1), delivered).ended(backstop.OutcomeSMS)
	})
	t.Run("unread 3 s, send_failed 8 s, send_failed 1 s: averting uses up nothing", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.Unread, 3*s), rule(backstop.SendFailed, 8*s), rule(backstop.SendFailed, s)).call(whatsApp(), nil)
		d.at(s).call(smsOf(2), nil).receive(whatsApp(), sent).receive(smsOf(2), failed).pending()
		d.at(2*s).answers(backstop.Satisfied, smsOf(1)) // an old view
		require.False(t, d.l.View().Used.Has(1))
		d.at(3*s).call(smsOf(0), nil).receive(smsOf(0), failed)
		d.at(8*s).answers(backstop.Satisfied, smsOf(1)).pending()
		d.receive(whatsApp(), failed).call(byFailure(smsOf(1)), nil).receive(smsOf(1), delivered).ended(backstop.OutcomeSMS)
	})
	t.Run("send_failed 1 s, send_failed 7 s: WhatsApp fails at 5 s", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, rule(backstop.SendFailed, s), rule(backstop.SendFailed, 7*s)).call(whatsApp(), nil)
		d.at(s).call(smsOf(0), nil).receive(smsOf(0), failed).receive(whatsApp(), sent).pending()
		d.at(5*s).receive(whatsApp(), failed).call(byFailure(smsOf(1)), nil).receive(smsOf(1), delivered).ended(backstop.OutcomeSMS)
	})
}

// A send keeps its first SMS when a later rule is averted or expires, and the times of its timeline never go back.
func TestLedger_timeline(t *testing.T) {
	t.Parallel()
	minute, hour := rule(backstop.SendFailed, time.Minute), rule(backstop.Unread, time.Hour)
	t.Run("averting a second rule erases nothing", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute, hour).call(whatsApp(), nil).at(time.Minute).call(smsOf(0), nil).receive(smsOf(0), failed)
		before := d.l.Send
		d.at(time.Hour).call(smsOf(1), throttled).receive(whatsApp(), read)
		d.ended(backstop.OutcomeWhatsApp)
		after := d.l.Send
		require.Equal(t, before.Fired, after.Fired)
		require.Equal(t, before.FiredReason, after.FiredReason)
		require.Equal(t, backstop.NotSent, after.FiredCause)
		require.Equal(t, before.FallbackReason, after.FallbackReason)
		require.Equal(t, failed, after.Status.SMS)
		require.Contains(t, d.kinds(), backstop.EventAverted)
	})
	t.Run("averting the only one leaves no trace in the send", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute, hour).call(whatsApp(), nil).at(time.Minute).call(smsOf(0), throttled).receive(whatsApp(), sent)
		d.answers(backstop.Satisfied, smsOf(0)).answers(backstop.Satisfied, smsOf(0)).pending()
		s := d.l.Send
		require.Empty(t, s.Fired)
		require.Empty(t, s.FiredReason)
		require.Empty(t, s.FiredCause)
		require.Empty(t, s.Status.SMS)
		require.Empty(t, s.FallbackReason)
		require.Zero(t, d.l.View().Used)
		require.Len(t, d.l.Averted, 1, "a repeated last look is noted once")
	})
	t.Run("a rule that was averted fires by its condition", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute).call(whatsApp(), nil).at(time.Minute).call(smsOf(0), throttled).receive(whatsApp(), sent)
		d.answers(backstop.Satisfied, smsOf(0)).receive(whatsApp(), failed).call(byFailure(smsOf(0)), nil)
		require.Equal(t, backstop.ByFailure, d.l.Send.FallbackReason)
	})
	t.Run("expiring a second rule erases nothing", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute, hour).expires(2*time.Hour).call(whatsApp(), nil).at(time.Minute).call(smsOf(0), nil).receive(smsOf(0), failed)
		d.at(time.Hour).call(smsOf(1), throttled).at(2*time.Hour).answers(backstop.SendExpired, smsOf(1))
		d.ended(backstop.OutcomeUnconfirmed)
		require.Equal(t, "A", d.l.Send.Fired)
		require.Equal(t, failed, d.l.Send.Status.SMS)
		require.Equal(t, backstop.NotSent, d.l.Send.FallbackReason)
	})
	t.Run("times never go back, and nothing but receipts follows the end", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, minute).call(whatsApp(), nil).at(time.Minute)
		d.begin(smsOf(0))
		d.l.Finish(false, d.at(59*time.Second).now)
		d.end(smsOf(0), nil).receive(smsOf(0), delivered).receive(whatsApp(), read)
		d.l.Finish(true, d.tick())
		kinds := d.kinds()
		require.Equal(t, []backstop.EventKind{backstop.EventFinished, backstop.EventReceipt, backstop.EventReceipt}, kinds[len(kinds)-3:])
		for i, e := range d.l.Events[1:] {
			require.False(t, e.At.Before(d.l.Events[i].At))
		}
		require.True(t, d.l.Send.DuplicateDelivery)
	})
	t.Run("no try after expires_at, and none given up before it", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, hour).expires(30*time.Minute).call(whatsApp(), throttled)
		d.at(30*time.Minute-calm-1).answers(backstop.MayCall, whatsApp()).end(whatsApp(), throttled)
		d.ended(backstop.OutcomeExpired).answers(backstop.SendFinished, whatsApp())
	})
}

// A process begins a call, and then the send ends or its message is delivered. If the process repeats Begin, it must not call.
func TestLedger_Begin_own_token_late(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		meanwhile func(*desk)
		after     time.Duration
	}{
		"finished":  {after: time.Minute, meanwhile: func(d *desk) { d.l.Finish(false, d.now) }},
		"satisfied": {after: time.Minute, meanwhile: func(d *desk) { d.receive(whatsApp(), delivered) }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, rule(backstop.Undelivered, time.Minute), rule(backstop.Unread, time.Hour)).call(whatsApp(), nil).at(time.Minute)
			c := smsOf(0)
			c.Token = "mine"
			_, err := d.l.Begin(c, d.now)
			require.NoError(t, err)
			if tc.meanwhile != nil {
				tc.meanwhile(d)
			}
			r, err := d.l.Begin(c, origin.Add(tc.after).Add(time.Second))
			require.NoError(t, err)
			require.NotEqual(t, backstop.MayCall, r.Answer)
		})
	}
	t.Run("others would take it for dead", func(t *testing.T) {
		t.Parallel()
		l := newLedger(rule(backstop.Undelivered, time.Hour))
		c := whatsApp()
		c.Token = "mine"
		_, err := l.Begin(c, origin)
		require.NoError(t, err)
		late := origin.Add(backstop.CallTimeout)
		r, err := l.Begin(c, late)
		require.NoError(t, err)
		require.Equal(t, backstop.MayCall, r.Answer)
		require.Equal(t, late, r.Attempt.StartedAt, "its time begins anew")
	})
}

// A call counts as dead, and then its process stores the end. The workflow waits for a receipt, so the end is signalled like one.
func TestLedger_End_late_announced(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		failure *backstop.Failure
		status  backstop.Status
	}{
		"accepted": {status: backstop.Submitted},
		"rejected": {failure: &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault}, status: backstop.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, rule(backstop.Undelivered, 0))
			d.begin(whatsApp())
			d.at(time.Minute).answers(backstop.MadeAlready, whatsApp())
			d.end(whatsApp(), tc.failure)
			require.Len(t, d.l.Receipts, 1)
			require.True(t, d.l.Receipts[0].NeedsSignal)
			require.Equal(t, tc.status, d.l.Receipts[0].Status)
			require.NotEmpty(t, d.l.Receipts[0].MessageID)
			again := d.l.Clone()
			_, err := again.End(d.ending(whatsApp(), tc.failure), d.now)
			require.NoError(t, err)
			require.Empty(t, again.Receipts, "it is announced once")
		})
	}
}

// WhatsApp was skipped, or no provider took it, before an SMS went out. No WhatsApp message can fail later, so a rule without a
// wait fires when the SMS fails.
func TestLedger_Begin_withoutWhatsApp(t *testing.T) {
	t.Parallel()
	for name, history := range map[string]func(*desk){
		"too late":  func(*desk) {},
		"throttled": func(d *desk) { d.call(whatsApp(), throttled) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, rule(backstop.Undelivered, time.Minute), rule(backstop.SendFailed, 0))
			history(d)
			d.at(time.Minute).call(smsOf(0), rejected(""))
			require.Equal(t, failed, d.l.Send.Status.WhatsApp)
			d.answers(backstop.MayCall, byFailure(smsOf(1)))
			d.end(smsOf(1), nil)
			require.NotEqual(t, backstop.MayCall, d.begin(whatsApp()).Answer, "there is no WhatsApp any more")
		})
	}
}

// A provider that is down for hours leaves one attempt, which counts the calls, and few events.
func TestLedger_End_refusedOften(t *testing.T) {
	t.Parallel()
	const calls = 1000
	d := newDesk(t, rule(backstop.Undelivered, 24*time.Hour))
	for i := range calls {
		why := throttled
		if i%2 == 1 {
			why = &backstop.Failure{Kind: backstop.Unavailable, Code: strconv.Itoa(i)}
		}
		d.call(whatsApp(), why)
	}
	require.Len(t, d.l.Attempts, 1)
	require.Equal(t, calls, d.l.Attempts[0].Number)
	require.Equal(t, "999", d.l.Attempts[0].Failure.Code, "of the newest call")
	require.Len(t, d.l.Events, 10, "1, 2, 4 ... 512")
	require.Contains(t, d.l.Events[9].Detail, "(call 512)")

	d.call(whatsApp(), nil)
	require.Equal(t, "(call 1001)", d.l.Events[10].Detail, "the call that was accepted is always listed")
}
