package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/backstophq/backstop"
)

const (
	// CallbackPostTimeout bounds one POST.
	CallbackPostTimeout = 15 * time.Second
	// callbackLease is how long one run has the callbacks of a send for itself. It covers one POST and the statements around it.
	callbackLease = CallbackPostTimeout + 15*time.Second
	// postFor is how long one run posts callbacks. The workflow then runs the activity again. A local activity has less time,
	// because it holds its workflow task.
	postFor, postLocallyFor = time.Minute, 3 * time.Second
	// DefaultPostsPerHost bounds the concurrent POSTs of a process to one host.
	DefaultPostsPerHost = 16
	// hostBusyPause is the pause if that bound is reached, doubled with each try of the activity up to maxHostBusyPause.
	hostBusyPause    = 500 * time.Millisecond
	maxHostBusyPause = 30 * time.Second
	// maxSaveTries bounds the tries to store the end of a POST. The POST may be repeated if it is not stored.
	maxSaveTries = 5
	saveTryPause = time.Second
	// maxAnswer is how many characters of an answer are kept.
	maxAnswer = 512
)

// CallbackStore keeps the queues of callbacks.
type CallbackStore interface {
	// NextCallback returns the first pending callback of a send, without a change.
	NextCallback(ctx context.Context, send string) (backstop.CallbackQueue, error)

	// LeaseCallback leases the callbacks of a send, and the probe of their endpoint if that is paused. It returns false if
	// another process has the lease, or the queue has changed since NextCallback.
	LeaseCallback(ctx context.Context, q backstop.CallbackQueue, length time.Duration) (bool, error)

	// EndCallback stores one try of a callback. It reports whether the queue is empty now, and deleted.
	EndCallback(ctx context.Context, q backstop.CallbackQueue, e backstop.CallbackEnding) (bool, error)

	// DropCallbackQueue deletes the queue if it has no pending callback and has not changed since NextCallback.
	DropCallbackQueue(ctx context.Context, q backstop.CallbackQueue) (bool, error)

	// DeferCallbacks stores that no callback of a send is posted before a time.
	DeferCallbacks(ctx context.Context, send string, until time.Time) error
}

// CallbackSender makes one POST. It follows no redirect.
type CallbackSender interface {
	PostCallback(ctx context.Context, p CallbackPost) CallbackAnswer
}

// CallbackPost is the content of a POST.
type CallbackPost struct {
	URL  string
	ID   string // the webhook-id
	Body []byte

	Traceparent string // of the send; may be empty
}

// CallbackAnswer is how a POST ended.
type CallbackAnswer struct {
	Status     int // of HTTP; 0: no answer
	Latency    time.Duration
	Answer     string // the first bytes
	RetryAfter time.Duration
	Err        error // why there is no answer; it has no secret
}

// Callbacks are the activities of workflows.Callbacks.
type Callbacks struct {
	store  CallbackStore
	sender CallbackSender
	body   func(ctx context.Context, c backstop.QueuedCallback) ([]byte, error)
	log    *slog.Logger

	perHost int
	mu      sync.Mutex
	posts   map[string]int // under way, by host
}

// CallbackOptions are the options of NewCallbacks.
type CallbackOptions struct {
	Store  CallbackStore
	Sender CallbackSender
	// Body returns the content of a callback, with the present state of its send.
	Body    func(ctx context.Context, c backstop.QueuedCallback) ([]byte, error)
	Log     *slog.Logger
	PerHost int // concurrent POSTs to one host; 0: DefaultPostsPerHost
}

// NewCallbacks returns the activities, or an error that names what is missing.
func NewCallbacks(o CallbackOptions) (*Callbacks, error) {
	if o.Store == nil || o.Sender == nil || o.Body == nil || o.Log == nil {
		return nil, errors.New("new callbacks: Store, Sender, Body and Log are required")
	}
	if o.PerHost <= 0 {
		o.PerHost = DefaultPostsPerHost
	}
	return &Callbacks{
		store: o.Store, sender: o.Sender, body: o.Body, log: o.Log, perHost: o.PerHost, posts: map[string]int{},
	}, nil
}

// Posted is the result of PostCallbacks.
type Posted struct {
	Seq    int  `json:"seq,omitempty"`     // no event up to this one is in the queue any more; 0: not known
	IsMore bool `json:"is_more,omitempty"` // the queue may have callbacks
}

// PostCallbacks posts the pending callbacks of a send, in the order of their events, until none is left. If the first one must
// wait, PostCallbacks returns an error with the time of the next run.
func (c *Callbacks) PostCallbacks(ctx context.Context, send string) (Posted, error) {
	limit := postFor
	if activity.GetInfo(ctx).IsLocalActivity {
		limit = postLocallyFor
	}
	for began := time.Now(); time.Since(began) < limit; {
		posted, isDone, err := c.postNext(ctx, send)
		if err != nil || isDone {
			return posted, err
		}
		activity.RecordHeartbeat(ctx)
	}
	return Posted{IsMore: true}, nil
}

// postNext posts the first pending callback, and reports whether the queue is empty.
func (c *Callbacks) postNext(ctx context.Context, send string) (posted Posted, isDone bool, err error) {
	q, err := c.store.NextCallback(ctx, send)
	if backstop.CodeOf(err) == backstop.NotFound {
		return Posted{}, true, nil
	}
	if err != nil {
		return Posted{}, false, fmt.Errorf("read queue: %w", err)
	}
	posted = Posted{Seq: q.LastSeq}
	if q.Next == nil {
		isDone, err = c.store.DropCallbackQueue(ctx, q)
		return posted, isDone, err
	}
	if until := q.WaitsUntil(); until.After(q.Now) {
		return Posted{}, false, c.wait(ctx, q, until)
	}
	release, isFree := c.holdHost(q.Next.URL)
	if !isFree {
		return Posted{}, false, retryIn(busyPause(activity.GetInfo(ctx).Attempt))
	}
	defer release()
	isLeased, err := c.store.LeaseCallback(ctx, q, callbackLease)
	switch {
	case err != nil:
		return Posted{}, false, fmt.Errorf("lease callback: %w", err)
	case !isLeased:
		return Posted{}, false, retryIn(hostBusyPause)
	}
	isDone, err = c.postOne(ctx, q)
	return posted, isDone, err
}

var errUnwritable = errors.New("the send cannot be read: see the log")

// postOne posts a leased callback and stores the end. It reports whether the queue is empty.
func (c *Callbacks) postOne(ctx context.Context, q backstop.CallbackQueue) (isEmpty bool, err error) {
	bounded, cancel := context.WithTimeout(ctx, CallbackPostTimeout)
	defer cancel()
	body, err := c.body(bounded, *q.Next)
	if backstop.CodeOf(err) == backstop.TryLater {
		return false, fmt.Errorf("write callback: %w", err)
	}
	started := time.Now()
	var answer CallbackAnswer
	if err != nil {
		c.log.ErrorContext(ctx, "a callback cannot be written", "send", q.Send, "error", err)
		answer.Err = errUnwritable
	} else {
		answer = c.sender.PostCallback(bounded, CallbackPost{
			URL: q.Next.URL, ID: q.Next.ID, Body: body, Traceparent: q.Traceparent,
		})
	}
	e := endingOf(q, answer)
	if !e.IsAnswered() && ctx.Err() != nil && time.Since(started) < CallbackPostTimeout {
		return false, fmt.Errorf("post callback: %w", ctx.Err()) // the process stops, which says nothing of the receiver
	}
	if isEmpty, err = c.save(ctx, q, e); err != nil {
		return false, err
	}
	if e.State == backstop.CallbackPending {
		return false, retryIn(e.RetryIn)
	}
	return isEmpty, nil
}

// endingOf returns what an answer means for a callback.
func endingOf(q backstop.CallbackQueue, a CallbackAnswer) backstop.CallbackEnding {
	e := backstop.CallbackEnding{Try: backstop.CallbackTry{
		Number: q.Next.Tries + 1, At: q.Now, Status: a.Status, Latency: max(a.Latency, 0),
		Answer: firstRunes(a.Answer, maxAnswer),
	}}
	if a.Err != nil {
		e.Try.Error = firstRunes(a.Err.Error(), maxAnswer)
	}
	e.RetryIn = backstop.RetryPause(q.TriesSinceQueued()+1, a.RetryAfter, rand.Float64()) //nolint:gosec // jitter is no secret
	e.Decide(q)
	return e
}

// save stores the end of a POST, also if the activity is cancelled or the process stops. It retries, because the POST is repeated
// if its end is not stored.
func (c *Callbacks) save(ctx context.Context, q backstop.CallbackQueue, e backstop.CallbackEnding) (isEmpty bool, err error) {
	for try := range maxSaveTries {
		if try > 0 {
			time.Sleep(saveTryPause)
		}
		writing, cancel := writeContext(ctx)
		isEmpty, err = c.store.EndCallback(writing, q, e)
		cancel()
		if err == nil {
			return isEmpty, nil
		}
	}
	return false, fmt.Errorf("store the end of a callback: %w", err)
}

// wait stores when the callbacks of a send are due, and returns the error that makes the engine run the activity then.
func (c *Callbacks) wait(ctx context.Context, q backstop.CallbackQueue, until time.Time) error {
	pause := until.Sub(q.Now)
	if q.IsHeld() { // many sends wait for one probe
		pause += time.Duration(rand.Float64() * float64(pause) / 4) //nolint:gosec // jitter is no secret
		if err := c.store.DeferCallbacks(ctx, q.Send, q.Now.Add(pause)); err != nil {
			return fmt.Errorf("defer callbacks: %w", err)
		}
	}
	return retryIn(pause)
}

// holdHost takes one of the places of a host, or returns false if none is free.
func (c *Callbacks) holdHost(address string) (release func(), isFree bool) {
	host := address
	if u, err := url.Parse(address); err == nil {
		host = u.Host
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.posts[host] >= c.perHost {
		return nil, false
	}
	c.posts[host]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.posts[host]--; c.posts[host] == 0 {
			delete(c.posts, host)
		}
	}, true
}

func busyPause(attempt int32) time.Duration {
	const doublings = 6
	pause := min(hostBusyPause<<min(attempt, doublings), maxHostBusyPause)
	return pause/2 + rand.N(pause) //nolint:gosec // jitter is no secret
}

// retryIn returns the error that makes the engine run the activity again after a pause.
func retryIn(pause time.Duration) error {
	pause = max(pause, time.Millisecond)
	text := fmt.Sprintf("the next callback is due in %d s", int(pause.Seconds()))
	return temporal.NewApplicationErrorWithOptions(text, "callback_waits", temporal.ApplicationErrorOptions{
		NextRetryDelay: pause, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

func firstRunes(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n])
	}
	return text
}
