package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// Two numbers of one phone each: that of the sends, and the one by which WhatsApp names the person.
const (
	dialled, ofWhatsApp = "+5547984178525", "+554784178525"
	inMexico            = "+525512345678"
)

// named is a WhatsApp message of a person.
func named(number, id string, when time.Time, in backstop.Inbound) backstop.Receipt {
	in.From, in.To = number, "106540352242922"
	return backstop.Receipt{Provider: "meta", Account: "number", Channel: backstop.WhatsApp, MessageID: id, At: when, Inbound: &in}
}

// sendTo stores a send to a number, or says why not.
func sendTo(t *testing.T, db *postgres.DB, number string) (backstop.Send, error) {
	t.Helper()
	send := newSend(t)
	send.To, send.Country = number, "BR"
	_, _, err := db.InsertSend(t.Context(), send, nil)
	return send, err
}

// WhatsApp may name a person by another number of the same phone than the sends do.
func TestDB_notations_stop(t *testing.T) {
	t.Parallel()
	stop := backstop.Inbound{Text: "STOP", Keyword: backstop.StopKeyword}
	start := backstop.Inbound{Text: "START", Keyword: backstop.StartKeyword}
	for name, row := range map[string][2]string{
		"Brazil": {dialled, ofWhatsApp}, "Brazil, an old address book": {ofWhatsApp, dialled},
		"Mexico": {inMexico, "+5215512345678"}, "Argentina": {"+541158749895", "+5491158749895"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t)
			insertInbound(t, db, []backstop.Receipt{named(row[1], "1", at(30), stop)})
			for _, number := range row {
				_, err := sendTo(t, db, number)
				require.Equal(t, backstop.ErrOptedOut(), err, number)
			}
			insertInbound(t, db, []backstop.Receipt{named(row[1], "2", at(40), start)})
			insertInbound(t, db, []backstop.Receipt{named(row[1], "3", at(35), stop)}) // comes late
			for _, number := range row {
				_, err := sendTo(t, db, number)
				require.NoError(t, err, number)
				require.Len(t, historyOf(t, db, number), 4)
			}
			insertInbound(t, db, []backstop.Receipt{named(row[1], "4", at(50), stop)})
			insertInbound(t, db, []backstop.Receipt{named(row[0], "5", at(60), start)}) // by SMS a person has the dialled number
			_, err := sendTo(t, db, row[0])
			require.NoError(t, err)
		})
	}
}

// No call begins for a send under way after a STOP by another number of the phone, nor after a provider's refusal.
func TestDB_notations_underWay(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send, err := sendTo(t, db, dialled)
	require.NoError(t, err)
	insertInbound(t, db, []backstop.Receipt{named(ofWhatsApp, "1", at(30), backstop.Inbound{Keyword: backstop.StopKeyword})})
	ruling, _, err := db.Begin(t.Context(), send.ID, whatsApp)
	require.NoError(t, err)
	require.Equal(t, backstop.RecipientOptedOut, ruling.Answer)

	other := postgrestest.New(t)
	send, err = sendTo(t, other, dialled)
	require.NoError(t, err)
	accept(t, other, begin(t, other, send.ID, whatsApp))
	refused := receipt(send.ID, 1, backstop.Failed)
	refused.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050"}
	insert(t, other, refused)
	_, err = sendTo(t, other, ofWhatsApp)
	require.Equal(t, backstop.ErrOptedOut(), err)
}

// What a caller writes counts for the phone too.
func TestDB_notations_byCaller(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	entry := backstop.OptOut{
		To: ofWhatsApp, Category: backstop.OptOutMarketing, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI, Note: "by phone"},
	}
	stored, err := db.PutOptOut(t.Context(), entry)
	require.NoError(t, err)
	require.Equal(t, ofWhatsApp, stored.To)
	_, err = sendTo(t, db, dialled)
	require.Equal(t, backstop.ErrOptedOut(), err)
	require.NoError(t, db.DeleteOptOut(t.Context(), dialled, backstop.OptOutMarketing, backstop.OptOutOrigin{Source: backstop.ByAPI}))
	require.Empty(t, listOf(t, db, backstop.OptOutFilter{}))

	mexican := entry
	mexican.To = inMexico
	for _, want := range []int{2, 0} {
		added, err := db.ImportOptOuts(t.Context(), []backstop.OptOut{entry, mexican})
		require.NoError(t, err)
		require.Equal(t, want, added, "the other numbers of the phones are not counted")
	}
	_, err = sendTo(t, db, dialled)
	require.Equal(t, backstop.ErrOptedOut(), err)
}

// A reply that names no message has read the messages to any number of the phone.
func TestDB_notations_reads(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send, err := sendTo(t, db, dialled)
	require.NoError(t, err)
	accept(t, db, begin(t, db, send.ID, whatsApp))
	read := insertInbound(t, db, []backstop.Receipt{named(ofWhatsApp, "1", db.Now().Add(time.Second), backstop.Inbound{Text: "Thanks"})})
	require.Len(t, read, 1)
	require.Equal(t, send.ID, read[0].Ref.Send)
}

// An erasure and an export have all numbers of the phone.
func TestDB_notations_person(t *testing.T) {
	t.Parallel()
	for _, asked := range []string{dialled, ofWhatsApp} {
		url := postgrestest.URL(t)
		db, raw := postgrestest.Open(t, url), postgrestest.Raw(t, url)
		err := postgrestest.Migrate(t.Context(), db)
		require.NoError(t, err)
		for _, number := range []string{dialled, ofWhatsApp} {
			send, err := sendTo(t, db, number)
			require.NoError(t, err)
			finish(t, db, send.ID)
		}
		insertInbound(t, db, []backstop.Receipt{named(ofWhatsApp, "1", at(30), backstop.Inbound{Text: "STOP", Keyword: backstop.StopKeyword})})
		rows := map[string]int{}
		for part, err := range db.ExportPerson(t.Context(), asked) {
			require.NoError(t, err)
			rows[part.Table] += len(part.Rows)
		}
		require.Equal(t, []int{2, 1, 4, 4, 4}, []int{
			rows["sends"], rows["inbound"], rows["opt_outs"], rows["opt_out_changes"], rows["audit"],
		})
		person, err := db.PersonalData(t.Context(), asked)
		require.NoError(t, err)
		require.Equal(t, []int{2, 1, 4, 4}, []int{person.Sends, person.Inbound, person.OptOuts, person.AuditEntries})

		e, err := db.CreateErasure(t.Context(), asked, false)
		require.NoError(t, err)
		eraseAll(t, db, e)
		require.Empty(t, postgrestest.TablesWith(t, raw, []string{dialled[1:], ofWhatsApp[1:]}), asked)
	}
}
