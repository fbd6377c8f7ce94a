package main

import (
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/internal/codec"
	"github.com/backstophq/backstop/internal/temporaltest"
)

// TestEngine_firstUse is for the race detector: many goroutines use a new client at the same time.
func TestEngine_firstUse(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t)
	payloads, err := codec.New(nil, false)
	require.NoError(t, err)
	temporal, err := newTemporal(
		temporalConfig{Address: server.Address, Namespace: server.Namespace(t)}, payloads, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	var users sync.WaitGroup
	for range 20 {
		users.Go(func() {
			_, err := temporal.ExecuteWorkflow(t.Context(),
				client.StartWorkflowOptions{TaskQueue: "nobody", EnableEagerStart: true}, "Nothing")
			if _, early := errors.AsType[*serviceerror.Unavailable](err); !early {
				assert.NoError(t, err)
			}
		})
	}
	users.Wait()
	require.NoError(t, temporal.check(t.Context()))
}
