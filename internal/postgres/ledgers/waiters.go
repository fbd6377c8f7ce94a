package ledgers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
)

// An activity that made a call may wait for the receipts of its message. The attempt has AwaitsReceiptsUntil set meanwhile, so
// the receipts are not signalled. A receipt that this process stores reaches the activity at once. For receipts that other
// processes store, this process polls Postgres with one query for all its waiting activities.

const (
	// pollEvery is the time between two polls. The mean delay of a receipt from another process is half of it.
	pollEvery = 200 * time.Millisecond
	// pollTimeout bounds one poll.
	pollTimeout = 2 * time.Second
)

// Await waits until a send has a view that ends the wait for receipts, and returns that view; false if ctx is done first.
func (s *Store) Await(ctx context.Context, send string) (backstop.View, bool) {
	answer, mustPoll := s.waiters.add(send)
	defer s.waiters.remove(send, answer)
	if mustPoll {
		go s.poll() // for all waiting activities, and after this call has returned
	}
	select {
	case v := <-answer:
		return v, true
	case <-ctx.Done():
		return backstop.View{}, false
	}
}

// answeredSends finds the sends whose View.EndsReceiptWait is true. A test compares them.
const answeredSends = `SELECT id FROM sends
WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND (finished_at IS NOT NULL OR whatsapp_status = 'failed')`

// poll looks for sends that other processes have changed, until no activity waits any more. After an error it polls again.
func (s *Store) poll() {
	for {
		time.Sleep(pollEvery)
		ids := s.waiters.awaited()
		if len(ids) == 0 {
			return
		}
		s.pollOnce(ids)
	}
}

func (s *Store) pollOnce(ids []string) {
	ctx, cancel := context.WithTimeout(context.Background(), pollTimeout)
	defer cancel()
	var answered []string
	if s.pool.SelectAll(ctx, &answered, answeredSends, pq.StringArray(ids)) != nil {
		return
	}
	for _, id := range answered {
		if l, err := s.load(ctx, id); err == nil { // if a send cannot be read, the next poll tries again
			s.waiters.notify(l)
		}
	}
}

// waiters holds the channels of the waiting activities, by send id. Each channel has room for one view.
type waiters struct {
	mu        sync.Mutex
	waiting   map[string][]chan backstop.View
	isPolling bool
}

// add returns the channel for the view, and whether the caller must start the poll.
func (w *waiters) add(send string) (answer chan backstop.View, mustPoll bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[string][]chan backstop.View{}
	}
	answer = make(chan backstop.View, 1)
	w.waiting[send] = append(w.waiting[send], answer)
	mustPoll = !w.isPolling
	w.isPolling = true
	return answer, mustPoll
}

func (w *waiters) remove(send string, answer chan backstop.View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(w.waiting[send], func(c chan backstop.View) bool { return c == answer })
	if len(left) > 0 {
		w.waiting[send] = left
		return
	}
	delete(w.waiting, send)
}

// notify sends the view of a send to the activities that wait for it, if the view ends their wait.
func (w *waiters) notify(l *backstop.Ledger) {
	view := l.View()
	if !view.EndsReceiptWait() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, answer := range w.waiting[l.Send.ID] {
		select {
		case answer <- view:
		default: // the channel has a view already
		}
	}
}

// awaited returns the sends that activities wait for. If there are none, the poll must end.
func (w *waiters) awaited() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, 0, len(w.waiting))
	for id := range w.waiting {
		ids = append(ids, id)
	}
	w.isPolling = len(ids) > 0
	return ids
}
