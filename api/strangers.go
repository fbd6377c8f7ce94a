package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// authenticatedKey is the key in gin's context of a request with a valid API key, session or provider's signature.
const authenticatedKey = "admitted"

func markAuthenticated(c *gin.Context) { c.Set(authenticatedKey, true) }

// logLimited logs a line about a request. It limits the lines about unauthenticated requests, because anybody can make many of
// them. The limit is per kind: message, distinction, method and route.
func (s *server) logLimited(c *gin.Context, level slog.Level, message, distinction string, attrs ...slog.Attr) {
	ctx := c.Request.Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	line := slog.NewRecord(time.Now(), level, message, 0)
	line.AddAttrs(attrs...)
	line.AddAttrs(slog.String(requestIDKey, c.GetString(requestIDKey)))
	if c.GetBool(authenticatedKey) {
		_ = s.log.Handler().Handle(ctx, line)
		return
	}
	kind := message + " " + distinction
	if c.FullPath() != "" { // without a route the method may be any text
		kind += " " + c.Request.Method + " " + c.FullPath()
	}
	s.limited.write(ctx, kind, line)
}

// limitPause is how long further lines of a kind are held back after a line is written.
const limitPause = 10 * time.Second

// limitedLog writes the first line of a kind at once, and then at most one in each limitPause: the newest one. Its attribute
// "times" has the number of lines in that pause.
type limitedLog struct {
	handler slog.Handler

	mu   sync.Mutex
	held map[string]*heldLines // by kind, during a pause
}

type heldLines struct {
	newest slog.Record
	times  int // the number of lines that were held back
}

func newLimitedLog(log *slog.Logger) *limitedLog {
	return &limitedLog{handler: log.Handler(), held: map[string]*heldLines{}}
}

func (l *limitedLog) write(ctx context.Context, kind string, line slog.Record) {
	if !l.hold(kind, line) {
		_ = l.handler.Handle(ctx, line)
	}
}

// hold keeps a line back if the kind has a pause. Otherwise it begins one.
func (l *limitedLog) hold(kind string, line slog.Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, isPaused := l.held[kind]
	if !isPaused {
		l.pause(kind)
		return false
	}
	h.newest, h.times = line, h.times+1
	return true
}

func (l *limitedLog) pause(kind string) {
	l.held[kind] = &heldLines{}
	time.AfterFunc(limitPause, func() { l.release(kind) })
}

// release ends the pause of a kind. If lines were held back, it writes the newest and begins another pause.
func (l *limitedLog) release(kind string) {
	l.mu.Lock()
	h := l.held[kind]
	delete(l.held, kind)
	if h.times > 0 {
		l.pause(kind)
	}
	l.mu.Unlock()
	if h.times > 0 {
		h.newest.AddAttrs(slog.Int("times", h.times))
		_ = l.handler.Handle(context.Background(), h.newest)
	}
}
