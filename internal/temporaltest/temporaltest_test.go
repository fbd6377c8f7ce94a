package temporaltest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/internal/temporaltest"
)

// Another server must not use the port of a stopped server: the clients of the stopped server would connect to it.
func TestServer_Restart(t *testing.T) {
	t.Parallel()
	first := temporaltest.Start(t)
	address := first.Address
	c := first.Client(t, "default")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "kept", TaskQueue: "nobody"}, "Nothing")
	require.NoError(t, err)
	first.Stop(t)

	second := temporaltest.Start(t)
	require.NotEqual(t, address, second.Address)
	gone, cancelGone := context.WithTimeout(t.Context(), time.Second)
	defer cancelGone()
	_, err = c.ExecuteWorkflow(gone, client.StartWorkflowOptions{ID: "lost", TaskQueue: "nobody"}, "Nothing")
	require.Error(t, err, "the server is stopped")

	first.Restart(t)
	require.Equal(t, address, first.Address)
	_, err = c.DescribeWorkflowExecution(ctx, "kept", "")
	require.NoError(t, err, "the server has its old data")
}
