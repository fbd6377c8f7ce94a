package api_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// newSend accepts a send and returns its path.
func newSend(t *testing.T, r *rig) (send *backstop.Send, path string) {
	t.Helper()
	_, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID)).Code)
	send = &r.sends[len(r.sends)-1]
	return send, "/v1/sends/" + send.ID
}

func TestSends_Cancel(t *testing.T) {
	t.Parallel()
	t.Run("in time", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		_, path := newSend(t, r)
		for range 2 {
			var shown api.Send
			r.call(t, "POST", path+"/cancel", "").into(200, &shown)
			require.Equal(t, api.OutcomeCancelled, shown.Outcome)
			require.Equal(t, now, *shown.FinishedAt)
			require.Nil(t, shown.ConfirmedAt)
			require.Equal(t, []api.EventKind{api.EventKindCancelled, api.EventKindFinished}, kindsOf(shown))
			require.Nil(t, shown.NextRule, "no rule fires")
		}
	})
	t.Run("an SMS may be out", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		send, path := newSend(t, r)
		send.Status.SMS, send.Fired = backstop.Queued, "Undelivered"
		r.attempts = []backstop.Attempt{{
			Ref: backstop.Ref{Send: send.ID, Step: 3}, Channel: backstop.SMS, Number: 1, State: backstop.Calling, StartedAt: now,
			Provider: "twilio", Account: "twilio", Rule: "Undelivered",
		}}
		late := r.call(t, "POST", path+"/cancel", "")
		require.Equal(t, "the send cannot be cancelled: an SMS was sent, or may have been sent", late.problem(409, "conflict").Detail)
		var body struct {
			Send api.Send `json:"send"`
		}
		require.NoError(t, json.Unmarshal(late.Body.Bytes(), &body))
		require.Equal(t, send.ID, body.Send.ID)
		require.Equal(t, api.OutcomePending, body.Send.Outcome)
		require.Equal(t, api.StatusQueued, body.Send.Sms.Status)
		require.Equal(t, api.AttemptStateCalling, body.Send.Attempts[0].State)
		require.Empty(t, r.events)
	})
	t.Run("it has ended", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		send, path := newSend(t, r)
		ended := now.Add(-time.Second)
		send.Outcome, send.FinishedAt = backstop.OutcomeWhatsApp, &ended
		late := r.call(t, "POST", path+"/cancel", "")
		require.Equal(t, "the send cannot be cancelled: it has ended with the outcome whatsapp", late.problem(409, "conflict").Detail)
		require.Contains(t, late.Body.String(), `"outcome":"whatsapp"`)
	})
}

func TestSends_Confirm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	send, path := newSend(t, r)
	for range 2 {
		var shown api.Send
		r.call(t, "POST", path+"/confirm", "").into(200, &shown)
		require.Equal(t, api.OutcomeConfirmed, shown.Outcome)
		require.Equal(t, now, *shown.ConfirmedAt)
		require.Equal(t, []api.EventKind{api.EventKindConfirmed, api.EventKindFinished}, kindsOf(shown))
	}
	r.call(t, "POST", path+"/cancel", "").problem(409, "conflict")

	ended := now.Add(-time.Second)
	send.Outcome, send.FinishedAt, send.ConfirmedAt = backstop.OutcomeSMS, &ended, nil
	var shown api.Send
	r.call(t, "POST", path+"/confirm", "").into(200, &shown)
	require.Equal(t, api.OutcomeSms, shown.Outcome, "the outcome of a send that has ended stays")
	require.Equal(t, now, *shown.ConfirmedAt)
}

// Both operations refuse what is no send, and change nothing while the store is away.
func TestSends_endFaults(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"/cancel", "/confirm"} {
		r := newRig(t)
		_, path := newSend(t, r)
		r.call(t, "POST", "/v1/sends/"+newID()+operation, "").problem(404, "not_found")
		r.call(t, "POST", "/v1/sends/x"+operation, "").problem(400, "malformed", "id")
		r.call(t, "GET", path+operation, "").problem(405, "method_not_allowed")
		r.door.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
		r.call(t, "POST", path+operation, "").problem(503, "unavailable")
		require.Equal(t, backstop.OutcomePending, r.sends[0].Outcome)
	}
}

func kindsOf(s api.Send) []api.EventKind {
	kinds := make([]api.EventKind, len(s.Events))
	for i, e := range s.Events {
		kinds[i] = e.Kind
	}
	return kinds
}
