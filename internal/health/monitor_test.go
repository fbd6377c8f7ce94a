package health_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/health"
)

// settle waits until the processes have exchanged their counts.
func settle() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := health.New(nil, slog.New(slog.DiscardHandler))
	require.Error(t, err)
	_, err = health.New(newMemory(), nil)
	require.Error(t, err)
}

func TestMonitor_streak(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		require.Equal(t, backstop.UnknownHealth, a.state())
		a.callTimes(4, down())
		a.call(nil)
		settle()
		require.Equal(t, backstop.Healthy, b.state())
		require.Equal(t, "4 of 5 calls did not succeed in the newest minute with calls", b.HealthOf(account).Reason)
		a.callTimes(4, down())
		require.False(t, a.IsUnhealthy(account))
		a.call(down())
		a.requireRefused()
		synctest.Wait()
		j.requireLines(t, 1, 0) // it did not wait for the next second
		require.Equal(t, 1, j.count("reason=down failures_in_row=5 calls=10 account_faults=0 unavailable=9 unknown=0"))
		settle()
		b.requireRefused()
		require.Equal(t, map[string]backstop.AccountHealth{account: b.HealthOf(account)}, b.States())
		require.Equal(t, backstop.AccountHealth{
			State: backstop.Unhealthy, Since: a.HealthOf(account).Since, Reason: string(health.Down),
		}, b.HealthOf(account))

		time.Sleep(8*time.Second - time.Millisecond)
		b.requireRefused()
		time.Sleep(time.Millisecond)
		require.False(t, a.IsUnhealthy(account), "it may ask")
		done := b.begin()
		b.requireRefused()
		_, allowed := a.Allow(t.Context(), account)
		require.False(t, allowed, "the probe is b's")
		a.requireRefused()
		require.Equal(t, backstop.Probing, b.state())
		require.Equal(t, backstop.Probing, a.state())
		require.WithinDuration(t, time.Now(), a.HealthOf(account).Since, 0)
		done(down())
		settle()
		a.requireRefused()
		b.requireRefused()
		time.Sleep(8 * time.Second)
		a.call(nil)
		settle()
		b.callTimes(3, nil)
		require.Equal(t, backstop.Healthy, b.state())
		j.requireLines(t, 1, 1)
	})
}

func TestMonitor_faults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a := start(t, s, j)
		a.callTimes(5, refused())
		time.Sleep(time.Minute - time.Millisecond)
		a.requireRefused()
		require.Equal(t, string(health.AccountFaults), a.HealthOf(account).Reason)
		time.Sleep(time.Millisecond)
		a.call(nil)
		require.False(t, a.IsUnhealthy(account), "at once")
		synctest.Wait()
		j.requireLines(t, 1, 1)
	})
}

// No process sees enough calls alone.
func TestMonitor_shares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		all := make([]*process, 5)
		for i := range all {
			all[i] = start(t, s, j)
		}
		for range 2 {
			for _, p := range all {
				p.call(unanswered())
				p.call(nil)
			}
			require.False(t, all[0].IsUnhealthy(account))
			settle()
		}
		for _, p := range all {
			p.requireRefused()
			require.Equal(t, string(health.UnknownEnds), p.HealthOf(account).Reason)
		}
		j.requireLines(t, 1, 0)
		require.Equal(t, 1, j.count("reason=unknown_ends failures_in_row=0 calls=20 account_faults=0 unavailable=0 unknown=10"))
	})
}

// The counts of one minute do not add up with those of the next.
func TestMonitor_window(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a := start(t, s, j)
		for range 4 {
			a.callTimes(15, unanswered())
			time.Sleep(61 * time.Second)
		}
		require.Equal(t, backstop.Healthy, a.state())
		a.callTimes(20, unanswered())
		settle()
		a.requireRefused()
	})
}

// Calls that began before the circuit opened or closed say nothing.
func TestMonitor_lateEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		b.call(nil)
		settle()
		var late []func(*backstop.Failure)
		for range 20 {
			late = append(late, b.begin())
		}
		a.callTimes(5, down())
		settle()
		for _, done := range late[:10] { // b has read that the circuit is open
			done(nil)
		}
		settle()
		a.requireRefused()
		b.requireRefused()
		time.Sleep(10 * time.Second)
		a.call(nil)
		settle()
		for _, done := range late[10:] {
			done(down())
		}
		settle()
		require.False(t, b.IsUnhealthy(account))
		a.callTimes(3, nil)
		j.requireLines(t, 1, 1)
	})
}

// A process that has not read yet that the circuit is open neither opens it a second time nor closes it.
func TestMonitor_lateReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		settle()
		a.callTimes(5, refused())
		synctest.Wait()
		b.callTimes(30, nil)
		b.callTimes(5, down())
		settle()
		b.requireRefused()
		require.Equal(t, string(health.AccountFaults), b.HealthOf(account).Reason)
		j.requireLines(t, 1, 0)
	})
}

func TestMonitor_deadProber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		a.callTimes(5, down())
		time.Sleep(10 * time.Second)
		late := a.begin()
		a.stop()
		time.Sleep(40*time.Second - time.Millisecond)
		b.requireRefused()
		time.Sleep(time.Millisecond)
		done := b.begin()
		late(nil) // the lease has passed to b
		done(down())
		settle()
		b.requireRefused()
		time.Sleep(8 * time.Second)
		b.call(nil)
		settle()
		j.requireLines(t, 1, 1)
	})
}

// A probe that is slower than its lease still decides, as long as nobody else probes.
func TestMonitor_slowProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		a.callTimes(5, down())
		time.Sleep(10 * time.Second)
		first := a.begin()
		time.Sleep(41 * time.Second)
		second := b.begin()
		settle()
		first(nil)
		settle()
		a.requireRefused()
		require.Equal(t, backstop.Probing, a.state(), "the lease is b's now")
		time.Sleep(41 * time.Second)
		second(nil)
		second(down()) // a second call of done changes nothing
		settle()
		require.Equal(t, backstop.Healthy, a.state())
		j.requireLines(t, 1, 1)
	})
}

// Rows that were read before the lease was stored do not hide it.
func TestMonitor_slowRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a := start(t, s, j)
		a.callTimes(5, down())
		synctest.Wait()
		s.change(func() { s.listTakes = 900 * time.Millisecond })
		time.Sleep(10*time.Second + 100*time.Millisecond) // the rows are read, and under way
		done := a.begin()
		for range 20 {
			a.requireRefused()
			require.Equal(t, backstop.Probing, a.state())
			time.Sleep(100 * time.Millisecond)
		}
		done(nil)
		settle()
		j.requireLines(t, 1, 1)
	})
}

// A throttled probe does not close the circuit.
func TestMonitor_neutralProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a := start(t, s, j)
		a.callTimes(5, refused())
		time.Sleep(time.Minute)
		a.call(&backstop.Failure{Kind: backstop.Throttled})
		settle()
		a.requireRefused()
		require.Equal(t, string(health.AccountFaults), a.HealthOf(account).Reason)
		j.requireLines(t, 1, 0)
	})
}

func TestMonitor_Forget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		b.call(nil)
		settle()
		late := b.begin()
		a.callTimes(5, refused())
		settle()
		b.requireRefused()
		require.NoError(t, a.Forget(t.Context(), account))
		require.NoError(t, a.Forget(t.Context(), "none"))
		require.Equal(t, backstop.UnknownHealth, a.state())
		require.False(t, a.IsUnhealthy(account))
		settle()
		late(refused())
		settle()
		require.Equal(t, backstop.UnknownHealth, b.state(), "a call of the deleted account does not bring its row back")
		require.Empty(t, s.rows)
		b.call(nil)
		settle()
		require.Equal(t, backstop.Healthy, a.state())
		j.requireLines(t, 1, 0)
	})
}

// What is counted when the process stops is not lost.
func TestMonitor_Run_end(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a := start(t, s, j)
		a.callTimes(4, down())
		a.stop()
		require.Equal(t, health.Counts{Calls: 4, Unavailable: 4}, s.rows[account].Window)
	})
}

// A cancelled call that asks for the probe does not use it up.
func TestMonitor_Allow_cancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a := start(t, s, j)
		a.callTimes(5, down())
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s.set(true)
		_, allowed := a.Allow(ctx, account)
		require.False(t, allowed)
		s.set(false)
		a.call(nil)
	})
}

func TestMonitor_IsUnhealthy_allocations(t *testing.T) { //nolint:paralleltest // it counts allocations
	m, err := health.New(newMemory(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	for range 5 {
		done, _ := m.Allow(t.Context(), account)
		done(down())
	}
	require.True(t, m.IsUnhealthy(account))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = m.IsUnhealthy(account)
		_ = m.IsUnhealthy("none")
	}))
}
