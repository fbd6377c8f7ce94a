package people

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// Reason is why a sign-in fails.
type Reason string

// The reasons.
const (
	Away      Reason = "provider_away"      // the provider does not answer
	Malformed Reason = "provider_malformed" // its answer cannot be read, or is not for us
	Client    Reason = "client"             // it does not accept our client
	Code      Reason = "code"               // it does not accept the code: used before, or too old
	Clock     Reason = "clock"              // the clocks differ
	NoRole    Reason = "no_role"            // the person has no role
)

// SignInError is a sign-in that failed. Its text is for the log: it has no token and no secret.
type SignInError struct {
	Reason Reason
	cause  error
}

func newFault(reason Reason, cause error) error { return &SignInError{reason, cause} }

// maxFault is how much of an answer of the provider a log line has, in bytes.
const maxFault = 300

// Error returns the reason and the cause.
func (f *SignInError) Error() string {
	text := strings.ToValidUTF8(f.cause.Error(), "")
	return string(f.Reason) + ": " + strings.ToValidUTF8(text[:min(len(text), maxFault)], "")
}

// Unwrap returns the cause.
func (f *SignInError) Unwrap() error { return f.cause }

// ReasonOf returns the reason of a failed sign-in.
func ReasonOf(err error) Reason {
	if fault, ok := errors.AsType[*SignInError](err); ok {
		return fault.Reason
	}
	return Away
}

func isAway(err error) bool { return ReasonOf(err) == Away }

// faultOf finds the reason of an error of the libraries. They wrap a network error as text when they verify, so its kind is known
// by its text.
func faultOf(err error) error {
	refused, isRefusal := errors.AsType[*oauth2.RetrieveError](err)
	_, isNetwork := errors.AsType[*url.Error](err)
	switch {
	case isRefusal && refused.ErrorCode == "invalid_grant":
		return newFault(Code, err)
	case isRefusal && refused.ErrorCode != "":
		return newFault(Client, err)
	case isRefusal: // its text has the whole answer
		reason := Malformed
		if refused.Response.StatusCode == http.StatusUnauthorized {
			reason = Client
		}
		return newFault(reason, errors.New("the token endpoint answers "+refused.Response.Status))
	case isNetwork || strings.Contains(err.Error(), "fetching keys"):
		return newFault(Away, err)
	default:
		return newFault(Malformed, err)
	}
}
