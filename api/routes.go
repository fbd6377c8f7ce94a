package api

import "context"

// ListRoutes answers GET /v1/routes.
func (s *server) ListRoutes(context.Context, ListRoutesRequestObject) (ListRoutesResponseObject, error) {
	items := make([]RouteInfo, len(s.smsRoutes))
	for i, name := range s.smsRoutes {
		items[i] = RouteInfo{Name: name, Default: i == 0}
	}
	return ListRoutes200JSONResponse{Items: items}, nil
}
