package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
)

// TestAccountWorkers_wanted: the queue of an account is polled as long as calls may wait on it.
func TestAccountWorkers_wanted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	p := &program{}
	p.config.Worker.Calls = 100
	w := &accountWorkers{p: p, started: now, until: map[string]time.Time{}}
	open := func(name string, version int, updated time.Time, perSecond float64, atOnce int) accounts.Open {
		return accounts.Open{Account: backstop.Account{
			Name: name, Version: version, UpdatedAt: updated, CallsPerSecond: perSecond, CallsAtOnce: atOnce, IsFromEnvironment: version == 0,
		}}
	}
	long := now.Add(-24 * time.Hour)
	all := []accounts.Open{
		open("limited", 1, long, 5, 0), open("one", 1, long, 0, 1), open("new", 1, now, 0, 0),
		open("changed", 2, now.Add(-59*time.Minute), 0, 0), open("settled", 2, now.Add(-time.Hour), 0, 0), open("meta", 0, time.Time{}, 0, 0),
	}
	none := limits{atOnce: 100}
	require.Equal(t, map[string]limits{
		"limited": {5, 100}, "one": {0, 1}, "changed": none, "meta": none,
	}, w.wanted(all, now))

	// The limits of the first are removed by a process with a clock of its own, and the second is deleted.
	now = now.Add(50 * time.Minute)
	all = []accounts.Open{open("limited", 2, long, 0, 0), all[5]}
	require.Equal(t, map[string]limits{"limited": none, "one": none, "meta": none}, w.wanted(all, now))
	now = now.Add(10 * time.Minute)
	require.Empty(t, w.wanted(all, now))
	all[0].CallsAtOnce = 7
	require.Equal(t, map[string]limits{"limited": {0, 7}}, w.wanted(all, now))
}
