package backstop

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Code is the kind of an Error. Callers of the API see it, so it does not change.
type Code string

// The codes.
const (
	Invalid  Code = "invalid"     // a value breaks a rule of the domain
	NotFound Code = "not_found"   // no object has that id
	Conflict Code = "conflict"    // another object forbids it: a name is taken, a rule is in use
	Stale    Code = "stale"       // another request changed it since it was read
	Mismatch Code = "mismatch"    // an idempotency key was used before with another body
	Forged   Code = "forged"      // a webhook's signature is wrong
	TryLater Code = "unavailable" // Postgres is not available: nothing was accepted, retry

	Limited   Code = "rate_limited" // a guard's cap is reached: nothing was accepted, retry after RetryAfter
	Duplicate Code = "duplicate"    // a guard refuses the same content to the same number
)

// Error is an error that may be shown to a caller: nothing internal is in Message or Fields. Its cause is for
// the log, and for errors.Is and errors.As.
type Error struct {
	Code    Code
	Message string
	Fields  []Field
	Cause   error

	RetryAfter time.Duration // of Limited
}

// Field names a part of the input, as a JSON path with dots ("fallback.wait_seconds"), and what is wrong with it.
type Field struct {
	Name   string
	Code   FieldCode
	Reason string            // the same as a text
	Params map[string]string // of the code, by name

	// Meant is the value that was probably meant, for the caller alone; may be empty. It may be a phone number, so Error leaves
	// it out.
	Meant string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(f.Name + ": " + f.Reason)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Cause }

// CodeOf returns the code of the first Error in err's chain, or the empty Code when there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// fields lists the wrong fields of an input, so that a caller sees all of them at once.
type fields []Field

func (f *fields) add(name string, code FieldCode, reason string, params ...string) {
	*f = append(*f, NewField(name, code, reason, params...))
}

// addMax adds a field that is above a maximum. The text has a place for it.
func (f *fields) addMax(name string, code FieldCode, text string, most int) {
	f.add(name, code, fmt.Sprintf(text, most), "max", strconv.Itoa(most))
}

// addBetween adds a field that is outside two bounds. The text has places for them.
func (f *fields) addBetween(name string, code FieldCode, text string, least, most int) {
	f.add(name, code, fmt.Sprintf(text, least, most), "min", strconv.Itoa(least), "max", strconv.Itoa(most))
}

func (f *fields) err(message string) error {
	if len(*f) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Message: message, Fields: *f}
}
