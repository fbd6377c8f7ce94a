package api

import (
	"context"
	"errors"
)

// GetStats answers GET /v1/stats.
func (s *server) GetStats(context.Context, GetStatsRequestObject) (GetStatsResponseObject, error) {
	return nil, errors.ErrUnsupported
}
