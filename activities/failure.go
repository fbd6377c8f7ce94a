package activities

import (
	"context"
	"log/slog"

	"github.com/backstophq/backstop"
)

// rejectedAfterTries returns the failure of a call, as a rejection if the call was the last of the failure's MaxTries. The call
// before may have failed for another reason; then the failure stays as it is.
func rejectedAfterTries(f *backstop.Failure, r backstop.Ruling) *backstop.Failure {
	if f == nil || f.MaxTries == 0 || r.Attempt.Number < f.MaxTries || r.Before == nil || r.Before.Code != f.Code {
		return f
	}
	last := *f
	last.Kind, last.MaxTries = backstop.Rejected, 0
	return &last
}

// logFailure logs why a provider call failed.
func (a *Activities) logFailure(ctx context.Context, send string, attempt backstop.Attempt, f *backstop.Failure) {
	if f != nil {
		a.log.Log(ctx, levelOf(f), "provider call failed", "send", send, "provider", attempt.Provider, "account", attempt.Account,
			"kind", f.Kind, "class", f.Class, "code", f.Code, "reason", f.Reason)
	}
}

// levelOf is ERROR if an operator must act, and WARN for a rejection without a class, because its code is in no table.
func levelOf(f *backstop.Failure) slog.Level {
	switch {
	case f.Class == backstop.AccountFault:
		return slog.LevelError
	case f.Kind == backstop.Rejected && f.Class == "":
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}
