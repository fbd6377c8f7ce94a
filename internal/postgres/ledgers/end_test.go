package ledgers_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// cancel cancels the send, and reports whether it was in time.
func (d desk) cancel() bool {
	d.t.Helper()
	view, err := d.db.Cancel(d.t.Context(), d.id)
	if backstop.CodeOf(err) == backstop.Conflict {
		return false
	}
	require.NoError(d.t, err)
	require.Equal(d.t, backstop.OutcomeCancelled, view.Outcome)
	return true
}

// The last check before an SMS is concurrent with the cancellation of the send. Exactly one of them wins.
func TestStore_Cancel_concurrent(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	cancelled, called := 0, 0
	for range 200 {
		d := underway(t, db)
		d.by(other).ledger()
		var answer backstop.Answer
		var isInTime bool
		var group sync.WaitGroup
		group.Go(func() { ruling, _ := d.ask(firstSMS); answer = ruling.Answer })
		group.Go(func() { isInTime = d.by(other).cancel() })
		group.Wait()
		l := d.ledger()
		if isInTime {
			cancelled++
			require.Equal(t, backstop.SendFinished, answer)
			require.Nil(t, l.Attempt(firstSMS.Step()))
			require.Equal(t, []string{"accepted", "attempt whatsapp submitted", "cancelled", "finished"}, d.kinds())
			continue
		}
		called++
		require.Equal(t, backstop.MayCall, answer)
		require.Equal(t, backstop.Calling, l.Attempt(firstSMS.Step()).State)
		require.Equal(t, backstop.OutcomePending, l.Send.Outcome)
	}
	t.Logf("cancelled %d, called %d", cancelled, called)
}

// A process whose cached ledger is older than the row decides by the row.
func TestStore_Cancel_otherProcess(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	d := underway(t, db)
	d.by(other).begin(firstSMS)
	require.False(t, d.cancel(), "the SMS may be out")
	require.Equal(t, []string{"accepted", "attempt whatsapp submitted", "rule_fired sms"}, d.kinds())

	d = underway(t, db)
	require.True(t, d.by(other).cancel())
	require.True(t, d.by(other).cancel(), "it is repeated")
	ruling, view := d.ask(firstSMS)
	require.Equal(t, backstop.SendFinished, ruling.Answer)
	require.Equal(t, backstop.OutcomeCancelled, view.Outcome)
	require.True(t, d.cancel())

	d = underway(t, db)
	_, err := other.Confirm(t.Context(), d.id)
	require.NoError(t, err)
	require.False(t, d.cancel())
	require.Equal(t, backstop.OutcomeConfirmed, d.check().Send.Outcome)
}

// An activity that waits for the receipts of its call gets the end of the send, also from another process.
func TestStore_Cancel_awaited(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	d := awaitingReceipts(t, db)
	got := make(chan backstop.View, 1)
	go func() {
		view, _ := db.Await(t.Context(), d.id)
		got <- view
	}()
	require.True(t, d.by(other).cancel())
	require.Equal(t, backstop.OutcomeCancelled, (<-got).Outcome)
}

// The answer to the statement is lost. The repetition finds its own change, and answers as without the loss.
func TestStore_Cancel_lostAnswer(t *testing.T) {
	t.Parallel()
	db, address, proxy := behindProxy(t)
	direct := postgrestest.Open(t, address)
	d := underway(t, db)
	struck := proxy.On(cutproxy.Cut{How: cutproxy.Reset, After: true, Match: executes(changesSend)})
	require.True(t, d.cancel())
	<-struck
	require.Equal(t, []string{"accepted", "attempt whatsapp submitted", "cancelled", "finished"}, d.by(direct).kinds())
}

// A send that has ended before its workflow was started needs none.
func TestStore_Cancel_notHandedOver(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db, raw := postgrestest.Open(t, url), postgrestest.Past(t, url)
	migrate(t, db)
	d := newDesk(t, db)
	isHandedOver := func() (is bool) {
		raw.Row(`SELECT handed_over FROM sends WHERE id = $1`, []any{d.id}, &is)
		return is
	}
	require.False(t, isHandedOver())
	require.True(t, d.cancel())
	require.True(t, isHandedOver())
	claims, err := db.ClaimSends(t.Context(), db.Now().Add(time.Minute), time.Minute, 10)
	require.NoError(t, err)
	require.Empty(t, claims)
}
