package pool

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// wire is a connection that counts what is written to it.
type wire struct {
	net.Conn

	sent atomic.Int64 // bytes
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.sent.Add(int64(n))
	return n, err //nolint:wrapcheck // the driver looks at its type
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

func (dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialed, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it did
	}
	line, ok := ctx.Value(wireKey{}).(*wire)
	if !ok { // it carries a request to cancel, of which nobody asks
		return dialed, nil
	}
	line.Conn = dialed
	return line, nil
}
