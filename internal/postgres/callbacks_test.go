package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

var (
	_ api.Callbacks            = (*postgres.DB)(nil)
	_ api.CallbackSource       = (*postgres.DB)(nil)
	_ activities.CallbackStore = (*postgres.DB)(nil)
	_ handoff.CallbackStore    = (*postgres.DB)(nil)
)

const hook = "https://shop.example/hook"

// callbackRig is a database, and its tables.
type callbackRig struct {
	*postgres.DB

	t   *testing.T
	raw *postgrestest.SQL
}

func newCallbackRig(t *testing.T) callbackRig {
	t.Helper()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	return callbackRig{db, t, postgrestest.Past(t, url)}
}

// insert stores a send with a callback.
func (r callbackRig) insert(url string, events ...backstop.CallbackEvent) backstop.Send {
	r.t.Helper()
	send := newSend(r.t)
	send.Callback = &backstop.Callback{URL: url, Events: events}
	send, _, err := r.InsertSend(r.t.Context(), send, nil)
	require.NoError(r.t, err)
	return send
}

func (r callbackRig) count(query string) (n int) {
	r.t.Helper()
	r.raw.Row(query, nil, &n)
	return n
}

func (r callbackRig) next(send string) backstop.CallbackQueue {
	r.t.Helper()
	q, err := r.NextCallback(r.t.Context(), send)
	require.NoError(r.t, err)
	return q
}

// try leases the first callback of a send and stores a try with a status.
func (r callbackRig) try(send string, status int, retryIn time.Duration) (q backstop.CallbackQueue, isEmpty bool) {
	r.t.Helper()
	q = r.next(send)
	isLeased, err := r.LeaseCallback(r.t.Context(), q, time.Minute)
	require.NoError(r.t, err)
	require.True(r.t, isLeased)
	e := backstop.CallbackEnding{RetryIn: retryIn, Try: backstop.CallbackTry{
		Number: q.Next.Tries + 1, At: q.Now, Status: status, Latency: 1500 * time.Microsecond, Answer: "an\x00swer",
	}}
	e.Decide(q)
	for range 2 { // a repetition changes nothing
		empty, err := r.EndCallback(r.t.Context(), q, e)
		require.NoError(r.t, err)
		isEmpty = isEmpty || empty
	}
	return q, isEmpty
}

// drain returns the wakes of the hand-over so far.
func drain(db *postgres.DB) (wakes []handoff.CallbackWake) {
	for {
		select {
		case w := <-db.CallbackWakes():
			wakes = append(wakes, w)
		default:
			return wakes
		}
	}
}

// A send without a callback writes no row, and wakes nobody.
func TestCallbacks_none(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := insertSend(t, r.DB)
	accept(t, r.DB, begin(t, r.DB, send.ID, whatsApp))
	finish(t, r.DB, send.ID)
	require.Zero(t, r.count(`SELECT count(*) FROM callbacks`))
	require.Zero(t, r.count(`SELECT count(*) FROM callback_queues`))
	require.Empty(t, drain(r.DB))
	_, err := r.NextCallback(t.Context(), send.ID)
	require.Equal(t, backstop.NotFound, backstop.CodeOf(err))
}

// Each event is queued by the statement that stores it, and posted in order.
func TestCallbacks_order(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := r.insert(hook)
	require.Equal(t, send.Callback, getSend(t, r.DB, send.ID).Callback)
	accept(t, r.DB, begin(t, r.DB, send.ID, whatsApp))
	_, err := r.InsertReceipts(t.Context(), []backstop.Receipt{{
		Provider: "meta", Account: "number", Channel: backstop.WhatsApp, MessageID: messageID(send.ID, 1),
		Ref: backstop.Ref{Send: send.ID, Step: 1}, Status: backstop.Delivered, At: at(1),
	}})
	require.NoError(t, err)
	var wakes []int
	for _, w := range drain(r.DB) {
		require.Equal(t, send.ID, w.Send)
		wakes = append(wakes, w.Seq)
	}
	require.Len(t, wakes, 3)
	require.IsIncreasing(t, wakes)

	var names []backstop.CallbackEvent
	var ids []string
	for i := range 3 {
		q, isEmpty := r.try(send.ID, 200, 0)
		names, ids = append(names, q.Next.Event), append(ids, q.Next.ID)
		require.Equal(t, wakes[i], q.Next.Seq)
		require.Equal(t, i == 2, isEmpty)
		events, index, err := r.NumberedEvents(t.Context(), send.ID, q.Next.Seq)
		require.NoError(t, err)
		require.Equal(t, q.Next.Event, send.Callback.Wants(events[index]))
	}
	require.Equal(t, []backstop.CallbackEvent{"accepted", "submitted", "delivered"}, names)
	require.Zero(t, r.count(`SELECT count(*) FROM callback_queues`))

	list, more, err := r.ListCallbacks(t.Context(), backstop.CallbackFilter{}, backstop.Page{Limit: 2})
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, ids[2], list[0].ID)
	require.Equal(t, backstop.CallbackDelivered, list[0].State)
	require.Equal(t, 1500*time.Microsecond, list[0].Newest.Latency)
	require.Equal(t, "answer", list[0].Newest.Answer)
	list, more, err = r.ListCallbacks(t.Context(), backstop.CallbackFilter{}, backstop.Page{Limit: 2, After: list[1].ID})
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, ids[0], list[0].ID)
}

func TestCallbacks_events(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := r.insert(hook, "finished")
	require.Zero(t, r.count(`SELECT count(*) FROM callbacks`), "accepted is not wanted")
	accept(t, r.DB, begin(t, r.DB, send.ID, whatsApp))
	finish(t, r.DB, send.ID)
	require.Equal(t, 1, r.count(`SELECT count(*) FROM callbacks WHERE event = 'finished'`))
	require.Equal(t, 1, r.count(`SELECT count(*) FROM callbacks`))
}

// One process at a time posts. A failed callback is tried later, and those behind it wait.
func TestCallbacks_lease(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := r.insert(hook)
	q := r.next(send.ID)
	leased, err := r.LeaseCallback(t.Context(), q, time.Minute)
	require.NoError(t, err)
	require.True(t, leased)
	leased, err = r.LeaseCallback(t.Context(), q, time.Minute)
	require.NoError(t, err)
	require.False(t, leased, "another process has it")
	require.True(t, r.next(send.ID).WaitsUntil().After(r.Now()))
	r.raw.Exec(`UPDATE callback_queues SET leased_until = now()`)

	first, isEmpty := r.try(send.ID, 500, time.Hour)
	require.False(t, isEmpty)
	accept(t, r.DB, begin(t, r.DB, send.ID, whatsApp))
	q = r.next(send.ID)
	require.Equal(t, first.Next.ID, q.Next.ID)
	require.Equal(t, 1, q.Next.Tries, "a repeated end counts once")
	require.InDelta(t, time.Hour, q.WaitsUntil().Sub(q.Now), float64(time.Minute))
	leased, err = r.LeaseCallback(t.Context(), q, time.Minute)
	require.NoError(t, err)
	require.False(t, leased, "it is not due")

	claims, err := r.ClaimCallbacks(t.Context(), r.Now().Add(time.Hour), time.Minute, 10)
	require.NoError(t, err)
	require.Empty(t, claims, "the engine has it")
	claims, err = r.ClaimCallbacks(t.Context(), r.Now().Add(time.Hour+3*time.Minute), time.Minute, 10)
	require.NoError(t, err)
	require.Equal(t, []handoff.CallbackWake{{Send: send.ID, Seq: q.LastSeq}}, claims)
}

// A queue that gets a callback while its last one is posted is not deleted.
func TestCallbacks_added(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := r.insert(hook)
	q := r.next(send.ID)
	accept(t, r.DB, begin(t, r.DB, send.ID, whatsApp))
	isEmpty, err := r.EndCallback(t.Context(), q, backstop.CallbackEnding{
		State: backstop.CallbackDelivered, Try: backstop.CallbackTry{Number: 1, At: q.Now, Status: 200},
	})
	require.NoError(t, err)
	require.False(t, isEmpty)
	dropped, err := r.DropCallbackQueue(t.Context(), q)
	require.NoError(t, err)
	require.False(t, dropped)
	require.Equal(t, backstop.CallbackEvent("submitted"), r.next(send.ID).Next.Event)
}

// A delivery that a slow process reports late counts, and a failure after a delivery does not.
func TestCallbacks_late(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := r.insert(hook)
	q, _ := r.try(send.ID, 500, time.Hour)
	end := func(state backstop.CallbackState, number, status int) {
		_, err := r.EndCallback(t.Context(), q, backstop.CallbackEnding{
			State: state, Try: backstop.CallbackTry{Number: number, At: q.Now, Status: status}, RetryIn: time.Hour,
		})
		require.NoError(t, err)
	}
	end(backstop.CallbackDelivered, 1, 204)
	end(backstop.CallbackPending, 2, 500)
	c, tries, err := r.Callback(t.Context(), q.Next.ID)
	require.NoError(t, err)
	require.Equal(t, backstop.CallbackDelivered, c.State)
	require.Len(t, tries, 1)
	require.Equal(t, 204, tries[0].Status)
}

// A 410 ends all callbacks of the send, also those of later events. A replay posts them again.
func TestCallbacks_gone(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := r.insert(hook)
	attempt := begin(t, r.DB, send.ID, whatsApp)
	accept(t, r.DB, attempt)
	_, isEmpty := r.try(send.ID, 410, 0)
	require.True(t, isEmpty)
	finish(t, r.DB, send.ID)
	require.Equal(t, 3, r.count(`SELECT count(*) FROM callbacks WHERE state = 'gone'`))
	require.Zero(t, r.count(`SELECT count(*) FROM callback_queues`))
	require.Zero(t, r.count(`SELECT count(*) FROM callback_endpoints`), "the endpoint works")

	drain(r.DB)
	replayed, last, err := r.ReplayCallbacks(t.Context(), backstop.CallbackFilter{Send: send.ID}, "", 2)
	require.NoError(t, err)
	require.Equal(t, 2, replayed)
	replayed, last, err = r.ReplayCallbacks(t.Context(), backstop.CallbackFilter{Send: send.ID}, last, 2)
	require.NoError(t, err)
	require.Equal(t, 1, replayed)
	require.Empty(t, last)
	require.Equal(t, []handoff.CallbackWake{{Send: send.ID, IsDue: true}, {Send: send.ID, IsDue: true}}, drain(r.DB))
	for i := range 3 {
		_, isEmpty := r.try(send.ID, 200, 0)
		require.Equal(t, i == 2, isEmpty)
	}
	require.Equal(t, 3, r.count(`SELECT count(*) FROM callbacks WHERE state = 'delivered'`))
}

// A replay is due at once, also if the callback waits for a retry, and has new days for its tries.
func TestCallbacks_replay(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := r.insert(hook)
	q, _ := r.try(send.ID, 503, 10*time.Hour)
	r.raw.Exec(`UPDATE callbacks SET queued_at = queued_at - interval '71 hours'`)
	c, err := r.ReplayCallback(t.Context(), q.Next.ID)
	require.NoError(t, err)
	require.Equal(t, q.Next.ID, c.ID)
	require.WithinDuration(t, r.Now(), c.QueuedAt, time.Minute)
	q = r.next(send.ID)
	require.False(t, q.WaitsUntil().After(q.Now))
	require.Equal(t, 1, q.Next.Tries)
	require.Zero(t, q.TriesSinceQueued())
	claims, err := r.ClaimCallbacks(t.Context(), r.Now().Add(time.Second), time.Minute, 10)
	require.NoError(t, err)
	require.True(t, claims[0].IsDue)
	_, isEmpty := r.try(send.ID, 200, 0)
	require.True(t, isEmpty)
	_, err = r.ReplayCallback(t.Context(), newID(t))
	require.Equal(t, backstop.NotFound, backstop.CodeOf(err))
}

// An endpoint that fails for hours is paused: one process probes it, and its success makes the waiting callbacks due.
func TestCallbacks_paused(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	one, other, elsewhere := r.insert(hook), r.insert(hook), r.insert("https://other.example/")
	r.try(one.ID, 500, time.Minute)
	r.raw.Exec(`UPDATE callback_endpoints SET failures = 20, failing_since = now() - interval '3 hours'`)
	r.try(other.ID, 500, time.Hour)
	endpoints, err := r.FailingEndpoints(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, endpoints, 1)
	require.NotNil(t, endpoints[0].PausedAt)
	require.Equal(t, 21, endpoints[0].Failures)

	r.raw.Exec(`UPDATE callback_queues SET next_at = NULL WHERE send = $1`, one.ID)
	q := r.next(one.ID)
	require.True(t, q.IsHeld())
	require.True(t, q.WaitsUntil().After(q.Now))
	require.False(t, r.next(elsewhere.ID).WaitsUntil().After(q.Now), "another endpoint is not paused")

	r.raw.Exec(`UPDATE callback_endpoints SET retry_at = now()`)
	q = r.next(one.ID)
	require.True(t, q.IsProbe())
	require.False(t, q.IsHeld())
	leased, err := r.LeaseCallback(t.Context(), q, time.Minute)
	require.NoError(t, err)
	require.True(t, leased)
	r.raw.Exec(`UPDATE callback_queues SET next_at = NULL WHERE send = $1`, other.ID)
	second := r.next(other.ID)
	require.True(t, second.IsHeld(), "one probe at a time")
	require.NoError(t, r.DeferCallbacks(t.Context(), other.ID, second.Now.Add(time.Hour)))
	_, err = r.EndCallback(t.Context(), q, backstop.CallbackEnding{
		State: backstop.CallbackDelivered, Try: backstop.CallbackTry{Number: 2, At: q.Now, Status: 200},
	})
	require.NoError(t, err)
	require.Zero(t, r.count(`SELECT count(*) FROM callback_endpoints`))
	require.False(t, r.next(other.ID).WaitsUntil().After(r.Now()))
	claims, err := r.ClaimCallbacks(t.Context(), r.Now().Add(30*time.Second), time.Minute, 10)
	require.NoError(t, err)
	require.Contains(t, claims, handoff.CallbackWake{Send: other.ID, Seq: 1, IsDue: true})
}

// A statement whose answer is lost queues its callback once, and the end of a post counts once.
func TestCallbacks_lostAnswer(t *testing.T) {
	t.Parallel()
	db, proxy := behindProxy(t)
	send := newSend(t)
	send.Callback = &backstop.Callback{URL: hook}
	struck := proxy.On(cutproxy.Cut{Match: executes("INSERT INTO sends"), After: true, How: cutproxy.Reset, Times: 1})
	_, created, err := db.InsertSend(t.Context(), send, nil)
	require.NoError(t, err)
	require.True(t, created)
	<-struck
	struck = proxy.On(cutproxy.Cut{Match: executes("INSERT INTO attempts"), After: true, How: cutproxy.Reset, Times: 1})
	accept(t, db, begin(t, db, send.ID, whatsApp))
	<-struck
	q, err := db.NextCallback(t.Context(), send.ID)
	require.NoError(t, err)
	struck = proxy.On(cutproxy.Cut{Match: executes("INSERT INTO callback_tries"), After: true, How: cutproxy.Reset, Times: 1})
	_, err = db.EndCallback(t.Context(), q, backstop.CallbackEnding{
		State: backstop.CallbackPending, Try: backstop.CallbackTry{Number: 1, At: q.Now, Status: 500},
	})
	require.NoError(t, err)
	<-struck
	c, tries, err := db.Callback(t.Context(), q.Next.ID)
	require.NoError(t, err)
	require.Equal(t, 1, c.Tries)
	require.Len(t, tries, 1)
	list, _, err := db.ListCallbacks(t.Context(), backstop.CallbackFilter{Send: send.ID}, backstop.Page{Limit: 10})
	require.NoError(t, err)
	require.Len(t, list, 2)
}
