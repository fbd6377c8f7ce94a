package main

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	values := []float64{40, 10, 30, 20}
	for p, want := range map[float64]float64{0: 10, 50: 25, 75: 32.5, 100: 40} {
		require.InDelta(t, want, percentileOf(values, p), 1e-9, "p%v", p)
	}
	require.Equal(t, []float64{40, 10, 30, 20}, values, "the caller's slice is not changed")
	require.InDelta(t, 7.0, percentileOf([]float64{7}, 99), 0)
	require.True(t, math.IsNaN(percentileOf(nil, 50)))
}

func TestPercentile_properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 50).Draw(t, "values")
		low := rapid.Float64Range(0, 100).Draw(t, "low")
		high := rapid.Float64Range(low, 100).Draw(t, "high")
		atLow, atHigh := percentileOf(values, low), percentileOf(values, high)
		require.LessOrEqual(t, atLow, atHigh+1e-6)
		require.GreaterOrEqual(t, atLow, slices.Min(values)-1e-6)
		require.LessOrEqual(t, atHigh, slices.Max(values)+1e-6)
	})
}

func TestRatios(t *testing.T) {
	t.Parallel()
	require.Equal(t, []float64{2, 0.5}, ratiosOf([]float64{20, 5, 1}, []float64{10, 10}), "round by round; a round without a base is skipped")
	require.Equal(t, spread{Median: 2, Min: 1, Max: 6}, spreadOf([]float64{6, 1, 2}))
	require.Equal(t, "2.00 (1.00-6.00)", spreadOf([]float64{6, 1, 2}).String())
	require.Zero(t, spreadOf(nil))
}

func TestQuantilesOf(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for ms := range 101 {
		took = append(took, time.Duration(ms)*time.Millisecond)
	}
	require.Equal(t, quantiles{N: 101, P50: 50, P99: 99, Max: 100}, quantilesOf(took))
	require.Zero(t, quantilesOf(nil))
}

func TestTarget_met(t *testing.T) {
	t.Parallel()
	require.True(t, target{Got: 1.5, Want: 1.5, AtLeast: true}.met())
	require.False(t, target{Got: 1.4, Want: 1.5, AtLeast: true}.met())
	require.True(t, target{Got: 12, Want: 12}.met())
	require.False(t, target{Got: 13, Want: 12}.met())
	require.False(t, target{Got: math.NaN(), Want: 12}.met(), "a target without a measurement is not met")
}

func TestReading_since(t *testing.T) {
	t.Parallel()
	before := reading{1: {useTemporal, 10}, 2: {usePostgresTemporal, 5}, 3: {usePostgresTemporal, 7}}
	after := reading{1: {useTemporal, 12}, 2: {usePostgresTemporal, 6}, 4: {usePostgresTemporal, 0.5}}
	require.Equal(t, map[string]float64{useTemporal: 2, usePostgresTemporal: 1.5}, after.since(before),
		"process 3 has ended and process 4 has started between the readings")
}
