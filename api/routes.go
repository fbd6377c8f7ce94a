package api

import (
	"context"
	"errors"
)

// ListRoutes answers GET /v1/routes.
func (s *server) ListRoutes(context.Context, ListRoutesRequestObject) (ListRoutesResponseObject, error) {
	return nil, errors.ErrUnsupported
}
