package api

import (
	"context"
	"errors"
)

var errPending = errors.New("not served yet")

// Search is not served yet.
func (*server) Search(context.Context, SearchRequestObject) (SearchResponseObject, error) {
	return nil, errPending
}

// ExportSends is not served yet.
func (*server) ExportSends(context.Context, ExportSendsRequestObject) (ExportSendsResponseObject, error) {
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
