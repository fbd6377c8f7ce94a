// Package telemetry measures and traces a process with OpenTelemetry. It is the only package that knows the library: the others
// report to small interfaces of their own, and carry a trace as the text of its header (package traceparent).
//
// A counter is incremented by the process that stored the change, after the commit, so the processes together count a fact once.
// A process that dies in between, or that loses Postgres's answer, loses the count. A gauge of the database is the same from
// every process.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	scope = "github.com/backstophq/backstop"
	// scrapes bounds the concurrent scrapes. Each takes some milliseconds.
	scrapes       = 4
	scrapeTimeout = 10 * time.Second
	// logPause is the pause between two log lines about exports that fail.
	logPause = time.Minute
)

// Options are the options of New.
type Options struct {
	Version string
	Log     *slog.Logger

	// Scraped makes Metrics serve them. OTLP is the URL of a collector that gets the traces; empty: there are none. PushMetrics
	// sends it the metrics too. The other settings of the export are the variables OTEL_* of OpenTelemetry's specification.
	Scraped     bool
	OTLP        string
	PushMetrics bool
}

// Telemetry is the measurements and traces of one process. The methods of a nil *Telemetry do nothing.
type Telemetry struct {
	log      *slog.Logger
	registry *prometheus.Registry
	meters   *sdkmetric.MeterProvider
	traces   *sdktrace.TracerProvider // nil: no traces
	tracer   trace.Tracer
	counts   *counts
}

// New starts the export. The caller calls Close. If nothing is exported, New returns nil.
func New(ctx context.Context, o Options) (*Telemetry, error) {
	if !o.Scraped && o.OTLP == "" {
		return nil, nil //nolint:nilnil // a nil *Telemetry does nothing
	}
	if o.Log == nil {
		return nil, errors.New("new telemetry: Log is required")
	}
	t := &Telemetry{log: o.Log, registry: prometheus.NewRegistry()}
	otel.SetErrorHandler(newErrorLog(o.Log))
	from, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "backstop"), attribute.String("service.version", o.Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe the process: %w", err)
	}
	if err := t.startMetrics(ctx, o, from); err != nil {
		return nil, err
	}
	if o.OTLP == "" {
		return t, nil
	}
	spans, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(o.OTLP+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithResource(from), sdktrace.WithBatcher(spans))
	t.tracer = t.traces.Tracer(scope)
	return t, nil
}

// startMetrics makes the instruments and starts their export.
func (t *Telemetry) startMetrics(ctx context.Context, o Options, from *resource.Resource) (err error) {
	options := []sdkmetric.Option{sdkmetric.WithResource(from), sdkmetric.WithView(engineView())}
	if o.Scraped {
		t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		reader, err := exporter.New(exporter.WithRegisterer(t.registry), exporter.WithoutScopeInfo())
		if err != nil {
			return fmt.Errorf("export metrics: %w", err)
		}
		options = append(options, sdkmetric.WithReader(reader))
	}
	if o.PushMetrics && o.OTLP != "" {
		push, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(o.OTLP+"/v1/metrics"))
		if err != nil {
			return fmt.Errorf("export metrics: %w", err)
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(push)))
	}
	t.meters = sdkmetric.NewMeterProvider(options...)
	t.counts, err = newCounts(t.Meter())
	return err
}

// Watch adds the gauges of a database.
func (t *Telemetry) Watch(d Database) error {
	if t == nil {
		return nil
	}
	return newReadings(d, t.log, t.counts.accounts).register(t.Meter())
}

// Meter returns the meter for a library that measures itself with OpenTelemetry.
func (t *Telemetry) Meter() metric.Meter { return t.meters.Meter(scope) }

// Metrics returns the handler of /metrics.
func (t *Telemetry) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(t.log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapes, Timeout: scrapeTimeout,
	}))
	return mux
}

// Close sends what is left, and ends the export.
func (t *Telemetry) Close(ctx context.Context) {
	if t == nil {
		return
	}
	err := t.meters.Shutdown(ctx)
	if t.traces != nil {
		err = errors.Join(err, t.traces.Shutdown(ctx))
	}
	if err != nil {
		t.log.WarnContext(ctx, "metrics or traces are lost", slog.Any("error", err))
	}
}

// errorLog logs that an export fails, at most once a minute: every batch fails while a collector is away.
type errorLog struct {
	log  *slog.Logger
	mu   sync.Mutex
	next time.Time
}

func newErrorLog(log *slog.Logger) *errorLog { return &errorLog{log: log} }

// Handle implements otel.ErrorHandler.
func (l *errorLog) Handle(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.After(l.next) {
		l.next = now.Add(logPause)
		l.log.Warn("metrics or traces are not exported", slog.Any("error", err))
	}
}
