package handoff

import (
	"sync"
	"time"
)

// hands counts the hand-overs that are under way.
type hands struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when none is under way any more
}

// begin counts one more and returns how many they are.
func (h *hands) begin() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n == 0 {
		h.idle = make(chan struct{})
	}
	h.n++
	return h.n
}

func (h *hands) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n--; h.n == 0 {
		close(h.idle)
	}
}

// wait returns when none is under way, or after d.
func (h *hands) wait(d time.Duration) {
	h.mu.Lock()
	n, idle := h.n, h.idle
	h.mu.Unlock()
	if n > 0 {
		waitFor(idle, d)
	}
}

// waitFor returns when done is closed, or after d.
func waitFor(done <-chan struct{}, d time.Duration) {
	late := time.NewTimer(d)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	}
}
