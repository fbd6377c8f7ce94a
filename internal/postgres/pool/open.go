package pool

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"strings"

	"github.com/lib/pq"
)

// Open connects to the database of a postgres:// URL and tries the connection once. It returns an Error of code TryLater if a
// retry may succeed. Parameters of the URL that are not the driver's, such as statement_timeout, lock_timeout and search_path,
// are set on each connection. A pooler such as PgBouncer refuses them. Behind a pooler the timeouts still apply, and any other
// parameter is an error unless it is set for the role. The caller closes the Pool.
func Open(ctx context.Context, url string, o Options) (*Pool, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("open database: the URL must begin with postgres://")
	}
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, errors.New("open database: the URL is not valid") // err may quote the password
	}
	o = o.withDefaults()
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &Pool{config: withDefaults(config), clock: clock{local: o.Clock, log: o.Log}, stop: stop, log: o.Log}
	err = p.connectAny(ctx, o.MaxConns)
	if err == nil {
		err = openFailed(ctx, p.readClock(ctx))
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	go p.followClock(following)
	return p, nil
}

// Unbounded returns a separate pool without a statement_timeout. The caller closes it.
func (p *Pool) Unbounded() (*sql.DB, error) {
	const conns = 2 // one for the work, and another for a lock
	unbounded := map[string]string{"statement_timeout": "0"}
	config := p.config.Clone()
	if p.isBehindPooler {
		clear(config.Runtime)
		return openPool(config, conns, p.localSettings(unbounded))
	}
	maps.Copy(config.Runtime, unbounded)
	return openPool(config, conns, "")
}
