package main

import (
	"context"
	"log/slog"
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
