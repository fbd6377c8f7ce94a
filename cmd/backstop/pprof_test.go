package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProfiles(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newProfileHandler())
	t.Cleanup(server.Close)
	for path, want := range map[string]string{
		"/debug/pprof/": "goroutine", "/debug/pprof/heap?debug=1": "HeapInuse", "/debug/pprof/cmdline": "test",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		res, err := server.Client().Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode, path)
		require.Contains(t, string(body), want, path)
	}
}

func TestProgram_profile_stops(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	logged, logs := io.Pipe()
	p := &program{config: config{Pprof: pprofConfig{Listen: "127.0.0.1:0"}}, log: newLog(logs, 0)}
	ended := make(chan error, 1)
	go func() { ended <- p.serveProfiles(ctx) }()
	line := make([]byte, 1024)
	n, err := logged.Read(line)
	require.NoError(t, err)
	require.Contains(t, string(line[:n]), "serving profiles")
	stop()
	require.NoError(t, <-ended)
}
