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

// validRequestID matches a request id that we accept from a caller. We write it into logs and answers.
var validRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// setRequestID gives the request an id: the caller's own if it is valid, else a new one. It also sets the headers of every
// answer. No cache may keep an answer, unless its handler sets another Cache-Control.
func (s *server) setRequestID(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !validRequestID.MatchString(id) {
		id = uuid.NewString()
	}
	c.Set(requestIDKey, id)
	c.Header(requestIDHeader, id)
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Cache-Control", "no-store")
}

// logAccess logs each answered request. It logs no body, no query and no values in the path, because they may contain the
// recipient.
func (s *server) logAccess(c *gin.Context) {
	start := time.Now()
	c.Next()
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	status := c.Writer.Status()
	if c.GetBool(givenUpKey) {
		status = statusClosedRequest
	}
	s.answered(c.Request.Context(), c.Request.Method, route, status, time.Since(start))
	s.logLimited(c, logLevel(route, status), "request", strconv.Itoa(status),
		slog.String("method", c.Request.Method),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Float64("ms", float64(time.Since(start).Microseconds())/1000),
	)
}

// statusClosedRequest is the status in the log of a request whose caller has disconnected before the answer. nginx has the same.
const statusClosedRequest = 499

func logLevel(route string, status int) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	case route == "/healthz" || route == "/readyz":
		return slog.LevelDebug // probes call it every few seconds
	default:
		return slog.LevelInfo
	}
}

// recoverPanic turns a panic into a 500 and logs its stack.
func (s *server) recoverPanic(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause) // net/http then closes the connection
		}
		s.log.ErrorContext(c.Request.Context(), "panic",
			requestIDKey, c.GetString(requestIDKey), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		c.Abort()
		if !c.Writer.Written() {
			s.writeProblem(c, newInternalError(), nil)
		}
	}()
	c.Next()
}
