package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/codec"
	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// TestProgram_ready: the program is ready although Temporal accepts connections and never answers.
func TestProgram_ready(t *testing.T) {
	t.Parallel()
	silent, err := listenLocal(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	payloads, err := codec.New(nil, false)
	require.NoError(t, err)
	temporal, err := newTemporal(temporalConfig{Address: silent.Addr().String()}, payloads, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	config, err := readConfig[config](complete())
	require.NoError(t, err)
	p := &program{config: config, db: postgrestest.New(t), temporal: temporal, log: slog.New(slog.DiscardHandler)}
	p.health, err = health.New(p.db, p.log)
	require.NoError(t, err)
	p.accounts, err = p.newAccounts()
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	checks, err := p.checkReady(ctx)
	require.NoError(t, err)
	require.Contains(t, checks["temporal"], "unreachable")
	require.Equal(t, "ok", checks["schema"])
}
