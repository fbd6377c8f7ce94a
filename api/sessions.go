package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// ListSessions answers GET /v1/sessions.
func (s *server) ListSessions(ctx context.Context, r ListSessionsRequestObject) (ListSessionsResponseObject, error) {
	page, err := readPage(r.Params.Cursor, r.Params.Limit, backstop.ByNewest)
	if err != nil {
		return nil, err
	}
	now := s.now()
	sessions, more, err := s.sessions.ListSessions(ctx, seesOf(ctx), now, now.Add(-s.sessionIdle), page)
	if err != nil {
		return nil, err
	}
	current := callerFrom(ctx).session
	return ListSessions200JSONResponse{
		Items: showAll(sessions, func(one backstop.Session) SessionItem {
			item := showSessionItem(one)
			item.IsCurrent = current != nil && current.ID == one.ID
			return item
		}),
		NextCursor: nextCursor(more, func() string { return sessions[len(sessions)-1].ID }),
	}, nil
}

// seesOf returns whose sessions the caller may see and end; nil: all.
func seesOf(ctx context.Context) *backstop.SessionOwner {
	who := callerFrom(ctx)
	if who.key.Has(backstop.ScopeAdmin) {
		return nil
	}
	return new(who.owner())
}

// EndSession answers DELETE /v1/sessions/{id}.
func (s *server) EndSession(ctx context.Context, r EndSessionRequestObject) (EndSessionResponseObject, error) {
	if err := s.sessions.EndSession(ctx, canonicalID(r.ID), seesOf(ctx)); err != nil {
		return nil, err
	}
	return EndSession204Response{}, nil
}

func showSessionItem(one backstop.Session) SessionItem {
	item := SessionItem{
		ID: one.ID, Person: showPerson(one.Person), Address: omitZero(one.Address), Agent: omitZero(one.Agent),
		CreatedAt: one.CreatedAt.UTC(), SeenAt: one.SeenAt.UTC(), ExpiresAt: one.ExpiresAt.UTC(),
	}
	switch {
	case one.IsOfPerson():
	case one.Key == "":
		item.Key = &SessionKey{Name: configuredKey().Name}
	default:
		item.Key = &SessionKey{ID: &one.Key, Name: one.KeyName}
	}
	return item
}
