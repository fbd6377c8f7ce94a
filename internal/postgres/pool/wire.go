package pool

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// cancelGrace is how long a statement waits, after its context is done, for Postgres to confirm the cancellation.
const cancelGrace = time.Second

// wire is a connection that counts the bytes written to it. Its reads fail some time after the context is done: the driver asks
// Postgres to cancel then, but the request may be lost, or reach a pooler that has nothing to cancel yet.
type wire struct {
	net.Conn

	sent atomic.Int64 // bytes
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.sent.Add(int64(n))
	return n, err //nolint:wrapcheck // the driver looks at its type
}

// watch makes reads fail cancelGrace after ctx is done, until stop is called.
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

// wireKey is the context key of the wire that the dialer connects.
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

// DialContext returns the connected wire of ctx. Without a wire, it returns a short-lived connection for a cancel request.
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

// shortConn carries a cancel request. Its deadline is cancelGrace from now, even if the driver sets a later one.
type shortConn struct{ net.Conn }

// SetDeadline implements net.Conn.
func (c shortConn) SetDeadline(time.Time) error {
	return c.Conn.SetDeadline(time.Now().Add(cancelGrace)) //nolint:wrapcheck // only passed on
}
