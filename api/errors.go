package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// The error codes of the HTTP layer. The domain has the others (backstop.Code).
const (
	malformed            = backstop.Code(ProblemCodeMalformed)
	unauthorized         = backstop.Code(ProblemCodeUnauthorized)
	forbidden            = backstop.Code(ProblemCodeForbidden)
	methodNotAllowed     = backstop.Code(ProblemCodeMethodNotAllowed)
	tooLarge             = backstop.Code(ProblemCodeTooLarge)
	unsupportedMediaType = backstop.Code(ProblemCodeUnsupportedMediaType)
	preconditionRequired = backstop.Code(ProblemCodePreconditionRequired)
	internalError        = backstop.Code(ProblemCodeInternal)
)

// statusOf maps an error code to an HTTP status. No other code does.
func statusOf(code backstop.Code) int {
	switch code {
	case malformed:
		return http.StatusBadRequest
	case unauthorized, backstop.Forged:
		return http.StatusUnauthorized
	case forbidden:
		return http.StatusForbidden
	case backstop.NotFound:
		return http.StatusNotFound
	case methodNotAllowed:
		return http.StatusMethodNotAllowed
	case backstop.Conflict, backstop.Duplicate:
		return http.StatusConflict
	case backstop.Stale:
		return http.StatusPreconditionFailed
	case tooLarge:
		return http.StatusRequestEntityTooLarge
	case unsupportedMediaType:
		return http.StatusUnsupportedMediaType
	case backstop.Invalid, backstop.Mismatch:
		return http.StatusUnprocessableEntity
	case backstop.Limited:
		return http.StatusTooManyRequests
	case preconditionRequired:
		return http.StatusPreconditionRequired
	case backstop.TryLater:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// givenUpKey is the key in gin's context of a request that was cancelled because its caller has disconnected.
const givenUpKey = "given-up"

// fail answers with an error and ends the request. The caller sees the text of a backstop.Error only. Any other error becomes a
// 500 without its text, which only the log has.
//
// A request whose caller has disconnected is no error of the server, so its log lines are at INFO. It is answered all the same:
// a caller may close only its own direction of the connection, and still read.
func (s *server) fail(c *gin.Context, err error) {
	c.Abort()
	e, known := errors.AsType[*backstop.Error](err)
	switch {
	case known && statusOf(e.Code) != http.StatusInternalServerError:
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e = &backstop.Error{Code: backstop.TryLater, Message: "the request took too long: try again", Cause: err}
	default:
		e = newInternalError()
	}
	if statusOf(e.Code) >= http.StatusInternalServerError {
		level := slog.LevelError
		if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
			level = slog.LevelInfo
			c.Set(givenUpKey, true)
		}
		s.logLimited(c, level, "request failed", string(e.Code),
			slog.String("route", c.FullPath()), slog.Any("error", err), slog.Any("cause", e.Cause))
	}
	var state *Send
	if conflict, ok := errors.AsType[*lateError](err); ok {
		state = &conflict.send
	}
	s.writeProblem(c, e, state)
}

func newInternalError() *backstop.Error {
	return &backstop.Error{Code: internalError, Message: "internal error: if you report it, quote the request_id"}
}

// writeProblem sends an error as a problem document, with the send whose state has caused it, if there is one.
func (s *server) writeProblem(c *gin.Context, e *backstop.Error, state *Send) {
	code := statusOf(e.Code)
	problem := Problem{
		Type:      "urn:backstop:problem:" + string(e.Code),
		Title:     http.StatusText(code),
		Status:    code,
		Code:      ProblemCode(e.Code),
		Detail:    e.Message,
		Instance:  c.Request.URL.EscapedPath(),
		RequestID: c.GetString(requestIDKey),
		Send:      state,
	}
	if len(e.Fields) > 0 {
		problem.Errors = new(showAll(e.Fields[:min(len(e.Fields), maxFields)], showField))
	}
	if e.Code == unauthorized {
		c.Header("WWW-Authenticate", `Bearer realm="backstop"`)
	}
	if code == http.StatusServiceUnavailable {
		c.Header("Retry-After", strconv.Itoa(retryAfter()))
	}
	if e.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	body, err := json.Marshal(problem)
	if err != nil { // a struct of strings, numbers and times
		body = nil
	}
	c.Data(code, "application/problem+json", body)
}

func showField(f backstop.Field) FieldError {
	params := maps.Clone(f.Params)
	if f.Meant != "" {
		f.Reason += "; did you mean " + f.Meant + "?"
		params = map[string]string{"meant": f.Meant}
	}
	shown := FieldError{Field: f.Name, Reason: f.Reason, Code: FieldErrorCode(f.Code)}
	if len(params) > 0 {
		shown.Params = &params
	}
	return shown
}

// retryAfter returns a random number of seconds from 1 to 5, so that the callers do not all retry at the same moment.
func retryAfter() int {
	const most = 5
	return 1 + rand.IntN(most) //nolint:gosec // the number is not a secret
}

func (s *server) noRoute(c *gin.Context) {
	s.fail(c, &backstop.Error{Code: backstop.NotFound, Message: "the API has no such path: /docs lists its paths"})
}

func (s *server) noMethod(c *gin.Context) {
	s.fail(c, &backstop.Error{Code: methodNotAllowed, Message: "this path supports only " + c.Writer.Header().Get("Allow")})
}

// badField returns an error about one field, parameter or header that does not fit the contract.
func badField(name string, code backstop.FieldCode, reason string, params ...string) *backstop.Error {
	return &backstop.Error{
		Code: malformed, Message: "the request does not fit the contract",
		Fields: []backstop.Field{backstop.NewField(name, code, reason, params...)},
	}
}

// mergeInvalid merges the fields of several errors of code Invalid into one error. If an error has another code, it returns that
// one.
func mergeInvalid(errs ...error) error {
	var merged *backstop.Error
	for _, err := range errs {
		if err == nil {
			continue
		}
		e, ok := errors.AsType[*backstop.Error](err)
		if !ok || e.Code != backstop.Invalid {
			return err
		}
		if merged == nil {
			merged = &backstop.Error{Code: backstop.Invalid, Message: e.Message, Cause: e.Cause}
		}
		merged.Fields = append(merged.Fields, e.Fields...)
	}
	if merged == nil {
		return nil
	}
	return merged
}
