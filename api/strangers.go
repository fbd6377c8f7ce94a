package api

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// admittedKey marks a request that showed the API key, a session or a provider's signature.
const admittedKey = "admitted"

func admit(c *gin.Context) { c.Set(admittedKey, true) }

// note logs a line about a request. The lines about requests of strangers, who can make any number, are limited by kind: the
// message, the route and what distinguishes it further.
func (s *server) note(c *gin.Context, level slog.Level, message, distinction string, attrs ...slog.Attr) {
	ctx := c.Request.Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	line := slog.NewRecord(time.Now(), level, message, 0)
	line.AddAttrs(attrs...)
	line.AddAttrs(slog.String(requestIDKey, c.GetString(requestIDKey)))
	if c.GetBool(admittedKey) {
		_ = s.log.Handler().Handle(ctx, line)
		return
	}
	kind := message + " " + distinction
	if c.FullPath() != "" { // then the method is one of the route's, not any word
		kind += " " + c.Request.Method + " " + c.FullPath()
	}
	s.strangers.write(ctx, kind, line)
}

// strangerPause is how long the lines of a kind are held back after one was written.
const strangerPause = 10 * time.Second

// limitedLog writes the first line of a kind at once, and then at most one in each strangerPause: the newest, with the number
// of lines that it stands for as "times".
type limitedLog struct {
	handler slog.Handler

	mu   sync.Mutex
	held map[string]*heldLines // by kind, during a pause
}

type heldLines struct {
	newest slog.Record
	times  int // 0: none came during the pause
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
	time.AfterFunc(strangerPause, func() { l.release(kind) })
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
