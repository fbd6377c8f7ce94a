package ledgers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

// Orphans are merged when an attempt gets their message id, from the end of its call or in any other way.
func TestStore_orphans(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, other, sqlDB := postgrestest.Open(t, url), postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, db)
	// know stores a message id and does not look for orphans, like a process that dies before it looks.
	know := func(t *testing.T, d desk) {
		t.Helper()
		_, err := sqlDB.ExecContext(t.Context(), `UPDATE attempts SET message_id = $2 WHERE send = $1`, d.id,
			postgrestest.Stored(t, seals.MessageID, d.messageID(1)))
		require.NoError(t, err)
	}

	// storeOrphan stores a receipt and does not look for its attempt, like a process that dies before it looks.
	storeOrphan := func(t *testing.T, d desk) {
		t.Helper()
		_, err := sqlDB.ExecContext(t.Context(), `INSERT INTO receipts
    (id, provider, account, channel, message_id, status, received_at, at, needs_signal)
VALUES ($1, 'meta', 'number', 'whatsapp', $2, 'read', $3, $3, false)`, newID(t),
			postgrestest.Stored(t, seals.MessageID, d.messageID(1)), time.Now())
		require.NoError(t, err)
	}

	t.Run("the end of the call", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		attempt := d.begin(whatsApp)
		for _, status := range []backstop.Status{backstop.Delivered, backstop.Sent, backstop.Delivered} {
			require.Empty(t, d.by(other).insert(d.lone(1, status)))
		}
		require.Equal(t, []string{"accepted"}, d.kinds(), "nobody knows yet whose they are")
		require.Len(t, rowsOf(t, sqlDB, d.messageID(1)), 2)
		view := d.accept(attempt)
		require.Equal(t, backstop.Delivered, view.WhatsApp)
		require.Equal(t, d.check().View(), view)
		require.Equal(t, []string{
			"accepted", "attempt whatsapp submitted", "receipt whatsapp delivered", "receipt whatsapp sent",
		}, d.kinds())
		for _, r := range rowsOf(t, sqlDB, d.messageID(1)) {
			require.Equal(t, row{ID: r.ID, Send: d.id, Step: 1, Status: r.Status}, r, "the end of the call has brought it")
		}
		require.Empty(t, d.insert(d.receipt(1, backstop.Delivered)), "it is not new")
	})
	t.Run("an end that is repeated by a process that took over", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		attempt := d.begin(whatsApp)
		d.accept(attempt)
		storeOrphan(t, d)
		require.Equal(t, backstop.Read, d.by(other).accept(attempt).WhatsApp)
		require.NotNil(t, d.ledger().Send.FinishedAt)
	})
	t.Run("a worker that looks at the call once more", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		d.fail(d.begin(whatsApp), backstop.Unknown)
		require.Empty(t, d.insert(d.lone(1, backstop.Delivered)))
		know(t, d)
		ruling, view := d.by(other).ask(whatsApp)
		require.Equal(t, backstop.MadeAlready, ruling.Answer)
		require.Equal(t, backstop.Delivered, view.WhatsApp)
	})
	t.Run("a receipt with a reference", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		d.fail(d.begin(whatsApp), backstop.Unknown)
		require.Empty(t, d.insert(d.lone(1, backstop.Read)))
		waited := d.insert(d.receipt(1, backstop.Sent))
		require.Len(t, waited, 2, "the first status, and the end")
		require.Equal(t, d.check().View(), waited[1].View)
		require.Equal(t, backstop.OutcomeWhatsApp, waited[1].View.Outcome)
	})
	t.Run("such a receipt once more, when its first process died before it looked", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		d.fail(d.begin(whatsApp), backstop.Unknown)
		d.insert(d.receipt(1, backstop.Sent))
		storeOrphan(t, d)
		require.Len(t, d.by(other).insert(d.receipt(1, backstop.Sent)), 1)
		require.Equal(t, backstop.Read, d.ledger().Send.Status.WhatsApp)
	})
	t.Run("the orphan itself, with its reference", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		d.fail(d.begin(whatsApp), backstop.Unknown)
		require.Empty(t, d.insert(d.lone(1, backstop.Delivered)))
		waited := d.insert(d.receipt(1, backstop.Delivered))
		require.Len(t, waited, 1)
		rows := rowsOf(t, sqlDB, d.messageID(1))
		require.Equal(t, []row{{ID: waited[0].ID, Send: d.id, Step: 1, Status: "delivered", NeedsSignal: true}}, rows)
	})
	t.Run("a failure's reason", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		attempt := d.begin(whatsApp)
		require.Empty(t, d.insert(d.lone(1, backstop.Failed)))
		require.Equal(t, backstop.Failed, d.accept(attempt).WhatsApp)
		require.Equal(t, d.receipt(1, backstop.Failed).Failure, d.check().Attempt(1).Refusal)
	})
}

// If two attempts have the same message id, the newest one owns the message.
func TestStore_orphans_newest(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	d := newDesk(t, db)
	d.fail(d.begin(whatsApp), backstop.Unknown)
	second := d.begin(resend(whatsApp))
	d.end(second, backstop.Ending{Submission: backstop.Submission{MessageID: d.messageID(1)}})
	d.insert(d.receipt(1, backstop.Sent)) // gives the first attempt the id too
	require.Equal(t, d.messageID(1), d.ledger().Attempt(1).MessageID)
	d.insert(d.lone(1, backstop.Delivered))
	require.Equal(t, backstop.Delivered, d.check().Attempt(2).Status)
	require.Equal(t, backstop.Sent, d.ledger().Attempt(1).Status)
}
