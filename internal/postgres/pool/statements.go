package pool

import (
	"sync"

	"github.com/jmoiron/sqlx"
)

// statements holds the queries that every send needs. Each is prepared at its first use, so Postgres parses and plans it once
// per connection. Other queries are planned with their values.
type statements struct {
	mu      sync.Mutex
	byQuery map[string]*sqlx.Stmt
}

func (s *statements) find(query string) *sqlx.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byQuery[query]
}

func (s *statements) keep(query string, stmt *sqlx.Stmt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byQuery == nil {
		s.byQuery = map[string]*sqlx.Stmt{}
	}
	s.byQuery[query] = stmt
}
