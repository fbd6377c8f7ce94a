package api

import (
	"context"
	"slices"

	"github.com/backstophq/backstop"
)

// ListRoutes answers GET /v1/routes.
func (s *server) ListRoutes(ctx context.Context, _ ListRoutesRequestObject) (ListRoutesResponseObject, error) {
	routes, err := s.smsAccounts(ctx)
	if err != nil {
		return nil, err
	}
	titles := map[string]string{}
	for _, p := range s.accounts.Providers() {
		titles[p.Name] = p.Title
	}
	items := make([]RouteInfo, len(routes))
	for i, a := range routes {
		items[i] = RouteInfo{
			Name: a.Name, Provider: a.Provider, Title: titles[a.Provider], Countries: omitEmpty(a.Countries), Default: i == 0,
		}
	}
	return ListRoutes200JSONResponse{Items: items}, nil
}

// smsAccounts returns the SMS accounts that are not disabled.
func (s *server) smsAccounts(ctx context.Context) ([]backstop.AccountState, error) {
	all, err := s.accounts.ListAccounts(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(a backstop.AccountState) bool { return a.Channel != backstop.SMS || a.IsDisabled }), nil
}
