package api

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
)

// GetRetention answers GET /v1/retention.
func (s *server) GetRetention(ctx context.Context, _ GetRetentionRequestObject) (GetRetentionResponseObject, error) {
	var all []backstop.RemovalState
	if s.removals != nil {
		var err error
		if all, err = s.removals(ctx); err != nil {
			return nil, err
		}
	}
	return GetRetention200JSONResponse{Items: showAll(all, func(r backstop.RemovalState) RemovalState {
		return RemovalState{
			What: RemovalStateWhat(r.What), AgeSeconds: int64(r.Age / time.Second), Removed: r.Removed, Later: r.Later,
			Categories: showAll(r.Categories, func(c backstop.Category) RemovalStateCategories {
				return RemovalStateCategories(c)
			}),
			Through: omitZero(r.Through), RanAt: omitZero(r.RanAt),
		}
	})}, nil
}
