package api_test

import (
	"context"
	"sync"

	"github.com/backstophq/backstop"
)

// callbacks keeps callbacks in memory, newest first.
type callbacks struct {
	mu        sync.Mutex
	all       []backstop.QueuedCallback
	tries     []backstop.CallbackTry // of each
	endpoints []backstop.CallbackEndpoint
	filter    backstop.CallbackFilter // of the newest call
	after     string
	limit     int
	replayed  []string
	total     backstop.Total
	away      error
}

func (s *callbacks) ListCallbacks(
	_ context.Context, f backstop.CallbackFilter, page backstop.Page,
) ([]backstop.QueuedCallback, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter = f
	items, more := cut(s.all, page, func(c backstop.QueuedCallback) string { return c.ID })
	return items, more, s.away
}

func (s *callbacks) CountCallbacks(_ context.Context, f backstop.CallbackFilter) (backstop.Total, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter = f
	return s.total, s.away
}

func (s *callbacks) Callback(_ context.Context, id string) (backstop.QueuedCallback, []backstop.CallbackTry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		if c.ID == id {
			return c, s.tries, s.away
		}
	}
	return backstop.QueuedCallback{}, nil, missing("callback")
}

func (s *callbacks) ReplayCallback(ctx context.Context, id string) (backstop.QueuedCallback, error) {
	c, _, err := s.Callback(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.replayed = append(s.replayed, id)
		c.State, c.EndedAt = backstop.CallbackPending, nil
	}
	return c, err
}

func (s *callbacks) ReplayCallbacks(
	_ context.Context, f backstop.CallbackFilter, after string, limit int,
) (int, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter, s.after, s.limit = f, after, limit
	if len(s.all) == 0 {
		return 0, "", s.away
	}
	return len(s.all), s.all[0].ID, s.away
}

func (s *callbacks) FailingEndpoints(context.Context, int) ([]backstop.CallbackEndpoint, error) {
	return s.endpoints, s.away
}
