package api_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

const (
	sessionPath = "/console/session"
	signInBody  = `{"api_key": "` + apiKey + `"}`
)

// signIn returns the cookie as a browser sends it back.
func (r *rig) signIn(t *testing.T, headers ...string) string {
	t.Helper()
	got := r.browse(t, "POST", sessionPath, signInBody, headers...)
	require.Equal(t, 200, got.Code, got.Body.String())
	cookie := got.cookie()
	require.NotNil(t, cookie)
	return cookie.Name + "=" + cookie.Value
}

// browse makes a request without the API key.
func (r *rig) browse(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	return r.call(t, method, path, body, append([]string{"Authorization", ""}, headers...)...)
}

func (a answer) cookie() *http.Cookie {
	if cookies := a.Result().Cookies(); len(cookies) > 0 {
		return cookies[0]
	}
	return nil
}

func TestSession(t *testing.T) {
	t.Parallel()
	clock := now.Add(time.Millisecond)
	r := newRig(t, func(o *api.Options) {
		o.Now = func() time.Time { return clock }
		o.TemporalUIURL, o.TemporalNamespace, o.Sandbox = "http://127.0.0.1:8233", "default", func() bool { return true }
		o.Scenarios = []api.Scenario{{Digits: "02", Name: "unread", WhatsApp: "delivered, never read", SMS: "delivered"}}
	})
	const shown = `{
		"version": "v0", "expires_at": "2031-05-05T00:00:00Z",
		"scopes": ["sends:write", "sends:read", "settings:write", "settings:read", "admin"],
		"temporal_ui_url": "http://127.0.0.1:8233", "temporal_namespace": "default", "sandbox": true,
		"scenarios": [{"digits": "02", "name": "unread", "whatsapp": "delivered, never read", "sms": "delivered"}]
	}`
	r.browse(t, "GET", sessionPath, "").problem(401, "unauthorized")
	r.call(t, "GET", sessionPath, "").problem(401, "unauthorized") // the key is no session

	got := r.browse(t, "POST", sessionPath, signInBody)
	require.JSONEq(t, shown, got.Body.String())
	require.Equal(t, "no-store", got.Header().Get("Cache-Control"))
	cookie := got.cookie()
	require.Len(t, cookie.Value, 43, "256 bits")
	header := cookie.Name + "=" + cookie.Value
	got = r.browse(t, "GET", sessionPath, "", "Cookie", header)
	require.Equal(t, 200, got.Code)
	require.JSONEq(t, shown, got.Body.String())
	require.Equal(t, "no-store", got.Header().Get("Cache-Control"))
	require.Nil(t, got.cookie())

	for _, other := range []string{
		"backstop_session=", "backstop_session=" + strings.Repeat("A", 43), header + "A", "__Host-" + header, header[:len(header)-1],
	} {
		r.browse(t, "GET", sessionPath, "", "Cookie", other).problem(401, "unauthorized")
		r.browse(t, "GET", "/v1/rules", "", "Cookie", other).problem(401, "unauthorized")
	}

	another := r.signIn(t)
	require.NotEqual(t, header, another)
	for clock = now; clock.Before(now.Add(12*time.Hour - time.Minute)); clock = clock.Add(50 * time.Minute) {
		require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", header).Code, "it is in use")
	}
	clock = now.Add(12*time.Hour - time.Second)
	require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", header).Code)
	clock = now.Add(12 * time.Hour)
	r.browse(t, "GET", sessionPath, "", "Cookie", header).problem(401, "unauthorized")
	r.browse(t, "GET", "/v1/rules", "", "Cookie", header).problem(401, "unauthorized")
	r.signIn(t)
	require.Len(t, r.sessions, 1, "those that have ended are forgotten")
}

func TestSession_SignOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cookie := r.signIn(t)
	for _, headers := range [][]string{{"Cookie", cookie}, {"Cookie", cookie}, {}} {
		got := r.browse(t, "DELETE", sessionPath, "", headers...)
		require.Equal(t, 204, got.Code)
		require.Negative(t, got.cookie().MaxAge)
		require.Empty(t, got.cookie().Value)
		require.Empty(t, r.sessions)
		r.browse(t, "GET", sessionPath, "", "Cookie", cookie).problem(401, "unauthorized")
	}
}

func TestSession_SignIn_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for body, field := range map[string]string{
		`{}`: "api_key", `{"api_key": 7}`: "api_key", `{"api_key": ""}`: "api_key", `{"api_key": "x", "user": "me"}`: "user",
		`{"api_key": "` + strings.Repeat("x", 513) + `"}`: "api_key",
	} {
		r.browse(t, "POST", sessionPath, body).problem(400, "malformed", field)
	}
	r.browse(t, "POST", sessionPath, "").problem(400, "malformed")
	r.browse(t, "POST", sessionPath, signInBody, "Content-Type", "text/plain").problem(415, "unsupported_media_type")
	for _, wrong := range []string{"wrong", apiKey + "x", apiKey[1:], strings.ToUpper(apiKey)} {
		got := r.browse(t, "POST", sessionPath, text(t, map[string]string{"api_key": wrong}))
		got.problem(401, "unauthorized")
		require.Nil(t, got.cookie())
	}
	r.browse(t, "POST", sessionPath, `{"api_key": "`+strings.Repeat("x", 4<<10)+`"}`).problem(413, "too_large")
	escaped := `{"api_key": "` + strings.Repeat(`\u0078`, 512) + `"}`
	r.browse(t, "POST", sessionPath, escaped).problem(401, "unauthorized") // the longest that the contract allows
	require.Empty(t, r.sessions)
	got := r.browse(t, "PUT", sessionPath, signInBody)
	got.problem(405, "method_not_allowed")
	require.ElementsMatch(t, []string{"DELETE", "GET", "POST"}, strings.Split(got.Header().Get("Allow"), ", "))
}

func TestSession_Cookie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for forwarded, secure := range map[string]bool{
		"": false, "http": false, "http, https": false, "https": true, "HTTPS": true, "https, http": true,
	} {
		got := r.browse(t, "POST", sessionPath, signInBody, "X-Forwarded-Proto", forwarded).cookie()
		want := &http.Cookie{
			Name: "backstop_session", Value: got.Value, Path: "/", MaxAge: 12 * 60 * 60, HttpOnly: true,
			SameSite: http.SameSiteStrictMode, Raw: got.Raw,
		}
		if secure {
			want.Name, want.Secure = "__Host-backstop_session", true
		}
		require.Equal(t, want, got, forwarded)
		cookie := got.Name + "=" + got.Value
		require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie, "X-Forwarded-Proto", forwarded).Code)
		require.Equal(t, secure, r.browse(t, "DELETE", sessionPath, "", "Cookie", cookie, "X-Forwarded-Proto", forwarded).cookie().Secure)
	}

	t.Run("over TLS", func(t *testing.T) {
		t.Parallel()
		request := httptest.NewRequestWithContext(t.Context(), "POST", sessionPath, strings.NewReader(signInBody))
		request.Header.Set("Content-Type", "application/json")
		request.TLS = &tls.ConnectionState{}
		require.Equal(t, "__Host-backstop_session", r.serve(t, request).cookie().Name)
	})
	t.Run("of a page without TLS opens nothing over TLS", func(t *testing.T) {
		t.Parallel()
		cookie := r.signIn(t)
		r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie, "X-Forwarded-Proto", "https").problem(401, "unauthorized")
	})
}

// TestSession_KeyChanged: a new API key ends the sessions of the old key.
func TestSession_KeyChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cookie := r.signIn(t)
	changed := newRig(t, func(o *api.Options) { o.APIKey, o.Sessions = "another-key-for-tests", r.store })
	require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).Code)
	changed.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).problem(401, "unauthorized")
	changed.browse(t, "GET", sessionPath, "", "Cookie", cookie).problem(401, "unauthorized")
}

func TestSession_StoreAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cookie := r.signIn(t)
	r.away = &backstop.Error{Code: backstop.TryLater, Message: "later"}
	for _, got := range []answer{
		r.browse(t, "POST", sessionPath, signInBody),
		r.browse(t, "GET", sessionPath, "", "Cookie", cookie),
		r.browse(t, "DELETE", sessionPath, "", "Cookie", cookie),
		r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie),
	} {
		got.problem(503, "unavailable")
		require.NotEmpty(t, got.Header().Get("Retry-After"))
		require.Nil(t, got.cookie(), "it may be tried again")
	}
}

func TestAuth_Cookie(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cookie := r.signIn(t)
	require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).Code)
	require.Equal(t, 201, r.browse(t, "POST", "/v1/rules", ruleBody, "Cookie", cookie).Code)
	r.browse(t, "GET", "/v1/nowhere", "", "Cookie", cookie).problem(404, "not_found")
	for _, header := range []string{"Bearer wrong", "Basic " + apiKey, " "} {
		r.call(t, "GET", "/v1/rules", "", "Cookie", cookie, "Authorization", header).problem(401, "unauthorized")
	}
	require.Equal(t, 200, r.call(t, "GET", "/v1/rules", "", "Cookie", "backstop_session=stale").Code, "the key counts")
}

// TestAuth_Origin: a cookie is accepted from pages of this origin only, an API key from any caller.
func TestAuth_Origin(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cookie := r.signIn(t)
	foreign := [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://elsewhere.test"},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site", "Origin", "http://example.com"},
	}
	for _, from := range foreign {
		with := append([]string{"Cookie", cookie}, from...)
		r.browse(t, "POST", "/v1/rules", ruleBody, with...).problem(403, "forbidden")
		r.browse(t, "DELETE", "/v1/rules/"+someID, "", append(with, "If-Match", "*")...).problem(403, "forbidden")
		r.browse(t, "POST", "/v1/nowhere", "", with...).problem(403, "forbidden")
		r.browse(t, "POST", sessionPath, signInBody, from...).problem(403, "forbidden")
		r.browse(t, "DELETE", sessionPath, "", with...).problem(403, "forbidden")
		require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", with...).Code)
		require.Equal(t, 200, r.browse(t, "GET", sessionPath, "", with...).Code)
		r.browse(t, "POST", "/v1/rules", ruleBody, from...).problem(401, "unauthorized")
		r.call(t, "POST", "/v1/rules", `{}`, with...).problem(400, "malformed", "name", "type", "send_id")
	}
	require.Zero(t, r.writes)
	require.Len(t, r.sessions, 1)
	for _, from := range [][]string{
		{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", "http://example.com"}, {},
	} {
		with := append([]string{"Cookie", cookie}, from...)
		r.browse(t, "POST", "/v1/rules", `{}`, with...).problem(400, "malformed", "name", "type", "send_id")
		r.signIn(t, from...)
	}
}

// TestSession_Log: no API key and no token of a session is in the log.
func TestSession_Log(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cookie := r.signIn(t)
	r.browse(t, "POST", sessionPath, `{"api_key": "`+apiKey+`", "x": 1}`).problem(400, "malformed", "x")
	r.browse(t, "POST", sessionPath, `{"api_key": "not-the-key"}`).problem(401, "unauthorized")
	r.browse(t, "POST", "/v1/rules", ruleBody, "Cookie", cookie, "Sec-Fetch-Site", "cross-site").problem(403, "forbidden")
	r.away = errTest
	r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).problem(500, "internal")
	r.browse(t, "POST", sessionPath, signInBody).problem(500, "internal")
	logged := r.logs.String()
	require.Contains(t, logged, `"route":"/console/session","status":200`)
	_, token, _ := strings.Cut(cookie, "=")
	for _, private := range []string{token, apiKey, "not-the-key"} {
		require.NotContains(t, logged, private)
	}
}
