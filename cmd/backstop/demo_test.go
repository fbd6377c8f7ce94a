package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/temporaltest"
)

// TestDemo runs every scenario end to end: the API, a real Postgres, a real Temporal, and simulated providers over
// HTTP with signed webhooks. The demo itself checks what came out.
func TestDemo(t *testing.T) {
	t.Parallel()
	environment := []string{
		"BACKSTOP_DATABASE_URL=" + postgrestest.URL(t),
		"BACKSTOP_TEMPORAL_ADDRESS=" + temporaltest.Start(t).Address,
	}
	for range 2 { // make demo keeps its database
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"demo"}, environment, &stdout, &stderr)
		require.Equal(t, exitOK, code, "%s%s", stdout.String(), stderr.String())
		require.Contains(t, stdout.String(), "All 22 sends came out as expected")
		require.Contains(t, stdout.String(), "The first SMS account died in the middle of 20 sends: 10 arrived by it, 10 by the second account.")
		require.NotContains(t, stdout.String(), os.Getenv("BACKSTOP_API_KEY")+"\n")
	}
}
