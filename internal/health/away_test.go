package health_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/health"
)

// Without the store a process opens and closes the circuit alone. When the store is back, all agree.
func TestMonitor_away(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		a.call(nil)
		settle()
		s.set(true)
		a.callTimes(5, down())
		a.requireRefused()
		settle()
		require.Equal(t, 1, j.count(alone))
		b.callTimes(3, nil)
		for range 3 {
			time.Sleep(8 * time.Second)
			done := a.begin()
			a.requireRefused()
			time.Sleep(2 * time.Second)
			done(down())
			a.requireRefused()
			settle()
		}
		require.Equal(t, 1, j.count(alone))
		j.requireLines(t, 0, 0)
		s.set(false)
		settle()
		b.requireRefused()
		j.requireLines(t, 1, 0)
		time.Sleep(9 * time.Second)
		b.call(nil)
		settle()
		a.callTimes(3, nil)
		j.requireLines(t, 1, 1)
		require.Equal(t, 2, j.count("is not shared"), "one line per process")
		require.Equal(t, 2, j.count("is shared again"))
	})
}

// A circuit that opened and closed while the store was away leaves no trace.
func TestMonitor_away_over(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		a.call(nil)
		settle()
		s.set(true)
		a.callTimes(5, down())
		time.Sleep(10 * time.Second)
		a.call(nil)
		a.callTimes(9, nil)
		settle()
		s.set(false)
		settle()
		require.Equal(t, backstop.Healthy, a.state())
		require.Equal(t, backstop.Healthy, b.state())
		j.requireLines(t, 0, 0)
	})
}

// The circuit opened before the store was away. A probe without the store closes it, for all when the store is back.
func TestMonitor_away_closes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		a.callTimes(5, down())
		settle()
		s.set(true)
		time.Sleep(10 * time.Second)
		require.False(t, b.IsUnhealthy(account), "each process may probe by itself")
		a.call(down())
		time.Sleep(10 * time.Second)
		require.Zero(t, j.count(alone), "the error is in the log already")
		done := a.begin()
		a.requireRefused()
		done(nil)
		a.callTimes(9, nil)
		settle()
		j.requireLines(t, 1, 0)
		s.set(false)
		settle()
		require.Equal(t, backstop.Healthy, b.state())
		j.requireLines(t, 1, 1)
	})
}

// As before, and then the account is down again.
func TestMonitor_away_again(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		a.callTimes(5, down())
		settle()
		since := b.HealthOf(account).Since
		s.set(true)
		time.Sleep(10 * time.Second)
		a.call(nil)
		a.callTimes(5, refused())
		a.requireRefused()
		s.set(false)
		settle()
		for _, p := range []*process{a, b} {
			p.requireRefused()
			require.Equal(t, backstop.AccountHealth{
				State: backstop.Unhealthy, Since: since, Reason: string(health.AccountFaults),
			}, p.HealthOf(account))
		}
		j.requireLines(t, 1, 0)
	})
}

// The store is back, and lacks the verdict of a process that may probe now.
func TestMonitor_away_probe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		a.call(nil)
		settle()
		s.set(true)
		time.Sleep(500 * time.Millisecond)
		a.callTimes(5, down())
		time.Sleep(10 * time.Second)
		s.set(false)
		done := a.begin()
		_, allowed := a.Allow(t.Context(), account)
		require.False(t, allowed, "it is a probe")
		done(down())
		settle()
		a.requireRefused()
		b.requireRefused()
		j.requireLines(t, 1, 0)
	})
}

// Counts of an outage that is over are not merged as if they were new.
func TestMonitor_away_oldCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a := start(t, s, j)
		a.call(nil)
		settle()
		s.set(true)
		a.callTimes(100, unanswered())
		time.Sleep(2 * time.Minute)
		s.set(false)
		a.call(nil)
		settle()
		require.Equal(t, backstop.Healthy, a.state())
		require.Equal(t, health.Counts{Calls: 1}, s.rows[account].Window)
	})
}

// A change whose answer is lost has its line in the log once all the same.
func TestMonitor_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*process){
		"a streak": func(p *process) { p.callTimes(5, down()) },
		"shares":   func(p *process) { p.callTimes(20, unanswered()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, j := newMemory(), &journal{}
				a, b := start(t, s, j), start(t, s, j)
				s.change(func() { s.losesReply = true })
				open(a)
				settle()
				a.requireRefused()
				b.requireRefused()
				j.requireLines(t, 1, 0)
				time.Sleep(10 * time.Second)
				s.change(func() { s.losesReply = true })
				b.call(nil)
				settle()
				synctest.Wait()
				a.callTimes(3, nil)
				j.requireLines(t, 1, 1)
			})
		})
	}
}
