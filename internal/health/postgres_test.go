package health_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

const (
	known = 2 * time.Second // an open circuit is known to all processes after it
	// patience is how long a test waits. The tests with a fake clock assert the times; a busy machine is slower.
	patience = 15 * time.Second
)

// migrated returns the URL of a schema, and connections to it.
func migrated(t *testing.T) (url string, raw *postgrestest.SQL) {
	t.Helper()
	url = postgrestest.URL(t)
	_, err := postgrestest.Open(t, url).Migrate(t.Context())
	require.NoError(t, err)
	return url, postgrestest.Past(t, url)
}

// startOn starts a process with a store of its own, whose machine's clock is ahead.
func startOn(t *testing.T, url string, j *journal, ahead time.Duration) *process {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{
		MaxConns: 2, Clock: func() time.Time { return time.Now().Add(ahead) },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return start(t, db, j)
}

// age lets time pass for all stored times.
func age(raw *postgrestest.SQL, by time.Duration) {
	raw.Exec(`UPDATE account_health SET since = since - $1 * interval '1 second',
retry_at = retry_at - $1 * interval '1 second', probe_until = probe_until - $1 * interval '1 second',
window_start = window_start - $1 * interval '1 second'`, by.Seconds())
}

func eventually(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, patience, 5*time.Millisecond, what)
}

// The machines' clocks differ by hours, and the database's clock decides.
func TestMonitor_postgres(t *testing.T) {
	t.Parallel()
	url, raw := migrated(t)
	var j journal
	a, b := startOn(t, url, &j, -3*time.Hour), startOn(t, url, &j, 5*time.Hour)
	a.callTimes(3, nil)
	b.callTimes(2, nil)
	eventually(t, func() bool { return a.state() == backstop.Healthy && b.state() == backstop.Healthy }, "both are healthy")

	a.callTimes(5, down())
	a.requireRefused()
	eventually(t, func() bool { return b.IsUnhealthy(account) }, "the other process reads it")
	b.requireRefused()
	j.requireLines(t, 1, 0)
	var now time.Time
	raw.Row(`SELECT clock_timestamp()`, nil, &now)
	require.WithinDuration(t, now, b.HealthOf(account).Since, known)

	age(raw, 11*time.Second)
	eventually(t, func() bool { return !a.IsUnhealthy(account) && !b.IsUnhealthy(account) }, "both may ask")
	done := b.begin()
	_, allowed := a.Allow(t.Context(), account)
	require.False(t, allowed)
	a.requireRefused()
	b.requireRefused()
	require.Equal(t, backstop.Probing, a.state())
	done(nil)
	eventually(t, func() bool { return a.state() == backstop.Healthy }, "the other process reads it")
	a.callTimes(5, nil)
	b.callTimes(5, nil)
	j.requireLines(t, 1, 1)
}

func TestMonitor_postgres_oneProbe(t *testing.T) {
	t.Parallel()
	const processes = 20
	url, raw := migrated(t)
	var j journal
	all := make([]*process, processes)
	for i := range all {
		all[i] = startOn(t, url, &j, 0)
	}
	every := func(condition func(*process) bool, what string) {
		t.Helper()
		eventually(t, func() bool {
			for _, p := range all {
				if !condition(p) {
					return false
				}
			}
			return true
		}, what)
	}
	all[0].callTimes(5, down())
	every(func(p *process) bool { return p.IsUnhealthy(account) }, "all read it")

	for range 2 {
		age(raw, 11*time.Second)
		every(func(p *process) bool { return !p.IsUnhealthy(account) }, "all may ask")
		probes := askAll(t, all)
		require.Len(t, probes, 1)
		every(func(p *process) bool { return p.IsUnhealthy(account) }, "all know the lease")
		age(raw, 41*time.Second) // the prober is dead
		every(func(p *process) bool { return !p.IsUnhealthy(account) }, "the lease has ended")
		next := askAll(t, all)
		require.Len(t, next, 1)
		probes[0](nil) // too late
		next[0](down())
		every(func(p *process) bool { return p.state() == backstop.Unhealthy }, "it is open anew")
	}
	j.requireLines(t, 1, 0)

	age(raw, 11*time.Second)
	every(func(p *process) bool { return !p.IsUnhealthy(account) }, "all may ask")
	askAll(t, all)[0](nil)
	every(func(p *process) bool { return p.state() == backstop.Healthy }, "all read it")
	for _, p := range all {
		p.callTimes(2, nil)
	}
	j.requireLines(t, 1, 1)
}

// askAll lets all processes ask for a call at once, and returns the calls that are allowed.
func askAll(t *testing.T, all []*process) (calls []func(*backstop.Failure)) {
	t.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, p := range all {
		for range 2 {
			group.Go(func() {
				if done, allowed := p.Allow(t.Context(), account); allowed {
					mu.Lock()
					defer mu.Unlock()
					calls = append(calls, done)
				}
			})
		}
	}
	group.Wait()
	return calls
}

// Processes that open the circuit at the same time write one line, also where the account has no row yet.
func TestMonitor_postgres_openTogether(t *testing.T) {
	t.Parallel()
	url, raw := migrated(t)
	var j journal
	all := make([]*process, 8)
	for i := range all {
		all[i] = startOn(t, url, &j, 0)
	}
	var group sync.WaitGroup
	var calls atomic.Int64
	for _, p := range all {
		group.Go(func() {
			for range 5 {
				if done, allowed := p.Allow(t.Context(), account); allowed {
					calls.Add(1)
					done(down())
				}
			}
		})
	}
	group.Wait()
	eventually(t, func() bool { return j.count(unhealthy) > 0 }, "it opens")
	time.Sleep(known)
	j.requireLines(t, 1, 0)
	require.LessOrEqual(t, calls.Load(), int64(5*len(all)))

	require.NoError(t, all[0].Forget(t.Context(), account))
	eventually(t, func() bool { return all[7].state() == backstop.UnknownHealth }, "it is forgotten")
	var rows int
	raw.Row(`SELECT count(*) FROM account_health`, nil, &rows)
	require.Zero(t, rows)
}

// Postgres refuses connections and is back.
func TestMonitor_postgres_away(t *testing.T) {
	t.Parallel()
	url, raw := migrated(t)
	through, proxy := postgrestest.Proxy(t, url)
	var j journal
	a, b := startOn(t, through, &j, 0), startOn(t, url, &j, 0)
	a.call(nil)
	eventually(t, func() bool { return a.state() == backstop.Healthy }, "it has a row")
	proxy.Down()
	a.callTimes(5, down())
	a.requireRefused()
	eventually(t, func() bool { return j.count(alone) == 1 }, "it is alone")
	require.False(t, b.IsUnhealthy(account))
	b.call(nil)
	j.requireLines(t, 0, 0)
	proxy.Up()
	require.Eventually(t, func() bool { return b.IsUnhealthy(account) }, patience, 5*time.Millisecond)
	j.requireLines(t, 1, 0)

	// It is away for a, and b makes the probe.
	proxy.Down()
	age(raw, 11*time.Second)
	time.Sleep(known)
	a.requireRefused() // it has not read the new time
	b.call(nil)
	require.Equal(t, backstop.Healthy, b.state())
	proxy.Up()
	require.Eventually(t, func() bool { return a.state() == backstop.Healthy }, patience, 5*time.Millisecond)
	j.requireLines(t, 1, 1)
}

// Postgres takes connections and does not answer. No call waits for it but the one that asks for the probe.
func TestMonitor_postgres_hangs(t *testing.T) {
	t.Parallel()
	url, raw := migrated(t)
	through, proxy := postgrestest.Proxy(t, url)
	t.Cleanup(proxy.Resume)
	var j journal
	a := startOn(t, through, &j, 0)
	a.callTimes(5, down())
	eventually(t, func() bool { return j.count(unhealthy) == 1 }, "it opens")
	age(raw, 11*time.Second)
	eventually(t, func() bool { return !a.IsUnhealthy(account) }, "it may ask")

	proxy.Stall()
	asked := make(chan func(*backstop.Failure), 1)
	go func() {
		done, _ := a.Allow(t.Context(), account)
		asked <- done
	}()
	eventually(t, func() bool { return a.IsUnhealthy(account) }, "one call asks, the others are refused")
	begin := time.Now()
	a.requireRefused()
	require.Less(t, time.Since(begin), time.Second, "the store is not asked: it hangs for 2 s")
	done := <-asked
	require.NotNil(t, done, "the process makes a probe of its own")
	begin = time.Now()
	done(nil)
	a.callTimes(5, nil)
	require.Less(t, time.Since(begin), time.Second, "the store is not asked: it hangs for 2 s")
	proxy.Resume()
	require.Eventually(t, func() bool { return j.count(well) == 1 }, patience, 5*time.Millisecond)
}

// The rows are as they were stored.
func TestStore_postgres(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	now := db.Now()
	r := health.Record{
		IsOpen: true, Reason: health.UnknownEnds, Since: now, RetryAt: now.Add(-time.Second), ProbeBy: "p",
		ProbeUntil: now.Add(time.Second), WindowStart: now.Add(-time.Minute),
		Window: health.Counts{Calls: 4, Faults: 1, Unavailable: 2, Unknown: 3}, ChangedBy: "c",
	}
	put := func(want, to health.Record) {
		t.Helper()
		require.NoError(t, db.ChangeHealth(t.Context(), account, func(stored health.Record, at time.Time) (health.Record, bool) {
			require.Equal(t, want, stored)
			require.WithinDuration(t, now, at, 10*time.Second)
			return to, true
		}))
	}
	put(health.Record{}, r)
	put(r, r)
	require.NoError(t, db.ChangeHealth(t.Context(), account, func(health.Record, time.Time) (health.Record, bool) {
		return health.Record{}, false
	}))
	list, err := db.ListHealth(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]health.Record{account: r}, list)
	same, isLeased, err := db.LeaseProbe(t.Context(), account, "q", time.Minute)
	require.NoError(t, err)
	require.False(t, isLeased)
	require.Equal(t, r, same)

	free := r
	free.ProbeBy, free.ProbeUntil = "", time.Time{}
	put(r, free)
	got, isLeased, err := db.LeaseProbe(t.Context(), account, "q", time.Minute)
	require.NoError(t, err)
	require.True(t, isLeased)
	require.WithinDuration(t, now.Add(time.Minute), got.ProbeUntil, 10*time.Second)
	free.ProbeBy, free.ProbeUntil = "q", got.ProbeUntil
	require.Equal(t, free, got)

	closed := health.Record{Since: now, WindowStart: now}
	put(free, closed)
	got, isLeased, err = db.LeaseProbe(t.Context(), account, "q", time.Minute)
	require.NoError(t, err)
	require.False(t, isLeased)
	require.Equal(t, closed, got)
	require.NoError(t, db.DeleteHealth(t.Context(), account))
	require.NoError(t, db.DeleteHealth(t.Context(), account))
	got, isLeased, err = db.LeaseProbe(t.Context(), account, "q", time.Minute)
	require.NoError(t, err)
	require.False(t, isLeased)
	require.Zero(t, got)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.ListHealth(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
