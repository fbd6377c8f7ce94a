package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// underway returns a send whose WhatsApp message the provider has taken.
func underway(t *testing.T, db *postgres.DB) backstop.Send {
	t.Helper()
	send := insertSend(t, db)
	return accept(t, db, begin(t, db, send.ID, 1), messageID(send.ID, 1))
}

func TestDB_InsertReceipts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)

	t.Run("returns only what a workflow waits for", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Sent)), "no rule asks for it")
		waited := insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		require.Len(t, waited, 1)
		require.NotEmpty(t, waited[0].ID)
		waited[0].ID = ""
		require.Equal(t, handoff.Handover{
			Ref: backstop.Ref{Send: send.ID, Step: 1}, Channel: backstop.WhatsApp, Status: backstop.Delivered, At: at(20),
		}, waited[0])
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Delivered)), "it is not new")
		require.Equal(t, backstop.Delivered, getSend(t, db, send.ID).WhatsAppStatus)
		require.Equal(t, []string{
			"accepted", "attempt whatsapp submitted", "receipt whatsapp sent", "receipt whatsapp delivered",
		}, kinds(t, db, send.ID))
	})
	t.Run("a failure", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		waited := insert(t, db, receipt(send.ID, 1, backstop.Failed))
		require.Len(t, waited, 1)
		require.Equal(t, "131026", waited[0].Failure.Code)
		require.Equal(t, backstop.Failed, getSend(t, db, send.ID).WhatsAppStatus)
		_, events := timeline(t, db, send.ID)
		require.WithinDuration(t, time.Now(), events[2].At, time.Minute, "the time is ours, not the provider's")
		require.Equal(t, backstop.Event{
			Send: send.ID, At: events[2].At, Kind: backstop.EventReceipt, Channel: backstop.WhatsApp, Status: backstop.Failed,
			Code: "131026", Detail: "rejected (recipient): no",
		}, events[2])
	})
	t.Run("many sends in one batch, in any order, with repetitions", func(t *testing.T) {
		t.Parallel()
		a, b := underway(t, db), underway(t, db)
		waited := insert(t, db,
			receipt(b.ID, 1, backstop.Read), receipt(a.ID, 1, backstop.Delivered), receipt(b.ID, 1, backstop.Delivered),
			receipt(b.ID, 1, backstop.Read), receipt(a.ID, 1, backstop.Sent))
		require.Len(t, waited, 2)
		require.Equal(t, backstop.Delivered, getSend(t, db, a.ID).WhatsAppStatus)
		require.Equal(t, backstop.Read, getSend(t, db, b.ID).WhatsAppStatus)
	})
	t.Run("by the message id alone", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		for _, ref := range []backstop.Ref{{}, {Send: newID(t), Step: 1}, {Send: "x", Step: 1}, {Send: send.ID}} {
			r := receipt(send.ID, 1, backstop.Delivered)
			r.Ref = ref
			insert(t, db, r)
		}
		require.Equal(t, backstop.Delivered, getSend(t, db, send.ID).WhatsAppStatus)
		require.Len(t, kinds(t, db, send.ID), 3)
	})
	t.Run("one that matches nothing is kept, and found by its reference later", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		begin(t, db, send.ID, 1)
		r := receipt(send.ID, 1, backstop.Delivered)
		ref := r.Ref
		r.Ref = backstop.Ref{}
		require.Empty(t, insert(t, db, r))
		require.Equal(t, backstop.Queued, getSend(t, db, send.ID).WhatsAppStatus)
		r.Ref = ref
		insert(t, db, r)
		require.Equal(t, backstop.Delivered, getSend(t, db, send.ID).WhatsAppStatus)
	})
	t.Run("while the call is under way: its end tells the workflow", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Sent), receipt(send.ID, 1, backstop.Delivered)))
		require.Equal(t, backstop.Delivered, accept(t, db, attempt, messageID(send.ID, 1)).WhatsAppStatus)
	})
	t.Run("one that brings the message id brings those without a reference", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		fail(t, db, begin(t, db, send.ID, 1), backstop.Unknown)
		lone := receipt(send.ID, 1, backstop.Delivered)
		lone.Ref = backstop.Ref{}
		require.Empty(t, insert(t, db, lone))
		require.Len(t, insert(t, db, receipt(send.ID, 1, backstop.Sent)), 2)
		require.Equal(t, backstop.Delivered, getSend(t, db, send.ID).WhatsAppStatus)
	})
	t.Run("while a newer call is under way", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		fail(t, db, begin(t, db, send.ID, 1), backstop.Unknown)
		begin(t, db, send.ID, 3)
		require.Len(t, insert(t, db, receipt(send.ID, 1, backstop.Delivered)), 1)
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Read)), "it ends the send, and so tells the call")
		require.NotNil(t, getSend(t, db, send.ID).FinishedAt)
	})
	t.Run("after a call of unknown end", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		fail(t, db, begin(t, db, send.ID, 1), backstop.Unknown)
		require.Len(t, insert(t, db, receipt(send.ID, 1, backstop.Sent)), 1, "the workflow may wait to learn that it went out")
	})
	t.Run("of a message that a newer one replaced", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		fail(t, db, begin(t, db, send.ID, 1), backstop.Unknown)
		accept(t, db, begin(t, db, send.ID, 3), messageID(send.ID, 3))
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Failed)))
		require.Equal(t, backstop.Submitted, getSend(t, db, send.ID).WhatsAppStatus)
		require.Len(t, insert(t, db, receipt(send.ID, 1, backstop.Delivered)), 1, "it has arrived all the same")
		attempts, _ := timeline(t, db, send.ID)
		require.Equal(t, messageID(send.ID, 1), attempts[0].MessageID)
		require.Equal(t, backstop.Delivered, attempts[0].Status)
		require.Equal(t, backstop.Submitted, attempts[1].Status)
	})
	t.Run("once an SMS is under way, no workflow waits for WhatsApp", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		accept(t, db, begin(t, db, send.ID, 2), messageID(send.ID, 2))
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Delivered)))
		s := getSend(t, db, send.ID)
		require.True(t, s.DuplicateDelivery)
		insert(t, db, receipt(send.ID, 1, backstop.Read))
		require.Len(t, insert(t, db, receipt(send.ID, 2, backstop.Delivered)), 1)
		require.Equal(t, []string{
			"accepted", "attempt whatsapp submitted", "rule_fired sms", "attempt sms submitted", "receipt whatsapp delivered",
			"duplicate_delivery whatsapp delivered", "receipt whatsapp read", "receipt sms delivered", "finished",
		}, kinds(t, db, send.ID))
		_, events := timeline(t, db, send.ID)
		require.Equal(t, "undelivered", events[7].Rule)
	})
	t.Run("a late one betters the outcome, and is not signalled", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		finished, err := db.Finish(t.Context(), send.ID, at(30))
		require.NoError(t, err)
		require.Equal(t, backstop.OutcomeUnconfirmed, finished.Outcome)
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Delivered)))
		require.Equal(t, backstop.OutcomeWhatsApp, getSend(t, db, send.ID).Outcome)
	})
	t.Run("odd input", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		require.Empty(t, insert(t, db))
		r := receipt(send.ID, 1, backstop.Failed)
		r.At = time.Unix(1<<60, 0)
		r.Failure.Reason = "\xff\x00"
		insert(t, db, r)
		_, events := timeline(t, db, send.ID)
		require.WithinDuration(t, time.Now(), events[2].At, time.Minute)
		r.MessageID = ""
		_, err := db.InsertReceipts(t.Context(), []backstop.Receipt{receipt(send.ID, 1, backstop.Read), r})
		requireCode(t, backstop.Invalid, err)
		require.Equal(t, backstop.Failed, getSend(t, db, send.ID).WhatsAppStatus, "nothing of it is stored")
	})
}

func TestDB_InsertReceipts_finishes(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)

	t.Run("when no rule can fire any more", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		delivered := insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		require.Empty(t, delivered[0].Outcome, "a rule still waits for it to be read")
		read := insert(t, db, receipt(send.ID, 1, backstop.Read))
		require.Len(t, read, 1)
		require.Equal(t, backstop.OutcomeWhatsApp, read[0].Outcome)
		s := getSend(t, db, send.ID)
		require.Equal(t, backstop.OutcomeWhatsApp, s.Outcome)
		require.WithinDuration(t, time.Now(), *s.FinishedAt, time.Minute)
		_, events := timeline(t, db, send.ID)
		require.Equal(t, backstop.Event{
			Send: send.ID, At: *s.FinishedAt, Kind: backstop.EventFinished, Detail: "whatsapp",
		}, events[len(events)-1])
	})
	t.Run("when the SMS is delivered", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		accept(t, db, begin(t, db, send.ID, 2), messageID(send.ID, 2))
		waited := insert(t, db, receipt(send.ID, 2, backstop.Delivered), receipt(send.ID, 1, backstop.Read))
		require.Len(t, waited, 1)
		require.Equal(t, backstop.OutcomeSMS, waited[0].Outcome)
		require.Equal(t, backstop.OutcomeSMS, getSend(t, db, send.ID).Outcome)
	})
	t.Run("not when an SMS was tried and averted", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		fail(t, db, begin(t, db, send.ID, 2), backstop.Throttled)
		insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		averted := backstop.Event{Send: send.ID, At: at(40), Kind: backstop.EventAverted, Channel: backstop.SMS}
		require.NoError(t, db.Record(t.Context(), averted))
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Read))[0].Outcome)
		require.Nil(t, getSend(t, db, send.ID).FinishedAt)
	})
	t.Run("while the call is under way: its end tells the workflow", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Read)))
		s := accept(t, db, attempt, messageID(send.ID, 1))
		require.NotNil(t, s.FinishedAt)
		require.Equal(t, backstop.OutcomeWhatsApp, s.Outcome)
	})
	t.Run("before its message id was known", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		lone := receipt(send.ID, 1, backstop.Read)
		lone.Ref = backstop.Ref{}
		require.Empty(t, insert(t, db, lone))
		s := accept(t, db, attempt, lone.MessageID)
		require.NotNil(t, s.FinishedAt)
		require.Equal(t, s, getSend(t, db, send.ID))
		for _, h := range claimReceipts(t, db) {
			require.NotEqual(t, send.ID, h.Ref.Send, "the end of the call has told of it")
		}
	})
}

// Of a webhook that failed half way, what was stored is recognised when it comes again, and left to the sweeper.
func TestDB_InsertReceipts_halfStored(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b := underway(t, db), underway(t, db)
	first := receipt(a.ID, 1, backstop.Delivered)
	stored := insert(t, db, first) // and then the process died
	waited := insert(t, db, first, receipt(b.ID, 1, backstop.Delivered))
	require.Len(t, waited, 1)
	require.Equal(t, b.ID, waited[0].Ref.Send)
	require.Equal(t, append(stored, waited...), claimReceipts(t, db))
}

// Of a send that was handed back no workflow hears anything more: its SMS's receipt ends it, whatever it says, or the time.
func TestDB_handedBack(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	const wait = 100 * 365 * 24 * time.Hour
	handBack := func(t *testing.T) (backstop.Send, backstop.Attempt) {
		t.Helper()
		send := underway(t, db)
		attempt := begin(t, db, send.ID, 2)
		ended := attempt.End(backstop.Submission{MessageID: messageID(send.ID, 2)}, nil, at(10))
		back, err := db.End(t.Context(), ended, wait)
		require.NoError(t, err)
		require.WithinDuration(t, at(10).Add(wait), *back.ReceiptBy, 0)
		require.Equal(t, back, getSend(t, db, send.ID))
		return back, ended
	}
	for status, outcome := range map[backstop.Status]backstop.Outcome{
		backstop.Delivered: backstop.OutcomeSMS, backstop.Failed: backstop.OutcomeFailed,
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			send, ended := handBack(t)
			require.Empty(t, insert(t, db, receipt(send.ID, 2, backstop.Sent), receipt(send.ID, 1, backstop.Sent)))
			require.Equal(t, backstop.OutcomePending, getSend(t, db, send.ID).Outcome)
			require.Empty(t, insert(t, db, receipt(send.ID, 2, status)))
			s := getSend(t, db, send.ID)
			require.Equal(t, outcome, s.Outcome)
			require.NotNil(t, s.FinishedAt)
			require.Nil(t, s.ReceiptBy)
			again, err := db.End(t.Context(), ended, wait)
			require.NoError(t, err)
			require.Equal(t, s, again, "repeated, it changes nothing")
		})
	}
	t.Run("by a receipt that came during the call", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		attempt := begin(t, db, send.ID, 2)
		require.Empty(t, insert(t, db, receipt(send.ID, 2, backstop.Failed)))
		s, err := db.End(t.Context(), attempt.End(backstop.Submission{MessageID: messageID(send.ID, 2)}, nil, at(10)), wait)
		require.NoError(t, err)
		require.Equal(t, backstop.OutcomeFailed, s.Outcome)
		require.Nil(t, s.ReceiptBy)
	})
	t.Run("not a call that the provider did not accept", func(t *testing.T) {
		t.Parallel()
		for _, kind := range []backstop.FailureKind{backstop.Rejected, backstop.Throttled, backstop.Unknown} {
			send := underway(t, db)
			failure := &backstop.Failure{Kind: kind, Reason: "no"}
			s, err := db.End(t.Context(), begin(t, db, send.ID, 2).End(backstop.Submission{}, failure, at(10)), wait)
			require.NoError(t, err)
			require.Nil(t, s.ReceiptBy)
			require.Nil(t, s.FinishedAt)
		}
	})
	t.Run("nor one whose end was taken for unknown: the workflow waits", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		attempt := begin(t, db, send.ID, 2)
		fail(t, db, attempt, backstop.Unknown)
		s, err := db.End(t.Context(), attempt.End(backstop.Submission{MessageID: messageID(send.ID, 2)}, nil, at(10)), wait)
		require.NoError(t, err)
		require.Equal(t, backstop.Submitted, s.SMSStatus)
		require.Nil(t, s.ReceiptBy)
		require.Len(t, insert(t, db, receipt(send.ID, 2, backstop.Delivered)), 1)
	})
}
