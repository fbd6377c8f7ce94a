package ledgers_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// row is a receipt as it is stored.
type row struct {
	ID, Send, Status, Failure string
	Step                      int
	NeedsSignal               bool
}

func rowsOf(t *testing.T, db *sql.DB, messageID string) (list []row) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT id, coalesce(send::text, ''), coalesce(step, 0), status,
    coalesce(failure ->> 'code', ''), needs_signal FROM receipts WHERE message_id = $1 ORDER BY id`,
		postgrestest.Stored(t, seals.MessageID, messageID))
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var r row
		require.NoError(t, rows.Scan(&r.ID, &r.Send, &r.Step, &r.Status, &r.Failure, &r.NeedsSignal))
		list = append(list, r)
	}
	require.NoError(t, rows.Err())
	return list
}

func TestStore_InsertReceipts(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, sqlDB := postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, db)

	t.Run("what a workflow waits for is stored as such, and returned with the view of that moment", func(t *testing.T) {
		t.Parallel()
		d := underway(t, db)
		require.Empty(t, d.insert(d.receipt(1, backstop.Sent)), "no rule asks for it")
		waited := d.insert(d.receipt(1, backstop.Failed))
		require.Len(t, waited, 1)
		require.Equal(t, handoff.Handover{ID: waited[0].ID, Send: d.id, View: d.check().View()}, waited[0])
		rows := rowsOf(t, sqlDB, d.messageID(1))
		require.Len(t, rows, 2)
		require.Equal(t, row{ID: rows[0].ID, Send: d.id, Step: 1, Status: "sent"}, rows[0])
		require.Equal(t, row{ID: waited[0].ID, Send: d.id, Step: 1, Status: "failed", Failure: "131026", NeedsSignal: true}, rows[1])
		require.Empty(t, d.insert(d.receipt(1, backstop.Failed)), "it is not new")
		require.Len(t, rowsOf(t, sqlDB, d.messageID(1)), 2)
		require.Len(t, d.kinds(), 4)
	})
	t.Run("many sends in one batch, in any order, with repetitions", func(t *testing.T) {
		t.Parallel()
		a, b := underway(t, db), underway(t, db)
		waited := a.insert(b.receipt(1, backstop.Read), a.receipt(1, backstop.Delivered), b.receipt(1, backstop.Delivered),
			b.receipt(1, backstop.Read), a.receipt(1, backstop.Sent))
		require.Len(t, waited, 2)
		require.Equal(t, backstop.Delivered, a.check().Send.Status.WhatsApp)
		require.Equal(t, backstop.Read, b.check().Send.Status.WhatsApp)
		require.Len(t, a.kinds(), 4)
	})
	t.Run("by the message id alone", func(t *testing.T) {
		t.Parallel()
		d := underway(t, db)
		for _, ref := range []backstop.Ref{{}, {Send: newID(t), Step: 1}, {Send: "x", Step: 1}, {Send: d.id}} {
			r := d.receipt(1, backstop.Delivered)
			r.Ref = ref
			d.insert(r)
		}
		require.Equal(t, backstop.Delivered, d.check().Send.Status.WhatsApp)
		require.Len(t, d.kinds(), 3)
	})
	t.Run("by a reference that was spelled anew", func(t *testing.T) {
		t.Parallel()
		d := underway(t, db)
		r := d.receipt(1, backstop.Failed)
		r.Ref.Send = strings.ToUpper(r.Ref.Send)
		waited := d.insert(r)
		require.Len(t, waited, 1)
		require.Equal(t, d.id, waited[0].Send)
		require.Equal(t, backstop.Failed, d.check().Send.Status.WhatsApp)
	})
	t.Run("the message of one channel says nothing of another's", func(t *testing.T) {
		t.Parallel()
		d := underway(t, db)
		r := d.lone(1, backstop.Delivered)
		r.Channel = backstop.SMS
		require.Empty(t, d.insert(r))
		require.Equal(t, backstop.Submitted, d.check().Send.Status.WhatsApp)
		require.Empty(t, rowsOf(t, sqlDB, d.messageID(1))[0].Send)
	})
	t.Run("one message that names two steps", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		d.fail(d.begin(whatsApp), backstop.Unknown)
		d.fail(d.begin(resend(whatsApp)), backstop.Unknown)
		first, second := d.receipt(1, backstop.Delivered), d.receipt(2, backstop.Delivered)
		second.MessageID = first.MessageID
		d.insert(first, second)
		require.Equal(t, backstop.Delivered, d.check().Send.Status.WhatsApp)
		require.Len(t, rowsOf(t, sqlDB, first.MessageID), 1)
	})
	t.Run("of a step that was never begun", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		d.insert(d.receipt(1, backstop.Delivered), d.receipt(5, backstop.Sent), d.receipt(1<<31-1, backstop.Sent))
		require.Equal(t, backstop.Delivered, d.check().Send.Status.WhatsApp)
		d.insert(d.receipt(1, backstop.Delivered))
		require.Len(t, rowsOf(t, sqlDB, d.messageID(1)), 1)
	})
}

// A status that a provider returned to an inquiry is stored as a receipt that needs no signal.
func TestStore_Learn(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, sqlDB := postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, db)
	d := newDesk(t, db)
	d.fail(d.begin(whatsApp), backstop.Unknown)
	require.Empty(t, d.insert(d.lone(1, backstop.Delivered)), "nobody knows yet whose it is")
	view, err := db.Learn(t.Context(), d.receipt(1, backstop.Sent))
	require.NoError(t, err)
	require.Equal(t, backstop.Delivered, view.WhatsApp, "the message id that was found brings the receipt that waited for it")
	require.Equal(t, d.check().View(), view)
	for _, r := range rowsOf(t, sqlDB, d.messageID(1)) {
		require.False(t, r.NeedsSignal)
		require.Equal(t, d.id, r.Send)
	}
	_, err = db.Learn(t.Context(), backstop.Receipt{Ref: backstop.Ref{Send: d.id, Step: 1}})
	requireCode(t, backstop.Invalid, err)
}

func TestStore_Owner(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	d := underway(t, db)
	owner, found, err := db.Owner(t.Context(), d.lone(1, ""))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, backstop.Ref{Send: d.id, Step: 1}, owner)
	sms := d.lone(1, "")
	sms.Channel = backstop.SMS
	_, found, err = db.Owner(t.Context(), sms)
	require.NoError(t, err)
	require.False(t, found)
}

// A webhook fails after some of its receipts were stored. When it is repeated, these are skipped and the sweeper signals them.
func TestStore_InsertReceipts_halfStored(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b := underway(t, db), underway(t, db)
	stored := a.insert(a.receipt(1, backstop.Delivered)) // and then the process died
	waited := a.insert(a.receipt(1, backstop.Delivered), b.receipt(1, backstop.Delivered))
	require.Len(t, waited, 1)
	require.Equal(t, b.id, waited[0].Send)
	require.NoError(t, db.MarkSent(t.Context(), []string{a.id, b.id}))
	claims, err := db.ClaimReceipts(t.Context(), time.Now().Add(time.Hour), time.Minute, 9)
	require.NoError(t, err)
	var swept []handoff.Handover
	for _, c := range claims {
		swept = append(swept, c.Handover)
	}
	require.Equal(t, append(stored, waited...), swept)
}

// needsSignal counts the stored receipts of a send that need a signal.
func needsSignal(t *testing.T, db *sql.DB, send string) (n int) {
	t.Helper()
	count := `SELECT count(*) FROM receipts WHERE send = $1 AND needs_signal`
	require.NoError(t, db.QueryRowContext(t.Context(), count, send).Scan(&n))
	return n
}
