package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

const (
	// readingAge is how long a reading of the database is used. Several scrapers, and a push, share it.
	readingAge  = 5 * time.Second
	readTimeout = 3 * time.Second
)

// Database is what the gauges of the database show. The functions may be called concurrently.
type Database struct {
	Read func(ctx context.Context) (Reading, error)
	Pool func() Pool
}

// Reading is what the database holds at a time.
type Reading struct {
	Backlogs  map[string]Backlog // by what waits
	Unknowns  int                // provider calls of unknown end, of sends that go on
	Circuits  map[string]bool    // by account: whether its circuit is open
	Failing   int                // endpoints of callbacks whose newest try failed, without the paused ones
	Paused    int                // endpoints of callbacks that are paused
	Scheduled int                // sends whose turn has not come
}

// Backlog is rows that wait longer than they should.
type Backlog struct {
	Rows   int           // at most the store's limit
	Oldest time.Duration // how long the longest has waited
}

// Pool is the connections of this process to Postgres.
type Pool struct {
	Max, InUse, Idle int
	Waits            int64 // for a connection, since the start
	Waited           time.Duration
}

// The gauges that are read when they are asked for.
var (
	databaseUp = Metric{
		Name: "backstop.database.up", Kind: Gauge, Unit: "{process}",
		Help: "1 if this process could read the gauges of the database; 0: they are missing.",
	}
	backlogRows = Metric{
		Name: "backstop.backlog.rows", Kind: Gauge, Unit: "{row}", Labels: []string{"kind"},
		Help: "Rows that wait for the sweeper, at most 10000: sends, receipts, overdue sends, callbacks.",
	}
	backlogAge = Metric{
		Name: "backstop.backlog.age", Kind: Gauge, Unit: seconds, Labels: []string{"kind"},
		Help: "How long the oldest of these rows has waited.",
	}
	unknownsOpen = Metric{
		Name: "backstop.unknowns.open", Kind: Gauge, Unit: "{call}",
		Help: "Provider calls of the last 3 days whose end is unknown, of sends that have not ended.",
	}
	circuitOpen = Metric{
		Name: "backstop.account.circuit_open", Kind: Gauge, Unit: "{account}", Labels: []string{"account"},
		Help: "1 if the account gets no calls because it fails, 0 if it works.",
	}
	endpointsFailing = Metric{
		Name: "backstop.callback.endpoints", Kind: Gauge, Unit: "{endpoint}", Labels: []string{"state"},
		Help: "Endpoints of callbacks whose newest try failed: failing, or paused.",
	}
	sendsScheduled = Metric{
		Name: "backstop.sends.scheduled", Kind: Gauge, Unit: "{send}",
		Help: "Sends whose turn has not come, at most 10000.",
	}
	connections = Metric{
		Name: "backstop.database.connections", Kind: Gauge, Unit: "{connection}", Labels: []string{"state"},
		Help: "Connections of this process to Postgres: in_use, idle.",
	}
	connectionsMax = Metric{
		Name: "backstop.database.connections_max", Kind: Gauge, Unit: "{connection}",
		Help: "Connections that this process may open.",
	}
	connectionWaits = Metric{
		Name: "backstop.database.connection.waits", Kind: Counter, Unit: "{wait}",
		Help: "Statements of this process that had to wait for a connection.",
	}
	connectionWait = Metric{
		Name: "backstop.database.connection.wait", Kind: Counter, Unit: seconds,
		Help: "How long they waited.",
	}
)

func gauges() []Metric {
	return []Metric{
		databaseUp, backlogRows, backlogAge, unknownsOpen, circuitOpen, endpointsFailing, sendsScheduled, connections,
		connectionsMax, connectionWaits, connectionWait,
	}
}

// readings reads the database when the gauges are asked for.
type readings struct {
	database Database
	log      *slog.Logger
	accounts *limiter

	mu     sync.Mutex
	last   Reading
	at     time.Time // of last; zero: none
	failed bool
}

func newReadings(d Database, log *slog.Logger, accounts *limiter) *readings {
	return &readings{database: d, log: log, accounts: accounts}
}

// read returns the newest reading, or false if there is none. Concurrent calls wait for one.
func (r *readings) read(ctx context.Context) (Reading, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < readingAge {
		return r.last, !r.failed
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	read, err := r.database.Read(ctx)
	if err != nil && !r.failed {
		r.log.WarnContext(ctx, "the gauges of the database are missing", slog.Any("error", err))
	}
	r.last, r.at, r.failed = read, time.Now(), err != nil
	return r.last, !r.failed
}

// register makes the gauges.
func (r *readings) register(meter metric.Meter) error {
	ints, floats := map[string]metric.Int64Observable{}, map[string]metric.Float64Observable{}
	var all []metric.Observable
	for _, m := range gauges() {
		unit, help := metric.WithUnit(m.Unit), metric.WithDescription(m.Help)
		var err error
		switch {
		case m.Unit == seconds && m.Kind == Counter:
			floats[m.Name], err = meter.Float64ObservableCounter(m.Name, unit, help)
		case m.Unit == seconds:
			floats[m.Name], err = meter.Float64ObservableGauge(m.Name, unit, help)
		case m.Kind == Counter:
			ints[m.Name], err = meter.Int64ObservableCounter(m.Name, unit, help)
		default:
			ints[m.Name], err = meter.Int64ObservableGauge(m.Name, unit, help)
		}
		if err != nil {
			return fmt.Errorf("make %s: %w", m.Name, err)
		}
	}
	for _, o := range ints {
		all = append(all, o)
	}
	for _, o := range floats {
		all = append(all, o)
	}
	_, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		r.observe(ctx, observation{o, ints, floats})
		return nil
	}, all...)
	if err != nil {
		return fmt.Errorf("register gauges: %w", err)
	}
	return nil
}

// observation is one answer to a reader.
type observation struct {
	metric.Observer

	ints   map[string]metric.Int64Observable
	floats map[string]metric.Float64Observable
}

func (o observation) number(m Metric, n int64, values ...string) {
	o.ObserveInt64(o.ints[m.Name], n, attributesOf(m, values))
}

func (o observation) duration(m Metric, d time.Duration, values ...string) {
	o.ObserveFloat64(o.floats[m.Name], d.Seconds(), attributesOf(m, values))
}

func attributesOf(m Metric, values []string) metric.MeasurementOption {
	attributes := make([]attribute.KeyValue, len(values))
	for i, value := range values {
		attributes[i] = attribute.String(m.Labels[i], value)
	}
	return metric.WithAttributes(attributes...)
}

func (r *readings) observe(ctx context.Context, o observation) {
	p := r.database.Pool()
	o.number(connections, int64(p.InUse), "in_use")
	o.number(connections, int64(p.Idle), "idle")
	o.number(connectionsMax, int64(p.Max))
	o.number(connectionWaits, p.Waits)
	o.duration(connectionWait, p.Waited)
	read, ok := r.read(ctx)
	if !ok {
		o.number(databaseUp, 0)
		return
	}
	o.number(databaseUp, 1)
	for kind, backlog := range read.Backlogs {
		o.number(backlogRows, int64(backlog.Rows), kind)
		o.duration(backlogAge, backlog.Oldest, kind)
	}
	o.number(unknownsOpen, int64(read.Unknowns))
	o.number(endpointsFailing, int64(read.Failing), "failing")
	o.number(endpointsFailing, int64(read.Paused), "paused")
	o.number(sendsScheduled, int64(read.Scheduled))
	for account, isOpen := range read.Circuits {
		if !r.accounts.isWithin(account) {
			continue // alerts on these are those of their calls
		}
		var n int64
		if isOpen {
			n = 1
		}
		o.number(circuitOpen, n, account)
	}
}
