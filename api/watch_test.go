package api_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// patience is how long a test waits for an event that must come.
const patience = 10 * time.Second

// requestBound is the time-out of an ordinary request. A stream must outlive it.
const requestBound = time.Second

// watched is an API on a real server, with one send in it.
type watched struct {
	*rig

	url string // of the send
}

func newWatched(t *testing.T, change ...func(*api.Options)) *watched {
	t.Helper()
	w := &watched{rig: newRig(t, append([]func(*api.Options){func(o *api.Options) {
		o.Watch.Every = time.Millisecond
	}}, change...)...)}
	w.sends = []backstop.Send{{
		ID: someID, To: "+447400123456", Outcome: backstop.OutcomePending, Status: backstop.Statuses{WhatsApp: backstop.Queued}, AcceptedAt: now,
	}}
	w.revision = 3
	server := httptest.NewUnstartedServer(w.handler)
	// Far below a test's length, and long enough for a machine under load to read a request.
	server.Config.ReadTimeout, server.Config.WriteTimeout = requestBound, requestBound
	server.Start()
	t.Cleanup(server.Close)
	w.url = server.URL + "/v1/sends/" + someID
	return w
}

// watching is an open stream.
type watching struct {
	*http.Response

	lines *bufio.Reader
	leave func()
}

func (w *watched) open(t *testing.T, headers ...string) *watching {
	t.Helper()
	ctx, leave := context.WithTimeout(t.Context(), patience)
	t.Cleanup(leave)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/watch", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	for i := 0; i < len(headers); i += 2 {
		if request.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			request.Header.Del(headers[i])
		}
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return &watching{Response: response, lines: bufio.NewReader(response.Body), leave: leave}
}

// block reads up to the next empty line.
func (w *watching) block(t *testing.T) string {
	t.Helper()
	var block string
	for {
		line, err := w.lines.ReadString('\n')
		require.NoError(t, err)
		if line == "\n" {
			return block
		}
		block += line
	}
}

// event asserts that the next block is an event, and returns its id and data.
func (w *watching) event(t *testing.T) (id, data string) {
	t.Helper()
	lines := strings.SplitN(w.block(t), "\n", 3)
	require.Len(t, lines, 3)
	id, isID := strings.CutPrefix(lines[0], "id: ")
	require.True(t, isID, lines)
	require.Equal(t, "event: send", lines[1])
	data, isData := strings.CutPrefix(lines[2], "data: ")
	require.True(t, isData, lines)
	return id, strings.TrimSuffix(data, "\n")
}

// rest reads the stream to its end and asserts that the end is regular: by the last chunk.
func (w *watching) rest(t *testing.T) string {
	t.Helper()
	rest, err := io.ReadAll(w.lines)
	require.NoError(t, err)
	return string(rest)
}

func TestWatchSend(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	stream := w.open(t)
	require.Equal(t, 200, stream.StatusCode)
	require.Equal(t, "text/event-stream", stream.Header.Get("Content-Type"))
	require.Equal(t, "no-store", stream.Header.Get("Cache-Control"))
	require.Equal(t, "no", stream.Header.Get("X-Accel-Buffering"))
	require.Equal(t, "retry: 2000\n", stream.block(t))
	id, data := stream.event(t)
	require.Equal(t, "3", id)
	require.JSONEq(t, w.call(t, "GET", "/v1/sends/"+someID, "").Body.String(), data)

	time.Sleep(requestBound * 3 / 2) // many polls find nothing new meanwhile
	w.change(backstop.Delivered)
	id, data = stream.event(t)
	require.Equal(t, "4", id)
	require.Contains(t, data, `"whatsapp":{"status":"delivered"}`)
	w.change(backstop.Read)
	id, _ = stream.event(t)
	require.Equal(t, "5", id)
}

func TestWatchSend_Cookie(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/watch", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Cookie", w.signIn(t))
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)
	require.NoError(t, response.Body.Close())
}

func TestWatchSend_LastEventID(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	for _, other := range []string{"2", "4", "x", "03"} {
		stream := w.open(t, "Last-Event-ID", other)
		stream.block(t)
		id, _ := stream.event(t)
		require.Equal(t, "3", id)
	}
	stream := w.open(t, "Last-Event-ID", "3")
	require.Equal(t, "retry: 2000\n", stream.block(t))
	w.change(backstop.Sent)
	id, data := stream.event(t)
	require.Equal(t, "4", id)
	require.Contains(t, data, `"sent"`)
}

func TestWatchSend_Heartbeat(t *testing.T) {
	t.Parallel()
	w := newWatched(t, func(o *api.Options) { o.Watch.Heartbeat = 20 * time.Millisecond })
	stream := w.open(t, "Last-Event-ID", "3")
	stream.block(t)
	for range 5 {
		require.Equal(t, ":\n", stream.block(t), "and no event")
	}
}

func TestWatchSend_Refused(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	path := "/v1/sends/" + someID + "/watch"
	w.call(t, "GET", strings.Replace(path, someID, newID(), 1), "").problem(404, "not_found")
	w.call(t, "GET", path, "", "Authorization", "").problem(401, "unauthorized")
	w.call(t, "GET", "/v1/sends/7/watch", "").problem(400, "malformed", "id")
	w.call(t, "GET", path, "", "Last-Event-ID", strings.Repeat("1", 33)).problem(400, "malformed", "Last-Event-ID")
	w.call(t, "GET", path+"?from=3", "").problem(400, "malformed", "from")
	w.call(t, "POST", path, "").problem(405, "method_not_allowed")
	w.away = &backstop.Error{Code: backstop.TryLater, Message: "later"}
	require.NotEmpty(t, w.call(t, "GET", path, "").Header().Get("Retry-After"))
}

func TestWatchSend_Longest(t *testing.T) {
	t.Parallel()
	w := newWatched(t, func(o *api.Options) { o.Watch.Longest = requestBound * 3 / 2 })
	stream := w.open(t, "Last-Event-ID", "3")
	require.Equal(t, "retry: 2000\n\n", stream.rest(t))
}

// TestWatchSend_Streams: the number of streams is limited, and the end of a stream allows another.
func TestWatchSend_Streams(t *testing.T) {
	t.Parallel()
	w := newWatched(t, func(o *api.Options) { o.Watch.Streams = 2 })
	first := w.open(t)
	second := w.open(t)
	for range 2 {
		third := w.open(t)
		require.Equal(t, 503, third.StatusCode)
		require.NotEmpty(t, third.Header.Get("Retry-After"))
		require.Contains(t, third.rest(t), `"unavailable"`)
	}
	first.leave()
	require.Eventually(t, func() bool { return w.open(t).StatusCode == http.StatusOK }, patience, time.Millisecond)
	second.block(t)
	second.event(t)
}

func TestWatchSend_Stopping(t *testing.T) {
	t.Parallel()
	stopping := make(chan struct{})
	w := newWatched(t, func(o *api.Options) { o.Stopping = stopping })
	streams := []*watching{w.open(t), w.open(t)}
	began := time.Now()
	close(stopping)
	for _, stream := range streams {
		stream.rest(t)
	}
	require.Less(t, time.Since(began), patience)
}

// TestWatchSend_Away: if the database goes away, the stream ends. The client reconnects by itself.
func TestWatchSend_Away(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	stream := w.open(t)
	stream.block(t)
	stream.event(t)
	w.lose(&backstop.Error{Code: backstop.TryLater, Message: "later"})
	require.Empty(t, stream.rest(t))
	require.Equal(t, 503, w.open(t).StatusCode)
	require.Contains(t, w.logs.String(), "stopped watching")
	w.lose(nil)
	require.Equal(t, 200, w.open(t).StatusCode)
}

// TestWatchSend_Race: a change during a poll is sent twice, and never missed.
func TestWatchSend_Race(t *testing.T) {
	t.Parallel()
	var w *watched
	w = newWatched(t, func(o *api.Options) {
		o.Sends = &overtaken{Sends: o.Sends, before: func() { w.change(backstop.Read) }}
	})
	stream := w.open(t)
	stream.block(t)
	for _, want := range []string{"3", "4"} {
		id, data := stream.event(t)
		require.Equal(t, want, id)
		require.Contains(t, data, `"read"`)
	}
}

// overtaken is a store in which a change happens once, between two queries.
type overtaken struct {
	api.Sends

	before func()
	done   bool
}

func (o *overtaken) Send(ctx context.Context, id string) (backstop.Send, error) {
	if !o.done {
		o.done = true
		o.before()
	}
	return o.Sends.Send(ctx, id)
}

// TestWatchSend_Slow: the stream of a client that reads nothing ends, and allows another.
func TestWatchSend_Slow(t *testing.T) {
	t.Parallel()
	w := newWatched(t, func(o *api.Options) {
		o.Watch.Streams = 1
		o.Sends = restless{o.Sends}
	})
	w.events = []backstop.Event{{Kind: backstop.EventAccepted, At: now, Detail: strings.Repeat("x", 1<<20)}}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.Split(w.url, "/")[2])
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	_, err = io.WriteString(conn, "GET /v1/sends/"+someID+"/watch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+apiKey+"\r\n\r\n")
	require.NoError(t, err)
	line, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200 OK\r\n", line)
	require.Equal(t, 503, w.open(t).StatusCode)
	require.Eventually(t, func() bool { return w.open(t).StatusCode == http.StatusOK }, patience, 20*time.Millisecond)
}

// restless is a store in which every poll finds a change.
type restless struct{ api.Sends }

func (r restless) Revision(context.Context, string) (int, error) {
	return int(time.Now().UnixNano()), nil
}
