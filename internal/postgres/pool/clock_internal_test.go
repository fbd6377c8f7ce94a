package pool

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClock(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	local := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := clock{local: func() time.Time { return local }, log: slog.New(slog.NewTextHandler(&log, nil))}
	read := func(ahead, err time.Duration) {
		c.put(t.Context(), reading{local: local, database: local.Add(-ahead), err: err})
	}
	warnings := func() int { return strings.Count(log.String(), "WARN") }

	read(0, 5*time.Millisecond)
	require.Equal(t, local, c.now())
	local = local.Add(time.Second)
	read(20*time.Millisecond, 50*time.Millisecond)
	require.Equal(t, local, c.now(), "a worse reading that agrees changes nothing")
	read(3*time.Millisecond, 5*time.Millisecond)
	require.Equal(t, local, c.now(), "the time does not go back")
	local = local.Add(time.Second)
	require.Equal(t, local.Add(-3*time.Millisecond), c.now())
	require.Zero(t, warnings())

	read(-time.Minute, 50*time.Millisecond)
	require.Equal(t, local.Add(time.Minute), c.now(), "the readings cannot both be right")
	require.Equal(t, 1, warnings())
	read(-61*time.Second, 5*time.Millisecond)
	require.Equal(t, 1, warnings())
	read(-2*time.Hour, 5*time.Millisecond)
	require.Equal(t, 2, warnings())
	read(time.Hour, 5*time.Millisecond)
	require.Equal(t, local.Add(-time.Hour), c.now(), "a clock that was hours ahead is put back")
	require.Equal(t, 3, warnings())
	read(0, 5*time.Millisecond)
	require.Equal(t, 3, warnings())
	require.Contains(t, log.String(), "agrees")
}
