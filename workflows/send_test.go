package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/workflows"
)

var settings = workflows.Settings{
	UnknownWait: 30 * time.Second, SMSReceiptWait: 12 * time.Hour,
}

// rule returns a rule whose SMS goes by these accounts, in order; by default, by the first account.
func rule(name string, t backstop.RuleType, wait time.Duration, accounts ...string) backstop.Rule {
	if len(accounts) == 0 {
		accounts = []string{first}
	}
	r := backstop.Rule{Name: name, Type: t, WaitSeconds: int(wait.Seconds()), SendID: "ACME"}
	for _, account := range accounts {
		r.Routes = append(r.Routes, backstop.Route{Account: account})
	}
	return r
}

func failure(kind backstop.FailureKind, class backstop.RejectClass) error {
	return &backstop.Failure{Kind: kind, Class: class, Code: "131026", Reason: "scripted"}
}

func receipt(channel backstop.Channel, step int, s backstop.Status) backstop.Receipt {
	return backstop.Receipt{
		Provider: "scripted", Channel: channel, MessageID: "id", Ref: backstop.Ref{Send: sendID, Step: step}, Status: s,
	}
}

func whatsapp(step int, s backstop.Status) backstop.Receipt {
	return receipt(backstop.WhatsApp, step, s)
}

// sms is a receipt for the SMS of a rule.
func sms(rule int, s backstop.Status) backstop.Receipt {
	return receipt(backstop.SMS, backstop.SMSStep(rule, 0, false), s)
}

// arrival is a receipt at a moment after the send was accepted.
type arrival struct {
	after   time.Duration
	receipt backstop.Receipt
	mute    bool // stored, but not signalled
}

func TestSend(t *testing.T) {
	t.Parallel()
	const (
		minute = time.Minute
		second = time.Second
	)
	var (
		rejected    = failure(backstop.Rejected, backstop.RecipientFault)
		throttled   = &backstop.Failure{Kind: backstop.Throttled, RetryAfter: 2 * time.Second}
		unavailable = failure(backstop.Unavailable, "")
		unknown     = failure(backstop.Unknown, "")
		sendFailed  = rule("sf", backstop.SendFailed, minute)
		undelivered = rule("ud", backstop.Undelivered, 5*minute)
		unread      = rule("ur", backstop.Unread, 10*minute)
		reported    = rule("only reported", backstop.Undelivered, 0)
	)
	tests := map[string]struct {
		rules    []backstop.Rule
		whatsapp []error
		sms      []error
		arrivals []arrival
		accounts func(*world)
		send     func(*backstop.Send)

		outcome  backstop.Outcome
		smsAfter []time.Duration // of each SMS call
		rule     string
		calls    int // to WhatsApp
	}{
		"read in order": {
			rules:    []backstop.Rule{unread},
			arrivals: []arrival{{after: second, receipt: whatsapp(1, backstop.Sent)}, {after: 2 * second, receipt: whatsapp(1, backstop.Delivered)}, {after: minute, receipt: whatsapp(1, backstop.Read)}},
			outcome:  backstop.OutcomeWhatsApp, calls: 1,
		},
		"read, out of order and repeated": {
			rules: []backstop.Rule{sendFailed, undelivered, unread},
			arrivals: []arrival{
				{after: second, receipt: whatsapp(1, backstop.Read)}, {after: 2 * second, receipt: whatsapp(1, backstop.Sent)},
				{after: 3 * second, receipt: whatsapp(1, backstop.Delivered)}, {after: 4 * second, receipt: whatsapp(1, backstop.Read)},
			},
			outcome: backstop.OutcomeWhatsApp, calls: 1,
		},
		"delivered is enough for undelivered": {
			rules: []backstop.Rule{undelivered}, arrivals: []arrival{{after: 4 * minute, receipt: whatsapp(1, backstop.Delivered)}},
			outcome: backstop.OutcomeWhatsApp, calls: 1,
		},
		"read implies delivered": {
			rules: []backstop.Rule{undelivered}, arrivals: []arrival{{after: 4 * minute, receipt: whatsapp(1, backstop.Read)}},
			outcome: backstop.OutcomeWhatsApp, calls: 1,
		},
		"delivered is not enough for unread": {
			rules: []backstop.Rule{unread},
			arrivals: []arrival{
				{after: 4 * minute, receipt: whatsapp(1, backstop.Delivered)},
				{after: 10*minute + 2*second, receipt: sms(0, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{10 * minute}, rule: "ur",
		},
		"sent is not enough for undelivered": {
			rules: []backstop.Rule{undelivered},
			arrivals: []arrival{
				{after: second, receipt: whatsapp(1, backstop.Sent)},
				{after: 5*minute + 2*second, receipt: sms(0, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{5 * minute}, rule: "ud",
		},
		"silence fires send_failed": {
			rules: []backstop.Rule{sendFailed}, arrivals: []arrival{{after: 2 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{minute}, rule: "sf",
		},
		"sent satisfies send_failed, and no other receipt comes": {
			rules: []backstop.Rule{sendFailed}, arrivals: []arrival{{after: second, receipt: whatsapp(1, backstop.Sent)}},
			outcome: backstop.OutcomeUnconfirmed, calls: 1,
		},
		"a failure after sent, past the wait, still fires send_failed": {
			rules: []backstop.Rule{sendFailed},
			arrivals: []arrival{
				{after: second, receipt: whatsapp(1, backstop.Sent)}, {after: time.Hour, receipt: whatsapp(1, backstop.Failed)},
				{after: time.Hour + minute, receipt: sms(0, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{time.Hour}, rule: "sf",
		},
		"rejected at once": {
			rules: []backstop.Rule{unread}, whatsapp: []error{rejected}, arrivals: []arrival{{after: second, receipt: sms(0, backstop.Delivered)}},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{0}, rule: "ur",
		},
		"rejected at once, without a wait": {
			rules: []backstop.Rule{reported}, whatsapp: []error{rejected}, arrivals: []arrival{{after: second, receipt: sms(0, backstop.Delivered)}},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{0}, rule: "only reported",
		},
		"failed by receipt": {
			rules:    []backstop.Rule{undelivered},
			arrivals: []arrival{{after: 2 * second, receipt: whatsapp(1, backstop.Failed)}, {after: 4 * second, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{2 * second}, rule: "ud",
		},
		"delivered beats a failure that comes after it": {
			rules: []backstop.Rule{unread},
			arrivals: []arrival{
				{after: second, receipt: whatsapp(1, backstop.Delivered)}, {after: 2 * second, receipt: whatsapp(1, backstop.Failed)},
				{after: 3 * second, receipt: whatsapp(1, backstop.Read)},
			},
			outcome: backstop.OutcomeWhatsApp, calls: 1,
		},
		"a receipt that is stored but not signalled averts the SMS": {
			rules: []backstop.Rule{unread}, arrivals: []arrival{{after: minute, receipt: whatsapp(1, backstop.Read), mute: true}},
			outcome: backstop.OutcomeWhatsApp, calls: 1,
		},
		"the other rules still fire after an averted one": {
			rules: []backstop.Rule{undelivered, unread},
			arrivals: []arrival{
				{after: minute, receipt: whatsapp(1, backstop.Delivered), mute: true},
				{after: 11 * minute, receipt: sms(1, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{10 * minute}, rule: "ur",
		},
		"nothing reported, no wait: no SMS": {
			rules: []backstop.Rule{reported}, outcome: backstop.OutcomeUnconfirmed, calls: 1,
		},
		"throttled twice, then fine": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{throttled, throttled, nil},
			arrivals: []arrival{{after: minute, receipt: whatsapp(1, backstop.Delivered)}},
			outcome:  backstop.OutcomeWhatsApp, calls: 3,
		},
		"unavailable twice, then fine": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{unavailable, unavailable, nil},
			arrivals: []arrival{{after: minute, receipt: whatsapp(1, backstop.Delivered)}},
			outcome:  backstop.OutcomeWhatsApp, calls: 3,
		},
		"throttled until the rule fires, and then no more": {
			rules: []backstop.Rule{rule("short", backstop.SendFailed, 5*second)}, whatsapp: []error{throttled},
			arrivals: []arrival{{after: minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, smsAfter: []time.Duration{5 * second}, rule: "short", calls: 3,
		},
		// The test environment ends unlimited retries after 10.
		"a call of unknown end is not repeated when a receipt comes": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{unknown},
			arrivals: []arrival{{after: 10 * second, receipt: whatsapp(1, backstop.Sent)}, {after: minute, receipt: whatsapp(1, backstop.Delivered)}},
			outcome:  backstop.OutcomeWhatsApp, calls: 1,
		},
		"a call of unknown end is repeated once when no receipt comes": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{unknown},
			arrivals: []arrival{{after: 6 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, smsAfter: []time.Duration{5 * minute}, rule: "ud", calls: 2,
		},
		"a call of unknown end is held when so configured": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{unknown},
			accounts: holdsUnknown(number),
			arrivals: []arrival{{after: 6 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{5 * minute}, rule: "ud",
		},
		"the next rule follows a rejected SMS": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: []error{rejected}, sms: []error{rejected, nil},
			arrivals: []arrival{{after: minute, receipt: sms(1, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{0, 0}, rule: "ur",
		},
		"the next rule follows an SMS that was not delivered": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: []error{rejected},
			arrivals: []arrival{{after: minute, receipt: sms(0, backstop.Failed)}, {after: 2 * minute, receipt: sms(1, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{0, minute}, rule: "ur",
		},
		"no rule is left": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: []error{rejected}, sms: []error{rejected},
			outcome: backstop.OutcomeFailed, calls: 1, smsAfter: []time.Duration{0, 0}, rule: "ur",
		},
		"an old SMS's repeated failure does not count against the new one": {
			rules: []backstop.Rule{undelivered, unread, sendFailed}, whatsapp: []error{rejected},
			arrivals: []arrival{
				{after: minute, receipt: sms(0, backstop.Failed)}, {after: 2 * minute, receipt: sms(0, backstop.Failed)},
				{after: 3 * minute, receipt: sms(1, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{0, minute}, rule: "ur",
		},
		"an SMS without a receipt is unconfirmed": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: []error{rejected},
			outcome: backstop.OutcomeUnconfirmed, calls: 1, smsAfter: []time.Duration{0}, rule: "ud",
		},
		"an SMS of unknown end is held": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: []error{rejected}, sms: []error{unknown},
			outcome: backstop.OutcomeUnconfirmed, calls: 1, smsAfter: []time.Duration{0}, rule: "ud",
		},
		"an SMS of unknown end that arrived": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{rejected}, sms: []error{unknown},
			arrivals: []arrival{{after: minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{0}, rule: "ud",
		},
		"an SMS of unknown end is repeated once when so configured": {
			rules: []backstop.Rule{undelivered}, whatsapp: []error{rejected}, sms: []error{unknown},
			accounts: resendsUnknown(),
			outcome:  backstop.OutcomeUnconfirmed, calls: 1, smsAfter: []time.Duration{0, 30 * second}, rule: "ud",
		},
		"a repetition that is averted settles the send, for the first SMS may be out": {
			rules: []backstop.Rule{undelivered, unread}, sms: []error{unknown},
			accounts: resendsUnknown(),
			arrivals: []arrival{{after: 5*minute + 10*second, receipt: whatsapp(1, backstop.Delivered), mute: true}},
			outcome:  backstop.OutcomeWhatsApp, calls: 1, smsAfter: []time.Duration{5 * minute}, rule: "ud",
		},
		"an SMS that was reported failed and then arrives is the last": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: []error{rejected},
			arrivals: []arrival{
				{after: 30 * second, receipt: whatsapp(1, backstop.Delivered), mute: true},
				{after: minute, receipt: sms(0, backstop.Failed)}, {after: 2 * minute, receipt: sms(0, backstop.Delivered)},
			},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{0}, rule: "ud",
		},
		"a recipient who opted out gets no SMS": {
			rules: []backstop.Rule{unread}, whatsapp: []error{failure(backstop.Rejected, backstop.OptedOut)},
			outcome: backstop.OutcomeFailed, calls: 1,
		},
		"a recipient who opted out still gets a code": {
			rules: []backstop.Rule{unread}, whatsapp: []error{failure(backstop.Rejected, backstop.OptedOut)},
			send:     func(s *backstop.Send) { s.Category = backstop.Authentication },
			arrivals: []arrival{{after: minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{0}, rule: "ur",
		},
		"an expired message is not sent by SMS": {
			rules: []backstop.Rule{unread},
			send: func(s *backstop.Send) {
				at := s.AcceptedAt.Add(9 * minute)
				s.ExpiresAt = &at
			},
			outcome: backstop.OutcomeUnconfirmed, calls: 1,
		},
		"a message that failed and has expired is not sent by SMS": {
			rules: []backstop.Rule{unread},
			send: func(s *backstop.Send) {
				at := s.AcceptedAt.Add(minute)
				s.ExpiresAt = &at
			},
			arrivals: []arrival{{after: 30 * second, receipt: whatsapp(1, backstop.Sent)}, {after: 2 * minute, receipt: whatsapp(1, backstop.Failed)}},
			outcome:  backstop.OutcomeUnconfirmed, calls: 1,
		},
		"an expired message whose call is of unknown end may still arrive": {
			rules: []backstop.Rule{unread}, whatsapp: []error{unknown},
			accounts: holdsUnknown(number),
			send: func(s *backstop.Send) {
				at := s.AcceptedAt.Add(minute)
				s.ExpiresAt = &at
			},
			outcome: backstop.OutcomeUnconfirmed, calls: 1,
		},
		"a message that expired before it was handed over is not sent at all": {
			rules: []backstop.Rule{unread},
			send: func(s *backstop.Send) {
				at := s.AcceptedAt.Add(-second)
				s.AcceptedAt, s.ExpiresAt = s.AcceptedAt.Add(-minute), &at
			},
			outcome: backstop.OutcomeExpired,
		},
		"the shorter wait wins": {
			rules: []backstop.Rule{unread, undelivered}, arrivals: []arrival{{after: 6 * minute, receipt: sms(1, backstop.Delivered)}},
			outcome: backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{5 * minute}, rule: "ud",
		},
		"the policy's order settles a tie": {
			rules:    []backstop.Rule{rule("first", backstop.Unread, minute), rule("second", backstop.SendFailed, minute)},
			arrivals: []arrival{{after: 2 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{minute}, rule: "first",
		},
		"a send that was handed over too late goes by SMS only": {
			rules:    []backstop.Rule{sendFailed},
			send:     func(s *backstop.Send) { s.AcceptedAt = s.AcceptedAt.Add(-time.Hour) },
			arrivals: []arrival{{after: minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, smsAfter: []time.Duration{time.Hour}, rule: "sf",
		},
		"the waits of a scheduled send count from its start": {
			rules: []backstop.Rule{undelivered},
			send: func(s *backstop.Send) {
				started := s.AcceptedAt
				s.AcceptedAt, s.SendAt, s.StartedAt = s.AcceptedAt.Add(-2*time.Hour), new(started.Add(-time.Hour)), &started
			},
			arrivals: []arrival{{after: 6 * minute, receipt: sms(0, backstop.Delivered)}},
			outcome:  backstop.OutcomeSMS, calls: 1, smsAfter: []time.Duration{2*time.Hour + 5*minute}, rule: "ud",
		},
		"a scheduled send whose turn comes after its end": {
			rules: []backstop.Rule{unread},
			send: func(s *backstop.Send) {
				started, expires := s.AcceptedAt, s.AcceptedAt.Add(-second)
				s.AcceptedAt, s.SendAt, s.StartedAt, s.ExpiresAt = s.AcceptedAt.Add(-time.Hour), new(started.Add(-minute)), &started, &expires
			},
			outcome: backstop.OutcomeExpired,
		},
	}
	run := func(name, way string, with func(*workflows.Settings)) {
		tc := tests[name]
		name += way
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.rules...)
			w.answers(backstop.WhatsApp, tc.whatsapp...)
			w.answers(backstop.SMS, tc.sms...)
			for _, h := range tc.arrivals {
				w.receive(h)
			}
			if tc.send != nil {
				tc.send(&w.send)
			}
			set := settings
			with(&set)
			if tc.accounts != nil {
				tc.accounts(w)
			}
			result := w.run(set)
			if result.Outcome == backstop.OutcomePending {
				require.NotNil(t, w.ledger().Send.ReceiptBy)
				w.afterwards()
				result.Outcome = w.ledger().Send.Outcome
			}
			require.Equal(t, tc.outcome, result.Outcome)
			require.Equal(t, tc.rule, result.Rule)
			require.Equal(t, append([]time.Duration{}, tc.smsAfter...), w.smsAfter())
			require.Len(t, w.calls[backstop.WhatsApp], tc.calls)
		})
	}
	for name := range tests {
		run(name, "", func(*workflows.Settings) {})
		run(name, ", queued", func(s *workflows.Settings) { s.QueuedCalls = true })
	}
}

// The provider stays down. The engine retries the call, 10 times in the test environment, and then the WhatsApp message counts as
// failed. The first try inside the workflow task is not among the 10.
func TestSend_retriesEnd(t *testing.T) {
	t.Parallel()
	for queued, calls := range map[bool]int{true: 10, false: 11} {
		w := newWorld(t, rule("only reported", backstop.Undelivered, 0))
		w.answers(backstop.WhatsApp, &backstop.Failure{Kind: backstop.Unavailable})
		w.receive(arrival{after: time.Hour, receipt: sms(0, backstop.Delivered)})
		set := settings
		set.QueuedCalls = queued
		require.Equal(t, backstop.OutcomePending, w.run(set).Outcome)
		w.afterwards()
		require.Equal(t, backstop.OutcomeSMS, w.ledger().Send.Outcome)
		require.Len(t, w.calls[backstop.WhatsApp], calls)
		require.Len(t, w.calls[backstop.SMS], 1)
	}
}

// Postgres is away when the first try has ended. The next run gets the end of that call, and makes no call.
func TestSend_endNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("unread", backstop.Unread, time.Minute))
	w.away = 1
	w.receive(arrival{after: 30 * time.Second, receipt: whatsapp(1, backstop.Read)})
	require.Equal(t, backstop.OutcomeWhatsApp, w.run(settings).Outcome)
	require.Len(t, w.calls[backstop.WhatsApp], 1)
	require.Equal(t, backstop.Accepted, w.ledger().Attempts[0].State)
}

// A receipt that has ended the send in Postgres ends the workflow without another write.
func TestSend_endedByReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("unread", backstop.Unread, time.Minute))
	w.after(30*time.Second, func() {
		w.signal(backstop.View{Revision: 99, Statuses: backstop.Statuses{WhatsApp: backstop.Read}, Outcome: backstop.OutcomeWhatsApp})
	})
	result := w.run(settings)
	require.Equal(t, backstop.OutcomeWhatsApp, result.Outcome)
	require.Equal(t, backstop.Read, result.WhatsApp)
	require.Nil(t, w.ledger().Send.FinishedAt, "the workflow wrote the end once more")
}

// The provider accepts the last SMS, nothing is left to decide, and the workflow ends. The SMS's receipt or the time then ends
// the send, in Postgres alone.
func TestSend_detached(t *testing.T) {
	t.Parallel()
	undelivered, unread := rule("ud", backstop.Undelivered, time.Minute), rule("ur", backstop.Unread, time.Hour)
	rejected := failure(backstop.Rejected, backstop.RecipientFault)
	for name, tc := range map[string]struct {
		rules    []backstop.Rule
		whatsapp error
		sms      []error
		arrivals []arrival
		ended    time.Duration // of the workflow, after the send was accepted
		outcome  backstop.Outcome
	}{
		"rejected at once": {
			rules: []backstop.Rule{unread}, whatsapp: rejected, outcome: backstop.OutcomeUnconfirmed,
		},
		"by the wait": {
			rules: []backstop.Rule{undelivered}, arrivals: []arrival{{after: time.Hour, receipt: sms(0, backstop.Delivered)}},
			ended: time.Minute, outcome: backstop.OutcomeSMS,
		},
		"the SMS fails, and the WhatsApp message may still arrive": {
			rules: []backstop.Rule{undelivered}, arrivals: []arrival{{after: time.Hour, receipt: sms(0, backstop.Failed)}},
			ended: time.Minute, outcome: backstop.OutcomeUnconfirmed,
		},
		"WhatsApp arrives late, and the SMS fails": {
			rules: []backstop.Rule{undelivered}, arrivals: []arrival{
				{after: time.Hour, receipt: whatsapp(1, backstop.Delivered)}, {after: 2 * time.Hour, receipt: sms(0, backstop.Failed)},
			},
			ended: time.Minute, outcome: backstop.OutcomeWhatsApp,
		},
		"only when no rule is left": {
			rules: []backstop.Rule{undelivered, unread}, whatsapp: rejected,
			arrivals: []arrival{{after: time.Minute, receipt: sms(0, backstop.Failed)}, {after: 2 * time.Minute, receipt: sms(1, backstop.Delivered)}},
			ended:    time.Minute, outcome: backstop.OutcomeSMS,
		},
		"the second try is accepted": {
			rules: []backstop.Rule{unread}, whatsapp: rejected, sms: []error{&backstop.Failure{Kind: backstop.Throttled}, nil},
			arrivals: []arrival{{after: time.Minute, receipt: sms(0, backstop.Delivered)}},
			ended:    time.Second, outcome: backstop.OutcomeSMS,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.rules...)
			w.answers(backstop.WhatsApp, tc.whatsapp)
			w.answers(backstop.SMS, tc.sms...)
			for _, h := range tc.arrivals {
				w.receive(h)
			}
			result := w.run(settings)
			require.Equal(t, backstop.OutcomePending, result.Outcome)
			require.Equal(t, backstop.Submitted, result.SMS)
			require.Equal(t, tc.ended, w.now().Sub(w.send.AcceptedAt).Round(time.Second))
			lastCall := w.calls[backstop.SMS][len(w.calls[backstop.SMS])-1]
			require.WithinDuration(t, lastCall.Add(settings.SMSReceiptWait), *w.ledger().Send.ReceiptBy, time.Second)
			w.afterwards()
			require.Equal(t, tc.outcome, w.ledger().Send.Outcome)
		})
	}
}

// The task of a first run was lost after a WhatsApp call of unknown end, and a rule's wait has ended. The second run sends the
// SMS, which fails. It then resolves the WhatsApp call, because the other rule fires only if WhatsApp fails.
func TestSend_unknownOfEarlierRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rule("ud", backstop.Undelivered, time.Minute), rule("reported", backstop.SendFailed, 0))
	w.send.AcceptedAt = w.send.AcceptedAt.Add(-time.Hour)
	w.start()
	earlier := backstop.Call{Channel: backstop.WhatsApp, Candidates: w.candidates(), Token: "earlier"}
	_, _, err := w.Begin(t.Context(), w.send.ID, earlier)
	require.NoError(t, err)
	_, _, err = w.End(t.Context(), w.send.ID, backstop.Ending{
		Step: earlier.Step(), Token: "earlier", Failure: &backstop.Failure{Kind: backstop.Unknown},
	})
	require.NoError(t, err)
	rejected := failure(backstop.Rejected, backstop.RecipientFault)
	w.answers(backstop.WhatsApp, rejected)
	w.answers(backstop.SMS, rejected, nil)
	result := w.run(settings)
	require.Equal(t, "reported", result.Rule)
	require.Len(t, w.calls[backstop.WhatsApp], 1, "the resend")
	require.Len(t, w.calls[backstop.SMS], 2)
}
