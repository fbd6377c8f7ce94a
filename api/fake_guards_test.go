package api_test

import (
	"context"
	"sync"
	"time"

	"github.com/backstophq/backstop"
)

// guardStore keeps the settings and the results of the guards in memory.
type guardStore struct {
	mu      sync.Mutex
	guards  backstop.Guards
	results []backstop.GuardCount
	away    error
}

func (*guardStore) Now() time.Time { return now }

func (s *guardStore) Guards(context.Context) (backstop.Guards, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.guards, s.away
}

func (s *guardStore) ReplaceGuards(_ context.Context, g backstop.Guards, version int) (backstop.Guards, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != backstop.AnyVersion && version != s.guards.Version {
		return backstop.Guards{}, stale()
	}
	g.Version, g.UpdatedAt = s.guards.Version+1, now
	s.guards = g
	return g, s.away
}

func (s *guardStore) AddGuardResults(_ context.Context, counts []backstop.GuardCount) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, counts...)
	return s.away
}

func (s *guardStore) GuardResults(context.Context, time.Time, int) ([]backstop.GuardCount, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.results, s.away
}
