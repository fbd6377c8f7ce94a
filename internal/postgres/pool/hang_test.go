package pool_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// The network hangs after the first row of a query. Reading the rows ends soon after the context is done.
func TestPool_hang_rows(t *testing.T) {
	t.Parallel()
	p, proxy := behindProxy(t)
	tx, err := p.Begin(t.Context(), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	const many = `SELECT repeat('x', 1000000) FROM generate_series($1::int, 200)` // more than fits into the buffers of the sockets
	rows, err := tx.QueryContext(ctx, many, 1)
	require.NoError(t, err)
	defer rows.Close()
	require.True(t, rows.Next())
	proxy.Stall()
	start := time.Now()
	for rows.Next() {
	}
	require.Error(t, rows.Err())
	_ = rows.Close()
	_ = tx.Rollback()
	require.Less(t, time.Since(start), 5*time.Second)
	proxy.Resume()
	err = p.Ping(t.Context())
	require.NoError(t, err, "%v", errors.Unwrap(err))
}
