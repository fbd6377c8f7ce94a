package pool

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// cancelGrace is how long a statement whose context is done waits for Postgres to say that it was cancelled.
const cancelGrace = time.Second

// wire is a connection that counts what is written to it, and whose reads end if their context is done: the driver asks
// Postgres to cancel then, but that request may be lost, or come when a pooler has nothing to cancel yet.
type wire struct {
	net.Conn

	sent atomic.Int64 // bytes
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.sent.Add(int64(n))
	return n, err //nolint:wrapcheck // the driver looks at its type
}

// watch lets reads fail when ctx is done and the grace is over, until it is stopped.
func (w *wire) watch(ctx context.Context) (stop func()) {
	var mu sync.Mutex
	isStopped, isSet := false, false
	unwatch := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if !isStopped {
			isSet = true
			_ = w.SetReadDeadline(time.Now().Add(cancelGrace))
		}
	})
	return func() {
		unwatch()
		mu.Lock()
		defer mu.Unlock()
		if isStopped = true; isSet {
			_ = w.SetReadDeadline(time.Time{})
		}
	}
}

// wireKey is the context's key of the wire that a dialer fills in.
type wireKey struct{}

// dialer implements pq.Dialer and pq.DialerContext.
type dialer struct{}

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext returns a wire, or a connection that carries one request to cancel.
func (dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	line, isWire := ctx.Value(wireKey{}).(*wire)
	if !isWire {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cancelGrace)
		defer cancel()
	}
	dialed, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it did
	}
	if !isWire {
		return shortConn{dialed}, nil
	}
	line.Conn = dialed
	return line, nil
}

// shortConn lives no longer than the grace, whatever the driver sets: it waits for the request to cancel.
type shortConn struct{ net.Conn }

// SetDeadline implements net.Conn.
func (c shortConn) SetDeadline(time.Time) error {
	return c.Conn.SetDeadline(time.Now().Add(cancelGrace)) //nolint:wrapcheck // only passed on
}
