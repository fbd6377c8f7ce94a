package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/schema/sqlite"
	server "go.temporal.io/server/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	preferredTemporalPort = 7233

	namespace = "default"
	retention = 72 * time.Hour

	temporalStartTimeout = 60 * time.Second
	temporalStopTimeout  = 6 * time.Second
	callTimeout          = 2 * time.Second
)

// temporal is the Temporal server in this process.
type temporal struct {
	server server.Server
	port   int
}

// startTemporal starts a server on a store with its schema, and returns when a client can use the namespace.
func startTemporal(ctx context.Context, store store, port int, logger log.Logger) (*temporal, error) {
	if err := registerNamespace(store); err != nil {
		return nil, err
	}

	hosts, err := serviceHosts(port)
	if err != nil {
		return nil, err
	}

	started, err := server.NewServer(
		server.WithConfig(serverConfig(store, hosts)),
		server.WithStaticHosts(staticHosts(hosts)),
		server.ForServices(server.DefaultServices),
		server.WithLogger(logger),
		server.WithDynamicConfigClient(dynamicConfig()),
	)
	if err != nil {
		return nil, fmt.Errorf("make temporal: %w", err)
	}

	if err := started.Start(); err != nil {
		return nil, fmt.Errorf("start temporal: %w", err)
	}

	running := &temporal{server: started, port: port}
	if err := waitTemporal(ctx, loopbackAddress(port)); err != nil {
		return nil, errors.Join(err, running.stop())
	}

	return running, nil
}

// stop stops the server. It waits for at most temporalStopTimeout: everything that the server has confirmed is already stored.
func (t *temporal) stop() error {
	stopped := make(chan error, 1)
	go func() { stopped <- t.server.Stop() }()

	select {
	case err := <-stopped:
		if err != nil {
			return fmt.Errorf("stop temporal: %w", err)
		}

		return nil
	case <-time.After(temporalStopTimeout):
		return fmt.Errorf("stop temporal: not done after %v", temporalStopTimeout)
	}
}

// registerNamespace writes the namespace into the store before the server starts, so the first call finds it. The function of
// package sqlite works for Postgres too: it uses the plugin that the store names.
func registerNamespace(store store) error {
	row, err := sqlite.NewNamespaceConfig(clusterName, namespace, false, nil)
	if err != nil {
		return fmt.Errorf("register namespace: %w", err)
	}

	row.Detail.Config.Retention = durationpb.New(retention)

	if err := sqlite.CreateNamespaces(store.main, row); err != nil {
		return fmt.Errorf("register namespace: %w", err)
	}

	return nil
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
