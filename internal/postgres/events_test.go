package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestDB_Record(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	record := func(t *testing.T, send string, kind backstop.EventKind, channel backstop.Channel) backstop.Send {
		t.Helper()
		event := backstop.Event{Send: send, At: at(40), Kind: kind, Channel: channel, Rule: "r", Detail: "d"}
		require.NoError(t, db.Record(t.Context(), event))
		before := kinds(t, db, send)
		require.NoError(t, db.Record(t.Context(), event))
		require.Equal(t, before, kinds(t, db, send), "repeated, it changes nothing")
		return getSend(t, db, send)
	}

	t.Run("averted takes back an SMS that was not sent", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		fail(t, db, begin(t, db, send.ID, 2), backstop.Throttled)
		s := record(t, send.ID, backstop.EventAverted, backstop.SMS)
		require.Empty(t, s.SMSStatus)
		require.Empty(t, s.Fired)
		require.Empty(t, s.FiredReason)
		_, events := timeline(t, db, send.ID)
		require.Equal(t, backstop.Event{
			Send: send.ID, At: at(40), Kind: backstop.EventAverted, Channel: backstop.SMS, Rule: "r", Detail: "d",
		}, events[len(events)-1])
	})
	t.Run("averted leaves an SMS that went out, or may have", func(t *testing.T) {
		t.Parallel()
		for _, end := range []func(backstop.Attempt){
			func(backstop.Attempt) {},
			func(a backstop.Attempt) { accept(t, db, a, "SM."+a.Ref.Send) },
			func(a backstop.Attempt) { fail(t, db, a, backstop.Unknown) },
		} {
			send := underway(t, db)
			end(begin(t, db, send.ID, 2))
			s := record(t, send.ID, backstop.EventAverted, backstop.SMS)
			require.NotEmpty(t, s.SMSStatus)
			require.NotEmpty(t, s.Fired)
		}
	})
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		require.True(t, record(t, send.ID, backstop.EventExpired, "").Expired)
	})
	t.Run("expired takes back an SMS that was not sent", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		fail(t, db, begin(t, db, send.ID, 2), backstop.Throttled)
		require.Empty(t, record(t, send.ID, backstop.EventExpired, backstop.SMS).SMSStatus)
	})
	t.Run("gave up fails the channel", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		fail(t, db, begin(t, db, send.ID, 1), backstop.Throttled)
		require.Equal(t, backstop.Failed, record(t, send.ID, backstop.EventGaveUp, backstop.WhatsApp).WhatsAppStatus)
	})
	t.Run("gave up, but it went out after all", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		require.Equal(t, backstop.Submitted, record(t, send.ID, backstop.EventGaveUp, backstop.WhatsApp).WhatsAppStatus)
	})
	t.Run("opted out is only told", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		require.Equal(t, send, record(t, send.ID, backstop.EventOptedOut, backstop.WhatsApp))
	})
	t.Run("unknown send", func(t *testing.T) {
		t.Parallel()
		requireCode(t, backstop.NotFound, db.Record(t.Context(), backstop.Event{Send: newID(t), Kind: backstop.EventExpired}))
	})
}

func TestDB_Finish(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send := underway(t, db)
	insert(t, db, receipt(send.ID, 1, backstop.Delivered))

	finished, err := db.Finish(t.Context(), send.ID, at(50))
	require.NoError(t, err)
	require.Equal(t, backstop.OutcomeWhatsApp, finished.Outcome)
	require.Equal(t, at(50), *finished.FinishedAt)
	require.Equal(t, finished, getSend(t, db, send.ID))
	again, err := db.Finish(t.Context(), send.ID, at(51))
	require.NoError(t, err)
	require.Equal(t, finished, again)
	_, events := timeline(t, db, send.ID)
	require.Len(t, events, 4)
	require.Equal(t, backstop.Event{Send: send.ID, At: at(50), Kind: backstop.EventFinished, Detail: "whatsapp"}, events[3])

	settled := underway(t, db)
	insert(t, db, receipt(settled.ID, 1, backstop.Read))
	settled = getSend(t, db, settled.ID)
	again, err = db.Finish(t.Context(), settled.ID, at(50))
	require.NoError(t, err)
	require.Equal(t, settled, again, "a receipt has ended it")

	_, err = db.Finish(t.Context(), newID(t), at(1))
	requireCode(t, backstop.NotFound, err)
}
