package pool_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestPool_Now(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	for name, c := range map[string]struct {
		ahead time.Duration
		warns string // part of the warning; empty: no warning
	}{
		"in time":        {},
		"hours behind":   {-3 * time.Hour, "ahead_seconds=-1"},
		"a little ahead": {ahead: 300 * time.Millisecond},
		"31 s ahead":     {31 * time.Second, "ahead_seconds=3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			p, err := pool.Open(t.Context(), address, pool.Options{
				Log:   slog.New(slog.NewTextHandler(&log, nil)),
				Clock: func() time.Time { return time.Now().Add(c.ahead) },
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, p.Close()) })
			const inexact = 200 * time.Millisecond // below "a little ahead"
			var database time.Time
			before := p.Now()
			require.NoError(t, p.GetUnprepared(t.Context(), &database, `SELECT clock_timestamp()`))
			require.WithinRange(t, database, before.Add(-inexact), p.Now().Add(inexact))
			require.Equal(t, c.warns != "", strings.Contains(log.String(), "WARN"))
			require.Contains(t, log.String(), c.warns)
		})
	}
}

func TestNewIDAt(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 999_000, time.UTC)
	var ids []string
	for i := range 3000 {
		at := start.Add(time.Duration(i) * time.Microsecond)
		id, err := pool.NewIDAt(at)
		require.NoError(t, err)
		canonical, ok := pool.ParseID(id)
		require.True(t, ok)
		require.Equal(t, id, canonical)
		require.Equal(t, byte('7'), id[14], "the version")
		require.Contains(t, "89ab", string(id[19]), "the variant")
		require.GreaterOrEqual(t, id, pool.MinID(at))
		require.Less(t, id, pool.MinID(at.Add(time.Millisecond)))
		ids = append(ids, id)
	}
	require.True(t, slices.IsSorted(ids))
}
