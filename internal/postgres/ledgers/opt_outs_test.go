package ledgers_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

var stopped = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "21610", Reason: "no"}

// optOut puts a number on the list.
func optOut(t testing.TB, db *postgres.DB, number string, category backstop.OptOutCategory) {
	t.Helper()
	_, err := db.PutOptOut(t.Context(), backstop.OptOut{
		To: number, Category: category, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
}

func optIn(t testing.TB, db *postgres.DB, number string, category backstop.OptOutCategory) {
	t.Helper()
	require.NoError(t, db.DeleteOptOut(t.Context(), number, category, backstop.OptOutOrigin{Source: backstop.ByAPI}))
}

// sendTo returns a send to a number of its own, in the cache of its process.
func sendTo(t testing.TB, db *postgres.DB, number string, category backstop.Category) desk {
	t.Helper()
	send := newSend(t)
	send.To, send.Category = number, category
	return insertSend(t, db, send)
}

// An opt-out that another process has stored forbids each call that begins after it: the first, a retry and the SMS. The process
// of the send has its ledger in the cache.
func TestStore_Begin_optedOut(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	for name, tc := range map[string]struct {
		before func(d desk)
		call   backstop.Call
		kinds  []string
	}{
		"first call": {func(desk) {}, whatsApp, []string{"accepted", "opted_out whatsapp", "finished"}},
		"retry": {func(d desk) { d.fail(d.begin(whatsApp), backstop.Throttled) }, whatsApp, []string{
			"accepted", "attempt whatsapp", "opted_out whatsapp", "finished",
		}},
		"SMS": {func(d desk) { d.accept(d.begin(whatsApp)) }, firstSMS, []string{
			"accepted", "attempt whatsapp submitted", "opted_out sms", "finished",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sendTo(t, db, fmt.Sprintf("+447400%06d", rand.IntN(1_000_000)), "")
			number := d.ledger().Send.To
			tc.before(d)
			optOut(t, other, number, backstop.OptOutUtility)
			ruling, view := d.ask(tc.call)
			require.Equal(t, backstop.RecipientOptedOut, ruling.Answer)
			require.NotEqual(t, backstop.OutcomePending, view.Outcome)
			require.NotNil(t, d.ledger().Send.FinishedAt)
			require.Equal(t, tc.kinds, d.kinds())
		})
	}
}

// An opt-out of other messages, of another number, or that has ended forbids nothing.
func TestStore_Begin_optedIn(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	const number = "+447400123001"
	optOut(t, db, number, backstop.OptOutMarketing)
	optOut(t, db, "+447400123002", backstop.OptOutAll)
	sendTo(t, db, number, backstop.Utility).begin(whatsApp)

	optIn(t, db, number, backstop.OptOutMarketing)
	d := sendTo(t, db, number, backstop.Marketing)
	optOut(t, other, number, backstop.OptOutMarketing)
	optIn(t, other, number, backstop.OptOutMarketing)
	d.begin(whatsApp)
}

// STOP is stored after the ledger has decided that the call may be made, and before the call is saved. The ledger comes from the
// cache or from the database. The call is refused all the same: only the statement that saves it can know.
func TestStore_Begin_stopMeanwhile(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	for number, isCached := range map[string]bool{"+447402000001": true, "+447402000002": false} {
		d := sendTo(t, db, number, backstop.Marketing)
		process := db
		if !isCached {
			process = other
		}
		_, found := process.Cached(d.id)
		require.Equal(t, isCached, found)
		var decisions int
		ruling, err := process.BeginWhile(t.Context(), d.id, whatsApp, func() {
			decisions++
			optOut(t, other, number, backstop.OptOutMarketing)
		})
		require.NoError(t, err)
		require.Equal(t, backstop.RecipientOptedOut, ruling.Answer)
		require.Equal(t, 1, decisions)
		require.Equal(t, []string{"accepted", "opted_out whatsapp", "finished"}, d.kinds())
	}
}

// STOP races Begin, in two processes. If STOP was stored before Begin was called, the call is refused. Begin never fails.
func TestStore_Begin_racingStop(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	var refused, called, certain int
	spread := 6000.0 // microseconds; it follows the machine, so that either side wins about as often
	for i := range 200 {
		number := fmt.Sprintf("+447401%06d", i)
		d := sendTo(t, db, number, backstop.Marketing)
		var isStored atomic.Bool
		var group sync.WaitGroup
		start := make(chan struct{})
		group.Go(func() {
			<-start
			time.Sleep(time.Duration(rand.IntN(1500)) * time.Microsecond)
			_, err := other.InsertInbound(t.Context(), []backstop.Receipt{{
				Provider: "twilio", Account: "main", Channel: backstop.SMS, MessageID: fmt.Sprint("SM", i), At: time.Now(),
				Inbound: &backstop.Inbound{From: number, To: "60777", Text: "STOP", Keyword: backstop.StopKeyword},
			}})
			if err != nil {
				t.Error(err)
			}
			isStored.Store(true)
		})
		close(start)
		time.Sleep(time.Duration(rand.IntN(int(spread))) * time.Microsecond)
		wasStored := isStored.Load()
		ruling, _ := d.ask(whatsApp)
		group.Wait()
		switch ruling.Answer {
		case backstop.MayCall:
			require.False(t, wasStored, "STOP was stored before Begin")
			called++
			spread *= 1.1
		case backstop.RecipientOptedOut:
			refused++
			spread = max(spread/1.1, 1000)
			if wasStored {
				certain++
			}
		default:
			t.Fatal(ruling.Answer)
		}
	}
	t.Logf("%d calls, %d refused, %d of them after STOP was stored for certain", called, refused, certain)
	require.NotZero(t, called)
	require.NotZero(t, refused)
}

// A provider's refusal puts the person on the list, in the statement that stores the refusal.
func TestStore_optOutByProvider(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	list := func(number string) (categories []backstop.OptOutCategory, first backstop.OptOut) {
		entries, _, err := db.ListOptOuts(t.Context(), backstop.OptOutFilter{To: number}, backstop.Page{Limit: 10})
		require.NoError(t, err)
		for _, o := range entries {
			categories, first = append(categories, o.Category), o
		}
		return categories, first
	}

	const bySMS, byWhatsApp, byOther = "+447400123003", "+447400123004", "+447400123005"
	d := sendTo(t, db, bySMS, backstop.Authentication)
	d.accept(d.begin(whatsApp))
	d.end(d.begin(firstSMS), backstop.Ending{Failure: stopped})
	categories, entry := list(bySMS)
	require.ElementsMatch(t, []backstop.OptOutCategory{backstop.OptOutMarketing, backstop.OptOutUtility}, categories)
	require.Equal(t, backstop.OptOutOrigin{
		Source: backstop.ByProvider, Channel: backstop.SMS, Provider: "twilio", Account: "main", Code: "21610", Send: d.id,
	}, entry.OptOutOrigin)

	d = sendTo(t, db, byWhatsApp, backstop.Utility)
	d.accept(d.begin(whatsApp))
	r := d.receipt(1, backstop.Failed)
	r.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050"}
	for range 2 { // providers repeat webhooks
		d.insert(r)
	}
	categories, entry = list(byWhatsApp)
	require.Equal(t, []backstop.OptOutCategory{backstop.OptOutMarketing}, categories)
	require.Equal(t, noon, entry.Since, "the provider's time")
	d.begin(firstSMS) // the SMS of a utility message goes on

	d = sendTo(t, db, byOther, "")
	d.accept(d.begin(whatsApp))
	d.insert(d.receipt(1, backstop.Failed))
	categories, _ = list(byOther)
	require.Empty(t, categories)
}

// Without a load from Postgres, the cache must not bring an old list.
func TestStore_Begin_cachedList(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	const number = "+447400123006"
	d := sendTo(t, db, number, backstop.Marketing)
	d.accept(d.begin(whatsApp))
	optOut(t, db, number, backstop.OptOutMarketing)
	require.Equal(t, []backstop.OptOutCategory{backstop.OptOutMarketing}, d.ledger().OptedOutOf)
	d.insert(d.receipt(1, backstop.Sent))
	cached, isCached := db.Cached(d.id)
	require.True(t, isCached)
	require.Empty(t, cached.OptedOutOf)
	optIn(t, db, number, backstop.OptOutMarketing)
	d.begin(firstSMS)
}
