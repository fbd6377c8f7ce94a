package backstop_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// grace is that of the exclusive sends of these tests.
const grace = 15 * time.Second

// exclusiveSend returns a send that is to be exclusive, by a template with a time-to-live; 0: a text.
func exclusiveSend(ttl time.Duration, rules ...backstop.Rule) backstop.Send {
	s := newLedger(rules...).Send
	s.Plan.Override = &backstop.Override{Exclusive: true}
	if ttl > 0 {
		s.Plan.Template = &backstop.PlanTemplate{Category: backstop.Utility, TTLSeconds: int(ttl / time.Second)}
	}
	return s
}

func TestSend_ResolveExclusive(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	undelivered, unsent := rule(backstop.Undelivered, 10*minute), rule(backstop.SendFailed, 20*minute)
	failure, unread := rule(backstop.Undelivered, 0), rule(backstop.Unread, 60*minute)
	for name, tc := range map[string]struct {
		ttl     time.Duration
		rules   []backstop.Rule
		refused []backstop.FieldCode
	}{
		"as long as the wait": {10 * minute, []backstop.Rule{undelivered, unsent}, nil},
		"longer than a wait":  {10*minute + time.Second, []backstop.Rule{unsent, undelivered}, []backstop.FieldCode{backstop.FieldExclusiveWait}},
		"longer than both":    {60 * minute, []backstop.Rule{undelivered, failure, unsent}, []backstop.FieldCode{backstop.FieldExclusiveWait, backstop.FieldExclusiveWait}},
		"a text":              {0, []backstop.Rule{failure, undelivered}, []backstop.FieldCode{backstop.FieldExclusiveTTL}},
		"a text, failures":    {0, []backstop.Rule{failure}, nil},
		"long, failures":      {60 * minute, []backstop.Rule{failure}, nil},
		"unread":              {minute, []backstop.Rule{undelivered, unread}, []backstop.FieldCode{backstop.FieldExclusiveUnread}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := exclusiveSend(tc.ttl, tc.rules...)
			resolved, err := s.ResolveExclusive(grace - time.Millisecond) // a part of a second counts whole
			var codes []backstop.FieldCode
			if wrong, ok := errors.AsType[*backstop.Error](err); ok {
				for _, f := range wrong.Fields {
					require.Equal(t, "fallback.exclusive", f.Name)
					codes = append(codes, f.Code)
				}
			}
			require.Equal(t, tc.refused, codes)
			for _, r := range s.Plan.Rules {
				require.Zero(t, r.GraceSeconds, "the plan that was given stays as it is")
			}
			if err != nil {
				return
			}
			for _, r := range resolved.Plan.Rules {
				deadline, waits := r.Deadline(origin)
				require.Equal(t, r.WaitSeconds > 0, waits)
				if waits {
					require.Equal(t, origin.Add(r.Wait()+grace), deadline)
				}
			}
			require.Equal(t, backstop.ExclusiveGuaranteed, resolved.Plan.Exclusivity().Reason.Level())

			again, err := resolved.ResolveExclusive(time.Minute) // a repetition, after the setting was changed
			require.NoError(t, err)
			require.Equal(t, 60, again.Plan.GraceSeconds)
			again.Plan.Override = nil
			again, err = again.ResolveExclusive(grace)
			require.NoError(t, err)
			require.Zero(t, again.Plan.GraceSeconds)
			require.Equal(t, s.Plan.Rules, again.Plan.Rules)
		})
	}
}

// The deadline of the longest wait is the end of the watch. The ledger holds the SMS for the grace.
func TestSend_ResolveExclusive_longest(t *testing.T) {
	t.Parallel()
	send, err := exclusiveSend(backstop.MaxWait, rule(backstop.Undelivered, backstop.MaxWait)).ResolveExclusive(grace)
	require.NoError(t, err)
	deadline, _ := send.Plan.Rules[0].Deadline(origin)
	require.Equal(t, origin.Add(backstop.MaxWait), deadline)
	d := newDesk(t)
	d.l.Send = send
	d.call(whatsApp(), nil).at(backstop.MaxWait)
	require.Equal(t, d.l.Attempt(1).EndedAt.Add(backstop.MaxWait+grace), d.begin(smsOf(0)).Until)
}

// The error of a wait that is too short has both numbers.
func TestSend_ResolveExclusive_numbers(t *testing.T) {
	t.Parallel()
	_, err := exclusiveSend(time.Hour, rule(backstop.Undelivered, time.Minute)).ResolveExclusive(grace)
	require.ErrorContains(t, err, `rule "A" waits 60 s, which is less than the template's time-to-live of 3600 s`)
	wrong, ok := errors.AsType[*backstop.Error](err)
	require.True(t, ok)
	require.Equal(t, map[string]string{"rule": "A", "wait_seconds": "60", "ttl_seconds": "3600"}, wrong.Fields[0].Params)
}

func TestPlan_Exclusivity(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	waits, failure := rule(backstop.Undelivered, 10*minute), rule(backstop.SendFailed, 0)
	assumed := func(s *backstop.Send) { s.Plan.Template.IsTTLAssumed = true }
	notExclusive := func(s *backstop.Send) { s.Plan.Override = nil }
	unsendable := func(s *backstop.Send) { s.Plan.Template.Fault = "is paused" }
	for name, tc := range map[string]struct {
		ttl    time.Duration
		rules  []backstop.Rule
		change func(*backstop.Send)
		want   backstop.ExclusiveReason
		level  backstop.ExclusiveLevel
		rule   string
	}{
		"dropped before": {10 * minute, []backstop.Rule{failure, waits}, nil, backstop.ExclusiveDropped, backstop.ExclusiveGuaranteed, "B"},
		"failures":       {0, []backstop.Rule{failure, failure}, nil, backstop.ExclusiveFailure, backstop.ExclusiveGuaranteed, "A"},
		"assumed":        {10 * minute, []backstop.Rule{failure, waits}, assumed, backstop.ExclusiveGuess, backstop.ExclusiveLikely, "B"},
		"unheld":         {10 * minute, []backstop.Rule{waits}, notExclusive, backstop.ExclusiveUnheld, backstop.ExclusiveLikely, "A"},
		"unheld failure": {0, []backstop.Rule{failure}, notExclusive, backstop.ExclusiveUnheld, backstop.ExclusiveLikely, "A"},
		"too short":      {11 * minute, []backstop.Rule{failure, waits}, notExclusive, backstop.ExclusiveTooShort, backstop.ExclusiveNo, "B"},
		"a text":         {0, []backstop.Rule{failure, waits}, notExclusive, backstop.ExclusiveNoTTL, backstop.ExclusiveNo, "B"},
		"unread":         {minute, []backstop.Rule{waits, rule(backstop.Unread, 60*minute)}, notExclusive, backstop.ExclusiveUnread, backstop.ExclusiveNo, "B"},
		"not sent":       {60 * minute, []backstop.Rule{waits, rule(backstop.Unread, minute)}, unsendable, backstop.ExclusiveUnsent, backstop.ExclusiveGuaranteed, "A"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := exclusiveSend(tc.ttl, tc.rules...)
			s.Plan.GraceSeconds = 15
			if tc.change != nil {
				tc.change(&s)
			}
			got := s.Plan.Exclusivity()
			require.Equal(t, tc.want, got.Reason)
			require.Equal(t, tc.level, got.Reason.Level())
			require.Equal(t, tc.rule, got.Rule.Name)
			require.Equal(t, tc.ttl, got.TTL)
			require.Equal(t, s.Plan.IsExclusive(), got.Grace > 0)
		})
	}
	for _, reason := range backstop.ExclusiveReasons() {
		require.NotEmpty(t, reason.Level(), reason)
	}
}

// exclusiveDesk is the desk of an exclusive send with one rule of a minute.
func exclusiveDesk(t *testing.T, ttl time.Duration) *desk {
	t.Helper()
	send, err := exclusiveSend(ttl, rule(backstop.Undelivered, time.Minute)).ResolveExclusive(grace)
	require.NoError(t, err)
	d := newDesk(t)
	d.l.Send = send
	return d
}

// The SMS goes out when the grace has passed, and not if a receipt comes in it.
func TestLedger_exclusive(t *testing.T) {
	t.Parallel()
	const wait = time.Minute
	d := exclusiveDesk(t, wait).call(whatsApp(), nil)
	require.Equal(t, origin.Add(wait+grace), d.at(wait+grace-2*time.Second).begin(smsOf(0)).Until)
	d.at(wait+grace).call(smsOf(0), nil)
	require.Equal(t, backstop.NotDelivered, d.l.Send.FallbackReason)

	d = exclusiveDesk(t, wait).call(whatsApp(), nil)
	d.at(wait+grace/2).receive(whatsApp(), delivered)
	d.ended(backstop.OutcomeWhatsApp)
}

// After a WhatsApp call that ended late, the SMS waits until WhatsApp has dropped the message.
func TestLedger_exclusive_lateCall(t *testing.T) {
	t.Parallel()
	const wait, late = time.Minute, 40 * time.Second
	d := exclusiveDesk(t, wait).call(whatsApp(), kind(backstop.Unavailable))
	d.at(late).call(whatsApp(), nil)
	ended := *d.l.Attempt(1).EndedAt
	d.at(wait + grace)
	_, at, found := d.l.NextRule(d.now)
	require.True(t, found)
	require.Equal(t, ended.Add(wait+grace), at)
	ruling := d.begin(smsOf(0))
	require.Equal(t, backstop.TooEarly, ruling.Answer)
	require.Equal(t, ended.Add(wait+grace), ruling.Until)
	require.Empty(t, d.l.Send.Status.SMS, "no rule has fired")
	d.now = ended.Add(wait + grace)
	d.call(smsOf(0), nil)

	plain := newDesk(t, rule(backstop.Undelivered, wait)).call(whatsApp(), kind(backstop.Unavailable))
	plain.at(late).call(whatsApp(), nil).at(wait).call(smsOf(0), nil)
}

// A shorter time-to-live than the wait leaves room for a late call.
func TestLedger_exclusive_shortTTL(t *testing.T) {
	t.Parallel()
	d := exclusiveDesk(t, 30*time.Second).call(whatsApp(), kind(backstop.Unavailable))
	d.at(20*time.Second).call(whatsApp(), nil).at(time.Minute+grace).call(smsOf(0), nil)
}

// A reported failure is final: nothing holds the SMS.
func TestLedger_exclusive_failure(t *testing.T) {
	t.Parallel()
	d := exclusiveDesk(t, time.Minute).call(whatsApp(), nil).receive(whatsApp(), failed)
	d.call(byFailure(smsOf(0)), nil)
}

// If the message may be out by an earlier call of unknown end, the failure of its resend does not free the SMS at once.
func TestLedger_exclusive_unknownCall(t *testing.T) {
	t.Parallel()
	history := func(d *desk) *desk {
		d.call(whatsApp(), kind(backstop.Unknown)).at(time.Second)
		return d.call(resend(whatsApp()), rejected(backstop.RecipientFault))
	}
	d := history(exclusiveDesk(t, time.Minute))
	require.Equal(t, failed, d.l.Send.Status.WhatsApp)
	ruling := d.begin(byFailure(smsOf(0)))
	require.Equal(t, backstop.TooEarly, ruling.Answer)
	require.Equal(t, d.l.Attempt(1).EndedAt.Add(time.Minute+grace), ruling.Until)
	d.now = ruling.Until
	d.call(byFailure(smsOf(0)), nil)

	history(newDesk(t, rule(backstop.Undelivered, time.Minute))).call(byFailure(smsOf(0)), nil)
}

// The template of an authentication message without a time-to-live may be an old one.
func TestSend_ResolveTemplate_assumedTTL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		category backstop.Category
		ttl      time.Duration
		assumed  bool
	}{
		{backstop.Authentication, 0, true}, {backstop.Authentication, 10 * time.Minute, false}, {backstop.Utility, 0, false},
	} {
		known := backstop.SyncedTemplates{IsSynced: true, Templates: []backstop.MessageTemplate{{
			Name: "code", Language: "en", Status: backstop.TemplateApproved, Category: tc.category, TTL: tc.ttl,
			Components: []byte(`[]`),
		}}}
		planned, err := backstop.Send{Template: &backstop.Template{Name: "code", Language: "en"}}.ResolveTemplate(known)
		require.NoError(t, err)
		require.Equal(t, tc.assumed, planned.IsTTLAssumed)
	}
}
