package provider_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

func TestPoster_SendBare(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.RawQuery == "a=b+c" && r.Header.Get("X-Key") == "k" && r.ContentLength == 0 {
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, "0: Accepted for delivery")
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	poster := provider.NewPoster(time.Minute, nil)
	for range 3 {
		answer, err := poster.SendBare(t.Context(), http.MethodGet, server.URL+"/?a=b+c", http.Header{"X-Key": {"k"}})
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, answer.Status)
		require.Equal(t, "0: Accepted for delivery", string(answer.Body))
	}
	require.EqualValues(t, 3, connections.Load(), "a kept connection would let net/http send a request again")
}

// TestPoster_SendBare_once: a server that answers one request of a connection and breaks the connection at the next one gets
// each request once. net/http would send a GET again by itself.
func TestPoster_SendBare_once(t *testing.T) {
	t.Parallel()
	for name, abrupt := range map[string]bool{"closed": false, "reset": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			address := listen(t, func(c net.Conn) {
				r := bufio.NewReader(c)
				for {
					request, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if requests.Add(1) == 1 && request.URL.RawQuery == "answered" {
						_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
						continue
					}
					if tcp, ok := c.(*net.TCPConn); ok && abrupt {
						_ = tcp.SetLinger(0)
					}
					return
				}
			})
			poster := provider.NewPoster(time.Minute, nil)
			_, err := poster.SendBare(t.Context(), http.MethodGet, "http://"+address+"/?answered", http.Header{})
			require.NoError(t, err)
			_, err = poster.SendBare(t.Context(), http.MethodGet, "http://"+address+"/", http.Header{})
			requireKind(t, err, backstop.Unknown)
			require.EqualValues(t, 2, requests.Load())
		})
	}
}

func TestPoster_SendBare_notSent(t *testing.T) {
	t.Parallel()
	poster := provider.NewPoster(time.Second, nil)
	t.Run("nothing listens", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		_, err := poster.SendBare(t.Context(), http.MethodGet, server.URL, http.Header{})
		requireKind(t, err, backstop.Unavailable)
	})
	t.Run("handshake hangs", func(t *testing.T) {
		t.Parallel()
		address := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		_, err := poster.SendBare(t.Context(), http.MethodGet, "https://"+address, http.Header{})
		requireKind(t, err, backstop.Unavailable)
	})
	t.Run("cancelled before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := poster.SendBare(ctx, http.MethodGet, "http://127.0.0.1:1", http.Header{})
		requireKind(t, err, backstop.Unavailable)
	})
	t.Run("bad address", func(t *testing.T) {
		t.Parallel()
		_, err := poster.SendBare(t.Context(), http.MethodGet, "http://[::1", http.Header{})
		requireKind(t, err, backstop.Unavailable)
	})
	t.Run("bad header", func(t *testing.T) {
		t.Parallel()
		_, err := poster.SendBare(t.Context(), http.MethodGet, "http://127.0.0.1:1", http.Header{"X-A": {"a\r\nb"}})
		requireKind(t, err, backstop.Unavailable)
	})
}

// TestPoster_SendBare_hang: a complete request without an answer may have been sent.
func TestPoster_SendBare_hang(t *testing.T) {
	t.Parallel()
	address := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	_, err := provider.NewPoster(300*time.Millisecond, nil).SendBare(t.Context(), http.MethodGet, "http://"+address, http.Header{})
	requireKind(t, err, backstop.Unknown)
}

// lateContext is the context of a call in a process that is stopped after the connection is made: its deadline passes then, and
// the timer that ends the context has not fired yet.
type lateContext struct {
	context.Context //nolint:containedctx // lateContext is a context itself

	isLate *atomic.Bool
}

func (c lateContext) Deadline() (time.Time, bool) {
	if c.isLate.Load() {
		return time.Now().Add(-time.Millisecond), true
	}
	return time.Now().Add(30 * time.Second), true // before the timeout of the Poster, so it is the deadline of the call
}

// TestPoster_SendBare_late: nothing is written after the deadline, also if the connection is made.
func TestPoster_SendBare_late(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(server.Close)
	var isLate, isConnected atomic.Bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{ConnectDone: func(string, string, error) {
		isConnected.Store(true)
		isLate.Store(true)
	}})
	_, err := provider.NewPoster(time.Minute, nil).SendBare(lateContext{ctx, &isLate}, http.MethodGet, server.URL, http.Header{})
	requireKind(t, err, backstop.Unavailable)
	require.ErrorContains(t, err, "deadline")
	require.True(t, isConnected.Load())
	require.Zero(t, requests.Load())
}

func requireKind(t *testing.T, err error, kind backstop.FailureKind) {
	t.Helper()
	failure := new(backstop.Failure)
	require.ErrorAs(t, err, &failure)
	require.Equal(t, kind, failure.Kind, "%v", failure)
}

// listen starts a TCP server that calls handle for each connection, and closes the connection afterwards.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				handle(c)
			}()
		}
	}()
	return listener.Addr().String()
}
