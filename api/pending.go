package api

import (
	"context"
	"errors"
)

var errPending = errors.New("not served yet")

// RepeatSend is not served yet.
func (*server) RepeatSend(context.Context, RepeatSendRequestObject) (RepeatSendResponseObject, error) {
	return nil, errPending
}
