package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// wire is a TCP proxy in front of one server, for one client. It can cut or stall its connections.
type wire struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	links  map[*link]struct{}
	gates  [2]chan struct{} // one per direction: nil if the direction is open, else closed when it opens
	closed bool
}

// The directions of a wire.
const (
	toServer = 0
	toClient = 1
)

// link is one connection through a wire.
type link struct {
	ends [2]*net.TCPConn // to the client, to the server
	gone chan struct{}
	once sync.Once
}

const dialTimeout = 5 * time.Second

func newWire(ctx context.Context, target string) (*wire, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	w := &wire{listener: listener, target: target, links: map[*link]struct{}{}}
	go w.serve()
	return w, nil
}

func (w *wire) address() string { return w.listener.Addr().String() }

// setTarget sets the server address of new connections.
func (w *wire) setTarget(target string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = target
}

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return // the listener was closed
		}
		go w.connect(client)
	}
}

func (w *wire) connect(client net.Conn) {
	w.mu.Lock()
	target := w.target
	w.mu.Unlock()
	server, err := (&net.Dialer{Timeout: dialTimeout}).Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	near, isTCP := client.(*net.TCPConn)
	far, isTCPToo := server.(*net.TCPConn)
	if !isTCP || !isTCPToo {
		_ = errors.Join(client.Close(), server.Close())
		return
	}
	l := &link{ends: [2]*net.TCPConn{near, far}, gone: make(chan struct{})}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		l.end(false)
		return
	}
	w.links[l] = struct{}{}
	w.mu.Unlock()
	go w.copyDirection(l, near, far, toServer)
	w.copyDirection(l, far, near, toClient)
}

// copyDirection copies one direction of a link until one end closes, and then closes both.
func (w *wire) copyDirection(l *link, from, to *net.TCPConn, direction int) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && w.waitOpen(l, direction) {
			_, writeErr := to.Write(buffer[:n])
			err = errors.Join(err, writeErr)
		}
		if err == nil {
			continue
		}
		w.mu.Lock()
		delete(w.links, l)
		w.mu.Unlock()
		l.end(!errors.Is(err, io.EOF))
		return
	}
}

// waitOpen waits until the direction is open. It returns false if the link is cut meanwhile.
func (w *wire) waitOpen(l *link, direction int) bool {
	for {
		w.mu.Lock()
		gate := w.gates[direction]
		w.mu.Unlock()
		if gate == nil {
			return true
		}
		select {
		case <-gate:
		case <-l.gone:
			return false
		}
	}
}

// end closes both ends of the link, with a RST or a FIN.
func (l *link) end(reset bool) {
	l.once.Do(func() {
		close(l.gone)
		for _, end := range l.ends {
			if reset {
				_ = end.SetLinger(0)
			}
			_ = end.Close()
		}
	})
}

// cut closes every connection.
func (w *wire) cut(reset bool) {
	w.mu.Lock()
	links := w.links
	w.links = map[*link]struct{}{}
	w.mu.Unlock()
	for l := range links {
		l.end(reset)
	}
}

// hold stops the directions until the returned function opens them again.
func (w *wire) hold(directions ...int) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	gate := make(chan struct{})
	for _, direction := range directions {
		if w.gates[direction] == nil {
			w.gates[direction] = gate
		}
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for direction := range w.gates {
			if w.gates[direction] == gate {
				w.gates[direction] = nil
			}
		}
		close(gate)
	}
}

func (w *wire) close() {
	_ = w.listener.Close()
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cut(true)
}
