package providertest

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patient is the timeout of a call that should not run into it.
const longTimeout = 30 * time.Second

// origin is the provider's side: it counts the requests that arrived whole.
type fakeProvider struct {
	URL      string
	requests atomic.Int32
}

// serve starts a provider that answers with handle, after it has read the request whole.
func serveProvider(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, body []byte)) *fakeProvider {
	t.Helper()
	var o fakeProvider
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has gone: that was no whole request
		}
		o.requests.Add(1)
		handle(w, r, body)
	}))
	t.Cleanup(server.Close)
	o.URL = server.URL
	return &o
}

// reply starts a provider that always gives this answer.
func serveReply(t *testing.T, answer Reply) *fakeProvider {
	t.Helper()
	return serveProvider(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) { answer.write(w) })
}

func (a Reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // the client may have read enough
}

// with returns the answer with one more header.
func (a Reply) withHeader(name, value string) Reply {
	header := a.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set(name, value)
	a.Header = header
	return a
}

// listen starts a server below HTTP: handle gets each connection and need not close it.
func serveTCP(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = connection.Close() }()
				handle(connection)
			}()
		}
	}()
	return listener.Addr().String()
}
