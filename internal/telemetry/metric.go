package telemetry

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Kind is the kind of a metric.
type Kind string

// The kinds of metric.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Metric is a metric of Backstop.
type Metric struct {
	Name   string // by OpenTelemetry
	Kind   Kind
	Unit   string // "s", or what is counted, in braces
	Labels []string
	Help   string

	buckets []float64
}

const seconds = "s"

// PrometheusName returns the name as Prometheus has it.
func (m Metric) PrometheusName() string {
	name := strings.ReplaceAll(m.Name, ".", "_")
	if m.Unit == seconds {
		name += "_seconds"
	}
	if m.Kind == Counter {
		name += "_total"
	}
	return name
}

// maxLabels is the most labels of a metric.
const maxLabels = 4

// labelled are the attributes of the values of a metric's labels. They are made once, because making them costs more than
// counting.
type labelled struct {
	labels []string
	sets   sync.Map // of [maxLabels]string
}

func (l *labelled) set(values []string) metric.MeasurementOption {
	var key [maxLabels]string
	copy(key[:], values)
	if known, ok := l.sets.Load(key); ok {
		return known.(metric.MeasurementOption) //nolint:forcetypeassert,errcheck // it has no others
	}
	attributes := make([]attribute.KeyValue, len(l.labels))
	for i, label := range l.labels {
		attributes[i] = attribute.String(label, key[i])
	}
	made := metric.WithAttributeSet(attribute.NewSet(attributes...))
	l.sets.Store(key, made)
	return made
}

type counter struct {
	labelled

	instrument metric.Int64Counter
}

// add counts one. The values are those of the labels, in their order.
func (c *counter) add(values ...string) { c.instrument.Add(context.Background(), 1, c.set(values)) }

type histogram struct {
	labelled

	instrument metric.Float64Histogram
}

func (h *histogram) record(d time.Duration, values ...string) {
	h.instrument.Record(context.Background(), max(d, 0).Seconds(), h.set(values))
}

func newCounter(meter metric.Meter, m Metric) (*counter, error) {
	instrument, err := meter.Int64Counter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Help))
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", m.Name, err)
	}
	return &counter{labelled: labelled{labels: m.Labels}, instrument: instrument}, nil
}

func newHistogram(meter metric.Meter, m Metric) (*histogram, error) {
	instrument, err := meter.Float64Histogram(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Help),
		metric.WithExplicitBucketBoundaries(m.buckets...))
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", m.Name, err)
	}
	return &histogram{labelled: labelled{labels: m.Labels}, instrument: instrument}, nil
}

// engineView gives the histograms of Temporal's SDK buckets for seconds. Those of OpenTelemetry are for milliseconds.
func engineView() sdkmetric.View {
	return sdkmetric.NewView(
		sdkmetric.Instrument{Name: "temporal_*", Kind: sdkmetric.InstrumentKindHistogram},
		sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{
			Boundaries: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}, NoMinMax: true,
		}},
	)
}

// limiter bounds the values of a label in this process.
type limiter struct {
	mu    sync.RWMutex
	known map[string]bool
}

// maxValues is the most values of the label of a policy or of an account. Others, in the order of their appearance, are counted
// together.
const maxValues = 200

// other is the label of the values beyond maxValues.
const other = "other"

func (l *limiter) isWithin(value string) bool {
	l.mu.RLock()
	isKnown, isFull := l.known[value], len(l.known) >= maxValues
	l.mu.RUnlock()
	if isKnown || isFull {
		return isKnown
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = map[string]bool{}
	}
	if len(l.known) < maxValues {
		l.known[value] = true
	}
	return l.known[value]
}

// label returns the value, or other.
func (l *limiter) label(value string) string {
	if l.isWithin(value) {
		return value
	}
	return other
}
