package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// Watch bounds the streams of GET /v1/sends/{id}/watch. A zero field has its default.
type Watch struct {
	Every     time.Duration // between two polls of the send; 500 ms
	Heartbeat time.Duration // between two heartbeats, so that no proxy closes an idle stream; 15 s
	Longest   time.Duration // the longest life of a stream; the client reconnects; 5 min
	Streams   int           // the most open streams of this process; 500
}

func (w Watch) orDefaults() Watch {
	return Watch{
		Every:     cmp.Or(w.Every, 500*time.Millisecond),
		Heartbeat: cmp.Or(w.Heartbeat, 15*time.Second),
		Longest:   cmp.Or(w.Longest, 5*time.Minute),
		Streams:   cmp.Or(w.Streams, 500),
	}
}

// writeTimeout bounds the write of an event to a slow client. It is less than the time that a stop of the program waits for
// requests.
const writeTimeout = 2 * time.Second

// retryField is a field of the protocol: after the end of a stream the client waits 2,000 ms before it reconnects.
const retryField = "retry: 2000\n\n"

// heartbeatComment is a comment of the protocol. Clients ignore it.
const heartbeatComment = ":\n\n"

// WatchSend answers GET /v1/sends/{id}/watch. An error before the first event is answered with a problem document. A later error
// ends the stream.
func (s *server) WatchSend(c *gin.Context) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.fail(c, &backstop.Error{Code: backstop.TryLater, Message: "too many sends are being watched: try again later"})
		return
	}
	ctx, end := context.WithTimeout(c.Request.Context(), s.watch.Longest)
	defer end()
	go func() {
		select {
		case <-s.stopping:
			end()
		case <-ctx.Done():
		}
	}()
	if err := s.checkSees(ctx, canonicalID(c.Param("id"))); err != nil {
		s.fail(c, err)
		return
	}
	w := &watcher{server: s, id: canonicalID(c.Param("id")), seen: c.GetHeader("Last-Event-ID")}
	event, err := w.poll(ctx)
	if err != nil {
		s.fail(c, err)
		return
	}
	out, err := newStream(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	defer out.close()
	if err := w.stream(ctx, out, event); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "stopped watching", "error", err, requestIDKey, c.GetString(requestIDKey))
	}
}

// watcher is one client that watches one send.
type watcher struct {
	*server

	id   string
	seen string // the id of the client's newest event: a revision
}

// poll returns the next event, or nil if the send has not changed since the client's newest event. poll reads the revision
// before the send. If the send changes in between, the event has the new send with the old id, and the next poll sends it again
// with the new id.
func (w *watcher) poll(ctx context.Context) ([]byte, error) {
	revision, err := w.sends.Revision(ctx, w.id)
	if err != nil {
		return nil, err
	}
	id := strconv.Itoa(revision)
	if id == w.seen {
		return nil, nil
	}
	if ctx, err = w.readmit(ctx); err != nil {
		return nil, err
	}
	send, err := w.loadSend(ctx, w.id)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(send)
	if err != nil {
		return nil, fmt.Errorf("write the send: %w", err)
	}
	w.seen = id
	return fmt.Appendf(nil, "id: %s\nevent: send\ndata: %s\n\n", id, data), nil
}

// stream sends the first event, and then the later ones until ctx is done, or until the caller may not read the send any more.
func (w *watcher) stream(ctx context.Context, out stream, event []byte) error {
	looks, beats := time.NewTicker(w.watch.Every), time.NewTicker(w.watch.Heartbeat)
	defer looks.Stop()
	defer beats.Stop()
	due := append([]byte(retryField), event...)
	for {
		err := out.send(due)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-beats.C:
			due = []byte(heartbeatComment)
			if _, err := w.readmit(ctx); err != nil {
				return err
			}
		case <-looks.C:
			if due, err = w.poll(ctx); err != nil {
				return err
			}
		}
	}
}

// stream is an answer that outlives the server's time-outs, ReadTimeout and WriteTimeout.
type stream struct {
	writer  gin.ResponseWriter
	control *http.ResponseController
}

func newStream(c *gin.Context) (stream, error) {
	s := stream{writer: c.Writer, control: http.NewResponseController(c.Writer)}
	// The server detects a disconnected client by reading, so the read deadline must go.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return s, fmt.Errorf("remove read deadline: %w", err)
	}
	c.Header("Content-Type", "text/event-stream")
	c.Header("X-Accel-Buffering", "no") // else nginx buffers the events
	return s, nil
}

// send writes bytes and flushes them. It removes the write deadline again, because over HTTP/2 a deadline also ends an idle
// stream.
func (s stream) send(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("set write deadline: %w", err)
	}
	if _, err := s.writer.Write(b); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if err := s.control.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("remove write deadline: %w", err)
	}
	return nil
}

// close sets a deadline for the server's own last write.
func (s stream) close() { _ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) }
