package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// lingering returns an attempt whose message the provider has taken, and whose activity waits for its receipts. Of two rules
// the one is over with the delivery, the other only when the message was read.
func lingering(t *testing.T, db *postgres.DB) backstop.Attempt {
	t.Helper()
	send := insertSend(t, db)
	attempt := begin(t, db, send.ID, 1).End(backstop.Submission{MessageID: messageID(send.ID, 1)}, nil, at(10))
	attempt.LingersUntil = new(time.Now().Add(time.Minute))
	_, err := db.End(t.Context(), attempt, 0)
	require.NoError(t, err)
	return attempt
}

func TestDB_Leave(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)

	t.Run("no receipt needs a signal before it, each that is waited for after it", func(t *testing.T) {
		t.Parallel()
		a := lingering(t, db)
		require.Empty(t, insert(t, db, receipt(a.Ref.Send, 1, backstop.Sent), receipt(a.Ref.Send, 1, backstop.Delivered)))
		for range 2 {
			send, err := db.Leave(t.Context(), a)
			require.NoError(t, err)
			require.Equal(t, backstop.Delivered, send.WhatsAppStatus)
		}
		require.Len(t, insert(t, db, receipt(a.Ref.Send, 1, backstop.Read)), 1)
		require.Equal(t, []string{
			"accepted", "attempt whatsapp submitted", "receipt whatsapp sent", "receipt whatsapp delivered",
			"receipt whatsapp read", "finished",
		}, kinds(t, db, a.Ref.Send))
		attempts, _ := timeline(t, db, a.Ref.Send)
		require.Nil(t, attempts[0].LingersUntil)
	})
	t.Run("a receipt that ends the send", func(t *testing.T) {
		t.Parallel()
		a := lingering(t, db)
		require.Empty(t, insert(t, db, receipt(a.Ref.Send, 1, backstop.Read)))
		require.NotNil(t, getSend(t, db, a.Ref.Send).FinishedAt)
	})
	t.Run("one that the sweeper would otherwise tell", func(t *testing.T) {
		t.Parallel()
		a := lingering(t, db)
		require.Empty(t, insert(t, db, receipt(a.Ref.Send, 1, backstop.Failed)))
		for _, h := range claimReceipts(t, db) {
			require.NotEqual(t, a.Ref.Send, h.Ref.Send, "it needs no signal")
		}
	})
	t.Run("it should have left, and whoever took over did not know", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		a := begin(t, db, send.ID, 1).End(backstop.Submission{MessageID: messageID(send.ID, 1)}, nil, at(10))
		a.LingersUntil = new(time.Now().Add(-time.Second))
		_, err := db.End(t.Context(), a, 0)
		require.NoError(t, err)
		require.Len(t, insert(t, db, receipt(send.ID, 1, backstop.Failed)), 1)
	})
	t.Run("unknown attempts", func(t *testing.T) {
		t.Parallel()
		a := lingering(t, db)
		a.Number++
		_, err := db.Leave(t.Context(), a)
		requireCode(t, backstop.NotFound, err)
		a.Ref.Send = newID(t)
		_, err = db.Leave(t.Context(), a)
		requireCode(t, backstop.NotFound, err)
	})
}

// A call that comes back after it was given up for Unknown does not linger: its workflow was told Unknown, and waits for a
// signal. Nor does one that was not accepted.
func TestDB_End_lingersOnlyInTime(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send := insertSend(t, db)
	attempt := begin(t, db, send.ID, 1)
	fail(t, db, attempt, backstop.Unknown)
	late := attempt.End(backstop.Submission{MessageID: messageID(send.ID, 1)}, nil, at(12))
	late.LingersUntil = new(time.Now().Add(time.Minute))
	_, err := db.End(t.Context(), late, 0)
	require.NoError(t, err)
	require.Len(t, insert(t, db, receipt(send.ID, 1, backstop.Delivered)), 1)

	send = insertSend(t, db)
	rejected := begin(t, db, send.ID, 1).End(backstop.Submission{}, &backstop.Failure{Kind: backstop.Rejected}, at(12))
	rejected.LingersUntil = new(time.Now().Add(time.Minute))
	_, err = db.End(t.Context(), rejected, 0)
	require.NoError(t, err)
	attempts, _ := timeline(t, db, send.ID)
	require.Nil(t, attempts[0].LingersUntil)
}

func TestDB_Await(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	const soon = 20 * time.Second // a busy machine may be slow

	for name, by := range map[string]*postgres.DB{"by this process": db, "by another": other} {
		for _, status := range []backstop.Status{backstop.Read, backstop.Failed} {
			t.Run(name+", "+string(status), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), soon)
				defer cancel()
				a := lingering(t, db)
				var group sync.WaitGroup
				for range 2 { // two may wait for the same: a worker lost the engine, and another run took over
					group.Go(func() {
						send, decided := db.Await(ctx, a.Ref.Send)
						if !decided || send.WhatsAppStatus != status {
							t.Errorf("decided %t, %s", decided, send.WhatsAppStatus)
						}
					})
				}
				insert(t, by, receipt(a.Ref.Send, 1, backstop.Sent))
				insert(t, by, receipt(a.Ref.Send, 1, status))
				group.Wait()
			})
		}
	}
	t.Run("until it may not any more", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a := lingering(t, db)
		insert(t, db, receipt(a.Ref.Send, 1, backstop.Delivered)) // the unread rule is left
		_, decided := db.Await(ctx, a.Ref.Send)
		require.False(t, decided)
		require.Error(t, ctx.Err())
	})
	t.Run("decided before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		a := lingering(t, db)
		insert(t, db, receipt(a.Ref.Send, 1, backstop.Read))
		send, decided := db.Await(ctx, a.Ref.Send)
		require.True(t, decided)
		require.NotNil(t, send.FinishedAt)
	})
}

// A receipt that comes at the moment when the activity leaves: it learns of it, or there is a signal, and not both.
func TestDB_Leave_receiptConcurrently(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	byLeave, bySignal := 0, 0
	for byLeave+bySignal < 200 || byLeave*bySignal == 0 {
		a := lingering(t, db)
		var (
			left   backstop.Send
			waited [2][]handoff.Handover
			errs   [3]error
			group  sync.WaitGroup
		)
		group.Go(func() { left, errs[0] = db.Leave(t.Context(), a) })
		for i, by := range []*postgres.DB{db, other} {
			group.Go(func() {
				waited[i], errs[1+i] = by.InsertReceipts(t.Context(), []backstop.Receipt{receipt(a.Ref.Send, 1, backstop.Failed)})
			})
		}
		group.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		signals := len(waited[0]) + len(waited[1])
		if left.WhatsAppStatus == backstop.Failed {
			byLeave++
			require.Zero(t, signals)
		} else {
			bySignal++
			require.Equal(t, 1, signals)
		}
		require.Less(t, byLeave+bySignal, 5000, "the activity learned of %d itself", byLeave)
	}
	t.Logf("the activity learned of %d itself, a signal told of %d", byLeave, bySignal)
}

func TestDB_Refusal(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a := lingering(t, db)
	failure, err := db.Refusal(t.Context(), a)
	require.NoError(t, err)
	require.Nil(t, failure)
	insert(t, db, receipt(a.Ref.Send, 1, backstop.Failed))
	failure, err = db.Refusal(t.Context(), a)
	require.NoError(t, err)
	require.Equal(t, receipt(a.Ref.Send, 1, backstop.Failed).Failure, failure)

	silent := lingering(t, db)
	mute := receipt(silent.Ref.Send, 1, backstop.Failed)
	mute.Failure = nil
	insert(t, db, mute)
	failure, err = db.Refusal(t.Context(), silent)
	require.NoError(t, err)
	require.Nil(t, failure)
}
