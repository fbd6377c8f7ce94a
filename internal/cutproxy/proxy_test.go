package cutproxy_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/cutproxy"
)

func start(t *testing.T, backend string, protocol cutproxy.Protocol) *cutproxy.Proxy {
	t.Helper()
	p, err := cutproxy.Start(t.Context(), backend, protocol)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// startSite starts an HTTP server that counts its requests.
func startSite(t *testing.T) (address string, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		_, _ = io.WriteString(w, "hello")
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), reached
}

// post sends a POST, because net/http retries a GET.
func post(ctx context.Context, client *http.Client, address, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path, strings.NewReader("x"))
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 5 * time.Second}
}

func TestProxy_http(t *testing.T) {
	t.Parallel()
	paid := func(r cutproxy.Request) bool { return bytes.Contains(r.Bytes, []byte("/pay")) }
	for name, c := range map[string]struct {
		cut     cutproxy.Cut
		err     error
		reached int64
	}{
		"reset before the request": {cutproxy.Cut{Match: paid}, syscall.ECONNRESET, 0},
		"reset after the answer":   {cutproxy.Cut{Match: paid, After: true}, syscall.ECONNRESET, 1},
		"end before the request":   {cutproxy.Cut{Match: paid, How: cutproxy.Finish}, io.EOF, 0},
		"end after the answer":     {cutproxy.Cut{Match: paid, How: cutproxy.Finish, After: true}, io.EOF, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, reached := startSite(t)
			proxy := start(t, address, cutproxy.Raw)
			done := proxy.On(c.cut)
			client := newClient(t)

			body, err := post(t.Context(), client, proxy.Addr(), "/look")
			require.NoError(t, err)
			require.Equal(t, "hello", body)
			before := reached.Load()
			_, err = post(t.Context(), client, proxy.Addr(), "/pay")
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.reached, reached.Load()-before)
			<-done

			_, err = post(t.Context(), client, proxy.Addr(), "/pay")
			require.NoError(t, err, "only one request is cut")
			require.Equal(t, 2, proxy.Accepted())
			require.Equal(t, 3, proxy.Requests())
		})
	}
}

func TestProxy_hang(t *testing.T) {
	t.Parallel()
	address, reached := startSite(t)
	proxy := start(t, address, cutproxy.Raw)
	proxy.On(cutproxy.Cut{How: cutproxy.Hang, After: true})
	client := newClient(t)
	client.Timeout = 100 * time.Millisecond
	_, err := post(t.Context(), client, proxy.Addr(), "/")
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.EqualValues(t, 1, reached.Load())
}

func TestProxy_Down_Stall(t *testing.T) {
	t.Parallel()
	address, _ := startSite(t)
	proxy := start(t, address, cutproxy.Raw)
	client := newClient(t)
	proxy.Down()
	_, err := post(t.Context(), client, proxy.Addr(), "/")
	require.Error(t, err)
	proxy.Up()
	_, err = post(t.Context(), client, proxy.Addr(), "/")
	require.NoError(t, err)

	proxy.Stall()
	answered := make(chan error, 1)
	go func() {
		_, err := post(t.Context(), client, proxy.Addr(), "/")
		answered <- err
	}()
	select {
	case err := <-answered:
		require.Fail(t, "the request did not wait", err)
	case <-time.After(100 * time.Millisecond):
	}
	proxy.Resume()
	require.NoError(t, <-answered)
}

func TestProxy_Skip_Times_Clear(t *testing.T) {
	t.Parallel()
	address, _ := startSite(t)
	proxy := start(t, address, cutproxy.Raw)
	proxy.On(cutproxy.Cut{Skip: 1, Times: 2})
	client := newClient(t)
	for _, cut := range []bool{false, true, true, false} {
		_, err := post(t.Context(), client, proxy.Addr(), "/")
		require.Equal(t, cut, err != nil)
	}
	proxy.On(cutproxy.Cut{})
	proxy.Clear()
	_, err := post(t.Context(), client, proxy.Addr(), "/")
	require.NoError(t, err)
}

// frame writes a message of the Postgres protocol.
func frame(kind byte, body string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(4+len(body)))
	return append(b, body...)
}

// TestProxy_postgres: the client writes one byte at a time, and the backend answers each request in three parts.
func TestProxy_postgres(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	go answer(listener)
	proxy := start(t, listener.Addr().String(), cutproxy.Postgres)
	var seen []string
	isDone := proxy.On(cutproxy.Cut{After: true, Match: func(r cutproxy.Request) bool {
		seen = append(seen, r.SQL)
		return strings.Contains(r.SQL, "INSERT")
	}})

	client, err := new(net.Dialer).DialContext(t.Context(), "tcp", proxy.Addr())
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	ask := func(request ...[]byte) error {
		for _, b := range bytes.Join(request, nil) { // one byte at a time
			if _, err := client.Write([]byte{b}); err != nil {
				return err
			}
		}
		_, err := io.ReadFull(client, make([]byte, len(done())))
		return err
	}
	startup := append([]byte{0, 0, 0, 15, 0, 3, 0, 0}, "user\x00u\x00"[:7]...)
	require.NoError(t, ask(startup))
	require.NoError(t, ask(frame('P', "one\x00INSERT\x00\x00\x00"), frame('D', "Sone\x00"), frame('S', "")))
	require.NoError(t, ask(frame('Q', "SELECT 1\x00")))
	require.NoError(t, ask(frame('P', "\x00SELECT 2\x00\x00\x00"), frame('B', "\x00\x00..."), frame('S', "")))
	err = ask(frame('B', "\x00one\x00..."), frame('E', "\x00\x00\x00\x00\x00"), frame('S', ""))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	<-isDone
	require.Equal(t, []string{"", "", "SELECT 1", "SELECT 2", "INSERT"}, seen)
}

func done() []byte { return append(frame('C', "INSERT 0 1\x00"), frame('Z', "I")...) }

func answer(listener net.Listener) {
	conn, err := listener.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	for chunk := make([]byte, 1<<10); ; {
		if _, err := conn.Read(chunk); err != nil {
			return
		}
		for _, part := range [][]byte{done()[:3], done()[3:12], done()[12:]} {
			_, _ = conn.Write(part)
			time.Sleep(time.Millisecond)
		}
	}
}
