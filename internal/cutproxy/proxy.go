// Package cutproxy is a TCP proxy for tests. It stands between a client and a backend, and cuts connections on command:
// before a request reaches the backend, or after the backend has answered and before the client can read the answer.
package cutproxy

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Protocol is how the proxy finds requests and answers in the bytes.
type Protocol int

// The protocols. With Raw, each read from the client is a request, and each read from the backend is an answer; that is enough
// for small HTTP requests. With Postgres, requests and answers are whole, and the SQL is parsed; TLS must be off.
const (
	Raw Protocol = iota
	Postgres
)

// How a connection is cut.
type How int

// After a Reset the client's read fails with ECONNRESET. After a Finish the client reads EOF. After a Hang it reads nothing,
// until Close or CutAll.
const (
	Reset How = iota
	Finish
	Hang
)

// Request is what a client sends before it waits for an answer.
type Request struct {
	Conn  int    // the number of the connection, from 1
	Bytes []byte // as they pass
	SQL   string // of Postgres: the texts of the executed statements
}

// Cut selects the requests that lose their connection, and how.
type Cut struct {
	Match func(Request) bool // nil: every request
	Skip  int                // matching requests that pass first
	Times int                // matching requests that are cut; 0: 1
	After bool               // cut after the backend's answer; else before the request reaches the backend
	How   How
}

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

// Start listens on a free port of 127.0.0.1. The caller closes the Proxy.
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

// On adds a cut. The channel is closed when the last of its requests meets the cut.
func (p *Proxy) On(c Cut) (done <-chan struct{}) {
	c.Times = max(c.Times, 1)
	a := &activeCut{Cut: c, done: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts = append(p.cuts, a)
	return a.done
}

// Clear removes all cuts of On.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts = nil
}

// CutAll cuts all open connections. New ones are accepted.
func (p *Proxy) CutAll(how How) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.cut(how)
	}
}

// Down resets all connections. Until Up it resets each new one too.
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

// Stall holds back all bytes until Resume. Connections stay open, and new ones are accepted.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default: // it stalls already
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

// Requests returns how many requests the clients have sent, with the cut ones.
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

// pass counts a request and returns the cut that it meets, or nil.
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

func (p *Proxy) awaitFlow() {
	p.mu.Lock()
	flowing := p.flowing
	p.mu.Unlock()
	<-flowing
}
