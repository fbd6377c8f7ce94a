package cutproxy

import (
	"io"
	"net"
	"sync"
	"time"
)

const (
	readSize = 64 << 10
	// resetTime is how long a finished connection still reads from the client. Unread bytes would make the kernel send a
	// reset.
	resetTime = time.Second
)

// pair is a client's connection and its connection to the backend.
type connPair struct {
	proxy      *Proxy
	number     int
	client     net.Conn
	backend    net.Conn
	statements map[string]string // of Postgres: the texts of the prepared statements, by name
	hasStarted bool              // of Postgres: the startup message has passed

	mu      sync.Mutex
	pending *Cut   // the cut that waits for the backend's answer
	answer  []byte // the received part of that answer
	isCut   bool
}

// forwardRequests forwards the client's requests, one after the other.
func (c *connPair) forwardRequests() {
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

// forward sends a request to the backend, and reports whether it did. It does not if the request meets a cut.
func (c *connPair) forward(request []byte) bool {
	c.proxy.awaitFlow()
	r := Request{Conn: c.number, Bytes: request, SQL: c.readSQL(request)}
	if met := c.proxy.nextCut(r); met != nil {
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

// forwardAnswers forwards the backend's answers, except an answer that a cut waits for.
func (c *connPair) forwardAnswers() {
	chunk := make([]byte, readSize)
	for {
		n, err := c.backend.Read(chunk)
		c.proxy.awaitFlow()
		if n > 0 && !c.holdBack(chunk[:n]) {
			if _, err := c.client.Write(chunk[:n]); err != nil {
				return
			}
		}
		if err != nil {
			c.closeClient()
			return
		}
	}
}

// end closes the client's connection when the backend has closed its own. A hanging connection stays open.
func (c *connPair) closeClient() {
	c.mu.Lock()
	isCut := c.isCut
	c.mu.Unlock()
	if !isCut {
		_ = c.client.Close()
	}
}

// hold reports whether the client must not read a chunk. When the answer of a pending cut is whole, hold cuts the connection.
func (c *connPair) holdBack(chunk []byte) bool {
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

func (c *connPair) cut(how How) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isCut = true
	switch how {
	case Hang:
		return
	case Reset:
		resetConn(c.client)
	case Finish:
		finishConn(c.client)
	}
	_ = c.backend.Close()
}

func resetConn(client net.Conn) {
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // so that Close sends a reset
	}
	_ = client.Close()
}

func finishConn(client net.Conn) {
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = client.SetReadDeadline(time.Now().Add(resetTime))
	time.AfterFunc(resetTime, func() { _ = client.Close() })
}
