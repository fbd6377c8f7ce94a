package api

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// admittedKey marks a request that showed the API key, a session or a provider's signature.
const admittedKey = "admitted"

func admit(c *gin.Context) { c.Set(admittedKey, true) }

// note logs a line about a request. The lines about requests of strangers, who can make any number, are limited by kind: the
// message, the route and what distinguishes it further.
func (s *server) note(
	c *gin.Context, level slog.Level, message, distinction string, attrs ...slog.Attr,
) {
	attrs = append(attrs, slog.String(requestIDKey, c.GetString(requestIDKey)))
	if c.GetBool(admittedKey) {
		s.log.LogAttrs(c.Request.Context(), level, message, attrs...)
		return
	}
	kind := message + " " + c.Request.Method + " " + c.FullPath() + " " + distinction
	if c.FullPath() == "" {
		kind = message + " " + distinction // or any method would be a kind of its own
	}
	s.strangers.write(c.Request.Context(), kind, logLine{level: level, message: message, attrs: attrs})
}

// strangerPause is how long the lines of a kind are held back after one was written.
const strangerPause = 10 * time.Second

// limitedLog writes the first line of a kind at once, and then at most one in each strangerPause: the newest, with the number
// of lines that it stands for as "times".
type limitedLog struct {
	log *slog.Logger

	mu   sync.Mutex
	held map[string]*heldLines // by kind, during a pause
}

type heldLines struct {
	newest logLine
	times  int // 0: none came during the pause
}

type logLine struct {
	level   slog.Level
	message string
	attrs   []slog.Attr
}

func newLimitedLog(log *slog.Logger) *limitedLog {
	return &limitedLog{log: log, held: map[string]*heldLines{}}
}

func (l *limitedLog) write(ctx context.Context, kind string, line logLine) {
	if !l.log.Enabled(ctx, line.level) {
		return
	}
	if l.hold(kind, line) {
		return
	}
	l.log.LogAttrs(ctx, line.level, line.message, line.attrs...)
}

// hold keeps a line back if the kind has a pause. Otherwise it begins one.
func (l *limitedLog) hold(kind string, line logLine) bool {
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
		attrs := append(slices.Clip(h.newest.attrs), slog.Int("times", h.times))
		l.log.LogAttrs(context.Background(), h.newest.level, h.newest.message, attrs...)
	}
}
