package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// events returns the events that wait to be posted, in their order.
func (r callbackRig) events(send string) (names []backstop.CallbackEvent) {
	r.t.Helper()
	for {
		q, isEmpty := r.try(send, 200, 0)
		if names = append(names, q.Next.Event); isEmpty {
			return names
		}
	}
}

// A send that is skipped when it is accepted has callbacks of all its events.
func TestCallbacks_skipped(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	_, err := r.PutOptOut(t.Context(), backstop.OptOut{
		To: to, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
	send := newSend(t)
	send.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
	send.Callback = &backstop.Callback{URL: hook}
	_, created, err := r.InsertSend(t.Context(), send, nil)
	require.NoError(t, err)
	require.True(t, created)
	require.Len(t, drain(r.DB), 1, "the hand-over knows of them")
	require.Equal(t, []backstop.CallbackEvent{"accepted", "opted_out", "finished"}, r.events(send.ID))

	send = newSend(t)
	send.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
	send.Callback = &backstop.Callback{URL: hook, Events: []backstop.CallbackEvent{"opted_out"}}
	_, _, err = r.InsertSend(t.Context(), send, nil)
	require.NoError(t, err)
	require.Len(t, drain(r.DB), 1)
	require.Equal(t, []backstop.CallbackEvent{"opted_out"}, r.events(send.ID))
}

// A send that is not stored has no callbacks.
func TestCallbacks_refused(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	_, err := r.PutOptOut(t.Context(), backstop.OptOut{
		To: to, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
	send := newSend(t)
	send.Callback = &backstop.Callback{URL: hook}
	_, _, err = r.InsertSend(t.Context(), send, nil)
	require.Equal(t, backstop.ErrOptedOut(), err)
	require.Zero(t, r.count(`SELECT count(*) FROM callbacks`))
	require.Zero(t, r.count(`SELECT count(*) FROM callback_queues`))
	require.Empty(t, drain(r.DB))
}

// A scheduled send has callbacks before its turn, and of its end by the caller.
func TestCallbacks_scheduled(t *testing.T) {
	t.Parallel()
	for end, finish := range map[backstop.CallbackEvent]func(callbackRig, string) error{
		"cancelled": func(r callbackRig, id string) error { _, err := r.Cancel(t.Context(), id); return err },
		"confirmed": func(r callbackRig, id string) error { _, err := r.Confirm(t.Context(), id); return err },
	} {
		t.Run(string(end), func(t *testing.T) {
			t.Parallel()
			r := newCallbackRig(t)
			send := newSend(t)
			send.SendAt = new(r.Now().Add(time.Hour))
			send.Callback = &backstop.Callback{URL: hook}
			_, _, err := r.InsertSend(t.Context(), send, nil)
			require.NoError(t, err)
			require.Len(t, drain(r.DB), 1)
			require.NoError(t, finish(r, send.ID))
			require.Len(t, drain(r.DB), 1)
			require.Equal(t, []backstop.CallbackEvent{"accepted", end, "finished"}, r.events(send.ID))
		})
	}
}

// A send that passes the guards has the callback of its first event. One that they refuse has none.
func TestCallbacks_guarded(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	checks := all(1, "a")
	for i, later := range []time.Duration{0, time.Hour} {
		send := newSend(t)
		send.Callback = &backstop.Callback{URL: hook}
		if later > 0 {
			send.SendAt = new(r.Now().Add(later))
			checks = all(2, "b")
		}
		_, _, err := r.InsertGuarded(t.Context(), send, nil, checks)
		require.NoError(t, err)
		require.Len(t, drain(r.DB), 1)
		require.Equal(t, []backstop.CallbackEvent{"accepted"}, r.events(send.ID))

		refused := newSend(t)
		refused.Callback = send.Callback
		_, _, err = r.InsertGuarded(t.Context(), refused, nil, checks)
		require.Equal(t, send.ID, refusalOf(t, err).First.ID)
		require.Empty(t, drain(r.DB))
		require.Equal(t, i+1, r.count(`SELECT count(*) FROM callbacks`))
	}
}

// A process that was frozen for longer than its lease stores its try, and does not end the lease of another process.
func TestCallbacks_frozen(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	send := r.insert(hook)
	accept(t, r.DB, begin(t, r.DB, send.ID, whatsApp))
	lease := func() (backstop.CallbackQueue, bool) {
		q := r.next(send.ID)
		isLeased, err := r.LeaseCallback(t.Context(), q, time.Minute)
		require.NoError(t, err)
		return q, isLeased
	}
	frozen, isLeased := lease()
	require.True(t, isLeased)
	r.raw.Exec(`UPDATE callback_queues SET leased_until = clock_timestamp() - interval '1 second'`)
	other, isLeased := lease()
	require.True(t, isLeased)

	ending := backstop.CallbackEnding{Try: backstop.CallbackTry{Number: 1, At: frozen.Now, Status: 200}}
	ending.Decide(frozen)
	_, err := r.EndCallback(t.Context(), frozen, ending)
	require.NoError(t, err)
	require.Equal(t, 1, r.count(`SELECT count(*) FROM callbacks WHERE state = 'delivered'`))
	_, isLeased = lease()
	require.False(t, isLeased, "the other process still posts")
	_, err = r.EndCallback(t.Context(), other, ending)
	require.NoError(t, err)
	next, isLeased := lease()
	require.True(t, isLeased)
	require.NotEqual(t, other.Next.ID, next.Next.ID)
}
