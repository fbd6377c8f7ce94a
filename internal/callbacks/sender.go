package callbacks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/backstophq/backstop/internal/traceparent"
)

const (
	// DefaultTimeout is the timeout of an attempt. The specification recommends 15 to 30 s.
	DefaultTimeout = 15 * time.Second

	dialTimeout      = 5 * time.Second // of DNS and all addresses of a name
	handshakeTimeout = 5 * time.Second
	bodyTimeout      = 2 * time.Second // after the header has come; the status is known then
	headerLimit      = 32 << 10        // bytes
)

// Options are the settings of a Sender. The zero value is fit for production.
type Options struct {
	Allow   Policy
	Timeout time.Duration // of an attempt; 0 is DefaultTimeout

	Resolver *net.Resolver  // nil is the system's
	RootCAs  *x509.CertPool // nil are the system's
}

// Sender sends messages. It makes each attempt once: it neither retries nor follows redirects. It uses no proxy: a proxy would
// open the connection, and its address could not be checked here. It is safe for concurrent use.
type Sender struct {
	client  *http.Client
	allow   Policy
	timeout time.Duration
}

// New returns a Sender.
func New(o Options) *Sender {
	s := &Sender{allow: o.Allow, timeout: o.Timeout}
	if s.timeout == 0 {
		s.timeout = DefaultTimeout
	}
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: o.Resolver, ControlContext: s.checkDial}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	s.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               nil,
			DialContext:         dialer.DialContext,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout: handshakeTimeout,
			Protocols:           protocols,
			// A receiver that stops answering on its HTTP/2 connection gets a new connection.
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: DefaultTimeout, PingTimeout: dialTimeout},
			DisableCompression:     true,
			MaxIdleConns:           100,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: headerLimit,
		},
	}
	return s
}

// Close closes the connections that no attempt uses.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// connects records whether an attempt has opened a connection, or tried to.
type connects struct{ tried atomic.Bool }

type connectsKey struct{}

// checkDial refuses an address that is not allowed. The dialer calls it for each address of a name, directly before it connects,
// so the address that is checked is the address that is used, whatever DNS answers to another question.
func (s *Sender) checkDial(ctx context.Context, _, address string, _ syscall.RawConn) error {
	dialled, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address to dial: %w", err)
	}
	if err := s.allow.Check(dialled.Addr()); err != nil {
		return err
	}
	if c, ok := ctx.Value(connectsKey{}).(*connects); ok {
		c.tried.Store(true)
	}
	return nil
}

// Post makes one attempt to deliver a message.
func (s *Sender) Post(ctx context.Context, e Endpoint, m Message) Result {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	tried := &connects{}
	request, err := s.newRequest(context.WithValue(ctx, connectsKey{}, tried), e, m)
	if err != nil {
		wrong, ok := errors.AsType[*URLError](err)
		return Result{Err: err, Forbidden: ok && wrong.Forbidden}
	}
	response, err := s.client.Do(request)
	latency := time.Since(started)
	if err != nil {
		_, isForbidden := errors.AsType[*ForbiddenError](err)
		return Result{Latency: latency, Err: describe(err), Forbidden: isForbidden && !tried.tried.Load()}
	}
	defer response.Body.Close()
	// The status decides. A body that comes slowly must not hold the attempt.
	defer time.AfterFunc(bodyTimeout, cancel).Stop()
	body, _ := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	return Result{
		Status: response.StatusCode, Latency: latency, Answer: printable(body),
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
}

// messageID is the form of a message's id. It has no dot, which separates the parts of what is signed.
var messageID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (s *Sender) newRequest(ctx context.Context, e Endpoint, m Message) (*http.Request, error) {
	if err := CheckURL(e.URL, s.allow); err != nil {
		return nil, fmt.Errorf("the URL %w", err)
	}
	secrets, err := ParseSecrets(e.Secrets)
	if err != nil {
		return nil, fmt.Errorf("the secrets of the endpoint: %w", err)
	}
	if !messageID.MatchString(m.ID) {
		return nil, errors.New("the id of the message must have 1 to 128 letters, digits, _ and -")
	}
	if m.At.IsZero() {
		m.At = time.Now()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(m.Body))
	if err != nil {
		return nil, describe(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "backstop")
	request.Header.Set(headerID, m.ID)
	request.Header.Set(headerTimestamp, strconv.FormatInt(m.At.Unix(), 10))
	request.Header.Set(headerSignature, signAll(secrets, m.ID, m.At, m.Body))
	traceparent.Set(request)
	return request, nil
}
