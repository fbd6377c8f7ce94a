// Package ledgers is the store of sends: it loads a backstop.Ledger, lets one of its methods change it, and saves it. What a
// call, a receipt or an end means is decided by the Ledger alone.
package ledgers

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// Store is the store of one database. Its methods may be called concurrently, and repeated: a change that was made is
// recognised. Each returns an Error of code NotFound for a send that there is not, and TryLater when Postgres is away.
type Store struct {
	pool    *pool.Pool
	locks   locks
	cache   cache
	waiters waiters
}

// New returns the store on a pool.
func New(p *pool.Pool) *Store { return &Store{pool: p, cache: newCache()} }

// Begin asks the ledger whether a provider may be called, and records the call if it may.
func (s *Store) Begin(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error) {
	ruling, after, err := update(ctx, s, "begin attempt", send,
		func(l *backstop.Ledger, now time.Time) (backstop.Ruling, error) { return l.Begin(c, now) })
	if err != nil {
		return backstop.Ruling{}, backstop.View{}, err
	}
	if ruling.Answer == backstop.MayCall {
		return ruling, after.View(), nil
	}
	// An earlier run made the call, and may have died before it looked for receipts of its message.
	view, err := s.adopt(ctx, after, c.Step())
	return ruling, view, err
}

// End records how a call ended, and merges in the receipts that were stored before its message id was known.
func (s *Store) End(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	e.Submission.MessageID, e.Failure = pool.Clean(e.Submission.MessageID), cleaned(e.Failure)
	const resolution = time.Microsecond // of Postgres
	e.Linger, e.ReceiptWait = e.Linger.Truncate(resolution), e.ReceiptWait.Truncate(resolution)
	attempt, after, err := update(ctx, s, "end attempt", send,
		func(l *backstop.Ledger, now time.Time) (backstop.Attempt, error) { return l.End(e, now) })
	if err != nil {
		return backstop.Attempt{}, backstop.View{}, err
	}
	view, err := s.adopt(ctx, after, e.Step)
	return attempt, view, err
}

// StopWaiting ends the wait of an activity for the receipts of its call. A receipt that is stored later is signalled.
func (s *Store) StopWaiting(ctx context.Context, send string, step int) (backstop.View, error) {
	return s.change(ctx, "stop waiting", send, func(l *backstop.Ledger, _ time.Time) { l.StopWaiting(step) })
}

// GiveUp counts a call as failed that its provider did not take for as long as was tried.
func (s *Store) GiveUp(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error) {
	ruling, after, err := update(ctx, s, "give up", send,
		func(l *backstop.Ledger, now time.Time) (backstop.Ruling, error) { return l.GiveUp(c, now), nil })
	if err != nil {
		return backstop.Ruling{}, backstop.View{}, err
	}
	return ruling, after.View(), nil
}

// Finish ends the send. Lapsed says that its ExpiresAt came by the engine's clock.
func (s *Store) Finish(ctx context.Context, send string, lapsed bool) (backstop.View, error) {
	return s.change(ctx, "finish send", send, func(l *backstop.Ledger, now time.Time) { l.Finish(lapsed, now) })
}

// FinishOverdue ends a send whose SMS's receipt was waited for until now in vain.
func (s *Store) FinishOverdue(ctx context.Context, send string) error {
	_, err := s.change(ctx, "finish overdue send", send, func(l *backstop.Ledger, now time.Time) {
		if by := l.Send.ReceiptBy; by != nil && !by.After(now) {
			l.Finish(false, now)
		}
	})
	return err
}

// Abandon ends a send that no workflow will decide about, and says why.
func (s *Store) Abandon(ctx context.Context, send, reason string) error {
	_, err := s.change(ctx, "abandon send", send, func(l *backstop.Ledger, now time.Time) { l.Abandon(reason, now) })
	return err
}

func (s *Store) change(
	ctx context.Context, what, send string, change func(l *backstop.Ledger, now time.Time),
) (backstop.View, error) {
	_, after, err := update(ctx, s, what, send, func(l *backstop.Ledger, now time.Time) (struct{}, error) {
		change(l, now)
		return struct{}{}, nil
	})
	if err != nil {
		return backstop.View{}, err
	}
	return after.View(), nil
}

// View returns what a workflow has to know of a send, as it is stored.
func (s *Store) View(ctx context.Context, send string) (backstop.View, error) {
	l, err := s.Ledger(ctx, send)
	if err != nil {
		return backstop.View{}, err
	}
	return l.View(), nil
}

// Views returns the same of several sends, by their ids.
func (s *Store) Views(ctx context.Context, sends []string) (map[string]backstop.View, error) {
	rows, err := selectAll[ledgerRow](ctx, s, "read sends", readLedgers, pq.StringArray(sends))
	if err != nil {
		return nil, err
	}
	views := map[string]backstop.View{}
	for _, row := range rows {
		l, err := row.ledger()
		if err != nil {
			return nil, err
		}
		views[row.ID] = l.View()
	}
	return views, nil
}

// Ledger returns the ledger of a send, as it is stored.
func (s *Store) Ledger(ctx context.Context, send string) (*backstop.Ledger, error) {
	id, ok := pool.ParseID(send)
	if !ok {
		return nil, pool.NotFound("send")
	}
	l, err := s.load(ctx, id)
	return l, pool.Failed(ctx, "read send", err)
}

// Remember takes in a send that was just stored, with its first event.
func (s *Store) Remember(send backstop.Send) {
	s.cache.put(&backstop.Ledger{Revision: firstRevision, Send: send, At: send.AcceptedAt})
}

// Learn merges in a status that a provider told when asked. The caller brings it to the workflow.
func (s *Store) Learn(ctx context.Context, r backstop.Receipt) (backstop.View, error) {
	list, err := s.storable([]backstop.Receipt{r})
	if err != nil {
		return backstop.View{}, err
	}
	_, after, err := s.receive(ctx, batch{send: r.Ref.Send, receipts: list, isSilent: true})
	if err != nil {
		return backstop.View{}, err
	}
	return after.View(), nil
}

// Now is the time by the clock that stamps what is stored.
func (s *Store) Now() time.Time { return s.pool.Now() }
