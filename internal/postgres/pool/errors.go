package pool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/backstophq/backstop"
)

// Failed turns an error of the database into one for the caller. No other function does. An Error stays as it is, and the
// cancellation of the caller stays context.Canceled. A failure that a retry may cure becomes TryLater. A violated constraint
// becomes its own Error. Any other error is a fault of the program.
func Failed(ctx context.Context, what string, err error) error {
	if err == nil || backstop.CodeOf(err) != "" {
		return err
	}
	if canceled := ctx.Err(); errors.Is(canceled, context.Canceled) {
		return fmt.Errorf("%s: %w", what, canceled)
	}
	cause := fmt.Errorf("%s: %w", what, err)
	if _, ok := errors.AsType[*connectError](err); ok || isAway(err) || ctx.Err() != nil {
		return &backstop.Error{Code: backstop.TryLater, Message: "the database is not available, try again later", Cause: cause}
	}
	if e, ok := errors.AsType[*pq.Error](err); ok {
		if known := constraintError(e); known != nil {
			known.Cause = cause
			return known
		}
	}
	return cause
}

// openFailed is Failed for the first connection. It does not return TryLater for a refusal that a retry cannot cure, such as a
// wrong password: the configuration is wrong. After Open, Failed returns TryLater for it, because the password is probably
// being changed.
func openFailed(ctx context.Context, err error) error {
	if err != nil && ctx.Err() == nil && (!isAway(err) || isHopeless(err)) {
		return fmt.Errorf("open database: %w", err)
	}
	return Failed(ctx, "open database", err)
}

// constraintError returns the Error for a constraint that a caller can break, or nil.
func constraintError(e *pq.Error) *backstop.Error {
	switch e.Code {
	case pqerror.UniqueViolation:
		switch e.Constraint {
		case "rules_name_key":
			return nameTaken("rule")
		case "policies_name_key":
			return nameTaken("policy")
		case "messages_name_key":
			return nameTaken("message")
		case "api_keys_name_key":
			return nameTaken("API key")
		case "accounts_pkey":
			return nameTaken("account")
		case "sends_pkey":
			return &backstop.Error{Code: backstop.Conflict, Message: "a send with this id exists"}
		}
	case pqerror.CharacterNotInRepertoire, pqerror.UntranslatableCharacter:
		return &backstop.Error{Code: backstop.Invalid, Message: "the input contains a character that cannot be stored"}
	}
	return nil
}

// IsTaken reports whether err says that a unique constraint has the value already.
func IsTaken(err error, constraint string) bool {
	e := pq.As(err, pqerror.UniqueViolation)
	return e != nil && e.Constraint == constraint
}

func nameTaken(what string) *backstop.Error {
	return &backstop.Error{
		Code: backstop.Conflict, Message: "another " + what + " has this name",
		Fields: []backstop.Field{backstop.NewField("name", backstop.FieldTaken, "is taken")},
	}
}

// isAway reports whether err means that Postgres is not available now, and not that it refuses the statement.
func isAway(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return awayClass(e.Code.Class()) || slices.Contains(awayCodes(), e.Code)
	}
	if _, ok := errors.AsType[net.Error](err); ok { // connection refused, reset, timed out
		return true
	}
	return mustRepeat(err) || MayHaveRun(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// MayHaveRun reports whether the statement may have run although err was returned: the connection broke, or the context was
// done, before the answer came. After any other error, such as a refused connection, the statement has had no effect.
func MayHaveRun(err error) bool {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return e.Code == pqerror.TRStatementCompletionUnknown || e.Code == pqerror.TransactionResolutionUnknown
	}
	if _, ok := errors.AsType[*lostError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*connectError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func awayClass(class pqerror.Class) bool {
	return class == pqerror.ClassConnectionException || class == pqerror.ClassInsufficientResources
}

func awayCodes() []pqerror.Code {
	return []pqerror.Code{
		pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow, pqerror.IdleSessionTimeout,
		pqerror.ReadOnlySQLTransaction,                  // a primary that has just become a standby
		pqerror.QueryCanceled, pqerror.LockNotAvailable, // statement_timeout, lock_timeout
		pqerror.IdleInTransactionSessionTimeout,
		pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected, // after all tries
	}
}

// NotFound returns an Error of code NotFound.
func NotFound(what string) error {
	return &backstop.Error{Code: backstop.NotFound, Message: "there is no such " + what}
}

// OrNotFound replaces the error of a query that found no row.
func OrNotFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return NotFound(what)
	}
	return err
}

// isHopeless reports whether a pooler refused a connection for a reason that a retry cannot cure. A pooler uses one error code
// for all reasons, also for a lost connection, so only the message shows the reason.
func isHopeless(err error) bool {
	if _, ok := errors.AsType[*connectError](err); !ok {
		return false
	}
	refused := pq.As(err, pqerror.ProtocolViolation)
	return refused != nil && slices.ContainsFunc([]string{
		"startup parameter", "authentication failed", "no such user", "no such database", "does not exist",
	}, func(words string) bool { return strings.Contains(refused.Message, words) })
}

func mustRepeat(err error) bool {
	return errors.Is(err, ErrMoved) || pq.As(err, pqerror.TRSerializationFailure, pqerror.TRDeadlockDetected) != nil
}

// ErrMoved is the error of a write whose row has changed since it was read.
var ErrMoved = errors.New("changed meanwhile")
