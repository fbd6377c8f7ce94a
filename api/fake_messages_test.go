package api_test

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/backstophq/backstop"
)

// messageStore keeps messages in memory. If away is set, every method returns it.
type messageStore struct {
	mu       sync.Mutex
	all      []backstop.Message
	versions map[string][]backstop.MessageVersion // the newest first
	filter   backstop.MessageFilter
	away     error
}

func (s *messageStore) keep(m backstop.Message) {
	if s.versions == nil {
		s.versions = map[string][]backstop.MessageVersion{}
	}
	s.versions[m.ID] = slices.Insert(s.versions[m.ID], 0, backstop.MessageVersion{
		MessageInput: m.MessageInput, Version: m.Version, CreatedAt: m.UpdatedAt,
	})
}

func (s *messageStore) find(fits func(backstop.Message) bool) (int, error) {
	i := slices.IndexFunc(s.all, fits)
	switch {
	case s.away != nil:
		return 0, s.away
	case i < 0:
		return 0, missing("message")
	}
	return i, nil
}

func (s *messageStore) CreateMessage(_ context.Context, in backstop.MessageInput) (backstop.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.all, func(m backstop.Message) bool { return strings.EqualFold(m.Name, in.Name) }) {
		return backstop.Message{}, &backstop.Error{Code: backstop.Conflict, Message: "a message has this name"}
	}
	m := backstop.Message{MessageInput: in, ID: newID(), Version: 1, CreatedAt: now, UpdatedAt: now}
	s.all = append(s.all, m)
	s.keep(m)
	return m, s.away
}

func (s *messageStore) Message(_ context.Context, id string) (backstop.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(func(m backstop.Message) bool { return m.ID == id })
	if err != nil {
		return backstop.Message{}, err
	}
	return s.all[i], nil
}

func (s *messageStore) MessageNamed(_ context.Context, name string) (backstop.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(func(m backstop.Message) bool { return strings.EqualFold(m.Name, name) })
	if err != nil {
		return backstop.Message{}, err
	}
	return s.all[i], nil
}

func (s *messageStore) ListMessages(
	_ context.Context, filter backstop.MessageFilter, page backstop.Page,
) ([]backstop.Message, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter = filter
	items, more := cut(s.all, page, func(m backstop.Message) string { return m.ID })
	return items, more, s.away
}

func (s *messageStore) CountMessages(context.Context, backstop.MessageFilter) (backstop.Total, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return backstop.Total{Count: len(s.all), IsExact: true}, s.away
}

func (s *messageStore) ReplaceMessage(
	_ context.Context, id string, in backstop.MessageInput, version int,
) (backstop.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(func(m backstop.Message) bool { return m.ID == id })
	if err != nil {
		return backstop.Message{}, err
	}
	m := &s.all[i]
	if version != backstop.AnyVersion && version != m.Version {
		return backstop.Message{}, stale()
	}
	m.MessageInput = in
	m.Version++
	s.keep(*m)
	return *m, nil
}

func (s *messageStore) DeleteMessage(_ context.Context, id string, version int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.find(func(m backstop.Message) bool { return m.ID == id })
	if err != nil {
		return err
	}
	if version != backstop.AnyVersion && version != s.all[i].Version {
		return stale()
	}
	s.all = slices.Delete(s.all, i, i+1)
	return nil
}

func (s *messageStore) MessageVersions(
	_ context.Context, id string, before, limit int,
) ([]backstop.MessageVersion, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(func(m backstop.Message) bool { return m.ID == id }); err != nil {
		return nil, false, err
	}
	var found []backstop.MessageVersion
	for _, v := range s.versions[id] {
		if before == 0 || v.Version < before {
			found = append(found, v)
		}
	}
	if len(found) > limit {
		return found[:limit], true, nil
	}
	return found, false, nil
}
