// Package provider holds what the drivers of all providers share: one POST and what became of it, the meaning of a
// refusal, and the bounds of what a provider may tell us.
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
)

const (
	// DefaultTimeout bounds one call when the options give no other bound.
	DefaultTimeout = 10 * time.Second
	// answerLimit bounds what is read of the answer to a POST. A real one has less than 2 KB.
	answerLimit = 64 << 10
	// listLimit bounds what is read of the answer to a GET, which may be a list.
	listLimit = 4 << 20
)

// Poster sends requests to one provider, each of them once: it neither retries nor follows redirects. It is safe for
// concurrent use.
type Poster struct {
	client  *http.Client
	timeout time.Duration
	secrets *Secrets
}

// NewPoster returns a Poster whose calls take at most timeout, DefaultTimeout if it is zero. The driver's own secrets become
// part of the shared ones, which never show in a failure that the Poster makes. Without shared secrets, its own do not.
func NewPoster(timeout time.Duration, shared *Secrets, own ...string) *Poster {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if shared == nil {
		shared = new(Secrets)
	}
	shared.Add(own...)
	// One request per connection at a time, so that a cut connection leaves one message in doubt and not all that
	// share it: HTTP/1.1 only.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &Poster{
		timeout: timeout,
		secrets: shared,
		client: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
				TLSHandshakeTimeout: 5 * time.Second,
				Protocols:           protocols,
				DisableCompression:  true,
				MaxIdleConnsPerHost: 32,
				// A request that meets the server's closing of an idle connection is Unknown. We let go of a
				// connection well before servers commonly do (60 s and more), so that it hardly ever happens.
				IdleConnTimeout:        15 * time.Second,
				MaxResponseHeaderBytes: answerLimit,
			},
		},
	}
}

// Answer is the provider's answer. Body is nil if it was longer than 64 KB (4 MB to a GET) or broke off.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Accepted reports whether the status is one of success.
func (a Answer) Accepted() bool { return a.Status >= 200 && a.Status <= 299 }

// Post sends one request with a body, which must not be empty. Without an answer it returns a *backstop.Failure:
// Unavailable when the request surely did not leave whole, else Unknown.
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
	answer, err := p.exchange(request, answerLimit)
	if err != nil {
		return Answer{}, p.noAnswer(sent.stopReads(), err)
	}
	return answer, nil
}

// Get makes a GET request. Without an answer it returns a *backstop.Failure of kind Unavailable: a GET changes nothing
// at the provider, so it may be repeated.
func (p *Poster) Get(ctx context.Context, target string, header http.Header) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return Answer{}, p.noAnswer(false, err)
	}
	request.Header = header.Clone()
	request.Header.Del("Content-Type")
	answer, err := p.exchange(request, listLimit)
	if err != nil {
		return Answer{}, p.noAnswer(false, err)
	}
	return answer, nil
}

// exchange makes one request and reads its answer, up to limit bytes.
func (p *Poster) exchange(request *http.Request, limit int) (Answer, error) {
	request.Header.Set("User-Agent", "backstop")
	response, err := p.client.Do(request)
	if err != nil {
		return Answer{}, err //nolint:wrapcheck // unanswered judges it
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	read, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err == nil && len(read) <= limit {
		answer.Body = read
	}
	return answer, nil
}

func (p *Poster) noAnswer(left bool, err error) *backstop.Failure {
	// The outermost error repeats the URL, which names the account.
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	reason := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		reason = "no answer in time"
	}
	kind := backstop.Unavailable
	if left {
		kind = backstop.Unknown
	}
	return &backstop.Failure{Kind: kind, Reason: p.Text(reason)}
}

// body is the body of a request. It records whether the transport has begun to read it, and refuses reads after the end
// of the call or its deadline. The transport writes a request's header before it reads the body, and no server can act on
// a request whose announced body is missing. So a body that was never read was not sent, with no race against a transport
// that is still writing. body has no GetBody, so net/http never sends a POST again by itself (net/http transport.go,
// shouldRetryRequest and rewindBody).
type requestBody struct {
	ctx      context.Context //nolint:containedctx // of the one request that the body belongs to
	mu       sync.Mutex
	content  *bytes.Reader
	isRead   bool
	isClosed bool
}

var (
	errCallEnded      = errors.New("the call has ended")
	errDeadlinePassed = errors.New("the time of the call was over before it was made")
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

// overdue reports whether the deadline of a call has passed. It reads the clock and not the context's state: after a stop
// (SIGSTOP, a paused machine) a process runs its goroutines and timers in any order, and another worker may have taken
// over the call. A paused machine may have stopped the monotonic clock too, so overdue also compares the wall clock. If
// the wall clock was set forward, overdue may refuse a call that was in time. That call was not sent, so it is retried.
func deadlinePassed(ctx context.Context, now time.Time) bool {
	deadline, ok := ctx.Deadline()
	return ok && (!now.Before(deadline) || !now.Round(0).Before(deadline.Round(0)))
}

func (b *requestBody) Close() error { return nil }

// end closes the body for good and reports whether any of it was read.
func (b *requestBody) stopReads() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.isClosed = true
	return b.isRead
}
