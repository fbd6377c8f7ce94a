package ledgers

import (
	"context"
	"fmt"
	"sync"
)

// locks is a keyed mutex: this process makes one change of a send at a time. The revision alone would keep the changes apart,
// but of several concurrent receipts all except one would fail to save and start over.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	taken chan struct{} // has one element while the lock is held
	users int           // how many hold the lock or wait for it
}

// Lock waits for the lock of a send, and returns the function that releases it. If ctx is done first, Lock returns ctx's error.
func (l *locks) Lock(ctx context.Context, send string) (unlock func(), err error) {
	one := l.addUser(send)
	select {
	case one.taken <- struct{}{}:
		return func() {
			<-one.taken
			l.removeUser(send, one)
		}, nil
	case <-ctx.Done():
		l.removeUser(send, one)
		return nil, fmt.Errorf("wait for other changes: %w", ctx.Err())
	}
}

func (l *locks) addUser(send string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	if l.held[send] == nil {
		l.held[send] = &lock{taken: make(chan struct{}, 1)}
	}
	l.held[send].users++
	return l.held[send]
}

func (l *locks) removeUser(send string, one *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(l.held, send)
	}
}
