package main

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	sdkclient "go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/callbacks"
	"github.com/backstophq/backstop/internal/codec"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/workflows"
)

// TestEncrypted: the real program with BACKSTOP_TEMPORAL_ENCRYPT. The histories of a send and of its callbacks are encrypted, and
// its codec server decrypts them for whoever has the API key.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	received := newInbox(t)
	r := newRig(t, map[string]string{
		"BACKSTOP_TEMPORAL_ENCRYPT": "true", "BACKSTOP_CALLBACK_SECRETS": callbacks.GenerateSecret(),
		"BACKSTOP_CALLBACK_ALLOW": "127.0.0.1", "BACKSTOP_CALLBACK_URL": received,
	})
	const secretRule = "Unread by our largest customer"
	policy, err := r.caller.EnsurePolicy(t.Context(), secretRule,
		demo.Rule{Name: secretRule, Type: client.RuleTypeUnread, Wait: time.Second, SendID: "ACME"})
	require.NoError(t, err)
	send := r.send("+447400123402", policy, "one")
	require.Eventually(t, func() bool {
		got, err := r.caller.Send(t.Context(), send)
		return err == nil && got.FinishedAt != nil
	}, 30*time.Second, 50*time.Millisecond, "the send to end")

	raw := sharedTemporal.Server(t).Client(t, r.environment["BACKSTOP_TEMPORAL_NAMESPACE"])
	var first *commonpb.Payload
	for _, id := range []string{workflows.ID(send), workflows.CallbacksID(send)} {
		count := 0
		all := raw.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for all.HasNext() {
			event, err := all.Next()
			require.NoError(t, err)
			require.NoError(t, proxy.VisitPayloads(t.Context(), event, proxy.VisitPayloadsOptions{
				Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
					for _, p := range payloads {
						require.Equal(t, codec.Encoding, string(p.GetMetadata()["encoding"]), event.String())
						count++
					}
					if first == nil && event.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED && len(payloads) > 0 {
						first = payloads[0]
					}
					return payloads, nil
				},
			}))
			stored, err := proto.Marshal(event)
			require.NoError(t, err)
			require.NotContains(t, string(stored), secretRule)
		}
		require.Positive(t, count, id)
	}
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: []*commonpb.Payload{first}})
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.apiURL+"/codec/decode", strings.NewReader(string(body)))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+r.environment["BACKSTOP_API_KEY"])
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	decoded, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var payloads commonpb.Payloads
	require.NoError(t, protojson.Unmarshal(decoded, &payloads), string(decoded))
	require.Contains(t, string(payloads.GetPayloads()[0].GetData()), secretRule)
}

// newInbox returns the address of a receiver of callbacks.
func newInbox(t *testing.T) string {
	t.Helper()
	listener, err := listenLocal(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return urlOf(listener.Addr())
}

// TestEngine_unreadable: an API that lacks the key of a failure gets an error, and does not end.
func TestEngine_unreadable(t *testing.T) {
	t.Parallel()
	server := sharedTemporal.Server(t)
	namespace := server.Namespace(t)
	newEngine := func(key string) *engine {
		ring, err := keyring.Parse(key)
		require.NoError(t, err)
		payloads, err := codec.New(ring, true)
		require.NoError(t, err)
		made, err := newTemporal(temporalConfig{Address: server.Address, Namespace: namespace}, payloads, nil, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(made.Close)
		require.NoError(t, made.connect(t.Context()))
		return made
	}
	ours, theirs := newEngine(localKeyring), newEngine("k2:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDI=")
	w := sdkworker.New(ours.Client, "queue", sdkworker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		refuse := func(workflow.Context) error { return io.ErrUnexpectedEOF }
		if err := workflow.SetUpdateHandler(ctx, "refuse", refuse); err != nil {
			return err
		}
		return workflow.Sleep(ctx, time.Hour)
	}, workflow.RegisterOptions{Name: "Refuse"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	_, err := ours.ExecuteWorkflow(t.Context(), sdkclient.StartWorkflowOptions{ID: "refuse", TaskQueue: "queue"}, "Refuse")
	require.NoError(t, err)
	update := sdkclient.UpdateWorkflowOptions{
		WorkflowID: "refuse", UpdateName: "refuse", WaitForStage: sdkclient.WorkflowUpdateStageCompleted,
	}
	handle, err := ours.UpdateWorkflow(t.Context(), update)
	require.NoError(t, err)
	require.ErrorContains(t, handle.Get(t.Context(), nil), io.ErrUnexpectedEOF.Error())
	_, err = theirs.UpdateWorkflow(t.Context(), update)
	require.ErrorContains(t, err, `key "local" is missing in BACKSTOP_KEYRING`)
}
