package postgres_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestDB_Session(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	first, second := bytes.Repeat([]byte{0, 255}, 16), bytes.Repeat([]byte{7}, 32)
	require.NoError(t, db.CreateSession(t.Context(), first, "", at(0), at(30)))
	require.NoError(t, db.CreateSession(t.Context(), second, "", at(10), at(40)))

	expires, _, err := db.Session(t.Context(), first, at(29))
	require.NoError(t, err)
	require.Equal(t, at(30), expires)
	_, _, err = db.Session(t.Context(), first, at(30))
	requireCode(t, backstop.NotFound, err)
	_, _, err = db.Session(t.Context(), bytes.Repeat([]byte{8}, 32), at(0))
	requireCode(t, backstop.NotFound, err)
	_, _, err = db.Session(t.Context(), nil, at(0))
	requireCode(t, backstop.NotFound, err)

	count := func() (n int) {
		raw := postgrestest.Raw(t, url)
		require.NoError(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM console_sessions`).Scan(&n))
		return n
	}
	require.NoError(t, db.CreateSession(t.Context(), bytes.Repeat([]byte{9}, 32), "", at(30), at(60)))
	require.Equal(t, 2, count(), "the first had ended")

	for range 2 {
		require.NoError(t, db.DeleteSession(t.Context(), second))
		_, _, err = db.Session(t.Context(), second, at(11))
		requireCode(t, backstop.NotFound, err)
	}
	require.Error(t, db.CreateSession(t.Context(), []byte("short"), "", at(0), at(30)))
	require.Error(t, db.CreateSession(t.Context(), second, "", at(30), at(30)), "it would have no life")
}
