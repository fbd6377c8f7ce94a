package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// A person who answers a WhatsApp message has read it: the one that the reply names, or else all that the account sent before.
func TestDB_InsertInbound_reads(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	first, second := underway(t, db), underway(t, db)
	unsent := insertSend(t, db)
	begin(t, db, unsent.ID, whatsApp)
	bySMS := underway(t, db)
	insert(t, db, receipt(bySMS.ID, 1, backstop.Failed))
	accept(t, db, begin(t, db, bySMS.ID, firstSMS))
	later := db.Now().Add(time.Second)
	reply := func(change func(*backstop.Receipt)) []backstop.Receipt {
		r := backstop.Receipt{
			Provider: "meta", Account: "number", Channel: backstop.WhatsApp, MessageID: newID(t), At: later,
			Inbound: &backstop.Inbound{From: to, To: "106540352242922", Text: "thanks"},
		}
		change(&r)
		return []backstop.Receipt{r}
	}
	for name, change := range map[string]func(*backstop.Receipt){
		"of another account":  func(r *backstop.Receipt) { r.Account = "other" },
		"of another provider": func(r *backstop.Receipt) { r.Provider = "twilio" },
		"of another person":   func(r *backstop.Receipt) { r.Inbound.From = "+447400123457" },
		"a changed preference": func(r *backstop.Receipt) {
			r.Inbound.Text, r.Inbound.Keyword, r.Inbound.Category = "", backstop.StopKeyword, backstop.Marketing
		},
		"of nobody":            func(r *backstop.Receipt) { r.Inbound.From = "" },
		"to another message":   func(r *backstop.Receipt) { r.Inbound.ReplyTo = "wamid.other" },
		"to a message by SMS":  func(r *backstop.Receipt) { r.Inbound.ReplyTo = messageID(bySMS.ID, 3) },
		"by SMS":               func(r *backstop.Receipt) { r.Channel = backstop.SMS },
		"before the message":   func(r *backstop.Receipt) { r.At = first.AcceptedAt.Add(-time.Second) },
		"to another's account": func(r *backstop.Receipt) { r.Account, r.Inbound.ReplyTo = "other", messageID(first.ID, 1) },
	} {
		require.Empty(t, insertInbound(t, db, reply(change)), name)
	}

	named := reply(func(r *backstop.Receipt) { r.Inbound.ReplyTo, r.Inbound.From = messageID(second.ID, 1), "" })
	for range 2 { // also when the webhook is repeated, because the receipt may not be stored yet
		require.Equal(t, []backstop.Receipt{{
			Provider: "meta", Account: "number", Channel: backstop.WhatsApp, MessageID: messageID(second.ID, 1),
			Ref: backstop.Ref{Send: second.ID, Step: 1}, Status: backstop.Read, At: later,
		}}, insertInbound(t, db, named))
	}
	insert(t, db, insertInbound(t, db, named)...)
	require.Equal(t, backstop.Read, getSend(t, db, second.ID).Status.WhatsApp)
	require.Empty(t, insertInbound(t, db, named), "it is known to be read")

	nameless := reply(func(*backstop.Receipt) {})
	read := insertInbound(t, db, nameless)
	require.Len(t, read, 1, "the message that is read, the one that failed and the one without an id are left out")
	require.Equal(t, first.ID, read[0].Ref.Send)
	insert(t, db, read...)
	sent := getSend(t, db, first.ID)
	require.Equal(t, backstop.Read, sent.Status.WhatsApp)
	require.Equal(t, backstop.OutcomeWhatsApp, sent.Outcome)
}
