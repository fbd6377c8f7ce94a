//go:build !cli

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/schema/sqlite"
	server "go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
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
