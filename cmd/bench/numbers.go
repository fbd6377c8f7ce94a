package main

import (
	"math"
	"slices"
	"time"
)

// spread sums up a repeated measurement.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf returns the spread of some values, or the zero spread if there are none.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	return spread{Median: percentileOf(values, 50), Min: slices.Min(values), Max: slices.Max(values)}
}

// ratiosOf divides the values of each round by the base of the same round. So other load on the machine that slows a whole
// round has no effect on the ratio.
func ratiosOf(values, base []float64) []float64 {
	divided := make([]float64, 0, len(values))
	for i, v := range values[:min(len(values), len(base))] {
		divided = append(divided, v/base[i])
	}
	return divided
}

// percentileOf returns the p-th percentile, p from 0 to 100: p percent of the values are not above it. It interpolates between
// two values, and is NaN if there are none.
func percentileOf(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := p / 100 * float64(len(sorted)-1)
	below := int(math.Floor(rank))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (rank-float64(below))*(sorted[above]-sorted[below])
}

// quantiles sums up a measured latency, in milliseconds.
type quantiles struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

func quantilesOf(took []time.Duration) quantiles {
	if len(took) == 0 {
		return quantiles{}
	}
	ms := make([]float64, len(took))
	for i, d := range took {
		ms[i] = millisecondsOf(d)
	}
	return quantiles{N: len(ms), P50: percentileOf(ms, 50), P99: percentileOf(ms, 99), Max: slices.Max(ms)}
}

func millisecondsOf(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
