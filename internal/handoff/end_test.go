package handoff_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// The workflow of a send that its caller ends is notified. If Temporal is away, the send has ended all the same.
func TestHandoff_Cancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	for _, outcome := range []backstop.Outcome{backstop.OutcomeCancelled, backstop.OutcomeConfirmed} {
		end := h.Cancel
		if outcome == backstop.OutcomeConfirmed {
			end = h.Confirm
		}
		for _, isAway := range []bool{false, true} {
			send := accept(t, h)
			var fail func(string) error
			if isAway {
				fail = func(string) error { return errors.New("the engine is broken") }
			}
			r.engine.fails(fail)
			_, before := r.engine.calls()
			require.NoError(t, end(t.Context(), send.ID))
			h.Close()
			_, signals := r.engine.calls()
			require.Equal(t, before+1, signals, "no worker answers the update, so a signal follows")
			stored, err := r.db.Send(t.Context(), send.ID)
			require.NoError(t, err)
			require.Equal(t, outcome, stored.Outcome)
			r.engine.fails(nil)
		}
	}
	r.requireMarked()
}

// What comes too late notifies nobody.
func TestHandoff_Cancel_late(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	send := accept(t, h)
	r.fallBack(send.ID, time.Hour)
	_, before := r.engine.calls()
	updates := r.engine.updated()
	require.Equal(t, backstop.Conflict, backstop.CodeOf(h.Cancel(t.Context(), send.ID)))
	_, err := r.db.Finish(t.Context(), send.ID, false)
	require.NoError(t, err)
	require.NoError(t, h.Confirm(t.Context(), send.ID))
	require.Equal(t, backstop.NotFound, backstop.CodeOf(h.Cancel(t.Context(), policyID)))
	require.Equal(t, backstop.NotFound, backstop.CodeOf(h.Confirm(t.Context(), policyID)))
	h.Close()
	_, signals := r.engine.calls()
	require.Equal(t, before, signals)
	require.Equal(t, updates, r.engine.updated())
	stored, err := r.db.Send(t.Context(), send.ID)
	require.NoError(t, err)
	require.Equal(t, backstop.OutcomeUnconfirmed, stored.Outcome)
	require.NotNil(t, stored.ConfirmedAt)
}

// A reply of the recipient counts as read, and ends the send.
func TestHandoff_Deliver_reply(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	send := accept(t, h)
	r.begin(send.ID, backstop.Call{Channel: backstop.WhatsApp})
	_, _, err := r.db.End(t.Context(), send.ID, backstop.Ending{
		Step: 1, Token: send.ID, Submission: backstop.Submission{MessageID: "wamid.1"},
	})
	require.NoError(t, err)
	reply := backstop.Receipt{
		Provider: "meta", Account: "number", Channel: backstop.WhatsApp, MessageID: "wamid.reply", At: time.Now(),
		Inbound: &backstop.Inbound{From: to, Text: text, ReplyTo: "wamid.1"},
	}
	for range 2 {
		deliver(t, h, reply)
		stored, err := r.db.Send(t.Context(), send.ID)
		require.NoError(t, err)
		require.Equal(t, backstop.Read, stored.Status.WhatsApp)
		require.Equal(t, backstop.OutcomeWhatsApp, stored.Outcome)
		_, signals := r.engine.calls()
		require.Equal(t, 1, signals)
	}
	deliver(t, h, backstop.Receipt{
		Provider: "meta", Account: "number", Channel: backstop.WhatsApp, MessageID: "wamid.1", Status: backstop.Read, At: time.Now(),
		Ref: backstop.Ref{Send: send.ID, Step: 1},
	})
	_, events, err := r.db.Timeline(t.Context(), send.ID)
	require.NoError(t, err)
	reads := 0
	for _, e := range events {
		if e.Kind == backstop.EventReceipt {
			reads++
		}
	}
	require.Equal(t, 1, reads, "the provider's own receipt says the same")
	require.NotContains(t, r.log.String(), text)
}
