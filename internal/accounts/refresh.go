package accounts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// refreshEvery is the least time between two looks that callers of Refresh cause.
	refreshEvery = time.Second

	// maxRefreshing is how many callers wait for a look at once. Anybody can cause a call with a forged webhook.
	maxRefreshing = 64

	// refreshPatience is how long a caller waits, and how long a look may take: the database may be away.
	refreshPatience = 3 * time.Second
)

// look is a look for changes that is about to begin.
type look struct {
	callers int
	done    chan struct{}
	err     error // set before done is closed
}

// refreshes are the looks that callers of Refresh cause.
type refreshes struct {
	mu    sync.Mutex
	next  *look     // nil: nobody waits for one
	began time.Time // the newest look
}

// errTooMany is the error of a caller that does not wait for a look, because too many do.
var errTooMany = errors.New("too many wait for a look")

// Refresh loads the changes that other processes have stored before its call. There is at most one look per second, for all
// callers together. It fails if too many wait, or if the database does not answer.
func (d *Directory) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	l, joined := d.joinLook(ctx)
	if !joined {
		return fmt.Errorf("refresh accounts: %w", errTooMany)
	}
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return fmt.Errorf("refresh accounts: %w", ctx.Err())
	}
}

// joinLook returns the look that begins next, and schedules it for its first caller. It returns false if too many wait for it.
func (d *Directory) joinLook(ctx context.Context) (l *look, joined bool) {
	r := &d.refreshes
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		l := &look{done: make(chan struct{})}
		r.next = l
		ctx := context.WithoutCancel(ctx)
		time.AfterFunc(refreshEvery-time.Since(r.began), func() { d.runLook(ctx, l) })
	}
	if r.next.callers >= maxRefreshing {
		return nil, false
	}
	r.next.callers++
	return r.next, true
}

func (d *Directory) runLook(ctx context.Context, l *look) {
	d.refreshes.mu.Lock()
	d.refreshes.next, d.refreshes.began = nil, time.Now() // this look may miss the changes before a later call
	d.refreshes.mu.Unlock()
	defer close(l.done)
	ctx, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	l.err = d.Load(ctx)
}
