package main

import (
	"context"
	"fmt"
	"sync"
)

// milestones lets one goroutine wait for an event that another goroutine reports. The report may come before the wait.
type milestones struct {
	mu      sync.Mutex
	reached map[string]chan struct{}
}

func newMilestones() *milestones { return &milestones{reached: map[string]chan struct{}{}} }

// reach reports a milestone and ends the wait for it.
func (m *milestones) reach(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := m.channel(name)
	select {
	case <-ch: // already reported
	default:
		close(ch)
	}
}

// wait waits for a milestone and then removes it.
func (m *milestones) wait(ctx context.Context, name string) error {
	m.mu.Lock()
	ch := m.channel(name)
	m.mu.Unlock()
	select {
	case <-ch:
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", name, ctx.Err())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.reached, name)
	return nil
}

func (m *milestones) channel(name string) chan struct{} {
	ch, known := m.reached[name]
	if !known {
		ch = make(chan struct{})
		m.reached[name] = ch
	}
	return ch
}
