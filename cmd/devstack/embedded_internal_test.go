//go:build !cli

package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/dynamicconfig"
)

// All services, with Temporal on Postgres. A second start accepts the existing schema.
func TestTemporal_onPostgres(t *testing.T) {
	t.Parallel()

	args := []string{"--data", newData(t), "--temporal-db", storePostgres, "--fast"}

	first := start(t, append(args, "--postgres-port", freePort(t), "--temporal-port", freePort(t), "--ui-port", freePort(t))...)
	before := first.ready()
	requireEager(t, dial(t, before["BACKSTOP_TEMPORAL_ADDRESS"]))
	requirePage(t, before["BACKSTOP_TEMPORAL_UI_URL"])
	first.stop()

	second := start(t, args...)
	after := second.ready()
	require.Equal(t, before, after)

	temporal := dial(t, after["BACKSTOP_TEMPORAL_ADDRESS"])
	waitForEvents(t, temporal, "eager", 3)

	described, err := temporal.WorkflowService().DescribeNamespace(testContext(t),
		&workflowservice.DescribeNamespaceRequest{Namespace: after["BACKSTOP_TEMPORAL_NAMESPACE"]})
	require.NoError(t, err)
	require.Equal(t, retention, described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	second.stop()
}

func TestTemporal_eagerOnSQLite(t *testing.T) {
	t.Parallel()

	running := start(t, "--data", newData(t), "--services", "temporal", "--fast", "--temporal-shards", "1")
	requireEager(t, dial(t, running.ready()["BACKSTOP_TEMPORAL_ADDRESS"]))
	running.stop()

	code, _, stderr := once(t, append(running.command.Args[1:], "--temporal-shards", "2")...)
	require.Equal(t, exitFailure, code)
	require.Contains(t, stderr, "has 1 shards")
}

func requirePage(t *testing.T, url string) {
	t.Helper()

	browser := &http.Client{Timeout: waitLimit}

	for path, want := range map[string]string{
		"/": "<html", "/api/v1/settings": `"DisableNewsFetch":true`, "/api/v1/namespaces/default": `"default"`,
		"/api/v1/releases": `"Releases":{}`,
	} {
		request, err := http.NewRequestWithContext(testContext(t), http.MethodGet, url+path, nil)
		require.NoError(t, err)

		response, err := browser.Do(request)
		require.NoError(t, err)

		page, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, path)
		require.Contains(t, string(page), want, path)
	}
}

// The names of dynamicSettings are those of the settings of the server that go.mod pins.
func TestDynamicSettings(t *testing.T) {
	t.Parallel()

	known := []dynamicconfig.Key{
		dynamicconfig.EnableEagerWorkflowStart.Key(),
		dynamicconfig.EnableActivityEagerExecution.Key(),
		dynamicconfig.EnableCancelWorkerPollsOnShutdown.Key(),
		dynamicconfig.EnableServerVersionCheck.Key(),
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key(),
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(),
		dynamicconfig.TimerProcessorSchedulerWorkerCount.Key(),
		dynamicconfig.TransferProcessorSchedulerWorkerCount.Key(),
		dynamicconfig.VisibilityProcessorSchedulerWorkerCount.Key(),
	}

	settings := dynamicConfig()
	require.Len(t, settings, len(known))

	for _, key := range known {
		require.Contains(t, settings, key)
	}
}
