package pool_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func open(t *testing.T, address string) *pool.Pool {
	t.Helper()
	p, err := pool.Open(t.Context(), address, pool.Options{MaxConns: 4})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// behindProxy returns a pool whose connections pass a proxy.
func behindProxy(t *testing.T) (*pool.Pool, *cutproxy.Proxy) {
	t.Helper()
	through, proxy := postgrestest.Proxy(t, postgrestest.URL(t))
	return open(t, through), proxy
}

const count = `UPDATE counter SET n = n + $1`

func counter(t *testing.T, p *pool.Pool) {
	t.Helper()
	require.NoError(t, p.ExecUnprepared(t.Context(), `CREATE TABLE counter AS SELECT 0 AS n`))
}

func counted(t *testing.T, p *pool.Pool) (n int) {
	t.Helper()
	require.NoError(t, p.GetUnprepared(t.Context(), &n, `SELECT n FROM counter`))
	return n
}

// A statement whose answer is lost is not run again, and its error says that it may have run.
func TestPool_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]cutproxy.Cut{
		"reset after": {How: cutproxy.Reset, After: true}, "end after": {How: cutproxy.Finish, After: true},
		"reset before": {How: cutproxy.Reset}, "end before": {How: cutproxy.Finish},
	} {
		for kind, run := range map[string]func(context.Context, *pool.Pool) error{
			"prepared": func(ctx context.Context, p *pool.Pool) error {
				_, err := p.Exec(ctx, count, 1)
				return err
			},
			"unprepared": func(ctx context.Context, p *pool.Pool) error { return p.ExecUnprepared(ctx, count, 1) },
			"query": func(ctx context.Context, p *pool.Pool) error {
				return p.Get(ctx, new(int), count+` RETURNING n`, 1)
			},
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				p, proxy := behindProxy(t)
				counter(t, p)
				require.NoError(t, run(t.Context(), p), "from now on it is prepared")
				cut := cut
				cut.Match = func(r cutproxy.Request) bool { return strings.HasPrefix(r.SQL, "UPDATE counter") }
				proxy.On(cut)
				err := run(t.Context(), p)
				require.Error(t, err)
				require.True(t, pool.MayHaveRun(err), err)
				requireAway(t, pool.Failed(t.Context(), "count", err))
				if cut.After {
					require.Equal(t, 2, counted(t, p))
				} else {
					require.Equal(t, 1, counted(t, p))
				}
			})
		}
	}
}

// A statement did not run if it did not reach the server or the server refused it.
func TestMayHaveRun_no(t *testing.T) {
	t.Parallel()
	p, proxy := behindProxy(t)
	counter(t, p)
	_, err := p.Exec(t.Context(), `UPDATE counter SET n = 1 / n`)
	require.Error(t, err)
	require.False(t, pool.MayHaveRun(err))
	proxy.Down()
	_, err = p.Exec(t.Context(), count, 1)
	require.Error(t, err)
	require.False(t, pool.MayHaveRun(err), err)
	requireAway(t, pool.Failed(t.Context(), "count", err))
}

// A restarted server has closed the idle connections of the pool. No caller gets one of them.
func TestPool_idleClosed(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]cutproxy.How{"reset": cutproxy.Reset, "end": cutproxy.Finish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, proxy := behindProxy(t)
			counter(t, p)
			_, err := p.Exec(t.Context(), count, 1)
			require.NoError(t, err)
			proxy.CutAll(how)
			time.Sleep(20 * time.Millisecond) // the end of the connection arrives
			_, err = p.Exec(t.Context(), count, 1)
			require.NoError(t, err)
			require.Equal(t, 2, counted(t, p))
		})
	}
}

// After a switch-over the server refuses writes. When the server behind the address accepts writes again, the pool does not use
// the connections that were made before.
func TestPool_readOnly(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	counter(t, open(t, address))
	postgrestest.Set(t, address, "default_transaction_read_only", "on")
	p := open(t, address)
	const conns = 3
	var held []context.CancelFunc
	for range conns { // makes as many idle connections
		tx, err := p.Begin(t.Context(), nil)
		require.NoError(t, err)
		held = append(held, func() { require.NoError(t, tx.Rollback()) })
	}
	for _, end := range held {
		end()
	}
	_, err := p.Exec(t.Context(), count, 1)
	requireAway(t, pool.Failed(t.Context(), "count", err))
	require.False(t, pool.MayHaveRun(err))

	postgrestest.Set(t, address, "default_transaction_read_only", "")
	_, err = p.Exec(t.Context(), count, 1)
	for start := time.Now(); err != nil; _, err = p.Exec(t.Context(), count, 1) {
		require.Less(t, time.Since(start), 20*time.Second, err)
		require.Equal(t, backstop.TryLater, backstop.CodeOf(pool.Failed(t.Context(), "count", err)))
	}
	for range conns {
		_, err = p.Exec(t.Context(), count, 1)
		require.NoError(t, err, "no other connection is as old")
	}
}
