package callbacks_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/callbacks"
)

// local allows the servers of tests.
const local = "127.0.0.1,::1"

func newSender(t *testing.T, o callbacks.Options) *callbacks.Sender {
	t.Helper()
	s := callbacks.New(o)
	t.Cleanup(s.Close)
	return s
}

func serve(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // only then does the server notice that the client has gone
		r.Body = io.NopCloser(bytes.NewReader(body))
		handle(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

func endpoint(address string) callbacks.Endpoint {
	return callbacks.Endpoint{URL: address, Secrets: []string{secretOf(32)}}
}

func message() callbacks.Message {
	return callbacks.Message{ID: "0193a5c0-0000-7000-8000-000000000000_3", Body: []byte(`{"type":"send.delivered"}`)}
}

func TestSender_Post(t *testing.T) {
	t.Parallel()
	former, present := callbacks.GenerateSecret(), callbacks.GenerateSecret()
	got := make(chan *http.Request, 1)
	bodies := make(chan string, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r
		bodies <- string(body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "taken,\n\x1b[31mthanks ✓")
	})
	result := newSender(t, callbacks.Options{Allow: policy(t, local)}).Post(t.Context(),
		callbacks.Endpoint{URL: server.URL + "/hook?shop=1", Secrets: []string{present, former}}, message())
	require.NoError(t, result.Err)
	require.Equal(t, http.StatusAccepted, result.Status)
	require.True(t, result.Delivered())
	require.Equal(t, "taken, [31mthanks ✓", result.Answer)
	require.Positive(t, result.Latency)
	require.False(t, result.Forbidden)

	request, body := <-got, <-bodies
	require.Equal(t, http.MethodPost, request.Method)
	require.Equal(t, "/hook?shop=1", request.RequestURI)
	require.JSONEq(t, `{"type":"send.delivered"}`, body)
	require.Equal(t, "application/json", request.Header.Get("Content-Type"))
	require.Equal(t, message().ID, request.Header.Get("Webhook-Id"))
	require.Len(t, strings.Split(request.Header.Get("Webhook-Signature"), " "), 2)
	at, err := strconv.ParseInt(request.Header.Get("Webhook-Timestamp"), 10, 64)
	require.NoError(t, err)
	require.InDelta(t, time.Now().Unix(), at, 5)
	for _, text := range []string{former, present} { // either of the two is enough
		secret, err := callbacks.ParseSecret(text)
		require.NoError(t, err)
		require.NoError(t, callbacks.Verify(request.Header, []byte(body), []callbacks.Secret{secret}, time.Now()))
	}
}

// TestSender_Post_published sends the message of the specification's own tests, and expects its signature.
func TestSender_Post_published(t *testing.T) {
	t.Parallel()
	secret, want, body, at := published()
	got := make(chan http.Header, 1)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got <- r.Header })
	result := newSender(t, callbacks.Options{Allow: policy(t, local)}).Post(t.Context(),
		callbacks.Endpoint{URL: server.URL, Secrets: []string{secret}},
		callbacks.Message{ID: want.Get("Webhook-Id"), At: at, Body: body})
	require.NoError(t, result.Err)
	header := <-got
	for name := range want {
		require.Equal(t, want.Get(name), header.Get(name), name)
	}
}

func TestSender_Post_statuses(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere.Add(1)
			return
		}
		w.Header().Set("Location", "/elsewhere")
		w.Header().Set("Retry-After", r.URL.Query().Get("after"))
		status, _ := strconv.Atoi(r.URL.Query().Get("status"))
		w.WriteHeader(status)
	})
	s := newSender(t, callbacks.Options{Allow: policy(t, local)})
	post := func(query string) callbacks.Result {
		return s.Post(t.Context(), endpoint(server.URL+"/?"+query), message())
	}
	for _, status := range []int{200, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 429, 500, 503} {
		result := post("status=" + strconv.Itoa(status))
		require.NoError(t, result.Err)
		require.Equal(t, status, result.Status)
		require.Equal(t, status < 300, result.Delivered())
		require.Equal(t, status == 410, result.IsGone())
		require.Zero(t, result.RetryAfter)
	}
	require.Zero(t, elsewhere.Load(), "a redirect is not followed")
	for after, want := range map[string]time.Duration{
		"7": 7 * time.Second, "0": 0, "-5": 0, "soon": 0, "99999999": 72 * time.Hour, "99999999999999999999999": 72 * time.Hour,
		"Mon,+01+Jan+2001+00:00:00+GMT": 0, "Fri,+01+Jan+2999+00:00:00+GMT": 72 * time.Hour,
	} {
		require.Equal(t, want, post("status=503&after="+after).RetryAfter, after)
	}
	in := time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)
	require.InDelta(t, time.Minute, post("status=429&after="+strings.ReplaceAll(in, " ", "+")).RetryAfter, float64(3*time.Second))
}

// TestSender_Post_answers: an answer that is long, endless, slow or broken does not hold the sender.
func TestSender_Post_answers(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
					return
				}
			}
		case "/stalled":
			_, _ = io.WriteString(w, "begin")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/binary":
			_, _ = w.Write([]byte("\x00\xff\xfe\u202eabc\u2028d\x7f"))
		case "/silent":
			<-r.Context().Done()
		case "/broken":
			panic(http.ErrAbortHandler)
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("y", 100<<10))
		}
	})
	s := newSender(t, callbacks.Options{Allow: policy(t, local)})
	post := func(path string) callbacks.Result { return s.Post(t.Context(), endpoint(server.URL+path), message()) }
	require.Equal(t, strings.Repeat("x", 200), post("/endless").Answer)
	require.Equal(t, "abc d", post("/binary").Answer)

	started := time.Now()
	stalled := post("/stalled")
	require.True(t, stalled.Delivered(), "the status came")
	require.Equal(t, "begin", stalled.Answer)
	require.Less(t, stalled.Latency, 2*time.Second)
	require.Less(t, time.Since(started), callbacks.DefaultTimeout/2)

	s = newSender(t, callbacks.Options{Allow: policy(t, local), Timeout: time.Second})
	for path, reason := range map[string]string{
		"/silent": "no answer in time", "/broken": "the request failed: EOF", "/header": "the request failed: ",
	} {
		result := post(path)
		require.ErrorContains(t, result.Err, reason)
		require.Zero(t, result.Status)
		require.False(t, result.Forbidden)
		require.NotContains(t, result.Err.Error(), "127.0.0.1")
	}
}

func TestSender_Post_unreachable(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	defer secure.Close()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	var config net.ListenConfig
	closed, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	s := newSender(t, callbacks.Options{Allow: policy(t, local), Resolver: resolver(t, nil)})
	for address, reason := range map[string]string{
		"http://" + closed.Addr().String(): "the connection was refused",
		secure.URL:                         "the certificate is not valid: its authority is not known",
		strings.Replace(plain.URL, "http:", "https:", 1): "the request failed: http: server gave HTTP response to HTTPS client",
		"http://missing.example/":                        "the host does not exist (DNS)",
	} {
		result := s.Post(t.Context(), endpoint(address), message())
		require.EqualError(t, result.Err, reason)
		require.False(t, result.Forbidden)
	}
}

// TestSender_Post_tls: HTTP/2, and the certificate of the name in the URL.
func TestSender_Post_tls(t *testing.T) {
	t.Parallel()
	protocol := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocol <- r.Proto }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	s := newSender(t, callbacks.Options{
		Allow: policy(t, local), RootCAs: roots, Resolver: resolver(t, func(string) []string { return []string{"127.0.0.1"} }),
	})
	result := s.Post(t.Context(), endpoint("https://example.com:"+port), message()) // the certificate of httptest has this name
	require.NoError(t, result.Err)
	require.Equal(t, "HTTP/2.0", <-protocol)
	result = s.Post(t.Context(), endpoint("https://other.test:"+port), message())
	require.EqualError(t, result.Err, "the certificate is not valid: it is of another host")
}

// TestSender_Post_forbidden: nothing is sent to an address that is not allowed.
func TestSender_Post_forbidden(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	s := newSender(t, callbacks.Options{Resolver: resolver(t, func(string) []string { return []string{"127.0.0.1", "::1"} })})
	for _, host := range []string{"127.0.0.1", "::1", "localhost", "::ffff:127.0.0.1", "hook.example", "127.0.0.1.nip.io"} {
		result := s.Post(t.Context(), endpoint("http://"+net.JoinHostPort(host, port)), message())
		require.Error(t, result.Err, host)
		require.True(t, result.Forbidden, host)
		require.Zero(t, result.Status)
		require.NotContains(t, result.Err.Error(), "127.0.0.1")
	}
	require.Zero(t, calls.Load())
}

// TestSender_Post_proxy: a proxy of the environment is not used, also if it could be reached: it would open the connection.
func TestSender_Post_proxy(t *testing.T) { //nolint:paralleltest // it sets variables of the process
	var calls atomic.Int64
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	s := newSender(t, callbacks.Options{
		Allow: policy(t, local), Resolver: resolver(t, func(string) []string { return []string{"10.0.0.1"} }),
	})
	for _, scheme := range []string{"http", "https"} {
		require.True(t, s.Post(t.Context(), endpoint(scheme+"://hook.example/"), message()).Forbidden)
	}
	require.Zero(t, calls.Load())
}

// TestSender_Post_decoys: the check of the dialled address refuses each decoy that DNS may answer.
func TestSender_Post_decoys(t *testing.T) {
	t.Parallel()
	for address, kind := range decoys() {
		if netip.MustParseAddr(address).Is4In6() {
			kind = "" // the resolver makes an IPv4 address of it
			if strings.HasSuffix(address, "8.8.8.8") {
				continue
			}
		}
		s := newSender(t, callbacks.Options{Resolver: resolver(t, func(string) []string { return []string{address} })})
		result := s.Post(t.Context(), endpoint("http://decoy.example:9/"), message())
		require.True(t, result.Forbidden, "%s: %v", address, result.Err)
		require.ErrorContains(t, result.Err, kind, address)
	}
}

// TestSender_Post_rebinding: a name whose address changes after it was accepted. The dialled address is the one that counts.
func TestSender_Post_rebinding(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	address := endpoint("http://rebind.example:" + port)
	answers := [][]string{{"127.0.0.1"}, {"169.254.169.254"}, {"10.0.0.1", "fd00::1"}, {"127.0.0.1"}, {"127.0.0.2", "127.0.0.1"}}
	var asked atomic.Int64
	s := newSender(t, callbacks.Options{Allow: policy(t, local), Resolver: resolver(t, func(string) []string {
		return answers[asked.Load()]
	})})
	require.NoError(t, callbacks.CheckURL(address.URL, policy(t, local)))
	for i, want := range []bool{true, false, false, true} {
		asked.Store(int64(i))
		s.Close() // a kept connection would not ask again
		result := s.Post(t.Context(), address, message())
		require.Equal(t, want, result.Delivered(), "%v: %v", answers[i], result.Err)
		require.Equal(t, !want, result.Forbidden)
	}
	require.Equal(t, int64(2), calls.Load())

	// A name with both kinds of addresses is reached at the one that is allowed; if that one is down, it is not forbidden.
	s.Close()
	asked.Store(4)
	require.True(t, s.Post(t.Context(), address, message()).Delivered())
	server.Close()
	s.Close()
	result := s.Post(t.Context(), address, message())
	require.Error(t, result.Err)
	require.False(t, result.Forbidden)
}

func TestSender_Post_wrong(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	s := newSender(t, callbacks.Options{Allow: policy(t, local)})
	secret := callbacks.GenerateSecret()
	for name, row := range map[string]struct {
		endpoint callbacks.Endpoint
		id       string
		err      string
	}{
		"no secret":        {callbacks.Endpoint{URL: server.URL}, "a", "must be 1 to 2 secrets"},
		"a wrong secret":   {callbacks.Endpoint{URL: server.URL, Secrets: []string{secret[:20]}}, "a", "secret 1 must"},
		"three secrets":    {callbacks.Endpoint{URL: server.URL, Secrets: []string{secret, secretOf(24), secretOf(25)}}, "a", "1 to 2"},
		"a wrong URL":      {endpoint("ftp://127.0.0.1/"), "a", "http or https"},
		"a user":           {endpoint("http://user:pass@127.0.0.1/"), "a", "user or a password"},
		"no id":            {endpoint(server.URL), "", "the id of the message"},
		"a dot in the id":  {endpoint(server.URL), "a.1", "the id of the message"},
		"a line in the id": {endpoint(server.URL), "a\nb", "the id of the message"},
	} {
		result := s.Post(t.Context(), row.endpoint, callbacks.Message{ID: row.id, Body: []byte(`{}`)})
		require.ErrorContains(t, result.Err, row.err, name)
		require.False(t, result.Forbidden, name)
		require.NotContains(t, result.Err.Error(), secret[8:20], name)
		require.NotContains(t, result.Err.Error(), "pass@", name)
	}
}

// TestSender_connections: one receiver's connections are used again, and many receivers leave no more than a bounded number open.
func TestSender_connections(t *testing.T) {
	t.Parallel()
	var opened, open atomic.Int64
	count := func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	start := func() *httptest.Server {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode("ok")
		}))
		server.Config.ConnState = count
		server.Start()
		t.Cleanup(server.Close)
		return server
	}
	s := newSender(t, callbacks.Options{Allow: policy(t, local)})
	one := start()
	for range 20 {
		require.True(t, s.Post(t.Context(), endpoint(one.URL), message()).Delivered())
	}
	require.Equal(t, int64(1), opened.Load())
	for range 150 {
		require.True(t, s.Post(t.Context(), endpoint(start().URL), message()).Delivered())
	}
	require.Eventually(t, func() bool { return open.Load() <= 100 }, 30*time.Second, 10*time.Millisecond)
	s.Close()
	require.Eventually(t, func() bool { return open.Load() == 0 }, 30*time.Second, 10*time.Millisecond)
}
