package provider

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// SendBare sends one request that has no body, such as a GET that makes the provider send a message. If there is no answer,
// SendBare returns a *backstop.Failure: Unavailable if no byte of the request was written, else Unknown.
//
// net/http sends a GET again by itself if a kept connection breaks, so each of these requests has a connection of its own
// (net/http transport.go, shouldRetryRequest: a new connection is never retried). Such a request also has no body that
// could say whether it was sent, so its connection counts the writes.
func (p *Poster) SendBare(ctx context.Context, method, target string, header http.Header) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	gate := &writeGate{ctx: ctx}
	request, err := http.NewRequestWithContext(context.WithValue(ctx, gateKey{}, gate), method, target, http.NoBody)
	if err != nil {
		return Answer{}, p.noAnswer(false, err)
	}
	request.Header = header.Clone()
	request.Header.Del("Content-Type")
	answer, err := exchange(p.bare, request, answerLimit)
	if err != nil {
		isWritten, refusal := gate.close()
		if refusal != nil {
			err = refusal // net/http may report its own close of the connection instead
		}
		return Answer{}, p.noAnswer(isWritten, err)
	}
	return answer, nil
}

// newBareClient returns a client whose connections have one request each, and a writeGate from the request's context.
func newBareClient(protocols *http.Protocols) *http.Client {
	return &http.Client{
		CheckRedirect: keepRedirect,
		Transport: &http.Transport{
			DialContext:            dialGated,
			DialTLSContext:         dialGatedTLS,
			Protocols:              protocols,
			DisableCompression:     true,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: answerLimit,
		},
	}
}

const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
)

// dialGated opens a connection whose writes pass the request's gate.
func dialGated(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // noAnswer makes a failure of it
	}
	return gated(ctx, connection), nil
}

// dialGatedTLS opens a TLS connection whose writes pass the request's gate. The writes of the handshake do not pass it.
func dialGatedTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split address: %w", err)
	}
	plain, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // noAnswer makes a failure of it
	}
	secure := tls.Client(plain, &tls.Config{ServerName: host, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12})
	limited, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := secure.HandshakeContext(limited); err != nil {
		_ = plain.Close()
		return nil, err //nolint:wrapcheck // noAnswer makes a failure of it
	}
	return gated(ctx, secure), nil
}

// gateKey is the key of a request's writeGate in its context.
type gateKey struct{}

// gated returns the connection of the request that has this context. The context of a dial has the values of the request's
// context, but not its deadline.
func gated(ctx context.Context, connection net.Conn) net.Conn {
	if gate, ok := ctx.Value(gateKey{}).(*writeGate); ok {
		return &gatedConn{Conn: connection, gate: gate}
	}
	return connection
}

// writeGate records whether any byte of a request may have been written. It refuses writes after the end of the call and
// after its deadline.
type writeGate struct {
	ctx       context.Context //nolint:containedctx // the context of the request
	mu        sync.Mutex
	isWritten bool
	isClosed  bool
	refusal   error // of a write that came after the deadline
}

// pass is called before each write.
func (g *writeGate) pass() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.isClosed:
		return errCallEnded
	case deadlinePassed(g.ctx, time.Now()):
		g.refusal = errDeadlinePassed
		return g.refusal
	}
	g.isWritten = true
	return nil
}

// close makes every later write fail. It reports whether any write began before, and why a write was refused, if one was.
func (g *writeGate) close() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isClosed = true
	return g.isWritten, g.refusal
}

// gatedConn is a connection whose writes pass a gate.
type gatedConn struct {
	net.Conn

	gate *writeGate
}

func (c *gatedConn) Write(b []byte) (int, error) {
	if err := c.gate.pass(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b) //nolint:wrapcheck // net/http reads it
}
