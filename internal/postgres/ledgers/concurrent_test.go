package ledgers_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// A receipt is concurrent with the last check before an SMS. Either the check finds the receipt and there is no SMS, or the SMS
// goes out and the send is flagged as a duplicate delivery.
func TestStore_Begin_lastLook(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	averted, duplicate := 0, 0
	for range 200 {
		d := underway(t, db)
		d.by(other).ledger()
		var answer backstop.Answer
		var group sync.WaitGroup
		group.Go(func() {
			ruling, _ := d.ask(firstSMS)
			if answer = ruling.Answer; answer == backstop.MayCall {
				d.accept(ruling.Attempt)
			}
		})
		group.Go(func() { d.by(other).insert(d.receipt(1, backstop.Delivered)) })
		group.Wait()
		l := d.ledger()
		require.Equal(t, backstop.Delivered, l.Send.Status.WhatsApp)
		if answer == backstop.MayCall {
			duplicate++
			require.True(t, l.Send.DuplicateDelivery)
			require.Contains(t, d.kinds(), "rule_fired sms")
			continue
		}
		averted++
		require.Equal(t, backstop.Satisfied, answer)
		require.False(t, l.Send.DuplicateDelivery)
		require.Empty(t, l.Attempt(firstSMS.Step()))
		require.Empty(t, l.Send.Status.SMS)
	}
	t.Logf("averted %d, delivered twice %d", averted, duplicate)
}

// A receipt comes twice while its call ends, with or without a reference. It is merged once. It reaches the workflow through
// the end of the call or by a signal.
func TestStore_End_receiptConcurrently(t *testing.T) {
	t.Parallel()
	for name, receipt := range map[string]func(desk) backstop.Receipt{
		"with a reference": func(d desk) backstop.Receipt { return d.receipt(1, backstop.Failed) },
		"without":          func(d desk) backstop.Receipt { return d.lone(1, backstop.Failed) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, other := twoProcesses(t)
			byEnd := 0
			for range 200 {
				d := newDesk(t, db)
				attempt := d.begin(whatsApp)
				var ended backstop.View
				var waited [2][]handoff.Handover
				var group sync.WaitGroup
				group.Go(func() { ended = d.accept(attempt) })
				for i, by := range []*postgres.DB{db, other} { // the provider sends its webhook twice
					group.Go(func() { waited[i] = d.by(by).insert(receipt(d)) })
				}
				group.Wait()
				l := d.ledger()
				require.Equal(t, backstop.Failed, l.Send.Status.WhatsApp)
				require.Equal(t, "131026", l.Attempt(1).Refusal.Code)
				require.Len(t, d.kinds(), 3, "accepted, attempt, receipt")
				signals := slices.Concat(waited[0], waited[1])
				if ended.WhatsApp == backstop.Failed {
					byEnd++
				} else {
					require.Len(t, signals, 1)
					require.Equal(t, l.View(), signals[0].View)
				}
				require.LessOrEqual(t, len(signals), 1)
			}
			t.Logf("the end of the call told of %d, a signal of the others", byEnd)
		})
	}
}

// Concurrent batches name the same sends in different orders, and contain receipts that match no attempt. None fails.
func TestStore_InsertReceipts_concurrent(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	sends := make([]desk, 6)
	for i := range sends {
		sends[i] = underway(t, db)
	}
	batch := func(status backstop.Status, backwards bool) (receipts []backstop.Receipt) {
		for _, d := range sends {
			stray := d.lone(1, status)
			stray.MessageID = "stray " + d.id
			receipts = append(receipts, d.receipt(1, status), stray)
		}
		if backwards {
			slices.Reverse(receipts)
		}
		return receipts
	}
	var mu sync.Mutex
	signals := map[string]int{}
	var group sync.WaitGroup
	for i := range 24 {
		status := []backstop.Status{backstop.Sent, backstop.Delivered, backstop.Read}[i%3]
		by := []*postgres.DB{db, other}[i%2]
		group.Go(func() {
			waited := sends[0].by(by).insert(batch(status, i%4 < 2)...)
			mu.Lock()
			defer mu.Unlock()
			for _, w := range waited {
				signals[w.ID]++
			}
		})
	}
	group.Wait()
	for _, d := range sends {
		require.Equal(t, backstop.Read, d.ledger().Send.Status.WhatsApp)
		require.Len(t, d.kinds(), 6, "accepted, attempt, three receipts, finished")
	}
	for id, n := range signals {
		require.Equal(t, 1, n, id)
	}
}

// If several workers begin the same step concurrently, one may call and the others find its call under way.
func TestStore_Begin_concurrent(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	for range 50 {
		d := underway(t, db)
		answers := make([]backstop.Answer, 4)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() {
				ruling, _ := d.by([]*postgres.DB{db, other}[i%2]).ask(firstSMS)
				answers[i] = ruling.Answer
			})
		}
		group.Wait()
		slices.Sort(answers)
		require.Equal(t, []backstop.Answer{
			backstop.MayCall, backstop.UnderWay, backstop.UnderWay, backstop.UnderWay,
		}, answers)
		require.Equal(t, []string{"accepted", "attempt whatsapp submitted", "rule_fired sms"}, d.kinds())
		require.Equal(t, 1, d.ledger().Attempt(firstSMS.Step()).Number)
	}
}

// Many concurrent writers change one send in processes that each cache it, so most saves fail and start over.
func TestStore_manyWriters(t *testing.T) {
	t.Parallel()
	const processes, each = 5, 6
	url := postgrestest.URL(t)
	first := postgrestest.Open(t, url)
	migrate(t, first)
	d := newDesk(t, first)
	attempt := d.begin(whatsApp)
	dbs := []*postgres.DB{first}
	for len(dbs) < processes {
		dbs = append(dbs, postgrestest.Open(t, url))
	}
	statuses := []backstop.Status{backstop.Sent, backstop.Failed, backstop.Delivered}
	var group sync.WaitGroup
	for i := range processes * each {
		by := d.by(dbs[i%processes])
		group.Go(func() {
			switch i % 6 {
			case 0:
				by.accept(attempt)
			case 1:
				by.stopWaiting()
			case 2:
				by.ask(firstSMS)
			default:
				by.insert(by.receipt(1, statuses[i%3]), by.lone(1, statuses[i%3]))
			}
		})
	}
	group.Wait()
	events := d.events()
	requireOrdered(t, events)
	kinds := d.kinds()
	slices.Sort(kinds)
	require.Len(t, slices.Compact(kinds), len(events), "each event once")
	l := d.ledger()
	require.Equal(t, backstop.Delivered, l.Send.Status.WhatsApp)
	require.Equal(t, backstop.Accepted, l.Attempt(1).State)
	require.GreaterOrEqual(t, l.Revision, len(events))
	for _, db := range dbs {
		if cached, ok := db.Cached(d.id); ok && cached.Revision == l.Revision {
			requireCached(t, db, l)
		}
	}
}

// requireOrdered checks that the times of a timeline never go back, and that the send began once and ended at most once.
func requireOrdered(t require.TestingT, events []backstop.Event) {
	last := time.Time{}
	n := map[backstop.EventKind]int{}
	for _, e := range events {
		require.False(t, e.At.Before(last), "%+v is earlier than the event before it", e)
		last = e.At
		n[e.Kind]++
	}
	require.Equal(t, 1, n[backstop.EventAccepted])
	require.LessOrEqual(t, n[backstop.EventFinished], 1)
	require.LessOrEqual(t, n[backstop.EventDuplicate], 1)
}

// Begin decides on the stored send, even if the cached one is older.
func TestStore_Begin_overtaken(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	t.Run("it has arrived meanwhile", func(t *testing.T) {
		t.Parallel()
		d := underway(t, db)
		d.by(other).insert(d.receipt(1, backstop.Delivered))
		ruling, _ := d.ask(firstSMS)
		require.Equal(t, backstop.Satisfied, ruling.Answer)
	})
	t.Run("the call was ended elsewhere", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		attempt := d.begin(whatsApp)
		d.by(other).accept(attempt)
		ruling, view := d.ask(whatsApp)
		require.Equal(t, backstop.MadeAlready, ruling.Answer)
		require.Equal(t, backstop.Accepted, ruling.Attempt.State)
		require.Equal(t, backstop.Submitted, view.WhatsApp)
	})
	t.Run("a change that another process makes between the reading and the writing", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, db)
		attempt := d.begin(whatsApp)
		d.by(other).insert(d.receipt(1, backstop.Sent)) // not in the cache of the first process
		d.accept(attempt)
		require.Equal(t, []string{"accepted", "receipt whatsapp sent", "attempt whatsapp submitted"}, d.kinds())
		require.Equal(t, backstop.Sent, d.check().Send.Status.WhatsApp)
	})
}
