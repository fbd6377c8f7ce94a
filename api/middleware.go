package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

const (
	requestIDHeader = "X-Request-ID"
	requestIDKey    = "request_id"
)

// saneRequestID is what is taken over from a caller: it goes into logs and answers.
var saneRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives the request an id, the caller's own if it has a sane one. It also sets the headers that every answer has:
// no cache may keep an answer, unless its handler says otherwise.
func (s *server) identify(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !saneRequestID.MatchString(id) {
		id = uuid.NewString()
	}
	c.Set(requestIDKey, id)
	c.Header(requestIDHeader, id)
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Cache-Control", "no-store")
}

// access logs that the request was answered: never a body, a query or a path with its values, which may tell whom
// a message was for.
func (s *server) access(c *gin.Context) {
	start := time.Now()
	c.Next()
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	s.note(c, level(route, c.Writer.Status()), "request", strconv.Itoa(c.Writer.Status()),
		slog.String("method", c.Request.Method),
		slog.String("route", route),
		slog.Int("status", c.Writer.Status()),
		slog.Float64("ms", float64(time.Since(start).Microseconds())/1000),
	)
}

func level(route string, status int) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	case route == "/healthz" || route == "/readyz":
		return slog.LevelDebug // asked every few seconds
	default:
		return slog.LevelInfo
	}
}

// survive turns a panic into a 500 and writes its stack to the log.
func (s *server) survive(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause) // net/http's own word for "drop the connection"
		}
		s.log.ErrorContext(c.Request.Context(), "panic",
			requestIDKey, c.GetString(requestIDKey), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		c.Abort()
		if !c.Writer.Written() {
			s.write(c, internal())
		}
	}()
	c.Next()
}
