package activities_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
)

const callbackSend = "0190a6f2-0000-7000-8000-000000000001"

// callbackQueue is the queue of one send, in memory.
type callbackQueue struct {
	mu       sync.Mutex
	queue    backstop.CallbackQueue
	pending  []backstop.QueuedCallback
	ends     []backstop.CallbackEnding
	deferred []time.Time
	isTaken  bool // another process has the lease
	away     int  // how many of the next ends cannot be stored
}

func (s *callbackQueue) NextCallback(context.Context, string) (backstop.CallbackQueue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue
	q.Send, q.Now = callbackSend, time.Now()
	if len(s.pending) == 0 {
		return q, &backstop.Error{Code: backstop.NotFound, Message: "no queue"}
	}
	next := s.pending[0]
	q.Next, q.LastSeq = &next, s.pending[len(s.pending)-1].Seq
	return q, nil
}

func (s *callbackQueue) LeaseCallback(context.Context, backstop.CallbackQueue, time.Duration) (bool, error) {
	return !s.isTaken, nil
}

func (s *callbackQueue) EndCallback(_ context.Context, _ backstop.CallbackQueue, e backstop.CallbackEnding) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away > 0 {
		s.away--
		return false, errors.New("postgres is away")
	}
	s.ends = append(s.ends, e)
	if e.State == backstop.CallbackPending {
		s.pending[0].Tries++
		return false, nil
	}
	s.pending = s.pending[1:]
	return len(s.pending) == 0, nil
}

func (s *callbackQueue) DropCallbackQueue(context.Context, backstop.CallbackQueue) (bool, error) {
	return true, nil
}

func (s *callbackQueue) DeferCallbacks(_ context.Context, _ string, until time.Time) error {
	s.deferred = append(s.deferred, until)
	return nil
}

// receiver answers each POST with the next status of its script, and later ones with 200.
type receiver struct {
	mu     sync.Mutex
	script []activities.CallbackAnswer
	posts  []activities.CallbackPost
	during func()
}

func (r *receiver) PostCallback(_ context.Context, p activities.CallbackPost) activities.CallbackAnswer {
	r.mu.Lock()
	r.posts = append(r.posts, p)
	answer := activities.CallbackAnswer{Status: 200}
	if len(r.script) > 0 {
		answer, r.script = r.script[0], r.script[1:]
	}
	r.mu.Unlock()
	if r.during != nil {
		r.during()
	}
	return answer
}

func pendingCallbacks(n int) *callbackQueue {
	s := &callbackQueue{}
	for i := range n {
		s.pending = append(s.pending, backstop.QueuedCallback{
			ID: string(rune('a' + i)), Send: callbackSend, Seq: i + 1, URL: "https://shop.example/hook", QueuedAt: time.Now(),
		})
	}
	return s
}

func newCallbacks(t *testing.T, s *callbackQueue, r *receiver) *activities.Callbacks {
	t.Helper()
	acts, err := activities.NewCallbacks(activities.CallbackOptions{
		Store: s, Sender: r, Log: slog.New(slog.DiscardHandler), PerHost: 1,
		Body: func(_ context.Context, c backstop.QueuedCallback) ([]byte, error) {
			if c.URL == "unreadable" {
				return nil, errors.New("a secret text")
			}
			return []byte("body of " + c.ID), nil
		},
	})
	require.NoError(t, err)
	return acts
}

func post(t *testing.T, acts *activities.Callbacks) (posted activities.Posted, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(acts)
	result, err := env.ExecuteActivity(acts.PostCallbacks, callbackSend)
	if err == nil {
		err = result.Get(&posted)
	}
	return posted, err
}

// retryDelay asserts that the engine runs the activity again, and returns after which pause.
func retryDelay(t *testing.T, err error) time.Duration {
	t.Helper()
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	require.False(t, failed.NonRetryable())
	require.Equal(t, "callback_waits", failed.Type())
	return failed.NextRetryDelay()
}

func TestCallbacks_order(t *testing.T) {
	t.Parallel()
	s, r := pendingCallbacks(3), &receiver{}
	posted, err := post(t, newCallbacks(t, s, r))
	require.NoError(t, err)
	require.Equal(t, activities.Posted{Seq: 3}, posted)
	require.Equal(t, []activities.CallbackPost{
		{URL: "https://shop.example/hook", ID: "a", Body: []byte("body of a")},
		{URL: "https://shop.example/hook", ID: "b", Body: []byte("body of b")},
		{URL: "https://shop.example/hook", ID: "c", Body: []byte("body of c")},
	}, r.posts)
	posted, err = post(t, newCallbacks(t, s, r))
	require.NoError(t, err)
	require.Zero(t, posted, "nothing is queued")
	require.Len(t, r.posts, 3)
}

// A failure stops the later callbacks, and is retried when the receiver asks for it.
func TestCallbacks_failure(t *testing.T) {
	t.Parallel()
	s := pendingCallbacks(2)
	r := &receiver{script: []activities.CallbackAnswer{{Status: 503, RetryAfter: 7 * time.Minute, Answer: "busy"}}}
	acts := newCallbacks(t, s, r)
	_, err := post(t, acts)
	require.Equal(t, 7*time.Minute, retryDelay(t, err))
	require.Len(t, r.posts, 1)
	require.Equal(t, 503, s.ends[0].Try.Status)
	require.Equal(t, "busy", s.ends[0].Try.Answer)

	r.script = []activities.CallbackAnswer{{Err: errors.New("connection refused")}}
	_, err = post(t, acts)
	require.InDelta(t, 10*time.Second, retryDelay(t, err), float64(2500*time.Millisecond))
	require.Equal(t, "connection refused", s.ends[1].Try.Error)
	require.Equal(t, 2, s.ends[1].Try.Number)
	_, err = post(t, acts)
	require.NoError(t, err)
	require.Empty(t, s.pending)
	require.Equal(t, "a", r.posts[2].ID)
}

// The end of a POST is stored although Postgres is away for a moment, so the POST is not repeated.
func TestCallbacks_away(t *testing.T) {
	t.Parallel()
	s, r := pendingCallbacks(1), &receiver{}
	s.away = 1
	_, err := post(t, newCallbacks(t, s, r))
	require.NoError(t, err)
	require.Len(t, r.posts, 1)
	require.Equal(t, backstop.CallbackDelivered, s.ends[0].State)
}

func TestCallbacks_waits(t *testing.T) {
	t.Parallel()
	s, r := pendingCallbacks(1), &receiver{}
	acts := newCallbacks(t, s, r)
	until := time.Now().Add(time.Hour)
	s.queue.NextAt = &until
	_, err := post(t, acts)
	require.InDelta(t, time.Hour, retryDelay(t, err), float64(time.Second))
	require.Empty(t, s.deferred)

	s.queue.NextAt, s.queue.Endpoint = nil, &backstop.CallbackEndpoint{PausedAt: &until, RetryAt: &until}
	_, err = post(t, acts)
	require.Greater(t, retryDelay(t, err), 59*time.Minute)
	require.Less(t, retryDelay(t, err), 76*time.Minute)
	require.Len(t, s.deferred, 1, "the sweeper leaves it alone")

	s.queue.Endpoint, s.isTaken = nil, true
	_, err = post(t, acts)
	require.Equal(t, 500*time.Millisecond, retryDelay(t, err))
	require.Empty(t, r.posts)
}

// A slow receiver takes its own places, and those of no other host.
func TestCallbacks_perHost(t *testing.T) {
	t.Parallel()
	s, r := pendingCallbacks(1), &receiver{}
	var once sync.Once
	var acts *activities.Callbacks
	r.during = func() {
		once.Do(func() {
			_, err := post(t, acts)
			require.Less(t, retryDelay(t, err), 2*time.Second, "the host is busy")
		})
	}
	acts = newCallbacks(t, s, r)
	_, err := post(t, acts)
	require.NoError(t, err)
	require.Len(t, r.posts, 1)
}

// A callback that cannot be written is retried like others, and its fault is not shown.
func TestCallbacks_unreadable(t *testing.T) {
	t.Parallel()
	s, r := pendingCallbacks(1), &receiver{}
	s.pending[0].URL = "unreadable"
	_, err := post(t, newCallbacks(t, s, r))
	require.Positive(t, retryDelay(t, err))
	require.Empty(t, r.posts)
	require.Equal(t, "the send cannot be read: see the log", s.ends[0].Try.Error)
}
