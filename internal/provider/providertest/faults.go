package providertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// shortTimeout is for calls that must time out.
const shortTimeout = 500 * time.Millisecond

func runFaults(t *testing.T, d Driver) {
	t.Helper()
	t.Run("not sent", func(t *testing.T) { t.Parallel(); testNotSent(t, d) })
	t.Run("hang", func(t *testing.T) { t.Parallel(); testHang(t, d) })
	t.Run("cut", func(t *testing.T) { t.Parallel(); testCut(t, d) })
	t.Run("cancelled", func(t *testing.T) { t.Parallel(); testCancelled(t, d) })
	t.Run("kept connection", func(t *testing.T) { t.Parallel(); testKeptConnection(t, d) })
}

func testNotSent(t *testing.T, d Driver) {
	t.Helper()
	refuse := func(t *testing.T, baseURL string) {
		t.Helper()
		_, send := d.open(t, baseURL, shortTimeout)
		_, err := send(t.Context())
		d.checkFailure(t, err, backstop.Unavailable)
	}
	t.Run("nothing listens", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		refuse(t, server.URL)
	})
	t.Run("certificate unknown", func(t *testing.T) {
		t.Parallel()
		var count atomic.Int32
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { count.Add(1) }))
		server.Config.ErrorLog = discardLogger()
		server.StartTLS()
		t.Cleanup(server.Close)
		refuse(t, server.URL)
		require.Zero(t, count.Load())
	})
	t.Run("no TLS there", func(t *testing.T) {
		t.Parallel()
		address := serveTCP(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
		refuse(t, "https://"+address)
	})
	t.Run("handshake hangs", func(t *testing.T) {
		t.Parallel()
		refuse(t, "https://"+serveTCP(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }))
	})
	t.Run("handshake cut", func(t *testing.T) {
		t.Parallel()
		refuse(t, "https://"+serveTCP(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }))
	})
}

// readRequest reads one request to its end. It returns false if the request is not complete.
func readRequest(r *bufio.Reader) bool {
	request, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, request.Body)
	return err == nil
}

// serveBroken starts a server that reads a request and writes a part of an answer. Then the server hangs, or closes the
// connection: with a reset if abrupt. serveBroken returns the URL and the count of requests.
func serveBroken(t *testing.T, written string, hang, abrupt bool) (string, *atomic.Int32) {
	t.Helper()
	var count atomic.Int32
	address := serveTCP(t, func(c net.Conn) {
		if !readRequest(bufio.NewReader(c)) {
			return
		}
		count.Add(1)
		_, _ = io.WriteString(c, written)
		if hang {
			_, _ = io.Copy(io.Discard, c) // until the client closes the connection
		}
		if tcp, ok := c.(*net.TCPConn); ok && abrupt {
			_ = tcp.SetLinger(0)
		}
	})
	return "http://" + address, &count
}

// partialAnswers returns incomplete answers, by the place where they end.
func (d Driver) partialAnswers() map[string]string {
	good := d.Accepted("id-1")
	head := fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n", good.Status, len(good.Body))
	return map[string]string{
		"before the answer":    "",
		"in the status line":   "HTTP/1.1 2",
		"in the header":        "HTTP/1.1 200 OK\r\nContent-Le",
		"after the header":     head,
		"in the body":          head + good.Body[:len(good.Body)/2],
		"before the last byte": head + good.Body[:len(good.Body)-1],
		"in a chunk":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + good.Body,
		"before the last chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n", len(good.Body), good.Body),
	}
}

func testHang(t *testing.T, d Driver) {
	t.Helper()
	for name, written := range d.partialAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			baseURL, count := serveBroken(t, written, true, false)
			_, send := d.open(t, baseURL, shortTimeout)
			started := time.Now()
			_, err := send(t.Context())
			d.checkFailure(t, err, backstop.Unknown)
			require.Less(t, time.Since(started), longTimeout/2)
			require.EqualValues(t, 1, count.Load())
		})
	}
}

func testCut(t *testing.T, d Driver) {
	t.Helper()
	answers := d.partialAnswers()
	answers["after nonsense"] = "220 " + To + " ESMTP\r\n"
	answers["after another protocol"] = "HTTP/9.9 200 " + To + "\r\n\r\n"
	answers["after an endless header"] = "HTTP/1.1 200 OK\r\nX: " + string(make([]byte, 1<<20))
	for name, written := range answers {
		for how, abrupt := range map[string]bool{"closed": false, "reset": true} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				baseURL, count := serveBroken(t, written, false, abrupt)
				_, send := d.open(t, baseURL, longTimeout)
				_, err := send(t.Context())
				d.checkFailure(t, err, backstop.Unknown)
				require.EqualValues(t, 1, count.Load())
			})
		}
	}
}

func testCancelled(t *testing.T, d Driver) {
	t.Helper()
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		server := serveReply(t, d.Accepted("id-1"))
		_, send := d.open(t, server.URL, longTimeout)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := send(ctx)
		d.checkFailure(t, err, backstop.Unavailable)
		require.Zero(t, server.requests.Load())
	})
	t.Run("during", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		server := serveProvider(t, func(_ http.ResponseWriter, r *http.Request, _ []byte) {
			cancel()
			<-r.Context().Done()
		})
		_, send := d.open(t, server.URL, longTimeout)
		_, err := send(ctx)
		d.checkFailure(t, err, backstop.Unknown)
		require.EqualValues(t, 1, server.requests.Load())
	})
	t.Run("deadline", func(t *testing.T) {
		t.Parallel()
		server := serveProvider(t, func(_ http.ResponseWriter, r *http.Request, _ []byte) { <-r.Context().Done() })
		_, send := d.open(t, server.URL, longTimeout)
		ctx, cancel := context.WithTimeout(t.Context(), shortTimeout)
		defer cancel()
		_, err := send(ctx)
		d.checkFailure(t, err, backstop.Unknown)
		require.EqualValues(t, 1, server.requests.Load())
	})
}

// testKeptConnection: if a connection breaks at its second request, Go's transport may repeat the request by itself. The
// driver must prevent that.
func testKeptConnection(t *testing.T, d Driver) {
	t.Helper()
	good := d.Accepted("id-1")
	answer := fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%s", good.Status, len(good.Body), good.Body)

	// second sends one message to a server that answers the first request of a connection and then calls then.
	second := func(t *testing.T, then func(c net.Conn, r *bufio.Reader, count *atomic.Int32)) (Send, *atomic.Int32) {
		t.Helper()
		var count atomic.Int32
		address := serveTCP(t, func(c net.Conn) {
			r := bufio.NewReader(c)
			if !readRequest(r) {
				return
			}
			count.Add(1)
			_, _ = io.WriteString(c, answer)
			then(c, r, &count)
		})
		_, send := d.open(t, "http://"+address, longTimeout)
		_, err := send(t.Context())
		require.NoError(t, err)
		return send, &count
	}
	for how, abrupt := range map[string]bool{"closed": false, "reset": true} {
		if d.OwnConnections {
			break // no connection has a second request
		}
		t.Run("second request "+how, func(t *testing.T) {
			t.Parallel()
			send, count := second(t, func(c net.Conn, r *bufio.Reader, count *atomic.Int32) {
				if readRequest(r) {
					count.Add(1)
				}
				if tcp, ok := c.(*net.TCPConn); ok && abrupt {
					_ = tcp.SetLinger(0)
				}
			})
			_, err := send(t.Context())
			d.checkFailure(t, err, backstop.Unknown)
			require.EqualValues(t, 2, count.Load(), "the second request must not be sent again")
		})
	}
	t.Run("closed while idle", func(t *testing.T) {
		t.Parallel()
		closed := make(chan struct{}, 2)
		send, count := second(t, func(c net.Conn, _ *bufio.Reader, _ *atomic.Int32) {
			_ = c.Close()
			closed <- struct{}{}
		})
		<-closed
		time.Sleep(shortTimeout) // until the client has read the end of the connection
		_, err := send(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, count.Load())
	})
}
