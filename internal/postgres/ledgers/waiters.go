package ledgers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
)

// An activity that made a call may wait for the receipts of its message. The attempt says so while it waits, and such receipts
// are not signalled. What this process stores reaches the activity at once; for what other processes store, one query asks for
// all activities that wait here.

const (
	// pollEvery is how often the stored sends are asked for; in the mean an activity learns of them half as late.
	pollEvery = 200 * time.Millisecond
	// pollTimeout bounds one such query.
	pollTimeout = 2 * time.Second
)

// Await waits until a send has ended or its WhatsApp message has failed, and returns what the workflow has to know then;
// false when ctx is done first.
func (s *Store) Await(ctx context.Context, send string) (backstop.View, bool) {
	decided, mustPoll := s.waiters.join(send)
	defer s.waiters.quit(send, decided)
	if mustPoll {
		go s.poll() // it asks for all that wait, and goes on when this one has gone
	}
	select {
	case v := <-decided:
		return v, true
	case <-ctx.Done():
		return backstop.View{}, false
	}
}

const decidedSends = `SELECT id FROM sends
WHERE id = ANY((SELECT $1::uuid[])::uuid[]) AND (finished_at IS NOT NULL OR whatsapp_status = 'failed')`

// isDecided reports whether there is something to do for the workflow of a send whose WhatsApp message is out.
func isDecided(s backstop.Send) bool {
	return s.FinishedAt != nil || s.WhatsAppStatus == backstop.Failed
}

// poll asks for what other processes have decided, as long as anything waits for it. An error may be gone the next time.
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
	var decided []string
	if s.pool.SelectAll(ctx, &decided, decidedSends, pq.StringArray(ids)) != nil {
		return
	}
	for _, id := range decided {
		if l, err := s.load(ctx, id); err == nil { // a send that cannot be read is waited for in vain
			s.waiters.notify(l)
		}
	}
}

// waiters are the activities that wait, by the send's id. Each channel holds one view.
type waiters struct {
	mu        sync.Mutex
	waiting   map[string][]chan backstop.View
	isPolling bool
}

// join returns where the view will come, and whether the caller has to start the poll.
func (w *waiters) join(send string) (decided chan backstop.View, mustPoll bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[string][]chan backstop.View{}
	}
	decided = make(chan backstop.View, 1)
	w.waiting[send] = append(w.waiting[send], decided)
	mustPoll = !w.isPolling
	w.isPolling = true
	return decided, mustPoll
}

func (w *waiters) quit(send string, decided chan backstop.View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(w.waiting[send], func(c chan backstop.View) bool { return c == decided })
	if len(left) > 0 {
		w.waiting[send] = left
		return
	}
	delete(w.waiting, send)
}

// notify brings what became of a send to the activities that wait for it, if it is decided.
func (w *waiters) notify(l *backstop.Ledger) {
	if !isDecided(l.Send) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, decided := range w.waiting[l.Send.ID] {
		select {
		case decided <- l.View():
		default: // it has one already
		}
	}
}

// awaited returns the sends that anything waits for. If there are none, the poll ends.
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
