package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/traceparent"
)

// GuardHit counts what a guard did with a send.
func (t *Telemetry) GuardHit(guard backstop.Guard, result backstop.GuardResult) {
	t.counts.guards.add(string(guard), string(result))
}

// CallbackPosted counts a callback whose end was stored.
func (t *Telemetry) CallbackPosted(state backstop.CallbackState) {
	result := string(state)
	if state == backstop.CallbackPending {
		result = "retried"
	}
	t.counts.posts.add(result)
}

// RequestAnswered counts an HTTP request, and gives its span the name of its route. A route is a pattern, without values.
func (t *Telemetry) RequestAnswered(ctx context.Context, method, route string, status int, took time.Duration) {
	if !isKnownMethod(method) {
		method = other
	}
	t.counts.requests.record(took, method, route, strconv.Itoa(status))
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetName(method + " " + route)
	span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
}

// isKnownMethod bounds the label: a stranger may send any method.
func isKnownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return true
	}
	return false
}

// Traces reports whether there are traces.
func (t *Telemetry) Traces() bool { return t != nil && t.tracer != nil }

// Handler returns a handler that gives each request a span: a child of the caller's, if the request has a valid traceparent.
// Without traces it returns next.
func (t *Telemetry) Handler(next http.Handler) http.Handler {
	if !t.Traces() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/v1/") && !strings.HasPrefix(r.URL.Path, "/webhooks/") {
			next.ServeHTTP(w, r) // probes and the files of the console
			return
		}
		ctx, span := t.start(r.Context(), r.Header.Get(traceparent.Header), r.Method, trace.SpanKindServer)
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// start starts a span under a header, and returns a context with the span and with the header of its children.
func (t *Telemetry) start(ctx context.Context, header, name string, kind trace.SpanKind) (context.Context, trace.Span) {
	format := propagation.TraceContext{}
	ctx = format.Extract(ctx, propagation.MapCarrier{"traceparent": header})
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind)) //nolint:spancheck // the caller ends it
	carrier := propagation.MapCarrier{}
	format.Inject(ctx, carrier)
	return traceparent.With(ctx, carrier["traceparent"]), span //nolint:spancheck // the caller ends it
}

// ProviderCall starts the span of a provider call. The caller calls end once, with the failure of the call or nil.
func (t *Telemetry) ProviderCall(
	ctx context.Context, header string, a backstop.Attempt,
) (_ context.Context, end func(*backstop.Failure)) {
	ctx, span := t.start(ctx, header, "send "+string(a.Channel), trace.SpanKindClient)
	span.SetAttributes(attribute.String("backstop.send", a.Ref.Send), attribute.Int("backstop.step", a.Ref.Step),
		attribute.Int("backstop.call", a.Number), attribute.String("backstop.account", a.Account),
		attribute.String("backstop.provider", a.Provider))
	if a.Rule != "" {
		span.SetAttributes(attribute.String("backstop.rule", a.Rule), attribute.String("backstop.reason", string(a.Cause)))
	}
	return ctx, func(f *backstop.Failure) {
		if f != nil { // without its reason, a text of the provider
			span.SetAttributes(attribute.String("backstop.failure.kind", string(f.Kind)),
				attribute.String("backstop.failure.class", string(f.Class)), attribute.String("backstop.failure.code", f.Code))
			span.SetStatus(codes.Error, string(f.Kind))
		}
		span.End()
	}
}

// CallbackPost starts the span of the POST of a callback. The caller calls end once, with the status of the answer, or 0 if there
// was none.
func (t *Telemetry) CallbackPost(ctx context.Context, header, id string) (_ context.Context, end func(status int)) {
	if !t.Traces() {
		return ctx, func(int) {}
	}
	ctx, span := t.start(ctx, header, "post callback", trace.SpanKindClient)
	span.SetAttributes(attribute.String("backstop.callback", id))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status < http.StatusOK || status >= http.StatusMultipleChoices {
			span.SetStatus(codes.Error, "not delivered")
		}
		span.End()
	}
}
