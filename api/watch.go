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
	Every     time.Duration // between two looks at the send; 500 ms
	Heartbeat time.Duration // between two signs of life, so that no proxy takes the stream for dead; 15 s
	Longest   time.Duration // of a stream; the client comes back by itself; 5 min
	Streams   int           // at once in this process; 500
}

func (w Watch) orDefaults() Watch {
	return Watch{
		Every:     cmp.Or(w.Every, 500*time.Millisecond),
		Heartbeat: cmp.Or(w.Heartbeat, 15*time.Second),
		Longest:   cmp.Or(w.Longest, 5*time.Minute),
		Streams:   cmp.Or(w.Streams, 500),
	}
}

// takeTime is how long a client may take to take an event. It is less than what a program that stops gives its requests.
const takeTime = 2 * time.Second

// reconnect is how soon a client comes back when its stream has ended, in the words of the protocol.
const reconnect = "retry: 2000\n\n"

// heartbeat is a comment, which clients pass over.
const heartbeat = ":\n\n"

// WatchSend answers GET /v1/sends/{id}/watch. What is wrong before the first event is answered as everywhere; after it, the
// stream just ends.
func (s *server) WatchSend(c *gin.Context) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.fail(c, &backstop.Error{Code: backstop.TryLater, Message: "too many sends are being watched, try again later"})
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
	w := &watcher{server: s, id: canonical(c.Param("id")), seen: c.GetHeader("Last-Event-ID")}
	event, err := w.look(ctx)
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
	seen string // the revision that the client has, as an event's id
}

// look returns the event that is due, or nothing if the client has seen the send as it is. The revision is read before the
// send: should that change in between, the event is a newer one's with an older id, and the next look finds the newer id.
func (w *watcher) look(ctx context.Context) ([]byte, error) {
	revision, err := w.sends.Revision(ctx, w.id)
	if err != nil {
		return nil, err
	}
	id := strconv.Itoa(revision)
	if id == w.seen {
		return nil, nil
	}
	send, err := w.readSend(ctx, w.id)
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

// stream sends the first event, and then what follows until ctx is done.
func (w *watcher) stream(ctx context.Context, out stream, event []byte) error {
	looks, beats := time.NewTicker(w.watch.Every), time.NewTicker(w.watch.Heartbeat)
	defer looks.Stop()
	defer beats.Stop()
	due := append([]byte(reconnect), event...)
	for {
		err := out.send(due)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-beats.C:
			due = []byte(heartbeat)
		case <-looks.C:
			if due, err = w.look(ctx); err != nil {
				return err
			}
		}
	}
}

// stream is an answer that goes on, past the bounds that the server sets for the others.
type stream struct {
	writer  gin.ResponseWriter
	control *http.ResponseController
}

func newStream(c *gin.Context) (stream, error) {
	s := stream{writer: c.Writer, control: http.NewResponseController(c.Writer)}
	// Reading has to go on: it is how the server notices that the client has left.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return s, fmt.Errorf("lift the bound of reading: %w", err)
	}
	c.Header("Content-Type", "text/event-stream")
	c.Header("X-Accel-Buffering", "no") // nginx would wait until there is more
	return s, nil
}

// send sends bytes now. The bound is lifted again afterwards, because over HTTP/2 it would also end a stream that rests.
func (s stream) send(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(takeTime)); err != nil {
		return fmt.Errorf("bound the write: %w", err)
	}
	if _, err := s.writer.Write(b); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if err := s.control.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("lift the bound of the write: %w", err)
	}
	return nil
}

// close bounds what the server itself writes at the end.
func (s stream) close() { _ = s.control.SetWriteDeadline(time.Now().Add(takeTime)) }
