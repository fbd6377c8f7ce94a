package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	frontTimeout = 3 * time.Second // of one request to a backend
	downFor      = time.Second     // a backend that did not answer is tried last for this long
	maxBody      = 4 << 20         // bytes
)

// front is the load balancer in front of the Backstop processes. It records every webhook and whether it was acknowledged.
type front struct {
	server   *http.Server
	url      string
	client   *http.Client
	backends []*backend
	next     atomic.Uint64
	refuses  atomic.Bool // webhooks get a 503
	doubles  atomic.Bool // webhooks go to two backends at once
	loses    atomic.Bool // webhooks and POST requests that were handled get a 502

	mu      sync.Mutex
	reports []report
	refused []string // requests without webhooks that were answered with 5xx
}

type backend struct {
	address string
	down    atomic.Int64 // the backend is down until this time, in Unix nanoseconds
}

// report is a receipt in a webhook. The provider does not repeat an acknowledged receipt, so Backstop must have stored it.
type report struct {
	Provider  string
	MessageID string
	Ref       string // Backstop's reference in the message: the id of the send and the step
	Status    string
	Code      string // of a failure
	To        string
	Arrived   time.Time
	Acked     time.Time // zero if not acknowledged
}

func startFront(ctx context.Context, addresses []string) (*front, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	f := &front{
		url: "http://" + listener.Addr().String(),
		// Without keep-alive the transport repeats no request by itself.
		client: &http.Client{Timeout: frontTimeout, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	for _, address := range addresses {
		f.backends = append(f.backends, &backend{address: address})
	}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: frontTimeout}
	go func() { _ = f.server.Serve(listener) }() // until close
	return f, nil
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if isWebhook(r) && f.doubles.Load() {
		var twin sync.WaitGroup
		defer twin.Wait()
		twin.Go(func() { f.handle(r, body) })
	}
	status, header, answer := f.handle(r, body)
	if f.loses.Load() && (isWebhook(r) || r.Method == http.MethodPost) {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if value := header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer) //nolint:gosec // the unchanged answer of a backend; the client may have disconnected
}

// handle forwards a request. If it is a webhook, handle records its receipts.
func (f *front) handle(r *http.Request, body []byte) (status int, header http.Header, answer []byte) {
	arrived := time.Now()
	status, header, answer = f.forward(r, body)
	switch {
	case isWebhook(r):
		f.recordReports(r, body, arrived, status)
	case status >= http.StatusInternalServerError && r.Context().Err() == nil: // else the client has given up
		f.recordRefusal(r, status, answer)
	}
	return status, header, answer
}

func isWebhook(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/webhooks/") }

// forward sends a request to a backend. It tries the next backend only if it cannot connect.
func (f *front) forward(r *http.Request, body []byte) (status int, header http.Header, answer []byte) {
	if f.refuses.Load() && isWebhook(r) {
		return http.StatusServiceUnavailable, nil, nil
	}
	for _, b := range f.orderBackends() {
		status, header, answer, err := f.call(r, body, b)
		if err == nil {
			return status, header, answer
		}
		b.down.Store(time.Now().Add(downFor).UnixNano())
		if dial := (*net.OpError)(nil); !errors.As(err, &dial) || dial.Op != "dial" {
			return http.StatusBadGateway, nil, []byte(err.Error()) // the backend may have handled the request
		}
	}
	return http.StatusServiceUnavailable, nil, nil
}

// orderBackends returns the backends in the order of the next tries. Backends that are down come last.
func (f *front) orderBackends() []*backend {
	first, now := int(f.next.Add(1)%uint64(len(f.backends))), time.Now().UnixNano() //nolint:gosec // smaller than the length
	var up, down []*backend
	for i := range f.backends {
		b := f.backends[(first+i)%len(f.backends)]
		if b.down.Load() > now {
			down = append(down, b)
		} else {
			up = append(up, b)
		}
	}
	return append(up, down...)
}

func (f *front) call(r *http.Request, body []byte, b *backend) (int, http.Header, []byte, error) {
	target := "http://" + b.address + r.URL.RequestURI()
	request, err := http.NewRequestWithContext(r.Context(), r.Method, target, bytes.NewReader(body)) //nolint:gosec // a proxy
	if err != nil {
		return 0, nil, nil, fmt.Errorf("make request: %w", err)
	}
	request.Header = r.Header.Clone()
	response, err := f.client.Do(request) //nolint:gosec // a proxy
	if err != nil {
		return 0, nil, nil, fmt.Errorf("call backend: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("read answer of backend: %w", err)
	}
	return response.StatusCode, response.Header, answer, nil
}

// recordReports records the receipts of a webhook.
func (f *front) recordReports(r *http.Request, body []byte, arrived time.Time, status int) {
	var acked time.Time
	if status >= 200 && status <= 299 {
		acked = time.Now()
	}
	reports := readWebhook(r.URL, body)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range reports {
		one.Arrived, one.Acked = arrived, acked
		f.reports = append(f.reports, one)
	}
}

func (f *front) recordRefusal(r *http.Request, status int, answer []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = append(f.refused, fmt.Sprintf("%s %s was answered with %d: %.200s", r.Method, r.URL.Path, status, answer))
}

// refusals returns the requests without webhooks that were answered with 5xx.
func (f *front) refusals() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.refused...)
}

// recordedReports returns the receipts recorded so far.
func (f *front) recordedReports() []report {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]report(nil), f.reports...)
}

func (f *front) close() { _ = f.server.Close() }
