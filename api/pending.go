package api

import (
	"context"
	"errors"
)

var errPending = errors.New("not served yet")

// ListErrorCodes is not served yet.
func (*server) ListErrorCodes(context.Context, ListErrorCodesRequestObject) (ListErrorCodesResponseObject, error) {
	return nil, errPending
}

// RepeatSend is not served yet.
func (*server) RepeatSend(context.Context, RepeatSendRequestObject) (RepeatSendResponseObject, error) {
	return nil, errPending
}
