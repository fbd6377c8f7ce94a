// Package provider is the code that all drivers share: HTTP requests and their failures, the meaning of a provider's
// errors, and limits for texts, ids and times that come from a provider.
package provider

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/traceparent"
)

const (
	// DefaultTimeout is the timeout of one call if the options have none.
	DefaultTimeout = 10 * time.Second
	// answerLimit is how many bytes are read of the answer to a POST. A real answer has less than 2 KB.
	answerLimit = 64 << 10
	// listLimit is how many bytes are read of the answer to a GET, which may be a list.
	listLimit = 4 << 20
)

// Poster sends requests to one provider. It sends each request once: it neither retries nor follows redirects. It is safe
// for concurrent use.
type Poster struct {
	client  *http.Client
	bare    *http.Client // of the requests without a body
	timeout time.Duration
	secrets *Secrets
}

// NewPoster returns a Poster whose calls take at most timeout, or DefaultTimeout if timeout is zero. NewPoster adds the
// driver's own secrets to the shared secrets. A failure that the Poster makes contains none of them. If shared is nil, the
// Poster hides only its own secrets.
func NewPoster(timeout time.Duration, shared *Secrets, own ...string) *Poster {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if shared == nil {
		shared = new(Secrets)
	}
	shared.Add(own...)
	// HTTP/1.1 only: a connection then has one request at a time, so a broken connection makes the result of one message
	// unknown, not of several.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &Poster{
		timeout: timeout,
		secrets: shared,
		bare:    newBareClient(protocols),
		client: &http.Client{
			CheckRedirect: keepRedirect,
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
				TLSHandshakeTimeout: handshakeTimeout,
				Protocols:           protocols,
				DisableCompression:  true,
				MaxIdleConnsPerHost: 32,
				// If the server closes an idle connection just as a request is written to it, the result is
				// Unknown. Servers commonly close idle connections after 60 s or more. A connection is closed here
				// after 15 s, so that this case is rare.
				IdleConnTimeout:        15 * time.Second,
				MaxResponseHeaderBytes: answerLimit,
			},
		},
	}
}

// keepRedirect makes a redirect the answer.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Answer is the provider's answer. Body is nil if the body is longer than 64 KB (4 MB for a GET) or incomplete.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Accepted reports whether the status is 2xx.
func (a Answer) Accepted() bool { return a.Status >= 200 && a.Status <= 299 }

// Post sends one request. The body may be empty. If there is no answer, Post returns a *backstop.Failure: Unavailable
// if the request was certainly not sent in full, else Unknown.
func (p *Poster) Post(ctx context.Context, target string, header http.Header, content []byte) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	sent := &requestBody{ctx: ctx, content: bytes.NewReader(content)}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, sent)
	if err != nil {
		return Answer{}, p.noAnswer(false, err)
	}
	request.Header = header.Clone()
	request.ContentLength = int64(len(content))
	answer, err := exchange(p.client, request, answerLimit)
	if err != nil {
		return Answer{}, p.noAnswer(sent.stopReads(), err)
	}
	return answer, nil
}

// Get makes a GET request. If there is no answer, Get returns a *backstop.Failure of kind Unavailable: a GET changes
// nothing at the provider, so it may be repeated.
func (p *Poster) Get(ctx context.Context, target string, header http.Header) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return Answer{}, p.noAnswer(false, err)
	}
	request.Header = header.Clone()
	request.Header.Del("Content-Type")
	answer, err := exchange(p.client, request, listLimit)
	if err != nil {
		return Answer{}, p.noAnswer(false, err)
	}
	return answer, nil
}

// exchange makes one request and reads its answer, up to limit bytes.
func exchange(client *http.Client, request *http.Request, limit int) (Answer, error) {
	request.Header.Set("User-Agent", "backstop")
	traceparent.Set(request)
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err //nolint:wrapcheck // noAnswer makes a failure of it
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	read, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err == nil && len(read) <= limit {
		answer.Body = read
	}
	return answer, nil
}

// noAnswer makes a failure of an error of net/http. The kind is Unknown if any part of the request may have been sent.
func (p *Poster) noAnswer(maybeSent bool, err error) *backstop.Failure {
	// The outermost error contains the URL, and the URL contains the account's id.
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	reason := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		reason = "no answer in time"
	}
	kind := backstop.Unavailable
	if maybeSent {
		kind = backstop.Unknown
	}
	return &backstop.Failure{Kind: kind, Reason: p.Text(reason)}
}

// requestBody is the body of a POST. It records whether the transport has read any of it, and refuses reads after the end of
// the call and after its deadline. The transport writes a request's header before it reads the body, and a server cannot act on
// a request whose announced body is missing. net/http reads an empty body before it writes the end of the header, to find out
// that it is empty (net/http transfer.go, probeRequestBody). So if the body was never read, the request was not sent. This
// holds even if the transport is still writing, because later reads fail. requestBody has no GetBody, so net/http never sends a
// POST again by itself (net/http transport.go, shouldRetryRequest and rewindBody).
type requestBody struct {
	ctx      context.Context //nolint:containedctx // the context of the request that has this body
	mu       sync.Mutex
	content  *bytes.Reader
	isRead   bool
	isClosed bool
}

var (
	errCallEnded      = errors.New("the call has ended")
	errDeadlinePassed = errors.New("the deadline of the call passed before the request was sent")
)

func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.isClosed:
		return 0, errCallEnded
	case deadlinePassed(b.ctx, time.Now()):
		return 0, errDeadlinePassed
	}
	b.isRead = true
	return b.content.Read(p) //nolint:wrapcheck // io.EOF must stay bare
}

// deadlinePassed reports whether the deadline of a call has passed. It compares the clock, because ctx.Err may be late:
// after a pause (SIGSTOP, a paused machine) a process runs its goroutines and timers in any order, and another worker may
// already run the same call. A paused machine may have stopped the monotonic clock too, so deadlinePassed also compares the
// wall clock. If the wall clock was set forward, deadlinePassed may refuse a call that was in time. That call was not sent,
// so it is retried.
func deadlinePassed(ctx context.Context, now time.Time) bool {
	deadline, ok := ctx.Deadline()
	return ok && (!now.Before(deadline) || !now.Round(0).Before(deadline.Round(0)))
}

func (b *requestBody) Close() error { return nil }

// stopReads makes every later read fail. It reports whether any of the body was read before.
func (b *requestBody) stopReads() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isClosed = true
	return b.isRead
}
