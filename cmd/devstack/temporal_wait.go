package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// The values of --temporal.
const (
	temporalEmbedded = "embedded"
	temporalCLI      = "cli"
)

const (
	preferredTemporalPort = 7233
	preferredUIPort       = 8233

	namespace = "default"
	retention = 72 * time.Hour // of the embedded server; the CLI has its own

	temporalStartTimeout = 60 * time.Second
	temporalStopTimeout  = 6 * time.Second
	uiStartTimeout       = 10 * time.Second
	callTimeout          = 2 * time.Second

	mostShards = 4096
)

// tasksAtOnce is how many tasks of each kind the server processes concurrently: about one per shard, because a shard writes
// serially.
const tasksAtOnce = 16

// dynamicSettings returns what Backstop relies on, so that other defaults of a later server do not change it.
func dynamicSettings() map[string]any {
	return map[string]any{
		// The answer to a start contains the first task of the workflow, and the answer to a task its activities: fewer round
		// trips.
		"system.enableEagerWorkflowStart":     true,
		"system.enableActivityEagerExecution": true,
		// The polls of a worker that stops end without a task. Otherwise some get one, and a call that nobody makes is
		// repeated only when the time for it ends, 35 s later.
		"frontend.enableCancelWorkerPollsOnShutdown": true,
		// The check would call a server on the Internet.
		"frontend.enableServerVersionCheck": false,
		// One process serves all partitions of a task queue, so more than one only costs forwarding.
		"matching.numTaskqueueReadPartitions":  1,
		"matching.numTaskqueueWritePartitions": 1,
		// If thousands of timers fire at the same time, by default 512 of them wait for the shards concurrently. All exceed
		// their time limit of 3 s and start again. With fewer workers each timer is processed once.
		"history.timerProcessorSchedulerWorkerCount":      tasksAtOnce,
		"history.transferProcessorSchedulerWorkerCount":   tasksAtOnce,
		"history.visibilityProcessorSchedulerWorkerCount": tasksAtOnce,
	}
}

// synchronous returns when a commit of SQLite waits for the disk.
func synchronous(fast bool) string {
	if fast {
		return "off"
	}

	return "full"
}

func waitTemporal(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, temporalStartTimeout)
	defer cancel()

	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("call temporal: %w", err)
	}
	defer func() { _ = connection.Close() }()

	client := workflowservice.NewWorkflowServiceClient(connection)

	for {
		err := checkUsable(ctx, client)
		if err == nil {
			return nil
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("start temporal: %w (%w)", ctx.Err(), err)
		case <-time.After(pollInterval):
		}
	}
}

// checkUsable makes the first calls of a client, and a call that reaches the history service and the store.
func checkUsable(ctx context.Context, client workflowservice.WorkflowServiceClient) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	if _, err := client.GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{}); err != nil {
		return fmt.Errorf("get system info: %w", err)
	}

	_, err := client.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("describe namespace: %w", err)
	}

	_, err = client.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: "no-such-workflow"},
	})
	if status.Code(err) != codes.NotFound {
		return fmt.Errorf("describe a workflow that is not there: %w", err)
	}

	return nil
}

func waitPage(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, uiStartTimeout)
	defer cancel()

	client := &http.Client{Timeout: callTimeout}

	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("request page: %w", err)
		}

		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()

			if response.StatusCode == http.StatusOK {
				return nil
			}

			err = fmt.Errorf("answer %s", response.Status)
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", ctx.Err(), err)
		case <-time.After(pollInterval):
		}
	}
}
