package temporaltest

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	// retention is Temporal's minimum.
	retention = 24 * time.Hour
	// namespaceTimeout is the maximum wait until all parts of the server have loaded a new namespace.
	namespaceTimeout = 30 * time.Second
	namespacePause   = 50 * time.Millisecond
)

// Namespace creates a namespace and returns its name. Tests that share a server use separate namespaces, so that they do not
// share workflows and workers.
func (s *Server) Namespace(tb testing.TB) string {
	tb.Helper()
	name := "test-" + strings.ToLower(rand.Text())
	c := s.Client(tb, name)
	ctx, cancel := context.WithTimeout(tb.Context(), namespaceTimeout)
	defer cancel()
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	failOnError(tb, err)
	for !namespaceExists(ctx, c) {
		time.Sleep(namespacePause)
		failOnError(tb, ctx.Err())
	}
	return name
}

// namespaceExists reports whether a lookup in the namespace fails with "no such workflow" and not with "no such namespace".
func namespaceExists(ctx context.Context, c client.Client) bool {
	_, err := c.DescribeWorkflowExecution(ctx, "none", "")
	_, ok := errors.AsType[*serviceerror.NotFound](err)
	return ok
}

// Client returns a connected client of a namespace, and closes it at the end of the test. The client connects here, because
// two goroutines that use a new client for the first time are a data race in the SDK.
func (s *Server) Client(tb testing.TB, namespace string) client.Client {
	tb.Helper()
	c, err := client.DialContext(tb.Context(), client.Options{
		HostPort: s.Address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	failOnError(tb, err)
	tb.Cleanup(c.Close)
	return c
}
