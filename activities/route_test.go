package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

// The route decides which driver is called. What an attempt names is the driver, which is what receipts name too.
func TestActivities_SendSMS_route(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for route, driver := range map[string]string{"": "scripted", "first": "scripted", "second": "other"} {
		send := r.insert()
		in := fallback(send.ID)
		in.Route = route
		result, err := r.run(r.acts.SendSMS, in)
		require.NoError(t, err)
		require.Equal(t, activities.Accepted, result.Verdict)
		require.Equal(t, driver, r.attempts(send.ID)[0].Provider, route)

		_, err = r.db.InsertReceipts(t.Context(), []backstop.Receipt{{ // without our reference, by the message's id
			Provider: driver, Channel: backstop.SMS, MessageID: in.Ref.String(), Status: backstop.Delivered, At: time.Now(),
		}})
		require.NoError(t, err)
		require.Equal(t, backstop.Delivered, r.get(send.ID).SMSStatus)
	}
	require.Equal(t, 3, r.provider.calls())
}

// A route that is not configured any more is a rejection that is written down, and an operator is told.
func TestActivities_SendSMS_routeGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	in := fallback(send.ID)
	in.Route = "gone"
	want := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, Reason: `route "gone" is not configured`}
	for range 2 { // the engine may not know of the first
		result, err := r.run(r.acts.SendSMS, in)
		require.NoError(t, err)
		require.Equal(t, activities.Result{
			Verdict: activities.Rejected, WhatsApp: backstop.Queued, SMS: backstop.Failed, Failure: want,
		}, result)
	}
	require.Zero(t, r.provider.calls())
	attempts := r.attempts(send.ID)
	require.Len(t, attempts, 1)
	require.Equal(t, backstop.AttemptState(backstop.Rejected), attempts[0].State)
	require.Equal(t, want, attempts[0].Failure)
	require.Equal(t, "gone", attempts[0].Provider)
	require.Equal(t, "unread", attempts[0].Rule)
	require.NotNil(t, attempts[0].EndedAt)
	require.Equal(t, "unread", r.get(send.ID).Fired)
	require.Contains(t, r.log.String(), `"level":"ERROR","msg":"provider call failed"`)

	in.Ref.Step, in.Route = 3, "" // the next rule
	result, err := r.run(r.acts.SendSMS, in)
	require.NoError(t, err)
	require.Equal(t, activities.Accepted, result.Verdict)
	require.Equal(t, backstop.Submitted, result.SMS)
	require.Equal(t, 1, r.provider.calls())
}

// The last look comes first: what has arrived or expired needs no route.
func TestActivities_SendSMS_routeGone_lastLook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.receive(send.ID, backstop.Read)
	in := fallback(send.ID)
	in.Route = "gone"
	result, err := r.run(r.acts.SendSMS, in)
	require.NoError(t, err)
	require.Equal(t, activities.Averted, result.Verdict)
	require.Empty(t, r.attempts(send.ID))
}

// A route that goes away between two tries.
func TestActivities_SendSMS_routeGone_throttled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send := r.insert()
	r.provider.answers(fails(&backstop.Failure{Kind: backstop.Throttled}))
	in := fallback(send.ID)
	in.Route = "second"
	_, err := r.run(r.acts.SendSMS, in)
	require.Error(t, err)
	r.acts, err = activities.New(activities.Options{
		Store: r.store, WhatsApp: whatsapp{r.provider}, SMS: routes(sms{r.provider, "scripted"}), Log: r.logger(),
	})
	require.NoError(t, err)
	result, err := r.run(r.acts.SendSMS, in)
	require.NoError(t, err)
	require.Equal(t, activities.Rejected, result.Verdict)
	attempts := r.attempts(send.ID)
	require.Len(t, attempts, 2)
	require.Equal(t, "other", attempts[0].Provider)
	require.Equal(t, "second", attempts[1].Provider)
	require.Equal(t, 1, r.provider.calls())
}
