package backstop_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// invalid returns the names of the fields that an Error of code Invalid complains of, or nil when there is no error.
func invalid(t require.TestingT, err error) []string {
	if err == nil {
		return nil
	}
	var e *backstop.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, backstop.Invalid, e.Code)
	require.NotEmpty(t, e.Message)
	require.NotEmpty(t, e.Fields)
	names := make([]string, 0, len(e.Fields))
	for _, f := range e.Fields {
		require.NotEmpty(t, f.Reason)
		require.Contains(t, backstop.FieldCodes(), f.Code)
		names = append(names, f.Name)
	}
	return names
}

func TestError_Error(t *testing.T) {
	t.Parallel()
	e := &backstop.Error{Code: backstop.Invalid, Message: "the rule is not valid", Cause: io.ErrUnexpectedEOF}
	require.EqualError(t, e, "the rule is not valid", "the cause is not shown")
	e.Fields = []backstop.Field{{Name: "name", Reason: "is required"}}
	require.EqualError(t, e, "the rule is not valid: name: is required")
	e.Fields = append(e.Fields, backstop.Field{Name: "type", Reason: "is unknown"})
	require.EqualError(t, e, "the rule is not valid: name: is required; type: is unknown")
	e.Fields = []backstop.Field{{Name: "to", Reason: "is not a number", Meant: "+447400123456"}}
	require.EqualError(t, e, "the rule is not valid: to: is not a number", "it may be a phone number")
}

func TestError_Unwrap(t *testing.T) {
	t.Parallel()
	e := &backstop.Error{Code: backstop.TryLater, Message: "try again", Cause: io.ErrUnexpectedEOF}
	require.ErrorIs(t, fmt.Errorf("accept: %w", e), io.ErrUnexpectedEOF)
	require.NoError(t, errors.Unwrap(&backstop.Error{Code: backstop.NotFound}))
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	stale := &backstop.Error{Code: backstop.Stale}
	missing := &backstop.Error{Code: backstop.NotFound, Cause: stale}
	tests := map[string]struct {
		err  error
		code backstop.Code
	}{
		"no error":               {},
		"another error":          {err: io.EOF},
		"an Error":               {err: stale, code: backstop.Stale},
		"wrapped":                {err: fmt.Errorf("replace rule: %w", stale), code: backstop.Stale},
		"joined":                 {err: errors.Join(io.EOF, stale), code: backstop.Stale},
		"the outermost of two":   {err: missing, code: backstop.NotFound},
		"the cause of something": {err: &backstop.Failure{Kind: backstop.Unknown}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.code, backstop.CodeOf(tc.err))
		})
	}
}

func TestFailure_Error(t *testing.T) {
	t.Parallel()
	tests := map[string]backstop.Failure{
		"unknown":                     {Kind: backstop.Unknown},
		"unavailable 503":             {Kind: backstop.Unavailable, Code: "503"},
		"throttled: slow down":        {Kind: backstop.Throttled, Reason: "slow down"},
		"rejected (recipient)":        {Kind: backstop.Rejected, Class: backstop.RecipientFault},
		"rejected (account) 190: key": {Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "190", Reason: "key"},
	}
	for want, failure := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, &failure, want)
		})
	}
}
