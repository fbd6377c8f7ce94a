package pool_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
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
}

// requireAway checks that the caller gets TryLater, with a message that has no details.
func requireAway(t *testing.T, err error) {
	t.Helper()
	var e *backstop.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, backstop.TryLater, e.Code, err)
	require.Equal(t, "the database is not available, try again later", e.Error())
	require.Error(t, e.Cause)
}
