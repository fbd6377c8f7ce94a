package ledgers_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func (d desk) stopWaiting() backstop.View {
	d.t.Helper()
	view, err := d.db.StopWaiting(d.t.Context(), d.id, 1)
	require.NoError(d.t, err)
	return view
}

func TestStore_StopWaiting(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, sqlDB := postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, db)

	t.Run("no receipt needs a signal before it, each that is waited for does after it", func(t *testing.T) {
		t.Parallel()
		d := awaitingReceipts(t, db)
		require.NotNil(t, d.check().Attempt(1).AwaitsReceiptsUntil)
		require.Empty(t, d.insert(d.receipt(1, backstop.Sent), d.receipt(1, backstop.Delivered)))
		for range 2 {
			require.Equal(t, backstop.Delivered, d.stopWaiting().WhatsApp)
			require.Nil(t, d.check().Attempt(1).AwaitsReceiptsUntil)
		}
		require.Len(t, d.insert(d.receipt(1, backstop.Read)), 1)
		for _, r := range rowsOf(t, sqlDB, d.messageID(1)) {
			require.Equal(t, r.Status == "read", r.NeedsSignal, "nor does the sweeper bring it")
		}
		require.Equal(t, []string{
			"accepted", "attempt whatsapp submitted", "receipt whatsapp sent", "receipt whatsapp delivered",
			"receipt whatsapp read", "finished",
		}, d.kinds())
	})
	t.Run("of an activity whose time is over it is not waited for", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		d.end(d.begin(whatsApp), backstop.Ending{
			Submission: backstop.Submission{MessageID: d.messageID(1)}, AwaitReceipts: time.Microsecond,
		})
		require.Len(t, d.insert(d.receipt(1, backstop.Failed)), 1)
	})
	t.Run("a step that was not begun", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		require.Equal(t, 1, d.stopWaiting().Revision)
	})
}

func TestStore_Await(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	const soon = 20 * time.Second // a busy machine may be slow

	for name, by := range map[string]*postgres.DB{"by this process": db, "by another": other} {
		for _, status := range []backstop.Status{backstop.Read, backstop.Failed} {
			t.Run(name+", "+string(status), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), soon)
				defer cancel()
				d := awaitingReceipts(t, db)
				var group sync.WaitGroup
				views := make([]backstop.View, 2) // a retry waits together with the first run
				for i := range views {
					group.Go(func() {
						view, decided := db.Await(ctx, d.id)
						if views[i] = view; !decided {
							t.Error("it was not decided")
						}
					})
				}
				d.by(by).insert(d.receipt(1, backstop.Sent))
				d.by(by).insert(d.receipt(1, status))
				group.Wait()
				for _, view := range views {
					require.Equal(t, d.ledger().View(), view)
				}
			})
		}
	}
	t.Run("until it may not any more", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		d := awaitingReceipts(t, db)
		d.insert(d.receipt(1, backstop.Delivered)) // the unread rule may still fire
		_, decided := db.Await(ctx, d.id)
		require.False(t, decided)
		require.Error(t, ctx.Err())
	})
	t.Run("decided before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		d := awaitingReceipts(t, db)
		d.insert(d.receipt(1, backstop.Read))
		view, decided := db.Await(ctx, d.id)
		require.True(t, decided)
		require.Equal(t, d.ledger().View(), view)
	})
}

// After each change, the query of the poll finds a send exactly if View.EndsReceiptWait is true.
func TestStore_Await_query(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	db, raw := postgrestest.Open(t, address), postgrestest.Raw(t, address)
	migrate(t, db)
	found := map[bool]int{}
	compare := func(d desk) {
		var ids []string
		require.NoError(t, sqlx.SelectContext(t.Context(), sqlx.NewDb(raw, "postgres"), &ids, ledgers.AnsweredSends, pq.StringArray{d.id}))
		require.Equal(t, d.ledger().View().EndsReceiptWait(), len(ids) > 0)
		found[len(ids) > 0]++
	}
	d := newDesk(t, db)
	for _, w := range life() {
		compare(d)
		w.do(t, d)
	}
	compare(d)
	detached := awaitingReceipts(t, db)
	detached.fail(detached.begin(firstSMS), backstop.Rejected)
	sms := detached.begin(lastSMS)
	detached.end(sms, backstop.Ending{Submission: backstop.Submission{MessageID: detached.messageID(2)}, SMSReceiptWait: time.Hour})
	require.NotNil(t, detached.ledger().Send.ReceiptBy)
	compare(detached)
	require.Positive(t, found[true])
	require.Positive(t, found[false])
}

// A receipt is concurrent with StopWaiting. It reaches the activity or it is signalled, but not both.
func TestStore_StopWaiting_receiptConcurrently(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	byActivity, bySignal := 0, 0
	for byActivity+bySignal < 200 || byActivity*bySignal == 0 {
		d := awaitingReceipts(t, db)
		var (
			view   backstop.View
			waited [2][]handoff.Handover
			group  sync.WaitGroup
		)
		group.Go(func() { view = d.stopWaiting() })
		for i, by := range []*postgres.DB{db, other} {
			group.Go(func() { waited[i] = d.by(by).insert(d.receipt(1, backstop.Failed)) })
		}
		group.Wait()
		signals := len(waited[0]) + len(waited[1])
		if view.WhatsApp == backstop.Failed {
			byActivity++
			require.Zero(t, signals)
		} else {
			bySignal++
			require.Equal(t, 1, signals)
		}
		require.Less(t, byActivity+bySignal, 5000, "the activity learned of %d itself", byActivity)
	}
	t.Logf("the activity learned of %d itself, a signal told of %d", byActivity, bySignal)
}
