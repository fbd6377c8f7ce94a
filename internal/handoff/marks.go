package handoff

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// markPause is how long a mark waits for others, so that one statement writes them all. Most sends are marked by then: the
// beginning of an attempt does it too. It must stay far below grace: the sweeper hands over again what is not marked by
// then, which changes nothing but costs the engine a request.
const markPause = time.Second

// marks gathers what was handed over and records it, many rows at a time. What a crash loses of it is handed over once
// more.
type marks struct {
	write func(ctx context.Context, ids []string) error
	log   *slog.Logger

	mu      sync.Mutex
	ids     []string
	timer   *time.Timer
	writing sync.WaitGroup
}

func (m *marks) add(ids ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ids) == 0 {
		m.writing.Add(1)
		m.timer = time.AfterFunc(markPause, m.flush)
	}
	m.ids = append(m.ids, ids...)
}

// flush writes what has gathered.
func (m *marks) flush() {
	defer m.writing.Done()
	m.mu.Lock()
	ids := m.ids
	m.ids = nil
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), markTimeout)
	defer cancel()
	if err := m.write(ctx, ids); err != nil {
		m.log.WarnContext(ctx, "hand-over not marked, to be repeated by the sweeper", "rows", len(ids), "error", err)
	}
}

// close writes what has gathered at once, and waits until it is written.
func (m *marks) close() {
	m.mu.Lock()
	timer := m.timer
	m.mu.Unlock()
	if timer != nil && timer.Stop() {
		m.flush()
	}
	m.writing.Wait()
}
