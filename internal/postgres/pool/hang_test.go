package pool_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// If the network loses everything, even the cancel request, a call ends within 3 s. Its context is done after 50 ms.
func TestPool_hang(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(context.Context, *pool.Pool) error{
		"prepared": func(ctx context.Context, p *pool.Pool) error {
			_, err := p.Exec(ctx, count, 1)
			return err
		},
		"unprepared": func(ctx context.Context, p *pool.Pool) error { return p.ExecUnprepared(ctx, count, 1) },
		"query":      func(ctx context.Context, p *pool.Pool) error { return p.Get(ctx, new(int), count+` RETURNING n`, 1) },
		"begin": func(ctx context.Context, p *pool.Pool) error {
			_, err := p.Begin(ctx, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, proxy := behindProxy(t)
			counter(t, p)
			if name != "begin" {
				require.NoError(t, run(t.Context(), p), "from now on it is prepared")
			}
			for range 2 {
				proxy.Stall()
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				start := time.Now()
				err := run(ctx, p)
				requireAway(t, pool.Failed(ctx, "count", err))
				require.True(t, pool.MayHaveRun(err), err)
				require.Less(t, time.Since(start), 3*time.Second)
				cancel()
				proxy.Resume()
				require.NoError(t, p.Ping(t.Context()))
			}
		})
	}
}

// A call whose context has no deadline is bounded by statement_timeout and timeoutSlack.
func TestPool_hang_unbounded(t *testing.T) {
	t.Parallel()
	through, proxy := postgrestest.Proxy(t, postgrestest.URL(t))
	p := open(t, through+"&statement_timeout=100ms")
	counter(t, p)
	proxy.Stall()
	start := time.Now()
	_, err := p.Exec(context.WithoutCancel(t.Context()), count, 1)
	requireAway(t, pool.Failed(t.Context(), "count", err))
	require.Less(t, time.Since(start), 8*time.Second)
	proxy.Resume()
}

// A cancel request may reach Postgres before the statement begins or after it has ended. The connection stays usable.
func TestPool_cancel(t *testing.T) {
	t.Parallel()
	p, _ := behindProxy(t)
	counter(t, p)
	for i := range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Microsecond)
		_, err := p.Exec(ctx, count, 1)
		cancel()
		if err != nil {
			requireAway(t, pool.Failed(ctx, "count", err))
		}
		_, err = p.Exec(t.Context(), count, 0)
		require.NoError(t, err)
	}
}

// The answer of a query with many rows does not come.
func TestPool_hang_rows(t *testing.T) {
	t.Parallel()
	p, proxy := behindProxy(t)
	const many = `SELECT repeat('x', 1000000) || n FROM generate_series($1::int, 50) AS n`
	proxy.On(cutproxy.Cut{How: cutproxy.Hang, After: true, Match: func(r cutproxy.Request) bool {
		return strings.Contains(r.SQL, "generate_series")
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := p.SelectUnprepared(ctx, new([]string), many, 1)
	requireAway(t, pool.Failed(ctx, "read", err))
	require.Less(t, time.Since(start), 3*time.Second)
}
