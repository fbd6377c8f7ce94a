package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// A local Backstop listens where the environment says, and nowhere else.
func TestNewLocal_listen(t *testing.T) {
	t.Parallel()
	database := postgrestest.URL(t)
	for _, variable := range []string{"BACKSTOP_LISTEN", "BACKSTOP_SANDBOX_LISTEN"} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			start := func(address string) (*local, error) {
				l, err := newLocal(t.Context(), map[string]string{"BACKSTOP_DATABASE_URL": database, variable: address},
					demo.Settings{Speed: 1, APIAddress: "127.0.0.1:0", SandboxAddress: "127.0.0.1:0", Log: io.Discard})
				if err == nil {
					t.Cleanup(func() {
						require.NoError(t, l.api.Close())
						require.NoError(t, l.sandbox.Close())
					})
				}
				return l, err
			}
			taken, err := listenLocal(t.Context(), "127.0.0.1:0")
			require.NoError(t, err)
			_, err = start(taken.Addr().String())
			require.ErrorContains(t, err, variable)

			require.NoError(t, taken.Close())
			l, err := start(taken.Addr().String())
			require.NoError(t, err)
			url := "http://" + taken.Addr().String()
			require.Contains(t, []string{l.apiURL, l.sandboxURL}, url)

			l, err = start(":0")
			require.NoError(t, err)
			require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, l.apiURL, "an address that can be opened")
			require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, l.sandboxURL)
		})
	}
}
