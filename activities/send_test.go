package activities_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

func TestActivities_SendWhatsApp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, r.ledger().View(), result.View)
	require.Equal(t, backstop.Submitted, result.View.WhatsApp)
	ref := backstop.Ref{Send: r.send.ID, Step: backstop.WhatsAppStep(false)}
	require.Equal(t, []backstop.WhatsAppMessage{{Ref: ref, To: to, Text: text}}, r.provider.whatsapp)
	attempt := r.attempt(backstop.WhatsApp)
	require.Equal(t, backstop.Accepted, attempt.State)
	require.Equal(t, "scripted", attempt.Provider)
	require.Equal(t, number, attempt.Account)
	require.Equal(t, ref.String(), attempt.MessageID)
	require.Empty(t, r.log.String())
}

func TestActivities_SendWhatsApp_template(t *testing.T) {
	t.Parallel()
	template := &backstop.Template{Name: "code", Language: "en", Components: json.RawMessage(`[{"type":"body"}]`)}
	r := newRig(t, func(s *backstop.Send) { s.Text, s.Template = "", template })
	_, err := r.runOn(backstop.WhatsApp)
	require.NoError(t, err)
	require.Len(t, r.provider.whatsapp, 1)
	require.Equal(t, template, r.provider.whatsapp[0].Template)
}

// A receipt that is faster than the answer to the call is in the result.
func TestActivities_SendWhatsApp_receiptFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.provider.answers(meanwhile(func() { require.False(t, r.receive(backstop.WhatsApp, backstop.Delivered)) }))
	result, err := r.runOn(backstop.WhatsApp)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, backstop.Delivered, result.View.WhatsApp)
}

// A resend follows a call of unknown end, as a step of its own. It is skipped if a receipt for the first message has come.
func TestActivities_SendWhatsApp_resend(t *testing.T) {
	t.Parallel()
	for reported, verdict := range map[backstop.Status]activities.Verdict{"": activities.Accepted, backstop.Sent: activities.Out} {
		r := newRig(t)
		r.provider.answers(fails(&backstop.Failure{Kind: backstop.Unknown}))
		result, err := r.runOn(backstop.WhatsApp)
		r.requireVerdict(activities.Unknown, result, err)
		if reported != "" {
			r.receive(backstop.WhatsApp, reported)
		}
		resend := r.step()
		resend.Resend = true
		for range 2 {
			result, err = r.run(r.acts.SendWhatsApp, resend)
			r.requireVerdict(verdict, result, err)
		}
		if verdict == activities.Accepted {
			require.Len(t, r.provider.whatsapp, 2)
			require.Equal(t, backstop.WhatsAppStep(true), r.provider.whatsapp[1].Ref.Step)
		} else {
			require.Len(t, r.provider.whatsapp, 1)
		}
	}
}

func TestActivities_SendSMS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Accepted, result, err)
	require.Equal(t, r.ledger().View(), result.View)
	require.Equal(t, backstop.Submitted, result.View.SMS)
	require.Equal(t, backstop.OutcomePending, result.View.Outcome, "the store waits for the receipt")
	ref := backstop.Ref{Send: r.send.ID, Step: backstop.SMSStep(0, 0, false)}
	require.Equal(t, []backstop.SMSMessage{{Ref: ref, To: to, SendID: "Acme", Text: smsText}}, r.provider.sms)
	attempt := r.attempt(backstop.SMS)
	require.Equal(t, "unread", attempt.Rule)
	require.Equal(t, "Acme", attempt.SendID)
	require.Equal(t, "scripted", attempt.Provider)
	require.Equal(t, "first", attempt.Account)
	require.Equal(t, "unread", r.ledger().Send.Fired)
}

// An SMS is valid until the send expires. After that nothing goes out.
func TestActivities_SendSMS_validFor(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]time.Duration{
		time.Hour: time.Hour, 1500 * time.Millisecond: 1500 * time.Millisecond, time.Millisecond: time.Second,
	} {
		r := newRig(t)
		r = newRig(t, func(s *backstop.Send) { *s = r.send; s.ExpiresAt = new(r.send.AcceptedAt.Add(2 * time.Hour)) })
		r.clock.Advance(r.send.ExpiresAt.Add(-left).Sub(r.clock.Now()))
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Accepted, result, err)
		require.Len(t, r.provider.sms, 1)
		require.Equal(t, want, r.provider.sms[0].ValidFor, left)
	}
	for _, channel := range channels {
		r := newRig(t, func(s *backstop.Send) { s.ExpiresAt = new(s.AcceptedAt.Add(time.Second)) })
		result, err := r.runOn(channel)
		r.requireVerdict(activities.NoMoreCalls, result, err)
		require.Zero(t, r.provider.calls())
	}
}

// If the provider drops an SMS because its validity is over, the send has expired.
func TestActivities_SendSMS_validityOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *backstop.Send) { s.ExpiresAt = new(s.AcceptedAt.Add(wait + time.Minute)) })
	_, err := r.runOn(backstop.SMS)
	require.NoError(t, err)
	r.clock.Advance(2 * time.Minute)
	r.receive(backstop.SMS, backstop.Failed, &backstop.Failure{Kind: backstop.Rejected, Class: backstop.Expired, Code: "30036"})
	require.Equal(t, backstop.OutcomeExpired, r.ledger().View().Outcome)
}

// An SMS is skipped if the WhatsApp message has reached the goal of the SMS's rule. A later rule may have a higher goal.
func TestActivities_SendSMS_lastLook(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stored backstop.Status
		rule   backstop.RuleType
		want   activities.Verdict
	}{
		"sent, to be sent":           {backstop.Sent, backstop.SendFailed, activities.Averted},
		"delivered, to be sent":      {backstop.Delivered, backstop.SendFailed, activities.Averted},
		"sent, to be delivered":      {backstop.Sent, backstop.Undelivered, activities.Accepted},
		"delivered, to be delivered": {backstop.Delivered, backstop.Undelivered, activities.Averted},
		"delivered, to be read":      {backstop.Delivered, backstop.Unread, activities.Accepted},
		"read, to be delivered":      {backstop.Read, backstop.Undelivered, activities.NoMoreCalls},
		"read, to be read":           {backstop.Read, backstop.Unread, activities.NoMoreCalls},
		"failed, to be delivered":    {backstop.Failed, backstop.Undelivered, activities.Accepted},
		"failed, to be sent":         {backstop.Failed, backstop.SendFailed, activities.Accepted},
	} {
		r := newRig(t, withRules(newRule("r", tc.rule), newRule("later", backstop.Unread)))
		_, err := r.runOn(backstop.WhatsApp)
		require.NoError(t, err)
		r.receive(backstop.WhatsApp, tc.stored)
		result, err := r.runOn(backstop.SMS)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, result.Verdict, name)
		require.Equal(t, tc.stored, result.View.WhatsApp, name)
		require.Equal(t, tc.want == activities.Accepted, len(r.provider.sms) == 1, name)
		require.Equal(t, tc.want == activities.NoMoreCalls, result.View.Outcome == backstop.OutcomeWhatsApp, name)
	}
}

// A failure fires a rule at once. A later delivery averts the SMS, even if the rule's goal is read.
func TestActivities_SendSMS_byFailure(t *testing.T) {
	t.Parallel()
	for after, want := range map[backstop.Status]activities.Verdict{
		"": activities.Accepted, backstop.Delivered: activities.Averted,
	} {
		later := newRule("later", backstop.Unread)
		r := newRig(t, withRules(newRule("unread", backstop.Unread), later), func(s *backstop.Send) { s.AcceptedAt = s.AcceptedAt.Add(wait) })
		_, err := r.runOn(backstop.WhatsApp)
		require.NoError(t, err)
		r.receive(backstop.WhatsApp, backstop.Failed)
		if after != "" {
			r.receive(backstop.WhatsApp, after)
		}
		step := r.fallback(0)
		step.ByFailure = true
		result, err := r.run(r.acts.SendSMS, step)
		r.requireVerdict(want, result, err)
	}
}

// The recipient has opted out of marketing. The fallback SMS goes out only if the send's category is not marketing.
func TestActivities_SendSMS_optedOut(t *testing.T) {
	t.Parallel()
	optedOut := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050"}
	for category, want := range map[backstop.Category]activities.Verdict{
		"": activities.NoMoreCalls, backstop.Marketing: activities.NoMoreCalls,
		backstop.Authentication: activities.Accepted, backstop.Utility: activities.Accepted,
	} {
		for name, optsOut := range map[string]func(*rig){
			"by receipt": func(r *rig) {
				_, err := r.runOn(backstop.WhatsApp)
				require.NoError(t, err)
				r.receive(backstop.WhatsApp, backstop.Failed, optedOut)
			},
			"by the call": func(r *rig) {
				r.provider.answers(fails(optedOut))
				result, err := r.runOn(backstop.WhatsApp)
				r.requireVerdict(activities.Rejected, result, err)
			},
		} {
			r := newRig(t, func(s *backstop.Send) { s.Category = category })
			optsOut(r)
			result, err := r.runOn(backstop.SMS)
			require.NoError(t, err)
			require.Equal(t, want, result.Verdict, "%s %s", category, name)
			require.Equal(t, want == activities.Accepted, len(r.provider.sms) == 1)
		}
	}
}

// After an opt-out from SMS, the next rule sends no SMS either.
func TestActivities_SendSMS_stop(t *testing.T) {
	t.Parallel()
	r := newRig(t, withRules(newRule("first", backstop.Undelivered), newRule("second", backstop.Undelivered)))
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "21610"}))
	result, err := r.runOn(backstop.SMS)
	r.requireVerdict(activities.Rejected, result, err)
	result, err = r.run(r.acts.SendSMS, r.fallback(1))
	r.requireVerdict(activities.NoMoreCalls, result, err)
	require.Equal(t, 1, r.provider.calls())
}

// The SMS of the next rule goes out only if the first SMS has failed, and has not arrived after all.
func TestActivities_SendSMS_nextRule(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reported []backstop.Status
		want     activities.Verdict
	}{
		{nil, activities.Out},
		{[]backstop.Status{backstop.Sent}, activities.Out},
		{[]backstop.Status{backstop.Failed}, activities.Accepted},
		{[]backstop.Status{backstop.Failed, backstop.Delivered}, activities.NoMoreCalls},
	} {
		r := newRig(t, withRules(newRule("first", backstop.Undelivered), newRule("second", backstop.Undelivered)))
		result, err := r.runOn(backstop.SMS)
		r.requireVerdict(activities.Accepted, result, err)
		for _, status := range tc.reported {
			r.receive(backstop.SMS, status)
		}
		result, err = r.run(r.acts.SendSMS, r.fallback(1))
		require.NoError(t, err)
		require.Equal(t, tc.want, result.Verdict, "%v", tc.reported)
		require.Equal(t, tc.want == activities.Accepted, r.provider.calls() == 2)
	}
}
