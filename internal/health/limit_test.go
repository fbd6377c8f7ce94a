package health_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/health"
)

// While a messaging limit is reached, no process calls the account, without a call that fails and without a probe. When it ends,
// all call it.
func TestMonitor_limit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a, b := start(t, s, j), start(t, s, j)
		a.callTimes(3, nil)
		settle()
		since := time.Now().UTC()
		s.change(func() { s.reached = map[string]health.Limit{account: {Recipients: 250, Since: since}} })
		settle()
		for range 100 {
			for _, p := range []*process{a, b} {
				p.requireRefused()
				require.Equal(t, "the messaging limit of 250 recipients in 24 hours is reached", p.Limit(account))
				require.Equal(t, backstop.AccountHealth{State: backstop.Unhealthy, Since: since, Reason: p.Limit(account)}, p.HealthOf(account))
				require.Equal(t, backstop.Unhealthy, p.States()[account].State)
			}
			time.Sleep(time.Minute) // no probe is asked for
		}
		require.False(t, b.IsUnhealthy("other"))
		require.Empty(t, b.Limit("other"))
		require.NoError(t, a.Forget(t.Context(), account))
		settle()
		a.requireRefused()

		s.change(func() { s.reached = nil })
		settle()
		a.call(nil)
		b.call(nil)
		require.Empty(t, a.Limit(account))
		settle()
		require.Equal(t, backstop.Healthy, b.state())
		j.requireLines(t, 0, 0)
	})
}

// A circuit that opened before the limit was reached is still open after it, and is probed.
func TestMonitor_limit_circuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		a := start(t, s, j)
		a.callTimes(5, down())
		s.change(func() { s.reached = map[string]health.Limit{account: {Recipients: 250, Since: time.Now()}} })
		settle()
		time.Sleep(time.Hour)
		a.requireRefused()
		s.change(func() { s.reached = nil })
		settle()
		require.Equal(t, string(health.Down), a.HealthOf(account).Reason)
		a.call(nil)
		settle()
		require.Equal(t, backstop.Healthy, a.state())
	})
}

// A process that cannot reach the store keeps what it read. Without the store nothing is sent.
func TestMonitor_limit_away(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		s.reached = map[string]health.Limit{account: {Recipients: 250, Since: time.Now()}}
		a := start(t, s, j)
		settle()
		s.set(true)
		settle()
		a.requireRefused()
		s.change(func() { s.isAway, s.reached = false, nil })
		settle()
		a.call(nil)
	})
}
