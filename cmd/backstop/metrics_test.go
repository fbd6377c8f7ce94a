package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/temporaltest"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	listener, err := listenLocal(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	var stdout, stderr bytes.Buffer
	err = demo.Run(t.Context(), func(ctx context.Context, s demo.Settings, during func(context.Context, demo.Backstop) error) error {
		l, err := newLocal(ctx, map[string]string{
			"BACKSTOP_DATABASE_URL":     postgrestest.URL(t),
			"BACKSTOP_TEMPORAL_ADDRESS": temporaltest.Start(t).Address,
			"BACKSTOP_METRICS_LISTEN":   address,
		}, s)
		if err != nil {
			return err
		}
		return l.run(ctx, func(ctx context.Context, b demo.Backstop) error {
			err := during(ctx, b)
			res, e := http.Get("http://" + address + "/metrics")
			require.NoError(t, e)
			body, _ := io.ReadAll(res.Body)
			os.WriteFile("/tmp/metrics17.txt", body, 0o600)
			return err
		})
	}, &stdout, &stderr)
	require.NoError(t, err)
}
