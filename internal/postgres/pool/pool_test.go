package pool_test

import (
	"net"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		address := listener.Addr().String()
		require.NoError(t, listener.Close())
		_, err = pool.Open(t.Context(), "postgres://u:secret@"+address+"/d?sslmode=disable", pool.Options{})
		requireAway(t, err)
	})
	t.Run("not a URL, and no secret in the error", func(t *testing.T) {
		t.Parallel()
		for _, bad := range []string{"", "host=x password=secret", "postgres://u:secret#@h/d", "postgres://u:secret@h/d?sslmode=x"} {
			_, err := pool.Open(t.Context(), bad, pool.Options{})
			require.Error(t, err)
			require.Empty(t, backstop.CodeOf(err))
			require.NotContains(t, err.Error(), "secret")
		}
	})
	t.Run("a database that does not exist is no matter of time", func(t *testing.T) {
		t.Parallel()
		base, err := url.Parse(postgrestest.URL(t))
		require.NoError(t, err)
		base.Path = "/no_such_database"
		_, err = pool.Open(t.Context(), base.String(), pool.Options{})
		require.Error(t, err)
		require.Empty(t, backstop.CodeOf(err))
	})
}

// requireAway checks that the caller is told to try again, and nothing else.
func requireAway(t *testing.T, err error) {
	t.Helper()
	var e *backstop.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, backstop.TryLater, e.Code, err)
	require.Equal(t, "the database is not available, try again later", e.Error())
	require.Error(t, e.Cause)
}
