package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/types/known/durationpb"
)

const parkedQueue = "parked"

// parked is a workflow that waits for a signal, longer than any test.
func parked(ctx workflow.Context) (string, error) {
	var word string

	workflow.GetSignalChannel(ctx, "go").Receive(ctx, &word)

	return word, nil
}

// A waiting workflow survives a restart, after a clean end and after a kill. The port stays the same.
func TestTemporal_keepsParkedWorkflow(t *testing.T) {
	t.Parallel()

	port := freePort(t)

	// The folder's name has characters that a URL with a SQLite file name must escape.
	args := []string{"--data", filepath.Join(newData(t), "a b%20c?d#e"), "--services", "temporal", "--temporal-port", port}

	first := start(t, args...)
	address := first.ready()["BACKSTOP_TEMPORAL_ADDRESS"]
	require.Equal(t, "127.0.0.1:"+port, address)

	temporal := dial(t, address)
	atWork := work(t, temporal)

	run, err := temporal.ExecuteWorkflow(testContext(t), client.StartWorkflowOptions{ID: "p", TaskQueue: parkedQueue}, parked)
	require.NoError(t, err)
	waitForEvents(t, temporal, run.GetID(), 4) // started, task scheduled, started, completed
	atWork()
	first.stop()

	second := start(t, args...)
	second.ready()
	waitForEvents(t, temporal, run.GetID(), 4)
	second.signal(syscall.SIGKILL)
	second.wait()

	third := start(t, args...)
	third.ready()

	atWork = work(t, temporal)
	defer atWork()

	require.NoError(t, temporal.SignalWorkflow(testContext(t), run.GetID(), "", "go", "home"))

	var word string
	require.NoError(t, run.Get(testContext(t), &word))
	require.Equal(t, "home", word)
}

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

// requireEager asserts that the answer to a start contains the first workflow task.
func requireEager(t *testing.T, temporal client.Client) {
	t.Helper()

	answer, err := temporal.WorkflowService().StartWorkflowExecution(testContext(t), &workflowservice.StartWorkflowExecutionRequest{
		Namespace:             namespace,
		WorkflowId:            "eager",
		RequestId:             "eager",
		WorkflowType:          &commonpb.WorkflowType{Name: "parked"},
		TaskQueue:             &taskqueuepb.TaskQueue{Name: parkedQueue},
		WorkflowTaskTimeout:   durationpb.New(time.Minute),
		RequestEagerExecution: true,
	})
	require.NoError(t, err)
	require.NotEmpty(t, answer.GetEagerWorkflowTask().GetTaskToken())
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

func dial(t *testing.T, address string) client.Client {
	t.Helper()

	dialed, err := client.DialContext(testContext(t), client.Options{
		HostPort: address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(dialed.Close)

	return dialed
}

// work starts a worker and returns a function that stops it.
func work(t *testing.T, temporal client.Client) func() {
	t.Helper()

	started := worker.New(temporal, parkedQueue, worker.Options{})
	started.RegisterWorkflowWithOptions(parked, workflow.RegisterOptions{Name: "parked"})
	require.NoError(t, started.Start())

	return started.Stop
}

// waitForEvents waits until the history of a workflow has at least count events.
func waitForEvents(t *testing.T, temporal client.Client, workflowID string, count int64) {
	t.Helper()

	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(testContext(t), callTimeout)
		defer cancel()

		described, err := temporal.DescribeWorkflowExecution(ctx, workflowID, "")

		return err == nil && described.GetWorkflowExecutionInfo().GetHistoryLength() >= count
	}, waitLimit, 10*pollInterval)
}
