package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo starts a server that answers each line with the same line and sends it to lines.
func echo(t *testing.T) (address string, lines <-chan string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	got := make(chan string, 10)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				scanner := bufio.NewScanner(connection)
				for scanner.Scan() {
					got <- scanner.Text()
					_, _ = io.WriteString(connection, scanner.Text()+"\n")
				}
				_ = connection.Close()
			}()
		}
	}()
	return listener.Addr().String(), got
}

func dialWire(t *testing.T) (*wire, net.Conn, <-chan string) {
	t.Helper()
	address, lines := echo(t)
	w, err := newWire(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(w.close)
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", w.address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	require.NoError(t, connection.SetDeadline(time.Now().Add(10*time.Second)))
	require.Equal(t, "hello\n", ask(t, connection, "hello"))
	require.Equal(t, "hello", <-lines)
	return w, connection, lines
}

func ask(t *testing.T, connection net.Conn, line string) string {
	t.Helper()
	_, err := io.WriteString(connection, line+"\n")
	require.NoError(t, err)
	answer, err := bufio.NewReader(connection).ReadString('\n')
	require.NoError(t, err)
	return answer
}

func TestWire_cut(t *testing.T) {
	t.Parallel()
	w, connection, _ := dialWire(t)
	w.cut(false)
	_, err := connection.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)

	w, connection, _ = dialWire(t)
	w.cut(true)
	_, err = connection.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

// TestWire_lose: the server gets the request, and the answer is lost.
func TestWire_lose(t *testing.T) {
	t.Parallel()
	w, connection, lines := dialWire(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		loseFor(context.Background(), w, fault{Kind: losePostgres, Length: 100 * time.Millisecond})
	}()
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.gates[toClient] != nil
	}, time.Second, time.Millisecond)
	_, err := io.WriteString(connection, "commit\n")
	require.NoError(t, err)
	require.Equal(t, "commit", <-lines)
	_, err = connection.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	<-ended
}

func TestWire_stall(t *testing.T) {
	t.Parallel()
	w, connection, _ := dialWire(t)
	release := w.hold(toServer, toClient)
	time.AfterFunc(50*time.Millisecond, release)
	began := time.Now()
	require.Equal(t, "late\n", ask(t, connection, "late"))
	require.GreaterOrEqual(t, time.Since(began), 50*time.Millisecond)
}

func TestFront(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		_, _ = w.Write(append([]byte(r.Header.Get("X-Hub-Signature-256")+" "), body...))
	}))
	defer backend.Close()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	f, err := startFront(t.Context(), []string{dead.Listener.Addr().String(), backend.Listener.Addr().String()})
	require.NoError(t, err)
	defer f.close()
	post := func() (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+"/webhooks/meta", strings.NewReader(metaBody))
		require.NoError(t, err)
		request.Header.Set("X-Hub-Signature-256", "sha256=1")
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(answer)
	}
	for range 2 { // each backend is first once
		got, answer := post()
		require.Equal(t, http.StatusOK, got)
		require.Equal(t, "sha256=1 "+metaBody, answer)
	}
	require.Len(t, f.recordedReports(), 4)
	require.False(t, f.recordedReports()[3].Acked.IsZero())

	status = http.StatusInternalServerError
	got, _ := post()
	require.Equal(t, http.StatusInternalServerError, got)
	require.True(t, f.recordedReports()[4].Acked.IsZero(), "only 2xx acknowledges")

	f.refuses.Store(true)
	status = http.StatusOK
	got, _ = post()
	require.Equal(t, http.StatusServiceUnavailable, got)
	require.True(t, f.recordedReports()[6].Acked.IsZero())
	require.False(t, f.recordedReports()[6].Arrived.IsZero())
	f.refuses.Store(false)

	f.doubles.Store(true)
	_, _ = post()
	require.Len(t, f.recordedReports(), 12, "a webhook of two receipts, twice")
	f.doubles.Store(false)

	f.loses.Store(true)
	got, _ = post()
	require.Equal(t, http.StatusBadGateway, got)
	require.False(t, f.recordedReports()[13].Acked.IsZero(), "it was acknowledged, and the acknowledgement lost")
}

const metaBody = `{"entry": [{"changes": [{"value": {"statuses": [
	{"id": "wamid.1", "status": "sent", "recipient_id": "447400123403", "biz_opaque_callback_data": "a.1"},
	{"id": "wamid.1", "status": "failed", "recipient_id": "447400123403", "biz_opaque_callback_data": "a.1", "errors": [{"code": 131026}]}
]}}]}]}`

func TestReadWebhook(t *testing.T) {
	t.Parallel()
	read := func(target, body string) []report {
		u, err := url.Parse(target)
		require.NoError(t, err)
		return readWebhook(u, []byte(body))
	}
	require.Equal(t, []report{
		{Provider: meta, MessageID: "wamid.1", Ref: "a.1", Status: sent, To: "+447400123403"},
		{Provider: meta, MessageID: "wamid.1", Ref: "a.1", Status: failed, Code: "131026", To: "+447400123403"},
	}, read("/webhooks/meta", metaBody))
	require.Equal(t, []report{
		{Provider: twilio, MessageID: "SM1", Ref: "a.2", Status: failed, Code: "30003", To: "+447400123403"},
	}, read("/webhooks/twilio?ref=a.2", "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003&To=%2B447400123403"))
	const results = `{"results": [
		{"messageId": "a.103", "callbackData": "a.103", "to": "447400123403", "status": {"groupName": "PENDING"}, "error": {"name": "NO_ERROR"}},
		{"messageId": "a.103", "callbackData": "a.103", "to": "447400123403", "status": {"groupName": "DELIVERED"}, "error": {"name": "NO_ERROR"}},
		{"messageId": "a.5", "callbackData": "a.5", "to": "447400123403", "status": {"groupName": "UNDELIVERABLE"},
			"error": {"name": "EC_CONTENT_BLOCKED"}}
	]}`
	require.Equal(t, []report{
		{Provider: infobip, MessageID: "a.103", Ref: "a.103", Status: sent, To: "+447400123403"},
		{Provider: infobip, MessageID: "a.103", Ref: "a.103", Status: delivered, To: "+447400123403"},
		{Provider: infobip, MessageID: "a.5", Ref: "a.5", Status: failed, Code: "EC_CONTENT_BLOCKED", To: "+447400123403"},
	}, read("/webhooks/infobip/infobip-spare/key", results))
	require.Empty(t, read("/webhooks/infobip/infobip-spare/key", "{"))
	require.Empty(t, read("/webhooks/meta", "{"))
	require.Empty(t, read("/webhooks/other", "{}"))
}
