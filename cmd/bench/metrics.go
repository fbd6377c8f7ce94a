package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	metricsOff = "off"
	metricsOn  = "metrics and traces"
	// leastWithMetrics is the share of the throughput that remains with metrics and traces.
	leastWithMetrics = 0.97
	// scrapeEvery is a third of what Prometheus has by default.
	scrapeEvery = 5 * time.Second
)

// measureMetrics compares whole sends with metrics and traces and without them. Every request is traced, a collector takes all
// spans, and the metrics are scraped.
func (b *bench) measureMetrics(ctx context.Context) (err error) {
	on, stop, err := b.serveCollector(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return b.compareSettings(ctx, pair{
		title: "Metrics and traces", raw: "metrics", off: metricsOff, on: metricsOn, least: leastWithMetrics,
		note:   "metrics and traces: every request traced, all spans exported, a scrape every 5 s.",
		target: "completed sends per second with metrics and traces, of without",
	}, nil, on)
}

// runRestarted starts Backstop anew with more settings, warms it up and runs a round, while its metrics, if any, are scraped.
func (b *bench) runRestarted(ctx context.Context, c contestant, more map[string]string) (round, error) {
	if err := b.restartBackstop(ctx, more); err != nil {
		return round{}, err
	}
	if _, err := b.runRound(ctx, c, min(b.flags.round, 5*time.Second)); err != nil {
		return round{}, err
	}
	scraping, stop := context.WithCancel(ctx)
	scraped := make(chan error, 1)
	go func() { scraped <- b.scrape(scraping, more["BACKSTOP_METRICS_LISTEN"]) }()
	r, err := b.runRound(ctx, c, b.flags.round)
	stop()
	return r, errors.Join(err, <-scraped)
}

// scrape scrapes the metrics of an address until ctx is done. Without an address it does nothing.
func (b *bench) scrape(ctx context.Context, address string) error {
	if address == "" {
		return nil
	}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
		if err != nil {
			return fmt.Errorf("make request: %w", err)
		}
		answer, err := b.http.Do(request)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the round has ended
		}
		if err != nil {
			return fmt.Errorf("scrape: %w", err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if pauseFor(ctx, scrapeEvery) != nil {
			return nil //nolint:nilerr // as above
		}
	}
}

// serveCollector serves a collector that drops what it gets, and returns the settings of a Backstop that uses it.
func (*bench) serveCollector(ctx context.Context) (settings map[string]string, stop func() error, err error) {
	listener, err := listenLoopback(ctx)
	if err != nil {
		return nil, nil, err
	}
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }),
		ReadHeaderTimeout: callTimeout,
	}
	go func() { _ = server.Serve(listener) }() // until server.Close
	return map[string]string{
		"BACKSTOP_METRICS_LISTEN": ports[0], "BACKSTOP_OTLP_ENDPOINT": "http://" + listener.Addr().String(),
	}, server.Close, nil
}
