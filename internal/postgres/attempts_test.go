package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestDB_Begin(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)

	t.Run("unknown send", func(t *testing.T) {
		t.Parallel()
		for _, id := range []string{newID(t), "x"} {
			_, err := db.Begin(t.Context(), backstop.Attempt{Ref: backstop.Ref{Send: id, Step: 1}}, always)
			requireCode(t, backstop.NotFound, err)
		}
	})
	t.Run("numbers the calls of a step and shows the newest", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		first := begin(t, db, send.ID, 1)
		require.Equal(t, 1, first.Number)
		require.Equal(t, backstop.Calling, first.State)
		fail(t, db, first, backstop.Throttled)
		begin(t, db, send.ID, 3) // another step counts on its own

		var seen *backstop.Attempt
		second, err := db.Begin(t.Context(), first, func(s backstop.Send, newest *backstop.Attempt) bool {
			require.Equal(t, send, s)
			seen = newest
			return true
		})
		require.NoError(t, err)
		require.Equal(t, 2, second.Number)
		require.Equal(t, backstop.AttemptState(backstop.Throttled), seen.State)
		require.Equal(t, "131026", seen.Failure.Code)
	})
	t.Run("records nothing when the last look says no", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := backstop.Attempt{Ref: backstop.Ref{Send: send.ID, Step: 2}, Channel: backstop.SMS, Provider: "twilio", Rule: "r"}
		begun, err := db.Begin(t.Context(), attempt, func(backstop.Send, *backstop.Attempt) bool { return false })
		require.NoError(t, err)
		require.Zero(t, begun)
		require.Equal(t, send, getSend(t, db, send.ID))
		require.Equal(t, []string{"accepted"}, kinds(t, db, send.ID))
	})
	t.Run("an SMS names its rule, once per step", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		fail(t, db, begin(t, db, send.ID, 2), backstop.Unavailable)
		begin(t, db, send.ID, 2)
		s := getSend(t, db, send.ID)
		require.Equal(t, backstop.Queued, s.SMSStatus)
		require.Equal(t, "undelivered", s.Fired)
		require.Equal(t, "not delivered after 60 s", s.FiredReason)
		require.Equal(t, []string{"accepted", "rule_fired sms", "attempt sms"}, kinds(t, db, send.ID))
		_, events := timeline(t, db, send.ID)
		require.Equal(t, backstop.Event{
			Send: send.ID, At: at(2), Kind: backstop.EventFired, Channel: backstop.SMS, Rule: "undelivered",
			Detail: "not delivered after 60 s",
		}, events[1])
	})
	t.Run("the next SMS takes back a failed status", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		require.Equal(t, backstop.Failed, fail(t, db, begin(t, db, send.ID, 2), backstop.Rejected).SMSStatus)
		begin(t, db, send.ID, 4)
		require.Equal(t, backstop.Queued, getSend(t, db, send.ID).SMSStatus)
		insert(t, db, receipt(send.ID, 2, backstop.Failed))
		require.Equal(t, backstop.Queued, getSend(t, db, send.ID).SMSStatus, "a failure of the one before says nothing of it")
	})
}

func TestDB_End(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)

	t.Run("accepted", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 2)
		s := accept(t, db, attempt, "SM1")
		require.Equal(t, backstop.Submitted, s.SMSStatus)
		require.Equal(t, s, getSend(t, db, send.ID))
		require.Equal(t, s, accept(t, db, attempt, "SM1"), "repeated, it changes nothing")
		attempts, events := timeline(t, db, send.ID)
		require.Equal(t, []backstop.Attempt{
			attempt.End(backstop.Submission{MessageID: "SM1", Segments: 1}, nil, at(10)),
		}, attempts)
		require.Len(t, events, 3)
		require.Equal(t, backstop.Event{
			Send: send.ID, At: at(10), Kind: backstop.EventAttempt, Channel: backstop.SMS, Status: backstop.Submitted,
			Rule: "undelivered",
		}, events[2])
	})
	t.Run("rejected", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		s := fail(t, db, begin(t, db, send.ID, 1), backstop.Rejected)
		require.Equal(t, backstop.Failed, s.WhatsAppStatus)
		attempts, events := timeline(t, db, send.ID)
		require.Equal(t, backstop.Failed, attempts[0].Status)
		require.Equal(t, backstop.RecipientFault, attempts[0].Failure.Class)
		require.Equal(t, "131026", events[1].Code)
		require.Equal(t, "rejected (recipient): no", events[1].Detail)
	})
	t.Run("rejected, but a later step is under way", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		first := begin(t, db, send.ID, 1)
		begin(t, db, send.ID, 3)
		require.Equal(t, backstop.Queued, fail(t, db, first, backstop.Rejected).WhatsAppStatus)
	})
	t.Run("throttled, unavailable, unknown leave the channel as it is", func(t *testing.T) {
		t.Parallel()
		for _, kind := range []backstop.FailureKind{backstop.Throttled, backstop.Unavailable, backstop.Unknown} {
			send := insertSend(t, db)
			require.Equal(t, backstop.Queued, fail(t, db, begin(t, db, send.ID, 1), kind).WhatsAppStatus)
		}
	})
	t.Run("unknown becomes accepted when its own call comes back late", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		fail(t, db, attempt, backstop.Unknown)
		require.Equal(t, backstop.Submitted, accept(t, db, attempt, "wamid.1").WhatsAppStatus)
		fail(t, db, attempt, backstop.Unknown)
		attempts, _ := timeline(t, db, send.ID)
		require.Equal(t, backstop.Accepted, attempts[0].State)
		require.Nil(t, attempts[0].Failure)
		require.Equal(t, []string{"accepted", "attempt whatsapp", "attempt whatsapp submitted"}, kinds(t, db, send.ID))
	})
	t.Run("a rejection stays one", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		fail(t, db, attempt, backstop.Rejected)
		require.Equal(t, backstop.Failed, accept(t, db, attempt, "wamid.2").WhatsAppStatus)
	})
	t.Run("keeps the message id that a receipt brought", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		s := fail(t, db, attempt, backstop.Unknown)
		require.Equal(t, backstop.Delivered, s.WhatsAppStatus)
		attempts, _ := timeline(t, db, send.ID)
		require.Equal(t, messageID(send.ID, 1), attempts[0].MessageID)
		require.Equal(t, backstop.Delivered, attempts[0].Status)
	})
	t.Run("a provider's text that Postgres cannot hold", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		failure := &backstop.Failure{Kind: backstop.Rejected, Code: "1\x00", Reason: "bad \x00\xff text"}
		_, err := db.End(t.Context(), attempt.End(backstop.Submission{}, failure, at(9)), 0)
		require.NoError(t, err)
		attempts, _ := timeline(t, db, send.ID)
		require.Equal(t, "bad \uFFFD text", attempts[0].Failure.Reason)
	})
	t.Run("an attempt that was not begun", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		attempt.Number = 2
		_, err := db.End(t.Context(), attempt, 0)
		requireCode(t, backstop.NotFound, err)
	})
	t.Run("delivered while the SMS was being sent", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		sms := begin(t, db, send.ID, 2)
		insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		require.True(t, getSend(t, db, send.ID).DuplicateDelivery)
		require.True(t, accept(t, db, sms, messageID(send.ID, 2)).DuplicateDelivery)
		require.Equal(t, "duplicate_delivery whatsapp delivered", kinds(t, db, send.ID)[4])
	})
	t.Run("delivered while the SMS was being sent, which it then was not", func(t *testing.T) {
		t.Parallel()
		for _, kind := range []backstop.FailureKind{backstop.Throttled, backstop.Unavailable, backstop.Rejected} {
			send := underway(t, db)
			sms := begin(t, db, send.ID, 2)
			insert(t, db, receipt(send.ID, 1, backstop.Delivered))
			require.False(t, fail(t, db, sms, kind).DuplicateDelivery, kind)
		}
	})
	t.Run("delivered between two tries of the SMS", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		fail(t, db, begin(t, db, send.ID, 2), backstop.Throttled)
		insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		require.False(t, getSend(t, db, send.ID).DuplicateDelivery, "no SMS is out")
	})
}

func TestDB_End_adopts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send := insertSend(t, db)
	attempt := begin(t, db, send.ID, 1)
	for _, status := range []backstop.Status{backstop.Delivered, backstop.Sent, backstop.Delivered} {
		r := receipt(send.ID, 1, status)
		r.Ref = backstop.Ref{}
		require.Empty(t, insert(t, db, r))
	}
	require.Equal(t, []string{"accepted"}, kinds(t, db, send.ID), "nobody knows yet whose they are")

	s := accept(t, db, attempt, messageID(send.ID, 1))
	require.Equal(t, backstop.Delivered, s.WhatsAppStatus)
	require.Equal(t, []string{
		"accepted", "attempt whatsapp submitted", "receipt whatsapp delivered", "receipt whatsapp sent",
	}, kinds(t, db, send.ID))
	attempts, _ := timeline(t, db, send.ID)
	require.Equal(t, backstop.Delivered, attempts[0].Status)
	require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Delivered)), "it is not new")
	require.Len(t, kinds(t, db, send.ID), 4)
}
