package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// TestDB_Revision: it is another number whenever there is something new to see, and only then.
func TestDB_Revision(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send := insertSend(t, db)
	last := 0
	step := func(changes bool, what string) {
		t.Helper()
		now, err := db.Revision(t.Context(), send.ID)
		require.NoError(t, err)
		require.Equal(t, changes, now > last, what)
		require.True(t, changes || now == last, what)
		last = now
	}
	step(true, "accepted")
	attempt := begin(t, db, send.ID, whatsApp)
	step(true, "a call")
	accept(t, db, attempt)
	step(true, "its end")
	insert(t, db, receipt(send.ID, 1, backstop.Delivered))
	step(true, "a receipt")
	insert(t, db, receipt(send.ID, 1, backstop.Delivered))
	step(false, "the same once more")
	finish(t, db, send.ID)
	step(true, "the end")
	insert(t, db, receipt(send.ID, 1, backstop.Read))
	step(true, "a receipt after it")
	finish(t, db, send.ID)
	step(false, "the end once more")

	for _, nothing := range []string{newID(t), "", "7"} {
		_, err := db.Revision(t.Context(), nothing)
		requireCode(t, backstop.NotFound, err)
	}
}
