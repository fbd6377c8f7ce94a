package ledgers_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// remove deletes a send and its rows, like an operator or a retention job, while the process has the send in its cache.
func remove(t *testing.T, db *sql.DB, send string) {
	t.Helper()
	for _, statement := range []string{
		`DELETE FROM receipts WHERE send = $1`, `DELETE FROM attempts WHERE send = $1`,
		`DELETE FROM events WHERE send = $1`, `DELETE FROM sends WHERE id = $1`,
	} {
		_, err := db.ExecContext(t.Context(), statement, send)
		require.NoError(t, err)
	}
}

func requireForgotten(t *testing.T, db *postgres.DB, send string) {
	t.Helper()
	_, isCached := db.Cached(send)
	require.False(t, isCached, "the cache still has the deleted send")
}

// A receipt that cannot be merged for a reason of its own does not lose the other receipts of its batch.
func TestStore_InsertReceipts_oneFails(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, sqlDB := postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, db)

	t.Run("its send was deleted", func(t *testing.T) {
		t.Parallel()
		first, deleted, last := underway(t, db), underway(t, db), underway(t, db)
		remove(t, sqlDB, deleted.id)
		waited := first.insert(
			first.receipt(1, backstop.Delivered), deleted.receipt(1, backstop.Delivered), last.receipt(1, backstop.Delivered))
		require.Len(t, waited, 2)
		for _, d := range []desk{first, last} {
			require.Equal(t, backstop.Delivered, d.check().Send.Status.WhatsApp)
		}
		rows := rowsOf(t, sqlDB, deleted.messageID(1))
		require.Len(t, rows, 1, "it is kept like a receipt that matches nothing")
		require.Equal(t, row{ID: rows[0].ID, Status: "delivered"}, rows[0])
		requireForgotten(t, db, deleted.id)
	})
	t.Run("its send was deleted, and the receipt changes nothing", func(t *testing.T) {
		t.Parallel()
		deleted, other := underway(t, db), underway(t, db)
		deleted.insert(deleted.receipt(1, backstop.Sent))
		remove(t, sqlDB, deleted.id)
		other.insert(deleted.receipt(1, backstop.Sent), other.receipt(1, backstop.Delivered))
		require.Equal(t, backstop.Delivered, other.check().Send.Status.WhatsApp)
		require.Len(t, rowsOf(t, sqlDB, deleted.messageID(1)), 1)
		requireForgotten(t, db, deleted.id)
	})
	t.Run("its send cannot be read", func(t *testing.T) {
		t.Parallel()
		other := postgrestest.Open(t, url) // without them in its cache
		first, broken, last := underway(t, db), underway(t, db), underway(t, db)
		_, err := sqlDB.ExecContext(t.Context(), `UPDATE sends SET plan = plan || '{"rules": 7}' WHERE id = $1`, broken.id)
		require.NoError(t, err)
		_, err = other.InsertReceipts(t.Context(), []backstop.Receipt{
			first.receipt(1, backstop.Delivered), broken.receipt(1, backstop.Delivered), last.receipt(1, backstop.Delivered),
		})
		require.Error(t, err, "the provider must repeat it")
		for _, d := range []desk{first, last} {
			require.Equal(t, backstop.Delivered, d.ledger().Send.Status.WhatsApp)
		}
	})
	t.Run("it has no message id", func(t *testing.T) {
		t.Parallel()
		d := underway(t, db)
		nameless := d.receipt(1, backstop.Delivered)
		nameless.MessageID = "\x00"
		_, err := db.InsertReceipts(t.Context(), []backstop.Receipt{nameless, d.receipt(1, backstop.Delivered)})
		requireCode(t, backstop.Invalid, err)
		require.Equal(t, backstop.Delivered, d.check().Send.Status.WhatsApp)
	})
}
