package ledgers

import (
	"context"
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
		ids := s.waiters.awaitedSends()
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
