package cutproxy

import (
	"io"
	"net"
	"sync"
	"time"
)

const (
	readSize = 64 << 10
	// lingerTime is how long a finished connection still takes in what the client writes: unread bytes would make the
	// kernel send a reset.
	lingerTime = time.Second
)

// pair is a client's connection and the one to the backend that belongs to it.
type pair struct {
	proxy      *Proxy
	number     int
	client     net.Conn
	backend    net.Conn
	statements map[string]string // of Postgres: the texts of those prepared, by name
	hasStarted bool              // of Postgres: the startup message has passed

	mu      sync.Mutex
	pending *Cut   // it waits for the backend's answer
	answer  []byte // the part of it that has come
	isCut   bool
}

// forwardRequests passes on what the client sends, one request after the other.
func (c *pair) forwardRequests() {
	defer c.backend.Close()
	buffer, chunk := []byte(nil), make([]byte, readSize)
	for {
		n, err := c.client.Read(chunk)
		buffer = append(buffer, chunk[:n]...)
		for {
			size := c.requestSize(buffer)
			if size == 0 {
				break
			}
			if !c.forward(buffer[:size]) {
				_, _ = io.Copy(io.Discard, c.client)
				return
			}
			buffer = buffer[size:]
		}
		if err != nil {
			return
		}
	}
}

// forward reports whether the request went to the backend.
func (c *pair) forward(request []byte) bool {
	c.proxy.awaitFlow()
	r := Request{Conn: c.number, Bytes: request, SQL: c.readSQL(request)}
	if met := c.proxy.pass(r); met != nil {
		if !met.After {
			c.cut(met.How)
			return false
		}
		c.mu.Lock()
		c.pending = met
		c.mu.Unlock()
	}
	_, err := c.backend.Write(request)
	return err == nil
}

// forwardAnswers passes on what the backend sends, but for an answer that a cut waits for.
func (c *pair) forwardAnswers() {
	chunk := make([]byte, readSize)
	for {
		n, err := c.backend.Read(chunk)
		c.proxy.awaitFlow()
		if n > 0 && !c.hold(chunk[:n]) {
			if _, err := c.client.Write(chunk[:n]); err != nil {
				return
			}
		}
		if err != nil {
			c.end()
			return
		}
	}
}

// end closes the client's side when the backend has closed its own; a hanging connection stays as it is.
func (c *pair) end() {
	c.mu.Lock()
	isCut := c.isCut
	c.mu.Unlock()
	if !isCut {
		_ = c.client.Close()
	}
}

// hold keeps back what belongs to an answer that the client must not read, and cuts when it is whole.
func (c *pair) hold(chunk []byte) bool {
	c.mu.Lock()
	met, isCut := c.pending, c.isCut
	if met != nil {
		c.answer = append(c.answer, chunk...)
	}
	isWhole := met != nil && (c.proxy.protocol == Raw || isReady(c.answer))
	c.mu.Unlock()
	if isWhole {
		c.cut(met.How)
	}
	return met != nil || isCut
}

func (c *pair) cut(how How) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = true
	switch how {
	case Hang:
		return
	case Reset:
		reset(c.client)
	case Finish:
		finish(c.client)
	}
	_ = c.backend.Close()
}

func reset(client net.Conn) {
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // so that Close sends a reset
	}
	_ = client.Close()
}

func finish(client net.Conn) {
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = client.SetReadDeadline(time.Now().Add(lingerTime))
	time.AfterFunc(lingerTime, func() { _ = client.Close() })
}
