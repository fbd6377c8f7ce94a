package postgres

import (
	"context"
	"fmt"
	"sync"
)

// turns lets the changes that this process makes to one send take place one after the other. The revision alone would do; but
// when receipts come together, each but the first would find the send changed and start over.
type turns struct {
	mu    sync.Mutex
	sends map[string]*turn
}

type turn struct {
	taken chan struct{} // holds one while somebody has it
	users int           // who has it, or waits for it
}

// take waits for the turn of a send, and returns what ends it; or ctx's error, if ctx is done first.
func (t *turns) take(ctx context.Context, send string) (end func(), err error) {
	turn := t.join(send)
	select {
	case turn.taken <- struct{}{}:
		return func() {
			<-turn.taken
			t.quit(send, turn)
		}, nil
	case <-ctx.Done():
		t.quit(send, turn)
		return nil, fmt.Errorf("wait for other changes: %w", ctx.Err())
	}
}

func (t *turns) join(send string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sends == nil {
		t.sends = map[string]*turn{}
	}
	if t.sends[send] == nil {
		t.sends[send] = &turn{taken: make(chan struct{}, 1)}
	}
	t.sends[send].users++
	return t.sends[send]
}

func (t *turns) quit(send string, turn *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if turn.users--; turn.users == 0 {
		delete(t.sends, send)
	}
}
