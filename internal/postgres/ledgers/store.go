// Package ledgers is the store of sends: it loads a backstop.Ledger, calls one of its methods, and saves the result. Only the
// Ledger decides what a call, a receipt or an end changes.
package ledgers

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// Store is the store of one database. Its methods may be called concurrently, and a repeated call changes nothing. A method
// returns an Error of code NotFound for an unknown send, and of code TryLater if Postgres is not available.
type Store struct {
	pool    *pool.Pool
	locks   locks
	cache   *cache
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
	// An earlier run may have made the call and died before it looked for receipts of its message.
	view, err := s.adopt(ctx, after, c.Step())
	return ruling, view, err
}

// End records how a call ended, and merges the receipts that were stored before its message id was known.
func (s *Store) End(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	e.Submission.MessageID, e.Failure = pool.Clean(e.Submission.MessageID), cleaned(e.Failure)
	const resolution = time.Microsecond // of Postgres
	e.AwaitReceipts, e.ReceiptWait = e.AwaitReceipts.Truncate(resolution), e.ReceiptWait.Truncate(resolution)
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

// GiveUp counts a call as failed because its provider has accepted none of the tries.
func (s *Store) GiveUp(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error) {
	ruling, after, err := update(ctx, s, "give up", send,
		func(l *backstop.Ledger, now time.Time) (backstop.Ruling, error) { return l.GiveUp(c, now), nil })
	if err != nil {
		return backstop.Ruling{}, backstop.View{}, err
	}
	return ruling, after.View(), nil
}

// Finish ends the send. Lapsed is true if its ExpiresAt has passed by the engine's clock.
func (s *Store) Finish(ctx context.Context, send string, lapsed bool) (backstop.View, error) {
	return s.change(ctx, "finish send", send, func(l *backstop.Ledger, now time.Time) { l.Finish(lapsed, now) })
}

// FinishOverdue ends a send whose ReceiptBy has passed without a receipt of its SMS.
func (s *Store) FinishOverdue(ctx context.Context, send string) error {
	_, err := s.change(ctx, "finish overdue send", send, func(l *backstop.Ledger, now time.Time) {
		if by := l.Send.ReceiptBy; by != nil && !by.After(now) {
			l.Finish(false, now)
		}
	})
	return err
}

// Abandon ends a send that no workflow will finish, and records the reason.
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

// View reads the view of a send from Postgres.
func (s *Store) View(ctx context.Context, send string) (backstop.View, error) {
	l, err := s.Ledger(ctx, send)
	if err != nil {
		return backstop.View{}, err
	}
	return l.View(), nil
}

// Views reads the views of several sends from Postgres, by id. It leaves out unknown sends.
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

// Ledger reads the ledger of a send from Postgres.
func (s *Store) Ledger(ctx context.Context, send string) (*backstop.Ledger, error) {
	id, ok := pool.ParseID(send)
	if !ok {
		return nil, pool.NotFound("send")
	}
	l, err := s.load(ctx, id)
	return l, pool.Failed(ctx, "read send", err)
}

// Remember caches a send that was just stored with its first event.
func (s *Store) Remember(send backstop.Send) {
	s.cache.put(backstop.NewLedger(send))
}

// Preload caches the ledgers of sends that are about to change, by one query. It skips unknown sends.
func (s *Store) Preload(ctx context.Context, sends []string) error {
	_, err := s.loadAll(ctx, sends)
	return err
}

// Learn merges a status that a provider returned to an inquiry. It needs no signal, because the caller returns the view to the
// workflow.
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

// Now returns the time by the database's clock, which stamps all stored rows.
func (s *Store) Now() time.Time { return s.pool.Now() }
