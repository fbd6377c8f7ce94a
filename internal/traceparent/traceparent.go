// Package traceparent carries the W3C trace context of a request through the process, as the text of its header. So a package
// that sends or stores the header needs no tracing library. Without tracing no context has one.
package traceparent

import (
	"context"
	"net/http"
)

// Header is the name of the header (W3C Trace Context, https://www.w3.org/TR/trace-context/).
const Header = "Traceparent"

// idStart and idEnd bound the trace id in the header: 00-<32 hex digits>-<16 hex digits>-<2 hex digits>.
const idStart, idEnd = 3, 35

type key struct{}

// With returns a context with a header.
func With(ctx context.Context, header string) context.Context {
	return context.WithValue(ctx, key{}, header)
}

// From returns the header of a context, or "".
func From(ctx context.Context) string {
	header, _ := ctx.Value(key{}).(string)
	return header
}

// TraceID returns the trace id of a context, or "".
func TraceID(ctx context.Context) string {
	if header := From(ctx); len(header) > idEnd {
		return header[idStart:idEnd]
	}
	return ""
}

// Set sets the header of a request from its context, if that has one.
func Set(r *http.Request) {
	if header := From(r.Context()); header != "" {
		r.Header.Set(Header, header)
	}
}
