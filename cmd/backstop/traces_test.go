package main

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/logtest"
)

// spanCollector is a collector of traces over OTLP.
type spanCollector struct {
	mu    sync.Mutex
	spans []*tracepb.Span
}

func (c *spanCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	content, _ := io.ReadAll(body)
	var request collector.ExportTraceServiceRequest
	if proto.Unmarshal(content, &request) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

// of returns the spans of a trace, by name.
func (c *spanCollector) of(trace string) map[string]*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	spans := map[string]*tracepb.Span{}
	for _, span := range c.spans {
		if hex.EncodeToString(span.GetTraceId()) == trace {
			spans[span.GetName()] = span
		}
	}
	return spans
}

// headers records the traceparent of requests.
type headers struct {
	mu   sync.Mutex
	seen map[string]string // by path
}

func (h *headers) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		if h.seen == nil {
			h.seen = map[string]string{}
		}
		h.seen[r.URL.Path] = r.Header.Get("Traceparent")
		h.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (h *headers) with(trace string) (found int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, header := range h.seen {
		if strings.Contains(header, trace) {
			found++
		}
	}
	return found
}

const (
	callersTrace  = "4bf92f3577b34da6a3ce929d0e0e4736" // the examples of the specification
	callersSpan   = "00f067aa0ba902b7"
	callersHeader = "00-" + callersTrace + "-" + callersSpan + "-01"
)

// TestTraces: the trace of a caller goes on in the request, in the calls of both channels, in the callback, and in the log.
func TestTraces(t *testing.T) {
	t.Parallel()
	spans := &spanCollector{}
	receiver := newCallbackReceiver(t, func(int, string) (int, time.Duration) { return http.StatusOK, 0 })
	posts := &headers{}
	target, err := url.Parse(receiver.url())
	require.NoError(t, err)
	target.Path = ""
	hook := httptest.NewServer(posts.record(httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(hook.Close)
	exporter := httptest.NewServer(spans)
	t.Cleanup(exporter.Close)
	r := newRig(t, map[string]string{
		"BACKSTOP_OTLP_ENDPOINT": exporter.URL, "OTEL_BSP_SCHEDULE_DELAY": "100",
		"BACKSTOP_CALLBACK_URL": hook.URL + "/hook", "BACKSTOP_CALLBACK_SECRETS": callbackSecret, "BACKSTOP_CALLBACK_ALLOW": "127.0.0.1",
	})
	calls := &headers{}
	sandbox, err := url.Parse(r.sandboxURL)
	require.NoError(t, err)
	proxy := httptest.NewServer(calls.record(httputil.NewSingleHostReverseProxy(sandbox)))
	t.Cleanup(proxy.Close)
	r.environment["BACKSTOP_META_BASE_URL"], r.environment["BACKSTOP_TWILIO_BASE_URL"] = proxy.URL, proxy.URL
	log := &logtest.Buffer{}
	r.kill()
	r.process = r.launch("serve", r.environment, log)
	r.awaitReady(r.apiURL)

	policy, err := r.caller.EnsurePolicy(t.Context(), "Traced", demo.Rule{Name: "Traced", Type: client.RuleTypeUndelivered, SendID: "ACME"})
	require.NoError(t, err)
	text := "Your code is 1234."
	accepted, err := r.caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{}, client.SendInput{
		To: "+447400123404", Whatsapp: client.WhatsAppInput{Text: &text}, Fallback: client.FallbackInput{PolicyID: &policy, Text: text},
	}, func(_ context.Context, request *http.Request) error {
		request.Header.Set("Traceparent", callersHeader)
		return nil
	})
	require.NoError(t, err)
	require.NotNil(t, accepted.JSON202, string(accepted.Body))
	r.endedCallbacks(accepted.JSON202.ID)
	r.stop() // which exports the rest

	found := spans.of(callersTrace)
	require.Contains(t, found, "POST /v1/sends")
	request := found["POST /v1/sends"]
	require.Equal(t, callersSpan, hex.EncodeToString(request.GetParentSpanId()))
	for _, name := range []string{"send whatsapp", "send sms", "post callback"} {
		require.Contains(t, found, name)
		require.Equal(t, request.GetSpanId(), found[name].GetParentSpanId(), name)
	}
	require.Equal(t, 2, calls.with(callersTrace), "the providers get it: %v", calls.seen)
	require.Equal(t, 1, posts.with(callersTrace), "the receiver gets it: %v", posts.seen)
	require.Contains(t, log.String(), `"trace_id":"`+callersTrace+`"`)
	require.Contains(t, log.String(), `"request_id":`)
	require.NotContains(t, log.String(), "are not exported")
}
