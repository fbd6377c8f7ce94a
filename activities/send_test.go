package activities_test

import (
	"context"
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
	send := r.insert()
	result, err := r.run(r.acts.SendWhatsApp, step(send.ID, 1))
	require.NoError(t, err)
	require.Equal(t, activities.Result{Verdict: activities.Accepted, WhatsApp: backstop.Submitted}, result)
	require.Equal(t, []backstop.WhatsAppMessage{{Ref: step(send.ID, 1).Ref, To: to, Text: text}}, r.provider.whatsapp)
	attempts := r.attempts(send.ID)
	require.Len(t, attempts, 1)
	require.Equal(t, backstop.Accepted, attempts[0].State)
	require.Equal(t, "scripted", attempts[0].Provider)
	require.Equal(t, step(send.ID, 1).Ref.String(), attempts[0].MessageID)
	require.Empty(t, r.log.String())
}

func TestActivities_SendWhatsApp_template(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	template := &backstop.Template{Name: "code", Language: "en", Components: json.RawMessage(`[{"type":"body"}]`)}
	send := r.insert(func(s *backstop.Send) { s.Text, s.Template = "", template })
	_, err := r.run(r.acts.SendWhatsApp, step(send.ID, 1))
	require.NoError(t, err)
	require.Equal(t, []backstop.WhatsAppMessage{{Ref: step(send.ID, 1).Ref, To: to, Template: template}}, r.provider.whatsapp)
}

// A receipt that is faster than the answer to the call is in the result.
func TestActivities_SendWhatsApp_receiptFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.provider.answers(func(_ context.Context, ref backstop.Ref) (backstop.Submission, error) {
		r.receive(ref.Send, backstop.Delivered)
		return backstop.Submission{MessageID: ref.String()}, nil
	})
	result, err := r.run(r.acts.SendWhatsApp, step(send.ID, 1))
	require.NoError(t, err)
	require.Equal(t, activities.Result{Verdict: activities.Accepted, WhatsApp: backstop.Delivered}, result)
}

func TestActivities_SendSMS(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	result, err := r.run(r.acts.SendSMS, fallback(send.ID))
	require.NoError(t, err)
	require.Equal(t, activities.Result{
		Verdict: activities.Accepted, WhatsApp: backstop.Queued, SMS: backstop.Submitted, Outcome: backstop.OutcomePending,
	}, result)
	require.Equal(t, []backstop.SMSMessage{{Ref: step(send.ID, 2).Ref, To: to, SendID: "Acme", Text: smsText}}, r.provider.sms)
	attempts := r.attempts(send.ID)
	require.Len(t, attempts, 1)
	require.Equal(t, "unread", attempts[0].Rule)
	require.Equal(t, "not read within 1m0s", attempts[0].Reason)
	require.Equal(t, "Acme", attempts[0].SendID)
	require.Equal(t, "unread", r.get(send.ID).Fired)
}

// The last look: what had arrived when the SMS was about to go out.
func TestActivities_SendSMS_lastLook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tests := map[string]struct {
		stored backstop.Status
		unless backstop.Status
		want   activities.Verdict
	}{
		"read":                          {backstop.Read, backstop.Read, activities.Averted},
		"delivered, to be read":         {backstop.Delivered, backstop.Read, activities.Accepted},
		"read, to be delivered":         {backstop.Read, backstop.Delivered, activities.Averted},
		"sent, to be sent":              {backstop.Sent, backstop.Sent, activities.Averted},
		"failed, unless delivered":      {backstop.Failed, backstop.Delivered, activities.Accepted},
		"failed, to be sent":            {backstop.Failed, backstop.Sent, activities.Accepted},
		"delivered after all, a rescue": {backstop.Delivered, backstop.Delivered, activities.Averted},
	}
	for name, tc := range tests { // not in parallel: they share a script
		send := r.insert()
		r.receive(send.ID, tc.stored)
		in := fallback(send.ID)
		in.Unless = tc.unless
		before := r.provider.calls()
		result, err := r.run(r.acts.SendSMS, in)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, result.Verdict, name)
		require.Equal(t, tc.stored, result.WhatsApp, name)
		called := 0
		if tc.want == activities.Accepted {
			called = 1
		}
		require.Equal(t, called, r.provider.calls()-before, name)
		require.Len(t, r.attempts(send.ID), called, name)
	}
}

// The look is taken before each try, not only before the first.
func TestActivities_SendSMS_lastLookBetweenTries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Throttled}))
	_, err := r.run(r.acts.SendSMS, fallback(send.ID))
	require.Error(t, err)
	r.receive(send.ID, backstop.Read)
	result, err := r.run(r.acts.SendSMS, fallback(send.ID))
	require.NoError(t, err)
	require.Equal(t, activities.Averted, result.Verdict)
	require.Equal(t, 1, r.provider.calls())
}

func TestActivities_SendSMS_expired(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	expires := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]activities.Verdict{
		-time.Second: activities.Accepted, 0: activities.Expired, time.Second: activities.Expired,
	} {
		send := r.insert(func(s *backstop.Send) { s.ExpiresAt = &expires })
		r.now = expires.Add(after)
		result, err := r.run(r.acts.SendSMS, fallback(send.ID))
		require.NoError(t, err)
		require.Equal(t, want, result.Verdict, after)
	}
	require.Equal(t, 1, r.provider.calls())
	send := r.insert(func(s *backstop.Send) { s.ExpiresAt = &expires })
	r.receive(send.ID, backstop.Read)
	result, err := r.run(r.acts.SendSMS, fallback(send.ID))
	require.NoError(t, err)
	require.Equal(t, activities.Averted, result.Verdict, "it arrived: that it is late does not matter")
}

// The SMS of an earlier rule, given up, arrives after all when the next rule's is about to go out.
func TestActivities_SendSMS_earlierArrived(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	_, err := r.run(r.acts.SendSMS, fallback(send.ID))
	require.NoError(t, err)
	first := step(send.ID, 2).Ref
	for _, status := range []backstop.Status{backstop.Failed, backstop.Delivered} {
		_, err = r.db.InsertReceipts(t.Context(), []backstop.Receipt{{
			Provider: "scripted", Channel: backstop.SMS, MessageID: first.String(), Ref: first, Status: status, At: time.Now(),
		}})
		require.NoError(t, err)
	}
	in := fallback(send.ID)
	in.Ref.Step = 3
	result, err := r.run(r.acts.SendSMS, in)
	require.NoError(t, err)
	require.Equal(t, activities.Averted, result.Verdict)
	require.Equal(t, backstop.Delivered, result.SMS)
	require.Equal(t, 1, r.provider.calls())
}
