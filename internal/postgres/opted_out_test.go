package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// wroteStart is the message of a person who wants our messages again.
func wroteStart(channel backstop.Channel, keyword backstop.Keyword, id string) []backstop.Receipt {
	return []backstop.Receipt{{
		Provider: "twilio", Account: "twilio", Channel: channel, MessageID: id, At: at(30),
		Inbound: &backstop.Inbound{From: to, To: "60777", Text: "START", Keyword: keyword},
	}}
}

func TestDB_HasOptedOut(t *testing.T) {
	t.Parallel()
	stop := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "21610", Reason: "no"}
	refuse := func(t *testing.T, db *postgres.DB) {
		t.Helper()
		send := underway(t, db)
		end(t, db, begin(t, db, send.ID, firstSMS), backstop.Ending{Failure: stop})
	}
	report := func(t *testing.T, db *postgres.DB, step int, status backstop.Status, f *backstop.Failure) {
		t.Helper()
		send := underway(t, db)
		if step != whatsApp.Step() {
			accept(t, db, begin(t, db, send.ID, firstSMS))
		}
		r := receipt(send.ID, step, status)
		if f != nil {
			r.Failure = f
		}
		_, err := db.InsertReceipts(t.Context(), []backstop.Receipt{r})
		require.NoError(t, err)
	}
	for name, tc := range map[string]struct {
		steps func(*testing.T, *postgres.DB)
		want  bool
	}{
		"no sends":      {func(*testing.T, *postgres.DB) {}, false},
		"other failure": {func(t *testing.T, db *postgres.DB) { t.Helper(); report(t, db, 1, backstop.Failed, nil) }, false},
		"refused call":  {refuse, true},
		"receipt":       {func(t *testing.T, db *postgres.DB) { t.Helper(); report(t, db, 1, backstop.Failed, stop) }, true},
		"delivered before": {func(t *testing.T, db *postgres.DB) {
			t.Helper()
			report(t, db, firstSMS.Step(), backstop.Delivered, nil)
			refuse(t, db)
		}, true},
		"delivered later": {func(t *testing.T, db *postgres.DB) {
			t.Helper()
			refuse(t, db)
			report(t, db, firstSMS.Step(), backstop.Delivered, nil)
		}, false},
		"sent later": {func(t *testing.T, db *postgres.DB) {
			t.Helper()
			refuse(t, db)
			report(t, db, firstSMS.Step(), backstop.Sent, nil)
		}, true},
		"delivered later by the other channel": {func(t *testing.T, db *postgres.DB) {
			t.Helper()
			refuse(t, db)
			report(t, db, 1, backstop.Read, nil)
		}, true},
		"START": {func(t *testing.T, db *postgres.DB) {
			t.Helper()
			refuse(t, db)
			require.NoError(t, db.InsertInbound(t.Context(), wroteStart(backstop.SMS, backstop.StartKeyword, "in-1")))
		}, false},
		"START by the other channel, and another word": {func(t *testing.T, db *postgres.DB) {
			t.Helper()
			refuse(t, db)
			require.NoError(t, db.InsertInbound(t.Context(), wroteStart(backstop.WhatsApp, backstop.StartKeyword, "in-1")))
			require.NoError(t, db.InsertInbound(t.Context(), wroteStart(backstop.SMS, "", "in-2")))
		}, true},
		"START, then again": {func(t *testing.T, db *postgres.DB) {
			t.Helper()
			require.NoError(t, db.InsertInbound(t.Context(), wroteStart(backstop.SMS, backstop.StartKeyword, "in-1")))
			refuse(t, db)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t)
			tc.steps(t, db)
			got, err := db.HasOptedOut(t.Context(), to)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			got, err = db.HasOptedOut(t.Context(), "+447400123499")
			require.NoError(t, err)
			require.False(t, got, "another number")
		})
	}
}
