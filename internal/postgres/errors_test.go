package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// requireAway checks that the error asks the caller to try again, and says nothing else.
func requireAway(t *testing.T, err error) {
	t.Helper()
	e := coded(t, backstop.TryLater, err)
	require.Equal(t, "the database is not available, try again later", e.Error())
	require.Error(t, e.Cause)
}

// TestDB_away cuts the connections of a store that is in use, and mends them.
func TestDB_away(t *testing.T) {
	t.Parallel()
	db, proxy := behindProxy(t)
	send := underway(t, db)

	proxy.Down()
	_, _, err := db.Begin(t.Context(), send.ID, firstSMS)
	requireAway(t, err)
	requireAway(t, db.Ping(t.Context()))
	_, err = db.Send(t.Context(), send.ID)
	requireAway(t, err)
	_, err = db.Revision(t.Context(), send.ID)
	requireAway(t, err)
	_, _, err = db.InsertSend(t.Context(), newSend(t), nil)
	requireAway(t, err)
	_, err = db.InsertReceipts(t.Context(), []backstop.Receipt{receipt(send.ID, 1, backstop.Read)})
	requireAway(t, err)
	_, err = db.Pending(t.Context())
	requireAway(t, err)
	_, err = db.CreateSession(t.Context(), make([]byte, 32), backstop.Session{CreatedAt: at(0), ExpiresAt: at(1)}, at(0))
	requireAway(t, err)
	_, err = db.Session(t.Context(), make([]byte, 32), at(0), at(0))
	requireAway(t, err)
	requireAway(t, db.EndSession(t.Context(), newID(t), nil))
	_, _, err = db.ListSessions(t.Context(), nil, at(0), at(0), backstop.Page{Limit: 1})
	requireAway(t, err)
	requireAway(t, db.DeleteSession(t.Context(), make([]byte, 32)))

	proxy.Up()
	require.NoError(t, db.Ping(t.Context()))
	require.Equal(t, send, getSend(t, db, send.ID), "nothing was half done")
}

// TestDB_blocked changes a send whose row another transaction has locked.
func TestDB_blocked(t *testing.T) {
	t.Parallel()
	base := postgrestest.URL(t)
	db := postgrestest.Open(t, base)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	impatient := postgrestest.Open(t, postgrestest.With(t, base, "lock_timeout", "50ms"))
	hasty := postgrestest.Open(t, base+"&statement_timeout=50ms")
	send := insertSend(t, db)

	raw := postgrestest.Raw(t, base)
	holder, err := raw.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = holder.ExecContext(t.Context(), `SELECT FROM sends WHERE id = $1 FOR UPDATE`, send.ID)
	require.NoError(t, err)
	func() {
		_, err := impatient.Finish(t.Context(), send.ID, false)
		requireAway(t, err)
		_, err = hasty.Finish(t.Context(), send.ID, false)
		requireAway(t, err)
		bounded, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = db.Finish(bounded, send.ID, false)
		requireAway(t, err)

		left, leave := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, leave)
		_, err = db.Finish(left, send.ID, false)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, backstop.CodeOf(err), "the caller left; nothing is wrong with the database")
	}()
	require.NoError(t, holder.Rollback())
	_, err = db.Finish(t.Context(), send.ID, false)
	require.NoError(t, err)
}
