package postgres_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// A message of a person is stored once, with the send of the message that it answers.
func TestDB_InsertInbound(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, raw := postgrestest.OpenPlain(t, url), postgrestest.Raw(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	send := underway(t, db)
	message := func(account, id, replyTo string, keyword backstop.Keyword) backstop.Receipt {
		return backstop.Receipt{
			Provider: "meta", Account: account, Channel: backstop.WhatsApp, MessageID: id, At: at(30),
			Inbound: &backstop.Inbound{From: "+447400123456", To: "106540352242922", Text: "Stop\x00!", Keyword: keyword, ReplyTo: replyTo},
		}
	}
	received := []backstop.Receipt{
		message("meta", "in-1", messageID(send.ID, 1), ""), message("meta", "in-2", "", backstop.StopKeyword),
		message("other", "in-2", "unknown", backstop.StartKeyword), message("meta", "", "", ""),
	}
	odd := message("meta", "in-3", "", "")
	odd.At = time.Time{}
	received = append(received, odd)
	for range 2 { // providers repeat webhooks
		insertInbound(t, db, received)
	}
	type row struct {
		Account, MessageID, Sender, Text, Keyword string
		Send                                      sql.NullString
	}
	rows, err := raw.QueryContext(t.Context(),
		`SELECT account, message_id, sender, text, keyword, send, id, sealed_text FROM inbound ORDER BY message_id, account`)
	require.NoError(t, err)
	defer rows.Close()
	var stored []row
	for rows.Next() {
		var r row
		var id string
		var sealed []byte
		require.NoError(t, rows.Scan(&r.Account, &r.MessageID, &r.Sender, &r.Text, &r.Keyword, &r.Send, &id, &sealed))
		if sealed != nil { // by make test-sealed
			require.Equal(t, "•", r.Text)
			r.Text = openInbound(t, id, sealed)
		}
		stored = append(stored, r)
	}
	require.NoError(t, rows.Err())
	const number, text = "+447400123456", "Stop!"
	require.Equal(t, []row{
		{"meta", "in-1", number, text, "", sql.NullString{String: send.ID, Valid: true}},
		{"meta", "in-2", number, text, "stop", sql.NullString{}},
		{"other", "in-2", number, text, "start", sql.NullString{}},
		{"meta", "in-3", number, text, "", sql.NullString{}},
	}, []row{stored[0], stored[1], stored[2], stored[3]})
	require.Len(t, stored, 4)
}

// openInbound opens a text that a store of postgrestest has sealed.
func openInbound(t *testing.T, id string, sealed []byte) string {
	t.Helper()
	s, err := seals.New(postgrestest.Keyring(t, "k1"), false, nil)
	require.NoError(t, err)
	text, err := s.Open(seals.InboundText, id, sealed)
	require.NoError(t, err)
	return string(text)
}

// insertInbound stores messages of persons, and returns the receipts of the messages that they answer.
func insertInbound(t *testing.T, db *postgres.DB, received []backstop.Receipt) []backstop.Receipt {
	t.Helper()
	read, err := db.InsertInbound(t.Context(), received)
	require.NoError(t, err)
	return read
}
