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

// Search is not served yet.
func (*server) Search(context.Context, SearchRequestObject) (SearchResponseObject, error) {
	return nil, errPending
}

// GetMessageStats is not served yet.
func (*server) GetMessageStats(context.Context, GetMessageStatsRequestObject) (GetMessageStatsResponseObject, error) {
	return nil, errPending
}

// GetStatsChanges is not served yet.
func (*server) GetStatsChanges(context.Context, GetStatsChangesRequestObject) (GetStatsChangesResponseObject, error) {
	return nil, errPending
}
