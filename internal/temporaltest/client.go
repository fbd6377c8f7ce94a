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
	// retention is the least that Temporal allows.
	retention = 24 * time.Hour
	// namespaceTimeout bounds the wait until all parts of the server know a new namespace.
	namespaceTimeout = 30 * time.Second
	namespacePause   = 50 * time.Millisecond
)

// Namespace makes a namespace, so that tests which share a server do not meet each other's workflows and workers.
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

// known reports whether the server finds that there is no such workflow in the namespace, rather than no namespace.
func namespaceExists(ctx context.Context, c client.Client) bool {
	_, err := c.DescribeWorkflowExecution(ctx, "none", "")
	_, ok := errors.AsType[*serviceerror.NotFound](err)
	return ok
}

// Client returns a client of a namespace, connected (many first users at once would be a data race in the SDK). It is
// closed with the test.
func (s *Server) Client(tb testing.TB, namespace string) client.Client {
	tb.Helper()
	c, err := client.DialContext(tb.Context(), client.Options{
		HostPort: s.Address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	failOnError(tb, err)
	tb.Cleanup(c.Close)
	return c
}
