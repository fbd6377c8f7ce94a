package pool

import (
	"context"
	"errors"

	"github.com/lib/pq"
)

// MayHaveRun reports whether an error leaves open that the statement ran: the connection broke before its answer.
func MayHaveRun(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, ErrMoved) {
		return false
	}
	_, answered := errors.AsType[*pq.Error](err)
	return !answered && away(err)
}
