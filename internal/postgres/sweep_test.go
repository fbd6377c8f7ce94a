package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func soon() time.Time { return time.Now().Add(time.Minute) }

func TestDB_SweepSends(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var all []string
	for range 5 {
		all = append(all, insertSend(t, db).ID)
	}
	require.NoError(t, db.MarkSent(t.Context(), all[4:]))
	require.NoError(t, db.MarkSent(t.Context(), all[4:]))
	require.NoError(t, db.MarkSent(t.Context(), nil))
	requireCode(t, backstop.NotFound, db.MarkSent(t.Context(), []string{all[0], "x"}))

	sweep := func(limit int, give func(id string) error) (seen []string, marked int) {
		offered, marked, err := db.SweepSends(t.Context(), soon(), limit, func(_ context.Context, s backstop.Send) error {
			require.Equal(t, plan(), s.Plan)
			seen = append(seen, s.ID)
			return give(s.ID)
		})
		require.NoError(t, err)
		require.Len(t, seen, offered)
		return seen, marked
	}
	seen, marked := sweep(3, func(id string) error {
		if id == all[1] {
			return errors.New("the engine is away")
		}
		return nil
	})
	require.Equal(t, all[:3], seen, "oldest first")
	require.Equal(t, 2, marked)
	seen, marked = sweep(3, func(string) error { return nil })
	require.Equal(t, []string{all[1], all[3]}, seen)
	require.Equal(t, 2, marked)
	seen, _ = sweep(3, func(string) error { return nil })
	require.Empty(t, seen)

	insertSend(t, db)
	offered, _, err := db.SweepSends(t.Context(), time.Now().Add(-time.Minute), 9, nil)
	require.NoError(t, err)
	require.Zero(t, offered, "it is too young")
}

// Sweepers at work at once never offer the same send, and together offer all.
func TestDB_SweepSends_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	const total = 40
	for range total {
		insertSend(t, db)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 5 {
				_, _, err := db.SweepSends(t.Context(), soon(), 4, func(_ context.Context, s backstop.Send) error {
					mu.Lock()
					defer mu.Unlock()
					seen[s.ID]++
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.Len(t, seen, total)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}

func TestDB_SweepSends_canceled(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	insertSend(t, db)
	insertSend(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	offered, marked, err := db.SweepSends(ctx, soon(), 5, func(context.Context, backstop.Send) error {
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, offered)
	require.Zero(t, marked)
	offered, marked, err = db.SweepSends(t.Context(), soon(), 5, func(context.Context, backstop.Send) error { return nil })
	require.NoError(t, err)
	require.Equal(t, 2, offered)
	require.Equal(t, 2, marked)
}

func TestDB_SweepReceipts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b, c := underway(t, db), underway(t, db), underway(t, db)
	insert(t, db, receipt(a.ID, 1, backstop.Sent)) // nobody waits for it
	waited := insert(t, db, receipt(a.ID, 1, backstop.Failed))
	waited = append(waited, insert(t, db, receipt(b.ID, 1, backstop.Delivered))...)
	told := insert(t, db, receipt(c.ID, 1, backstop.Delivered))
	require.NoError(t, db.MarkSignalled(t.Context(), []string{told[0].ID}))
	require.NoError(t, db.MarkSignalled(t.Context(), nil))
	finish(t, db, b.ID)
	for i := range waited { // they say what is so when they are offered
		var err error
		waited[i].View, err = db.View(t.Context(), waited[i].Send)
		require.NoError(t, err)
	}
	require.Equal(t, backstop.OutcomeWhatsApp, waited[1].View.Outcome)

	var seen []handoff.Handover
	give := func(_ context.Context, h handoff.Handover) error {
		seen = append(seen, h)
		if h.Send == a.ID && len(seen) < 3 {
			return errors.New("the engine is away")
		}
		return nil
	}
	offered, marked, err := db.SweepReceipts(t.Context(), soon(), 9, give)
	require.NoError(t, err)
	require.Equal(t, waited, seen)
	require.Equal(t, 2, offered)
	require.Equal(t, 1, marked)
	_, marked, err = db.SweepReceipts(t.Context(), soon(), 9, give)
	require.NoError(t, err)
	require.Equal(t, 1, marked)
	offered, _, err = db.SweepReceipts(t.Context(), soon(), 9, give)
	require.NoError(t, err)
	require.Zero(t, offered)
}

// An attempt of a send shows that the engine has it.
func TestDB_SweepSends_begun(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	begin(t, db, insertSend(t, db).ID, whatsApp)
	offered, _, err := db.SweepSends(t.Context(), soon(), 9, nil)
	require.NoError(t, err)
	require.Zero(t, offered)
}

// fallBack makes the provider take a send's last SMS, whose receipt is then waited for.
func fallBack(t *testing.T, db *postgres.DB, send string, wait time.Duration) {
	t.Helper()
	end(t, db, begin(t, db, send, firstSMS), backstop.Ending{Failure: &backstop.Failure{Kind: backstop.Rejected}})
	sms := begin(t, db, send, lastSMS)
	end(t, db, sms, backstop.Ending{
		Submission: backstop.Submission{MessageID: messageID(send, lastSMS.Step())}, ReceiptWait: wait,
	})
	require.NotNil(t, getSend(t, db, send).ReceiptBy)
}

func TestDB_FinishOverdue(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var ids []string
	for range 5 {
		send := underway(t, db)
		fallBack(t, db, send.ID, time.Millisecond)
		ids = append(ids, send.ID)
	}
	patient := underway(t, db)
	fallBack(t, db, patient.ID, time.Hour)
	finishOverdue := func(limit int) int {
		n, err := db.FinishOverdue(t.Context(), time.Now(), limit)
		require.NoError(t, err)
		return n
	}
	time.Sleep(10 * time.Millisecond)
	require.Equal(t, 1, finishOverdue(1), "the one that waited longest first")
	require.Equal(t, backstop.OutcomeUnconfirmed, getSend(t, db, ids[0]).Outcome)
	require.Equal(t, backstop.OutcomePending, getSend(t, db, ids[1]).Outcome)
	insert(t, db, receipt(ids[1], lastSMS.Step(), backstop.Delivered))
	require.Equal(t, 1, finishOverdue(1))
	require.Equal(t, backstop.OutcomeSMS, getSend(t, db, ids[1]).Outcome)

	var group sync.WaitGroup
	for range 4 { // sweepers
		group.Go(func() {
			_, err := db.FinishOverdue(t.Context(), time.Now(), 9)
			assert.NoError(t, err)
		})
	}
	group.Wait()
	for _, id := range ids[2:] {
		require.Equal(t, backstop.OutcomeUnconfirmed, getSend(t, db, id).Outcome)
		_, events := timeline(t, db, id)
		require.Equal(t, backstop.EventFinished, events[len(events)-1].Kind)
		require.NotEqual(t, backstop.EventFinished, events[len(events)-2].Kind, "it was ended once")
	}
	insert(t, db, receipt(ids[4], lastSMS.Step(), backstop.Delivered))
	require.Equal(t, backstop.OutcomeSMS, getSend(t, db, ids[4]).Outcome, "a late receipt betters the outcome")
	require.Zero(t, finishOverdue(9))
	require.Equal(t, backstop.OutcomePending, getSend(t, db, patient.ID).Outcome)
}
