package handoff_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/internal/handoff"
)

// recorder keeps what the engine gets to start a workflow.
type recorder struct {
	handoff.Engine

	options chan client.StartWorkflowOptions
	input   chan string
}

func (r recorder) ExecuteWorkflow(
	ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	input, err := json.Marshal(args)
	r.options <- o
	r.input <- string(input)
	if err != nil {
		return nil, fmt.Errorf("write the input: %w", err)
	}
	return r.Engine.ExecuteWorkflow(ctx, o, workflow, args...)
}

// What a caller adds to a send for its own use is in no history and no log. A send with rules of its own names no policy.
func TestHandoff_Accept_private(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	engine := recorder{r.engine, make(chan client.StartWorkflowOptions, 2), make(chan string, 2)}
	h := r.handoffWith(r.store, engine, nil)
	send := newSend()
	send.CorrelationID, send.CorrelationUnique, send.Metadata = "order-7", true, map[string]string{"shop": "Berlin"}
	_, _, err := h.Accept(t.Context(), send, nil)
	require.NoError(t, err)
	require.Equal(t, "policy p", (<-engine.options).StaticSummary)
	input := <-engine.input
	require.Contains(t, input, "undelivered")
	require.NotContains(t, input, "order-7")
	require.NotContains(t, input, "Berlin")

	send.CorrelationUnique, send.Plan.PolicyID, send.Plan.PolicyName = false, "", ""
	_, _, err = h.Accept(t.Context(), send, nil)
	require.NoError(t, err)
	require.Equal(t, "rules of its own", (<-engine.options).StaticSummary)
	<-engine.input

	send.CorrelationUnique = true
	_, _, err = h.Accept(t.Context(), send, nil)
	require.ErrorContains(t, err, "another send has this correlation_id")
	h.Close()
	require.NotContains(t, r.log.String(), "order-7")
	require.NotContains(t, r.log.String(), "Berlin")
}
