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

// longTimeout is for calls that must not time out.
const longTimeout = 30 * time.Second

// fakeProvider is a server in the place of the provider. It counts the complete requests.
type fakeProvider struct {
	URL      string
	requests atomic.Int32
}

// serveProvider starts a provider that reads a whole request and then answers with handle.
func serveProvider(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, body []byte)) *fakeProvider {
	t.Helper()
	var o fakeProvider
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has disconnected: the request is not complete
		}
		o.requests.Add(1)
		handle(w, r, body)
	}))
	t.Cleanup(server.Close)
	o.URL = server.URL
	return &o
}

// serveReply starts a provider that always gives this answer.
func serveReply(t *testing.T, answer Reply) *fakeProvider {
	t.Helper()
	return serveProvider(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) { answer.write(w) })
}

func (a Reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body) // the client may have stopped reading
}

// withHeader returns the answer with one more header.
func (a Reply) withHeader(name, value string) Reply {
	header := a.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set(name, value)
	a.Header = header
	return a
}

// serveTCP starts a TCP server. It calls handle for each connection, and closes the connection afterwards.
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
