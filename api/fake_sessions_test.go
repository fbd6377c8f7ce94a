package api_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/backstophq/backstop"
)

func (s *store) CreateSession(
	_ context.Context, digest []byte, one backstop.Session, seenSince time.Time,
) (backstop.Session, error) {
	defer s.begin()()
	if s.away != nil {
		return one, s.away
	}
	if s.sessions == nil {
		s.sessions = map[string]backstop.Session{}
	}
	maps.DeleteFunc(s.sessions, func(_ string, other backstop.Session) bool {
		return !other.ExpiresAt.After(one.CreatedAt) || !other.SeenAt.After(seenSince)
	})
	one.ID = newID()
	s.sessions[string(digest)] = one
	return one, nil
}

func (s *store) Session(_ context.Context, digest []byte, now, seenSince time.Time) (backstop.Session, error) {
	defer s.begin()()
	one, found := s.sessions[string(digest)]
	switch {
	case s.away != nil:
		return backstop.Session{}, s.away
	case !found || !one.ExpiresAt.After(now) || !one.SeenAt.After(seenSince):
		return backstop.Session{}, missing("session")
	}
	if now.Sub(one.SeenAt) >= backstop.SessionSeenEvery {
		one.SeenAt = now
		s.sessions[string(digest)] = one
	}
	return one, nil
}

func (s *store) DeleteSession(_ context.Context, digest []byte) error {
	defer s.begin()()
	if s.away == nil {
		delete(s.sessions, string(digest))
	}
	return s.away
}

func (s *store) EndSession(_ context.Context, id string, owner *backstop.SessionOwner) error {
	defer s.begin()()
	for digest, one := range s.sessions {
		if s.away == nil && one.ID == id && (owner == nil || one.Owner() == *owner) {
			delete(s.sessions, digest)
			return nil
		}
	}
	if s.away != nil {
		return s.away
	}
	return missing("session")
}

func (s *store) ListSessions(
	_ context.Context, owner *backstop.SessionOwner, now, seenSince time.Time, page backstop.Page,
) (list []backstop.Session, more bool, err error) {
	defer s.begin()()
	for _, one := range s.sessions {
		if one.ExpiresAt.After(now) && one.SeenAt.After(seenSince) && (owner == nil || one.Owner() == *owner) {
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b backstop.Session) int { return strings.Compare(a.ID, b.ID) })
	list, more = cut(list, page, func(one backstop.Session) string { return one.ID })
	return list, more, s.away
}
