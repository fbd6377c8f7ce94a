package meta_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

// serveAccepted answers every call, and counts them.
func serveAccepted(t *testing.T) (url string, calls *atomic.Int32) {
	t.Helper()
	calls = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		_, _ = io.WriteString(w, `{"messages":[{"id":"wamid.1"}]}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

// A number sends as many messages per second as it may. The others wait for their turn.
func TestClient_SendWhatsApp_throughput(t *testing.T) {
	t.Parallel()
	url, calls := serveAccepted(t)
	settings := options(url)
	settings.Values["throughput"] = "20"
	client := newClient(t, settings)
	began := time.Now()
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			m := backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Text: "Hello"}
			m.To = fmt.Sprintf("+4474001234%02d", i)
			_, err := client.SendWhatsApp(context.WithoutCancel(t.Context()), m)
			require.NoError(t, err)
		})
	}
	all.Wait()
	require.EqualValues(t, 30, calls.Load())
	require.GreaterOrEqual(t, time.Since(began), 450*time.Millisecond, "10 messages had to wait, 50 ms each")
}

// One user gets at most 45 messages at once. The next is throttled without a call, and another user is not.
func TestClient_SendWhatsApp_pair(t *testing.T) {
	t.Parallel()
	url, calls := serveAccepted(t)
	client := newClient(t, options(url))
	send := func(to string) error {
		m := backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Text: "Hello"}
		m.To = to
		_, err := client.SendWhatsApp(t.Context(), m)
		return err
	}
	for range 45 {
		require.NoError(t, send(providertest.To))
	}
	var failure *backstop.Failure
	require.ErrorAs(t, send(providertest.To), &failure)
	require.Equal(t, backstop.Throttled, failure.Kind)
	require.InDelta(t, 6*time.Second, failure.RetryAfter, float64(2*time.Second))
	require.NoError(t, send("+447400123499"))
	require.EqualValues(t, 46, calls.Load())
}
