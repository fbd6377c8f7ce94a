package ledgers

import (
	"context"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
)

// Begin asks the ledger whether a provider may be called, and records the call if it may.
func (s *Store) Begin(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error) {
	ruling, after, err := updateLedger(ctx, s, "begin attempt", send,
		func(l *backstop.Ledger, now time.Time) (backstop.Ruling, error) { return l.Begin(c, now) })
	if err != nil {
		return backstop.Ruling{}, backstop.View{}, err
	}
	if ruling.Answer == backstop.MayCall {
		return ruling, after.View(), nil
	}
	// An earlier run may have made the call and died before it looked for receipts of its message.
	step, _ := after.StepOf(c, s.pool.Now())
	view, err := s.adoptOrphans(ctx, after, step)
	return ruling, view, err
}

// End records how a call ended, and merges the receipts that were stored before its message id was known.
func (s *Store) End(ctx context.Context, send string, e backstop.Ending) (backstop.Attempt, backstop.View, error) {
	e.Submission.MessageID, e.Failure = pool.Clean(e.Submission.MessageID), cleanFailure(e.Failure)
	const resolution = time.Microsecond // of Postgres
	e.AwaitReceipts, e.SMSReceiptWait = e.AwaitReceipts.Truncate(resolution), e.SMSReceiptWait.Truncate(resolution)
	attempt, after, err := updateLedger(ctx, s, "end attempt", send,
		func(l *backstop.Ledger, now time.Time) (backstop.Attempt, error) { return l.End(e, now) })
	if err != nil {
		return backstop.Attempt{}, backstop.View{}, err
	}
	view, err := s.adoptOrphans(ctx, after, e.Step)
	return attempt, view, err
}

// StopWaiting ends the wait of an activity for the receipts of its call. A receipt that is stored later is signalled.
func (s *Store) StopWaiting(ctx context.Context, send string, step int) (backstop.View, error) {
	return s.changeLedger(ctx, "stop waiting", send, func(l *backstop.Ledger, _ time.Time) { l.StopWaiting(step) })
}

// GiveUp counts a call as failed because its provider has accepted none of the tries.
func (s *Store) GiveUp(ctx context.Context, send string, c backstop.Call) (backstop.Ruling, backstop.View, error) {
	ruling, after, err := updateLedger(ctx, s, "give up", send,
		func(l *backstop.Ledger, now time.Time) (backstop.Ruling, error) { return l.GiveUp(c, now), nil })
	if err != nil {
		return backstop.Ruling{}, backstop.View{}, err
	}
	return ruling, after.View(), nil
}

// Finish ends the send. Lapsed is true if its ExpiresAt has passed by the engine's clock.
func (s *Store) Finish(ctx context.Context, send string, lapsed bool) (backstop.View, error) {
	return s.changeLedger(ctx, "finish send", send, func(l *backstop.Ledger, now time.Time) { l.Finish(lapsed, now) })
}

// FinishOverdue ends a send whose ReceiptBy has passed without a receipt of its SMS.
func (s *Store) FinishOverdue(ctx context.Context, send string) error {
	_, err := s.changeLedger(ctx, "finish overdue send", send, func(l *backstop.Ledger, now time.Time) {
		if by := l.Send.ReceiptBy; by != nil && !by.After(now) {
			l.Finish(false, now)
		}
	})
	return err
}

// Abandon ends a send that no workflow will finish, and records the reason.
func (s *Store) Abandon(ctx context.Context, send, reason string) error {
	_, err := s.changeLedger(ctx, "abandon send", send, func(l *backstop.Ledger, now time.Time) { l.Abandon(reason, now) })
	return err
}

// Cancel ends a send that its caller does not want any more. It returns an Error of code Conflict if that is too late.
func (s *Store) Cancel(ctx context.Context, send string) (backstop.View, error) {
	_, after, err := updateLedger(ctx, s, "cancel send", send,
		func(l *backstop.Ledger, now time.Time) (struct{}, error) { return struct{}{}, l.Cancel(now) })
	if err != nil {
		return backstop.View{}, err
	}
	return after.View(), nil
}

// Confirm records that the recipient has acted on the message, and ends the send.
func (s *Store) Confirm(ctx context.Context, send string) (backstop.View, error) {
	return s.changeLedger(ctx, "confirm send", send, func(l *backstop.Ledger, now time.Time) { l.Confirm(now) })
}

func (s *Store) changeLedger(
	ctx context.Context, what, send string, change func(l *backstop.Ledger, now time.Time),
) (backstop.View, error) {
	_, after, err := updateLedger(ctx, s, what, send, func(l *backstop.Ledger, now time.Time) (struct{}, error) {
		change(l, now)
		return struct{}{}, nil
	})
	if err != nil {
		return backstop.View{}, err
	}
	return after.View(), nil
}
