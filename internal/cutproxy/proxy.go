// Package cutproxy is a TCP proxy for tests, between a client and a backend. A test can cut connections at two points: before
// a request reaches the backend, or after the backend has answered and before the client reads the answer.
package cutproxy

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Protocol defines how the proxy splits the bytes into requests and answers.
type Protocol int

// The protocols. With Raw, each read from the client is a request, and each read from the backend is an answer. That is enough
// for small HTTP requests. With Postgres, the proxy parses complete requests and answers, and their SQL. TLS must be off.
const (
	Raw Protocol = iota
	Postgres
)

// How defines how a connection is cut.
type How int

// After a Reset the client's read fails with ECONNRESET. After a Finish the client reads EOF. After a Hang it reads nothing,
// until Close or CutAll.
const (
	Reset How = iota
	Finish
	Hang
)

// Request is the bytes that a client sends before it waits for an answer.
type Request struct {
	Conn  int    // the number of the connection, from 1
	Bytes []byte // unchanged
	SQL   string // Postgres only: the texts of the executed statements
}

// Cut selects the requests that lose their connection, and how.
type Cut struct {
	Match func(Request) bool // nil: every request
	Skip  int                // how many matching requests are forwarded first
	Times int                // how many matching requests are then cut; 0 means 1
	After bool               // true: cut after the backend's answer; false: before the request reaches the backend
	How   How
}

// activeCut is a cut of On. done is closed when the last of its requests is cut.
type activeCut struct {
	Cut

	done chan struct{}
}

// Proxy forwards connections to one backend. Its methods may be called concurrently.
type Proxy struct {
	backend  string
	protocol Protocol
	listener net.Listener
	running  sync.WaitGroup

	mu       sync.Mutex
	pairs    map[*connPair]bool
	cuts     []*activeCut
	isDown   bool
	flowing  chan struct{} // closed unless the proxy stalls
	accepted int
	requests int
}

// Start listens on a free port of 127.0.0.1. The caller must close the Proxy.
func Start(ctx context.Context, backend string, protocol Protocol) (*Proxy, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	p := &Proxy{
		backend: backend, protocol: protocol, listener: listener, pairs: map[*connPair]bool{}, flowing: make(chan struct{}),
	}
	close(p.flowing)
	p.running.Go(p.accept)
	return p, nil
}

// Addr returns the host and port on which the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close stops listening and cuts all connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.Resume()
	p.Down()
	p.running.Wait()
	if err != nil {
		return fmt.Errorf("close proxy: %w", err)
	}
	return nil
}

// On adds a cut. The channel is closed when the last request of the cut is cut.
func (p *Proxy) On(c Cut) (done <-chan struct{}) {
	c.Times = max(c.Times, 1)
	a := &activeCut{Cut: c, done: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts = append(p.cuts, a)
	return a.done
}

// Clear removes all cuts that On has added.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts = nil
}

// CutAll cuts all open connections. New connections are accepted.
func (p *Proxy) CutAll(how How) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.cut(how)
	}
}

// Down resets all connections, and until Up each new connection.
func (p *Proxy) Down() {
	p.mu.Lock()
	p.isDown = true
	p.mu.Unlock()
	p.CutAll(Reset)
}

// Up ends Down.
func (p *Proxy) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isDown = false
}

// Stall stops forwarding bytes until Resume. Connections stay open, and new connections are accepted.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default: // the proxy is already stalled
	}
}

// Resume ends Stall.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
	default:
		close(p.flowing)
	}
}

// Accepted returns how many connections the clients have opened.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Requests returns how many requests the clients have sent, including cut requests.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	backend, err := new(net.Dialer).Dial("tcp", p.backend)
	if err != nil {
		resetConn(client)
		return
	}
	c := &connPair{proxy: p, client: client, backend: backend, statements: map[string]string{}}
	p.mu.Lock()
	p.accepted++
	c.number = p.accepted
	if p.isDown {
		c.cut(Reset)
	}
	p.pairs[c] = true
	p.mu.Unlock()

	var both sync.WaitGroup
	both.Go(c.forwardRequests)
	both.Go(c.forwardAnswers)
	both.Wait()
	p.mu.Lock()
	delete(p.pairs, c)
	p.mu.Unlock()
}

// nextCut counts a request and returns the cut for it, or nil.
func (p *Proxy) nextCut(r Request) *Cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	for i, a := range p.cuts {
		if a.Match != nil && !a.Match(r) {
			continue
		}
		if a.Skip > 0 {
			a.Skip--
			continue
		}
		if a.Times--; a.Times == 0 {
			p.cuts = append(p.cuts[:i:i], p.cuts[i+1:]...)
			close(a.done)
		}
		return &a.Cut
	}
	return nil
}

// awaitFlow waits while the proxy is stalled.
func (p *Proxy) awaitFlow() {
	p.mu.Lock()
	flowing := p.flowing
	p.mu.Unlock()
	<-flowing
}
