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

	"github.com/backstophq/backstop/internal/codec"
)

// healthTimeout bounds a health check of Temporal.
const healthTimeout = 500 * time.Millisecond

// workerRetry is the pause between two tries of a worker to reach Temporal and its namespace.
const workerRetry = time.Second

// engine is a Temporal client that connects at its first use, so the program can start and accept sends while Temporal is away.
// Only one goroutine connects it, and no workflow starts before. The reason is a data race in the client (SDK 1.50): it stores
// the capabilities of the server whenever it gets them, and ExecuteWorkflow with eager start reads them without a lock.
type engine struct {
	client.Client

	connecting sync.Mutex
	connected  atomic.Bool
}

// connect connects the client if it is not connected. While another goroutine connects, Temporal counts as away.
func (e *engine) connect(ctx context.Context) error {
	if e.connected.Load() {
		return nil
	}
	if !e.connecting.TryLock() {
		return newUnavailable("another goroutine is connecting to temporal")
	}
	defer e.connecting.Unlock()
	if e.connected.Load() {
		return nil
	}
	if err := checkHealth(ctx, e.Client); err != nil {
		return newUnavailable(err.Error()) // handoff counts this error as an outage and retries
	}
	e.connected.Store(true)
	return nil
}

func newUnavailable(why string) error { return serviceerror.NewUnavailable(why) } //nolint:wrapcheck // it is made here

// ExecuteWorkflow connects the client if needed, and calls its method of the same name.
func (e *engine) ExecuteWorkflow(
	ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	return e.Client.ExecuteWorkflow(ctx, o, workflow, args...) //nolint:wrapcheck // handoff wraps it
}

// SignalWorkflow connects the client if needed, and calls its method of the same name.
func (e *engine) SignalWorkflow(ctx context.Context, workflowID, runID, signal string, arg any) error {
	if err := e.connect(ctx); err != nil {
		return err
	}
	return e.Client.SignalWorkflow(ctx, workflowID, runID, signal, arg) //nolint:wrapcheck // handoff wraps it
}

// SignalWithStartWorkflow connects the client if needed, and calls its method of the same name.
func (e *engine) SignalWithStartWorkflow(
	ctx context.Context, workflowID, signal string, arg any, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	//nolint:wrapcheck // handoff wraps it
	return e.Client.SignalWithStartWorkflow(ctx, workflowID, signal, arg, o, workflow, args...)
}

// UpdateWorkflow connects the client if needed, and calls its method of the same name. It decodes the failure of an update.
func (e *engine) UpdateWorkflow(
	ctx context.Context, o client.UpdateWorkflowOptions,
) (_ client.WorkflowUpdateHandle, err error) {
	defer codec.Recover(&err)
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	return e.Client.UpdateWorkflow(ctx, o) //nolint:wrapcheck // handoff wraps it
}

// DescribeWorkflowExecution connects the client if needed, and calls its method of the same name.
func (e *engine) DescribeWorkflowExecution(
	ctx context.Context, workflowID, runID string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	return e.Client.DescribeWorkflowExecution(ctx, workflowID, runID) //nolint:wrapcheck // handoff wraps it
}

// check reports whether Temporal answers.
func (e *engine) check(ctx context.Context) error {
	if err := e.connect(ctx); err != nil {
		return err
	}
	return checkHealth(ctx, e.Client)
}

// newEngine makes the client of Temporal, with the keys of its payloads.
func (p *program) newEngine() error {
	ring, err := p.config.keyring()
	if err != nil {
		return err
	}
	if p.payloads, err = codec.New(ring, p.config.Temporal.Encrypt); err != nil {
		return usageError{err}
	}
	p.temporal, err = newTemporal(p.config.Temporal, p.payloads, p.engineMetrics(), p.log)
	return err
}

func newTemporal(
	c temporalConfig, payloads *codec.Codec, metrics client.MetricsHandler, logger *slog.Logger,
) (*engine, error) {
	options := client.Options{
		HostPort: c.Address, Namespace: c.Namespace, Logger: log.NewStructuredLogger(logger), MetricsHandler: metrics,
	}
	payloads.Configure(&options)
	// Our messages have 1 or 2 KB. Compression would cost both sides more CPU than it saves.
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

// checkHealth checks that Temporal answers within healthTimeout, so that a Temporal that hangs does not hold up the caller.
func checkHealth(ctx context.Context, c client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("check temporal: %w", err)
	}
	return nil
}
