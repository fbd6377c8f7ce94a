package api_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/logtest"
)

func TestNew_Missing(t *testing.T) {
	t.Parallel()
	r := &rig{store: &store{}, logs: &logtest.Buffer{}, door: &door{}, guarded: &guardStore{}}
	for name, strip := range map[string]func(*api.Options){
		"Rules":    func(o *api.Options) { o.Rules = nil },
		"Policies": func(o *api.Options) { o.Policies = nil },
		"Messages": func(o *api.Options) { o.Messages = nil },
		"Sends":    func(o *api.Options) { o.Sends = nil },
		"Sessions": func(o *api.Options) { o.Sessions = nil },
		"Handoff":  func(o *api.Options) { o.Handoff = nil },
		"APIKey":   func(o *api.Options) { o.APIKey = "" },
		"Log":      func(o *api.Options) { o.Log = nil },
		"Accounts": func(o *api.Options) { o.Accounts = nil },
		"Guards":   func(o *api.Options) { o.Guards = nil },

		"Templates": func(o *api.Options) { o.Templates = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := r.options()
			strip(&o)
			_, err := api.New(o)
			require.ErrorContains(t, err, name)
		})
	}
	_, err := api.New(api.Options{Log: slog.New(slog.DiscardHandler)})
	require.EqualError(t, err, "make the api: options APIKey, Accounts, Audit, Callbacks, Erasures, Guards, Handoff, Keys, Messages, OptOuts, "+
		"Persons, Policies, Rules, Sends, Sessions, Templates are missing")
	o := r.options()
	o.Now, o.Ready = nil, nil
	_, err = api.New(o)
	require.NoError(t, err)
}

func TestAuth(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, header := range []string{
		"", apiKey, "Bearer", "Bearer ", "Bearer wrong", "Bearer " + apiKey + "x", "Bearer " + apiKey[1:],
		"Basic " + apiKey, "Bearer" + apiKey, "Bearer " + apiKey + " x",
	} {
		for _, path := range []string{"/v1/rules", "/v1/sends/" + someID, "/v1/nowhere", "/v1/rules/x/y"} {
			got := r.call(t, "GET", path, "", "Authorization", header)
			got.problem(401, "unauthorized")
			require.Equal(t, `Bearer realm="backstop"`, got.Header().Get("WWW-Authenticate"))
		}
		r.call(t, "POST", "/v1/rules", ruleBody, "Authorization", header).problem(401, "unauthorized")
		r.call(t, "PATCH", "/v1/rules", ruleBody, "Authorization", header).problem(401, "unauthorized")
	}
	require.Zero(t, r.writes)
	require.NotContains(t, r.logs.String(), apiKey)
	for _, header := range []string{"Bearer " + apiKey, "bearer " + apiKey, "Bearer  " + apiKey} {
		require.Equal(t, 200, r.call(t, "GET", "/v1/rules", "", "Authorization", header).Code, header)
	}
}

func TestServer_Nowhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/nothing", "/v1/rules/", "//v1/rules", "/V1/rules", "/docs/nothing.js", "/../etc", "/%ff"} {
		r.call(t, "GET", path, "").problem(404, "not_found")
	}
	for path, allow := range map[string][]string{
		"/v1/rules":           {"GET", "POST"},
		"/v1/rules/" + someID: {"DELETE", "GET", "PUT"},
		"/v1/sends/" + someID: {"GET"},
		"/healthz":            {"GET", "HEAD"},
	} {
		got := r.call(t, "PATCH", path, "{}")
		got.problem(405, "method_not_allowed")
		require.ElementsMatch(t, allow, strings.Split(got.Header().Get("Allow"), ", "))
	}
	require.Empty(t, r.call(t, "OPTIONS", "/v1/rules", "", "Origin", "https://elsewhere.test").Header().Get("Access-Control-Allow-Origin"))
}

// A HEAD is answered like a GET, without the body, because load balancers and monitors use it.
func TestServer_Head(t *testing.T) {
	t.Parallel()
	r := newConsole(t)
	server := httptest.NewServer(r.handler)
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, path string) (status int, contentType string, body []byte) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, http.NoBody)
		require.NoError(t, err)
		got, err := client.Do(request)
		require.NoError(t, err)
		defer got.Body.Close()
		body, err = io.ReadAll(got.Body)
		require.NoError(t, err)
		return got.StatusCode, got.Header.Get("Content-Type"), body
	}
	for _, path := range []string{
		"/healthz", "/readyz", "/openapi.json", "/docs", "/docs/", "/docs/swagger-ui.css", "/docs/nothing.js", "/", "/console",
		"/console/", "/console/sends",
	} {
		wantStatus, wantType, _ := ask("GET", path)
		status, contentType, body := ask("HEAD", path)
		require.Equal(t, wantStatus, status, path)
		require.Equal(t, wantType, contentType, path)
		require.Empty(t, body, path)
	}
	func() {
		defer r.begin()()
		r.away = errTest
	}()
	status, _, _ := ask("HEAD", "/readyz")
	require.Equal(t, 503, status)
}

// No cache may keep an answer, except files that are the same for every caller.
func TestServer_CacheControl(t *testing.T) {
	t.Parallel()
	r := reading(t, 1, nil)
	_, policy := r.seed(t)
	for name, got := range map[string]answer{
		"list":               r.call(t, "GET", "/v1/rules", ""),
		"send":               r.call(t, "POST", "/v1/sends", sendBody(policy.ID)),
		"statistics":         r.call(t, "GET", "/v1/stats", ""),
		"not found":          r.call(t, "GET", "/v1/sends/"+someID, ""),
		"malformed":          r.call(t, "GET", "/v1/rules?limit=x", ""),
		"no key":             r.call(t, "GET", "/v1/rules", "", "Authorization", ""),
		"no route":           r.call(t, "GET", "/v1/nowhere", ""),
		"no route elsewhere": r.call(t, "GET", "/nowhere", ""),
		"no method":          r.call(t, "PATCH", "/v1/rules", ""),
		"session":            r.call(t, "GET", sessionPath, ""),
		"webhook":            r.report(t, "/webhooks/twilio", "a=b"),
		"no such webhook":    r.report(t, "/webhooks/nobody", "a=b"),
		"handshake":          r.call(t, "GET", "/webhooks/meta", ""),
		"health":             r.call(t, "GET", "/healthz", ""),
		"readiness":          r.call(t, "GET", "/readyz", ""),
	} {
		require.Equal(t, "no-store", got.Header().Get("Cache-Control"), name)
	}
	require.Equal(t, "no-cache", r.call(t, "GET", "/openapi.json", "").Header().Get("Cache-Control"))
	require.Equal(t, "no-cache", r.call(t, "GET", "/docs", "").Header().Get("Cache-Control"))
}

func TestServer_RequestID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Equal(t, "my-id.1_A", r.call(t, "GET", "/healthz", "", "X-Request-ID", "my-id.1_A").Header().Get("X-Request-ID"))
	for _, insane := range []string{"a b", "a\"b", strings.Repeat("a", 65), "é"} {
		got := r.call(t, "GET", "/healthz", "", "X-Request-ID", insane).Header().Get("X-Request-ID")
		require.Regexp(t, `^[0-9a-f-]{36}$`, got)
	}
}

func TestServer_Panic(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.door.accept = func() { panic("the secret is 42") }
	got := r.call(t, "POST", "/v1/sends", sendBody(policy.ID))
	got.problem(500, "internal")
	require.NotContains(t, got.Body.String(), "secret")
	require.Contains(t, r.logs.String(), "the secret is 42")
	require.Contains(t, r.logs.String(), "server_test.go", "the stack")
	require.Contains(t, r.logs.String(), `"status":500`)

	r.door.accept = func() { panic(http.ErrAbortHandler) }
	require.PanicsWithError(t, http.ErrAbortHandler.Error(), func() { r.call(t, "POST", "/v1/sends", sendBody(policy.ID)) })
}

func TestServer_InternalErrorsStayInside(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.away = errTest
	got := r.call(t, "GET", "/v1/rules", "")
	got.problem(500, "internal")
	require.NotContains(t, got.Body.String(), "10.0.0.7")
	require.Contains(t, r.logs.String(), "10.0.0.7")
	r.away = &backstop.Error{Code: "novel", Message: "of a code that the api does not have"}
	r.call(t, "GET", "/v1/rules", "").problem(500, "internal")
	r.away = context.DeadlineExceeded
	r.call(t, "GET", "/v1/rules", "").problem(503, "unavailable")
}

// TestServer_Log: no text and no recipient of a message is in the log.
func TestServer_Log(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", sendBody(policy.ID), "X-Request-ID", "req-1").Code)
	require.Equal(t, 200, r.call(t, "GET", "/v1/sends?to=%2B447400123456", "").Code)
	r.call(t, "GET", "/v1/sends/"+r.sends[0].ID, "")
	r.call(t, "POST", "/v1/sends", strings.Replace(sendBody(policy.ID), `"hello"`, `7`, 1)).problem(400, "malformed", "whatsapp.text")
	r.call(t, "GET", "/nowhere/447400123456", "").problem(404, "not_found")
	text := r.logs.String()
	require.Contains(t, text, `"method":"POST","route":"/v1/sends","status":202`)
	require.Contains(t, text, `"request_id":"req-1"`)
	require.Contains(t, text, `"route":"/v1/sends/:id"`)
	require.Contains(t, text, `"route":"none","status":404`)
	for _, private := range []string{"447400123456", "hello", r.sends[0].ID, apiKey} {
		require.NotContains(t, text, private)
	}
}

// TestServer_HangUp: if the caller disconnects, its queries are cancelled.
func TestServer_HangUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *api.Options) { o.Sends = &patient{Sends: o.Sends} })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/sends/"+someID, http.NoBody)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	r.serve(t, request).problem(503, "unavailable")
}

// TestServer_HangUpLog: a request that the caller gave up is no error of the server.
func TestServer_HangUpLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *api.Options) { o.Sends = &patient{Sends: o.Sends} })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/sends/"+someID, http.NoBody)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	got := httptest.NewRecorder()
	r.handler.ServeHTTP(got, request)
	require.NotContains(t, r.logs.String(), `"level":"ERROR"`)
	require.Contains(t, r.logs.String(), `"route":"/v1/sends/:id","status":499`)
	require.Contains(t, r.logs.String(), `"msg":"request failed"`)
	require.Equal(t, 503, got.Code, "the caller may still read")
}

// patient waits for its context before it answers.
type patient struct{ api.Sends }

func (p *patient) Send(ctx context.Context, _ string) (backstop.Send, error) {
	<-ctx.Done()
	return backstop.Send{}, ctx.Err()
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var temporal string
	var notReady error
	r := newRig(t, func(o *api.Options) {
		o.Ready = func(context.Context) (map[string]string, error) {
			return map[string]string{"temporal": temporal}, notReady
		}
	})
	require.JSONEq(t, `{"status":"ok","version":"v0"}`, r.call(t, "GET", "/healthz", "", "Authorization", "").Body.String())
	ask := func(status int) string {
		got := r.call(t, "GET", "/readyz", "", "Authorization", "")
		require.Equal(t, status, got.Code)
		return got.Body.String()
	}
	temporal = "unreachable"
	require.JSONEq(t, `{"status":"ok","version":"v0","checks":{"postgres":"ok","temporal":"unreachable"}}`, ask(200))
	notReady = errors.New("2 migrations are missing")
	require.JSONEq(t, `{"status":"unavailable","version":"v0","checks":{"postgres":"ok","temporal":"unreachable"}}`, ask(503))
	r.away = errTest
	require.JSONEq(t, `{"status":"unavailable","version":"v0","checks":{"postgres":"unreachable"}}`, ask(503))
	require.Contains(t, r.logs.String(), "2 migrations are missing")
	require.Equal(t, 200, r.call(t, "GET", "/healthz", "").Code, "the process still runs")
}

// TestDocs: the page, its scripts and its styles come from this server.
func TestDocs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	page := r.call(t, "GET", "/docs", "", "Authorization", "")
	require.Equal(t, 200, page.Code)
	require.Contains(t, page.Header().Get("Content-Security-Policy"), "default-src 'self'")
	require.Contains(t, page.Body.String(), "/openapi.json")
	named := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
	require.GreaterOrEqual(t, len(named), 3)
	for _, match := range named {
		require.True(t, strings.HasPrefix(match[1], "/docs/"), match[1])
		asset := r.call(t, "GET", match[1], "", "Authorization", "", "Accept-Encoding", "gzip")
		require.Equal(t, 200, asset.Code, match[1])
		require.NotZero(t, asset.Body.Len())
	}
}
