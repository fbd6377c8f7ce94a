package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// temporalPatience is how long a check waits for Temporal.
const temporalPatience = 500 * time.Millisecond

// workerRetry is how often a worker tries to reach a Temporal, or a namespace, that is not there yet.
const workerRetry = time.Second

// engine is a Temporal client that connects when it is first used, so that the program starts, and accepts sends, while
// Temporal is away. One caller connects it, and nobody starts a workflow before: the client (SDK 1.50) stores what the
// server can do whenever it asks, and ExecuteWorkflow with eager start reads that without a lock.
type engine struct {
	client.Client

	connecting sync.Mutex
	connected  atomic.Bool
}

// reach connects, unless that is done. While another caller does it, Temporal counts as away.
func (e *engine) reach(ctx context.Context) error {
	if e.connected.Load() {
		return nil
	}
	if !e.connecting.TryLock() {
		return away("another is connecting to temporal")
	}
	defer e.connecting.Unlock()
	if e.connected.Load() {
		return nil
	}
	if err := checkHealth(ctx, e.Client); err != nil {
		return away(err.Error()) // whatever is wrong, it may be right later
	}
	e.connected.Store(true)
	return nil
}

func away(why string) error { return serviceerror.NewUnavailable(why) } //nolint:wrapcheck // it is made here

// ExecuteWorkflow is the client's, once it is connected.
func (e *engine) ExecuteWorkflow(
	ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	if err := e.reach(ctx); err != nil {
		return nil, err
	}
	return e.Client.ExecuteWorkflow(ctx, o, workflow, args...) //nolint:wrapcheck // handoff wraps it
}

// SignalWorkflow is the client's, once it is connected.
func (e *engine) SignalWorkflow(ctx context.Context, workflowID, runID, signal string, arg any) error {
	if err := e.reach(ctx); err != nil {
		return err
	}
	return e.Client.SignalWorkflow(ctx, workflowID, runID, signal, arg) //nolint:wrapcheck // handoff wraps it
}

// UpdateWorkflow is the client's, once it is connected.
func (e *engine) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	if err := e.reach(ctx); err != nil {
		return nil, err
	}
	return e.Client.UpdateWorkflow(ctx, o) //nolint:wrapcheck // handoff wraps it
}

// DescribeWorkflowExecution connects the client if needed, and calls its method of the same name.
func (e *engine) DescribeWorkflowExecution(
	ctx context.Context, workflowID, runID string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if err := e.reach(ctx); err != nil {
		return nil, err
	}
	return e.Client.DescribeWorkflowExecution(ctx, workflowID, runID) //nolint:wrapcheck // handoff wraps it
}

// check reports whether Temporal answers.
func (e *engine) check(ctx context.Context) error {
	if err := e.reach(ctx); err != nil {
		return err
	}
	return checkHealth(ctx, e.Client)
}

func newTemporal(c temporalConfig, logger *slog.Logger) (*engine, error) {
	options := client.Options{HostPort: c.Address, Namespace: c.Namespace, Logger: log.NewStructuredLogger(logger)}
	// Our messages have 1 or 2 KB. To compress them costs both sides more CPU than the bytes are worth.
	options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	if c.APIKey != "" {
		options.Credentials = client.NewAPIKeyStaticCredentials(string(c.APIKey))
	}
	if c.TLS || c.TLSCert != "" || c.TLSCA != "" || c.APIKey != "" {
		secured, err := tlsConfig(c)
		if err != nil {
			return nil, err
		}
		options.ConnectionOptions.TLS = secured
	}
	temporal, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("make temporal client: %w", err)
	}
	return &engine{Client: temporal}, nil
}

func tlsConfig(c temporalConfig) (*tls.Config, error) {
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, usageError{fmt.Errorf("read %sTEMPORAL_TLS_CERT: %w", envPrefix, err)}
		}
		secured.Certificates = []tls.Certificate{pair}
	}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, usageError{fmt.Errorf("read %sTEMPORAL_TLS_CA: %w", envPrefix, err)}
		}
		secured.RootCAs = x509.NewCertPool()
		if !secured.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usageError{errors.New(envPrefix + "TEMPORAL_TLS_CA holds no certificate")}
		}
	}
	return secured, nil
}

// checkHealth asks whether Temporal answers, soon: one that hangs must not use up the caller's time.
func checkHealth(ctx context.Context, c client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, temporalPatience)
	defer cancel()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("check temporal: %w", err)
	}
	return nil
}
