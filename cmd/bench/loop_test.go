package main

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoopTimes(t *testing.T) {
	t.Parallel()
	var now, done atomic.Int64
	tally, err := loopTimes(t.Context(), 3, 40, func(context.Context) (string, error) {
		assert.LessOrEqual(t, now.Add(1), int64(3))
		time.Sleep(time.Millisecond)
		now.Add(-1)
		return strconv.FormatInt(done.Add(1), 10), nil
	})
	require.NoError(t, err)
	require.Equal(t, 40, tally.All)
	require.EqualValues(t, 40, done.Load())
	require.Len(t, tally.IDs, sampleSize)
}

func TestLoopFor(t *testing.T) {
	t.Parallel()
	const during = 200 * time.Millisecond
	tally, err := loopFor(t.Context(), 2, during, func(context.Context) (string, error) {
		time.Sleep(10 * time.Millisecond)
		return "", nil
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, tally.Took, during)
	require.Positive(t, tally.Within)
	require.Less(t, tally.Within, tally.All, "neither the ramp nor the drain counts")
	require.InDelta(t, float64(tally.Within)/0.16, tally.perSecond(during), 1e-9)
}

func TestLoop_stopsAtAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var calls atomic.Int64
	_, err := loopTimes(t.Context(), 2, 1000, func(ctx context.Context) (string, error) {
		if calls.Add(1) == 1 {
			return "", broken
		}
		<-ctx.Done() // a second operation is in flight when the first fails
		return "", ctx.Err()
	})
	require.ErrorIs(t, err, broken)
	require.LessOrEqual(t, calls.Load(), int64(2))
}

func TestLoopOver(t *testing.T) {
	t.Parallel()
	seen := newMilestones()
	ids := []string{"a", "b", "c"}
	_, err := loopOver(t.Context(), 2, ids, func(_ context.Context, id string) error {
		seen.reach(id)
		return nil
	})
	require.NoError(t, err)
	for _, id := range ids {
		require.NoError(t, seen.wait(t.Context(), id))
	}
}

func TestMilestones(t *testing.T) {
	t.Parallel()
	m := newMilestones()
	m.reach("early")
	m.reach("early")
	require.NoError(t, m.wait(t.Context(), "early"))
	go m.reach("late")
	require.NoError(t, m.wait(t.Context(), "late"))
	require.Empty(t, m.reached, "wait removes its milestone")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, m.wait(ctx, "never"), context.Canceled)
}
