package sandbox

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// webhookSender posts webhooks when they are due, at most webhooksAtOnce at the same time. It sends the posts of one message
// one after the other. The retries of a failed post do not delay the next posts.
type webhookSender struct {
	http   *http.Client
	logger *slog.Logger
	speed  float64
	slots  chan struct{} // one per post in flight
	wake   chan struct{} // signals that the queue has changed
	wg     sync.WaitGroup

	mu    sync.Mutex
	queue jobs
	seq   uint64
}

// chain is the posts of one message.
type chain struct {
	posts    []post
	accepted time.Time
	build    webhook
	retries  retryPolicy
	expected string        // the body that the receiver must answer with; empty: any
	done     chan struct{} // closed after the first attempt of each post
}

// job is one attempt of one post.
type job struct {
	chain   *chain
	index   int
	attempt int       // 0 for the first
	first   time.Time // of the first attempt
	due     time.Time
	seq     uint64
}

func newWebhookSender(client *http.Client, logger *slog.Logger, speed float64) *webhookSender {
	return &webhookSender{
		http:   client,
		logger: logger,
		speed:  speed,
		slots:  make(chan struct{}, webhooksAtOnce),
		wake:   make(chan struct{}, 1),
	}
}

// start sends webhooks until ctx ends.
func (c *webhookSender) start(ctx context.Context) {
	c.wg.Go(func() { c.run(ctx) })
}

// wait waits until all goroutines have ended.
func (c *webhookSender) wait(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		c.wg.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for webhooks: %w", ctx.Err())
	}
}

// queuePosts queues the posts of an accepted call. The channel is closed after the first attempt of each post.
func (c *webhookSender) queuePosts(from call, posts []post) <-chan struct{} {
	done := make(chan struct{})
	if from.webhook == nil || len(posts) == 0 {
		close(done)
		return done
	}
	ch := &chain{
		posts: posts, accepted: from.message.Time, build: from.webhook, retries: from.retries, expected: from.expected,
		done: done,
	}
	c.enqueue(&job{chain: ch, due: ch.accepted.Add(scaleDelay(posts[0].after, c.speed))})
	return done
}

// run takes jobs from the queue and starts a goroutine for each.
func (c *webhookSender) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, wait := c.dequeue(time.Now())
		if next == nil {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-c.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		c.wg.Go(func() {
			defer func() { <-c.slots }()
			c.attempt(ctx, next)
		})
	}
}

// attempt posts a webhook. After the first attempt it queues the next post, and after a failure it queues a retry.
func (c *webhookSender) attempt(ctx context.Context, j *job) {
	if j.attempt == 0 {
		j.first = time.Now()
	}
	err := c.deliver(ctx, j)
	if ctx.Err() != nil {
		return
	}
	if j.attempt == 0 {
		c.queueNext(j)
	}
	if err != nil {
		c.queueRetry(ctx, j, err)
	}
}

func (c *webhookSender) deliver(ctx context.Context, j *job) error {
	req, err := j.chain.build(ctx, j.chain.posts[j.index], j.chain.accepted)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("post webhook: %w", withoutURL(err))
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody)) // to its end, so that the connection can be reused
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		return fmt.Errorf("post webhook: %w", statusError(res.StatusCode))
	case j.chain.expected != "" && (err != nil || string(body) != j.chain.expected):
		return errors.New("post webhook: the answer is not the expected one")
	}
	return nil
}

// queueNext queues the next post of the message, or closes done.
func (c *webhookSender) queueNext(j *job) {
	next := j.index + 1
	if next == len(j.chain.posts) {
		close(j.chain.done)
		return
	}
	c.enqueue(&job{chain: j.chain, index: next, due: j.chain.accepted.Add(scaleDelay(j.chain.posts[next].after, c.speed))})
}

// queueRetry queues a failed post again, or drops it if the retry policy allows no more retries.
func (c *webhookSender) queueRetry(ctx context.Context, j *job, err error) {
	next := *j
	next.attempt++
	pause, ok := j.chain.retries.nextPause(j.attempt, time.Since(j.first), err)
	if !ok {
		c.logger.WarnContext(ctx, "webhook failed and is dropped: no more retries", "attempts", next.attempt, "error", err)
		return
	}
	next.due = time.Now().Add(pause)
	level := slog.LevelDebug // a receiver that is down must not fill the log
	if j.attempt == 0 {
		level = slog.LevelWarn
	}
	c.logger.Log(ctx, level, "webhook failed, a retry is queued", "attempt", next.attempt, "error", err)
	c.enqueue(&next)
}

func (c *webhookSender) enqueue(j *job) {
	c.mu.Lock()
	c.seq++
	j.seq = c.seq
	heap.Push(&c.queue, j)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default: // a signal is already pending
	}
}

// dequeue returns the next job if it is due. Else it returns the time until the next job is due.
func (c *webhookSender) dequeue(now time.Time) (*job, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil, time.Hour
	}
	if wait := c.queue[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	next, _ := heap.Pop(&c.queue).(*job)
	return next, 0
}

// jobs is a heap of jobs, ordered by due time.
type jobs []*job

// Len implements heap.Interface.
func (q *jobs) Len() int { return len(*q) }

// Swap implements heap.Interface.
func (q *jobs) Swap(i, j int) { (*q)[i], (*q)[j] = (*q)[j], (*q)[i] }

// Less implements heap.Interface.
func (q *jobs) Less(i, j int) bool {
	a, b := (*q)[i], (*q)[j]
	if a.due.Equal(b.due) {
		return a.seq < b.seq
	}
	return a.due.Before(b.due)
}

// Push implements heap.Interface.
func (q *jobs) Push(x any) {
	if j, ok := x.(*job); ok {
		*q = append(*q, j)
	}
}

// Pop implements heap.Interface.
func (q *jobs) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return last
}

// withoutURL removes the URL from an error of http.Client, because the URL may contain a token or a correlation.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

func webhookClient() *http.Client {
	return &http.Client{
		Timeout:       webhookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: webhookTimeout}).DialContext,
			TLSHandshakeTimeout: webhookTimeout,
			MaxIdleConnsPerHost: webhooksAtOnce,
			IdleConnTimeout:     time.Minute,
		},
	}
}
