package cutproxy

import (
	"io"
	"net"
	"sync"
	"time"
)

const (
	readSize = 64 << 10
	// resetTime is the time from Finish until the connection is closed. Until then the proxy reads from the client, because
	// closing with unread bytes would make the kernel send a reset.
	resetTime = time.Second
)

// connPair is a client's connection and its connection to the backend.
type connPair struct {
	proxy      *Proxy
	number     int
	client     net.Conn
	backend    net.Conn
	statements map[string]string // Postgres only: the texts of the prepared statements, by name
	hasStarted bool              // Postgres only: the startup message was forwarded

	mu      sync.Mutex
	pending *Cut   // the cut that waits for the backend's answer
	answer  []byte // the part of that answer that was received
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

// forward sends a request to the backend. It returns false if a cut prevents that or if the write fails.
func (c *connPair) forward(request []byte) bool {
	c.proxy.awaitFlow()
	r := Request{Conn: c.number, Bytes: request, SQL: c.readSQL(request)}
	if cut := c.proxy.nextCut(r); cut != nil {
		if !cut.After {
			c.cut(cut.How)
			return false
		}
		c.mu.Lock()
		c.pending = cut
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

// closeClient closes the client's connection after the backend has closed its connection. After a cut it does nothing: the
// cut has closed the connection, or the connection must hang.
func (c *connPair) closeClient() {
	c.mu.Lock()
	isCut := c.isCut
	c.mu.Unlock()
	if !isCut {
		_ = c.client.Close()
	}
}

// holdBack reports whether the client must not read a chunk. When the answer of a pending cut is complete, holdBack cuts the
// connection.
func (c *connPair) holdBack(chunk []byte) bool {
	c.mu.Lock()
	pending, isCut := c.pending, c.isCut
	if pending != nil {
		c.answer = append(c.answer, chunk...)
	}
	isWhole := pending != nil && (c.proxy.protocol == Raw || isReady(c.answer))
	c.mu.Unlock()
	if isWhole {
		c.cut(pending.How)
	}
	return pending != nil || isCut
}

// cut ends both connections. With Hang they stay open without bytes.
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

// resetConn closes a connection with a reset.
func resetConn(client net.Conn) {
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // so that Close sends a reset
	}
	_ = client.Close()
}

// finishConn ends a connection without a reset: the client reads EOF.
func finishConn(client net.Conn) {
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = client.SetReadDeadline(time.Now().Add(resetTime))
	time.AfterFunc(resetTime, func() { _ = client.Close() })
}
