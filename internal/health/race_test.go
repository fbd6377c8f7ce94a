package health_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// provider answers calls, and counts those under way.
type provider struct {
	failure  atomic.Pointer[backstop.Failure]
	calls    atomic.Int64
	underWay atomic.Int64
	most     atomic.Int64
}

func (p *provider) call(takes time.Duration) *backstop.Failure {
	p.calls.Add(1)
	now := p.underWay.Add(1)
	for most := p.most.Load(); now > most && !p.most.CompareAndSwap(most, now); most = p.most.Load() {
		continue
	}
	failure := p.failure.Load()
	time.Sleep(takes)
	p.underWay.Add(-1)
	return failure
}

// Many callers in several processes, through two outages of the provider and one of the store. During an outage of the provider
// alone, at most one call is under way at a time, and one begins in 10 s.
func TestMonitor_manyCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, j := newMemory(), &journal{}
		const processes, callers = 5, 20
		var sends provider
		var group sync.WaitGroup
		var isOver atomic.Bool
		all := make([]*process, processes)
		for i := range all {
			all[i] = start(t, s, j)
			for range callers {
				group.Go(func() {
					for !isOver.Load() {
						time.Sleep(rand.N(500 * time.Millisecond))
						if all[i].IsUnhealthy(account) {
							continue
						}
						if done, allowed := all[i].Allow(t.Context(), account); allowed {
							done(sends.call(rand.N(3 * time.Second)))
						}
					}
				})
			}
		}
		calls := func(d time.Duration) (n, most int64) {
			sends.most.Store(0)
			before := sends.calls.Load()
			time.Sleep(d)
			return sends.calls.Load() - before, sends.most.Load()
		}

		for outage := range 2 {
			n, _ := calls(time.Minute)
			require.Greater(t, n, int64(2000), "all calls are made")
			sends.failure.Store(down())
			calls(10 * time.Second) // the circuit opens, and the calls under way end
			n, most := calls(5 * time.Minute)
			require.GreaterOrEqual(t, n, int64(20), "it is probed")
			require.LessOrEqual(t, n, int64(31))
			require.Equal(t, int64(1), most, "one probe at a time over all processes")
			sends.failure.Store(nil)
			calls(20 * time.Second)
			j.requireLines(t, outage+1, outage+1)
		}

		s.set(true)
		calls(10 * time.Second)
		sends.failure.Store(down())
		calls(30 * time.Second)
		n, most := calls(5 * time.Minute)
		require.LessOrEqual(t, n, int64(31*processes), "no storm of calls without the store")
		require.LessOrEqual(t, most, int64(processes))
		sends.failure.Store(nil)
		s.set(false)
		calls(20 * time.Second)
		opened, closed := j.count(unhealthy), j.count(well)
		require.Equal(t, opened, closed)
		require.LessOrEqual(t, opened, 3)
		n, _ = calls(time.Minute)
		require.Greater(t, n, int64(2000))
		isOver.Store(true)
		group.Wait()
		synctest.Wait()
	})
}
