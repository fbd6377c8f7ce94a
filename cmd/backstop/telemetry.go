package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/telemetry"
)

// metricsConfig says where metrics are served. They are off by default: the address needs no key, and two processes on one
// machine need two.
type metricsConfig struct {
	Listen string `env:"LISTEN"` // empty: no metrics
}

// otlpConfig says where traces go.
type otlpConfig struct {
	Endpoint string `env:"ENDPOINT"` // empty: no traces
	Metrics  bool   `env:"METRICS"  envDefault:"false"`
}

// lastExport bounds the export of what is left when the program stops.
const lastExport = 3 * time.Second

// newTelemetry starts the measurements and traces that the configuration asks for.
func (p *program) newTelemetry(ctx context.Context) (err error) {
	p.telemetry, err = telemetry.New(ctx, telemetry.Options{
		Version: version, Log: p.log, Scraped: p.config.Metrics.Listen != "", OTLP: p.config.OTLP.Endpoint,
		PushMetrics: p.config.OTLP.Metrics,
	})
	return err
}

// closeTelemetry exports what is left.
func (p *program) closeTelemetry(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastExport)
	defer cancel()
	p.telemetry.Close(ctx)
}

// observer returns what the store reports to.
func (p *program) observer() postgres.Observer { //nolint:ireturn // a nil pointer in it would not be nil
	if p.telemetry == nil {
		return nil
	}
	return p.telemetry
}

// traceCall returns what starts the spans of provider calls; nil: there are none.
func (p *program) traceCall() activities.TraceCall {
	if !p.telemetry.Traces() {
		return nil
	}
	return p.telemetry.ProviderCall
}

// answered returns what counts the answered requests; nil: they are not counted.
func (p *program) answered() func(ctx context.Context, method, route string, status int, took time.Duration) {
	if p.telemetry == nil {
		return nil
	}
	return p.telemetry.RequestAnswered
}

// engineMetrics returns the handler of the metrics of Temporal's SDK; nil: they are not measured.
func (p *program) engineMetrics() client.MetricsHandler {
	if p.telemetry == nil {
		return nil
	}
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: p.telemetry.Meter(), UseMonotonicCounters: true,
		OnError: func(err error) { p.log.Warn("a metric of temporal is missing", "error", err) },
	})
}

// watchDatabase adds the gauges of the database to the metrics.
func (p *program) watchDatabase() error {
	err := p.telemetry.Watch(telemetry.Database{
		Pool: func() telemetry.Pool { return telemetry.Pool(p.db.Pool()) },
		Read: func(ctx context.Context) (telemetry.Reading, error) {
			g, err := p.db.Gauges(ctx)
			return telemetry.Reading{
				Backlogs: map[string]telemetry.Backlog{
					"send": telemetry.Backlog(g.Sends), "receipt": telemetry.Backlog(g.Receipts),
					"overdue": telemetry.Backlog(g.Overdue), "callback": telemetry.Backlog(g.Callbacks),
				},
				Unknowns: g.Unknowns, Scheduled: g.Scheduled, Failing: g.Failing, Paused: g.Paused, Circuits: g.Circuits,
			}, err
		},
	})
	return err
}

// serveMetrics serves the metrics of this process until ctx is done.
func (p *program) serveMetrics(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", p.config.Metrics.Listen)
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	server := &http.Server{
		Handler: p.telemetry.Metrics(), ReadHeaderTimeout: readHeaderTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: idleTimeout,
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	p.log.InfoContext(ctx, "serving metrics", "address", listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}
