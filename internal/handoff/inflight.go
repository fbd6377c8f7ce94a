package handoff

import (
	"sync"
	"time"
)

// inFlight counts the hand-overs in flight.
type inFlight struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when none is left
}

// begin adds a hand-over and returns the new count.
func (f *inFlight) begin() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n == 0 {
		f.idle = make(chan struct{})
	}
	f.n++
	return f.n
}

func (f *inFlight) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n--; f.n == 0 {
		close(f.idle)
	}
}

// wait returns when none is in flight, or after d.
func (f *inFlight) wait(d time.Duration) {
	f.mu.Lock()
	n, idle := f.n, f.idle
	f.mu.Unlock()
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
