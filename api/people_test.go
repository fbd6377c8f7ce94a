package api_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/oidctest"
	"github.com/backstophq/backstop/internal/people"
)

const (
	beginPath    = "/console/session/oidc"
	callbackPath = beginPath + "/callback"
	endPath      = beginPath + "/end"
)

// company is an API over HTTP whose people sign in at a real provider.
type company struct {
	*rig

	t        *testing.T
	server   *httptest.Server
	provider *httptest.Server
	options  people.Options
	skew     atomic.Int64                        // by how much the clock of the API is ahead
	answer   atomic.Pointer[http.HandlerFunc]    // answers in place of the provider; nil: the provider does
	change   atomic.Pointer[func(*http.Request)] // changes what the API asks the provider
}

func newCompany(t *testing.T, inToken bool, change ...func(*api.Options)) *company {
	t.Helper()
	co := &company{t: t}
	var backend, provider http.Handler
	co.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { backend.ServeHTTP(w, r) }))
	t.Cleanup(co.server.Close)
	co.provider = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change := co.change.Load(); change != nil {
			(*change)(r)
		}
		if answer := co.answer.Load(); answer != nil {
			(*answer)(w, r)
			return
		}
		provider.ServeHTTP(w, r)
	}))
	t.Cleanup(co.provider.Close)
	co.options = people.Options{
		Issuer: co.provider.URL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret,
		RedirectURL: co.server.URL + callbackPath, HomeURL: co.server.URL + "/console/", Scopes: []string{"profile", "email"},
		RoleClaim: "groups", Roles: map[backstop.Role][]string{
			backstop.RoleViewer: {"viewers"}, backstop.RoleOperator: {"operators"}, backstop.RoleAdmin: {"root", "admins"},
		},
		Now: func() time.Time { return time.Now().Add(time.Duration(co.skew.Load())) },
	}
	provider = oidctest.New(oidctest.Options{
		Issuer: co.provider.URL, RedirectURL: co.options.RedirectURL, HomeURL: co.options.HomeURL, GroupsInToken: inToken,
	})
	client, err := people.New(co.options)
	require.NoError(t, err)
	co.rig = newRig(t, append([]func(*api.Options){func(o *api.Options) {
		o.People, o.PeopleName, o.Now = client, "Test", co.options.Now
	}}, change...)...)
	backend = co.handler
	return co
}

// browser is a browser without a session. It follows no redirect by itself.
type browser struct {
	*http.Client

	t *testing.T
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{&http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, t}
}

// get follows redirects until one is to an address that has a prefix, or there is none, and returns the last answer.
func (b *browser) get(address, until string) (status int, location, body string) {
	b.t.Helper()
	for range 10 {
		request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, http.NoBody)
		require.NoError(b.t, err)
		status, location, body = b.do(request)
		if location == "" || until != "" && strings.HasPrefix(location, until) {
			return status, location, body
		}
		address = location
	}
	b.t.Fatal("too many redirects")
	return 0, "", ""
}

func (b *browser) do(request *http.Request) (status int, location, body string) {
	b.t.Helper()
	answer, err := b.Do(request)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	if at, err := answer.Location(); err == nil {
		location = at.String()
	}
	return answer.StatusCode, location, string(text)
}

// begin goes to the provider's page, signs in there, and returns the address at which the provider sends the browser back.
func (co *company) begin(b *browser, name, to string) (callback string) {
	co.t.Helper()
	_, page, _ := b.get(co.server.URL+beginPath+"?to="+url.QueryEscape(to), co.provider.URL+"/login")
	at, err := url.Parse(page)
	require.NoError(co.t, err)
	form := url.Values{"username": {name}, "password": {oidctest.Password}, "id": {at.Query().Get("authRequestID")}}
	request, err := http.NewRequestWithContext(co.t.Context(), http.MethodPost, co.provider.URL+"/login/username",
		strings.NewReader(form.Encode()))
	require.NoError(co.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, next, body := b.do(request)
	require.NotEmpty(co.t, next, body)
	_, callback, _ = b.get(next, co.server.URL)
	require.True(co.t, strings.HasPrefix(callback, co.server.URL+callbackPath+"?"), callback)
	return callback
}

// finish comes back from the provider, and returns the page of the console that follows.
func (co *company) finish(b *browser, callback string) (page string) {
	co.t.Helper()
	_, location, _ := b.get(callback, co.server.URL+"/console/")
	page, found := strings.CutPrefix(location, co.server.URL)
	require.True(co.t, found, location)
	return page
}

// signInAs signs in, and returns the cookie of the session as a browser sends it.
func (co *company) signInAs(name string) (cookie string) {
	co.t.Helper()
	b := newBrowser(co.t)
	require.Equal(co.t, "/console/", co.finish(b, co.begin(b, name, "")))
	return co.cookieOf(b)
}

func (co *company) cookieOf(b *browser) string {
	co.t.Helper()
	at, err := url.Parse(co.server.URL)
	require.NoError(co.t, err)
	for _, cookie := range b.Jar.Cookies(at) {
		if cookie.Name == "backstop_session" {
			return cookie.String()
		}
	}
	return ""
}

// faultIn returns the fault of an address of the page of sign-in.
func faultIn(t *testing.T, page string) string {
	t.Helper()
	at, err := url.Parse(page)
	require.NoError(t, err)
	require.Equal(t, "/console/", at.Path)
	require.NotEmpty(t, at.Query().Get("request"))
	return at.Query().Get("fault")
}

func TestPeople_SignIn(t *testing.T) {
	t.Parallel()
	for _, inToken := range []bool{true, false} {
		co := newCompany(t, inToken)
		b := newBrowser(t)
		page := co.finish(b, co.begin(b, "vera", "/console/rules?search=a%20b"))
		require.Equal(t, "/console/rules?search=a%20b", page)
		cookie := co.cookieOf(b)
		require.Len(t, strings.TrimPrefix(cookie, "backstop_session="), 44)

		var session api.Session
		co.browse(t, "GET", sessionPath, "", "Cookie", cookie).into(200, &session)
		require.Equal(t, &api.Person{ID: "id-of-vera", Name: "vera@example.com", Role: "viewer"}, session.Person)
		require.Equal(t, []api.KeyScope{"sends:read", "settings:read"}, session.Scopes)
		require.Equal(t, 200, co.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).Code)
		p := co.browse(t, "POST", "/v1/rules", ruleBody, "Cookie", cookie).problem(403, "forbidden")
		require.Equal(t, "the role viewer lacks the scope settings:write", p.Detail)

		var sent []string // cookies of the browser
		at, err := url.Parse(co.server.URL)
		require.NoError(t, err)
		for _, one := range b.Jar.Cookies(at) {
			sent = append(sent, one.Name)
		}
		require.Equal(t, []string{"backstop_session"}, sent, "the flow is used")
		for _, private := range []string{oidctest.ClientSecret, cookie[len("backstop_session="):]} {
			require.NotContains(t, co.logs.String(), private)
		}
	}
}

func TestPeople_roles(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	for name, role := range map[string]api.Role{"vera": "viewer", "otto": "operator", "ada": "admin"} {
		var session api.Session
		co.browse(t, "GET", sessionPath, "", "Cookie", co.signInAs(name)).into(200, &session)
		require.Equal(t, role, session.Person.Role)
	}
	b := newBrowser(t)
	require.Equal(t, "no_role", faultIn(t, co.finish(b, co.begin(b, "nobody", ""))))
	require.Empty(t, co.cookieOf(b))
	require.Len(t, co.audit.entries, 1)
	require.Equal(t, backstop.AuditRefuse, co.audit.entries[0].Action)
	require.Equal(t, backstop.ActorPerson, co.audit.entries[0].Actor.Kind)
	require.Equal(t, "id-of-nobody", co.audit.entries[0].Actor.ID)
}

// TestPeople_Access walks all operations with a person of each role.
func TestPeople_Access(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	scopes := map[string][]backstop.Scope{
		"vera": {backstop.ScopeSendsRead, backstop.ScopeSettingsRead},
		"otto": {backstop.ScopeSendsRead, backstop.ScopeSettingsRead, backstop.ScopeSendsWrite, backstop.ScopeSettingsWrite},
		"ada":  backstop.Scopes(),
	}
	for _, name := range slices.Sorted(maps.Keys(scopes)) {
		cookie := co.signInAs(name)
		for _, o := range keyOperations(t) {
			request := httptest.NewRequestWithContext(t.Context(), o.method, o.path+"?unknown=1", http.NoBody)
			request.Header.Set("Cookie", cookie)
			got := co.serve(t, request)
			if slices.Contains(scopes[name], o.scope) {
				require.Equal(t, 400, got.Code, "%s may %s: %s", name, o.id, got.Body)
				continue
			}
			require.Contains(t, got.problem(403, "forbidden").Detail, string(o.scope), "%s may not %s", name, o.id)
		}
	}
	require.Zero(t, co.writes)
}

// TestPeople_state: only the browser that has begun a sign-in finishes it, once, and in time.
func TestPeople_state(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	b := newBrowser(t)
	callback := co.begin(b, "vera", "")
	require.Equal(t, "state", faultIn(t, co.finish(newBrowser(t), callback)), "another browser")
	require.Equal(t, "state", faultIn(t, co.finish(b, callback+"x")), "another state")
	require.Equal(t, "state", faultIn(t, co.finish(b, co.server.URL+callbackPath)), "none at all")

	at, err := url.Parse(co.server.URL)
	require.NoError(t, err)
	kept := b.Jar.Cookies(at)
	require.Equal(t, "/console/", co.finish(b, callback))
	require.Equal(t, "state", faultIn(t, co.finish(b, callback)), "it is used")
	thief := newBrowser(t)
	thief.Jar.SetCookies(at, kept)
	require.Equal(t, "code", faultIn(t, co.finish(thief, callback)), "a browser that kept the cookie: the code is used")
	require.Empty(t, co.cookieOf(thief))

	late := newBrowser(t)
	callback = co.begin(late, "vera", "")
	co.skew.Store(int64(11 * time.Minute))
	require.Equal(t, "state", faultIn(t, co.finish(late, callback)), "too late")
}

// TestPeople_otherProcess: another process finishes what one has begun.
func TestPeople_otherProcess(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	client, err := people.New(co.options)
	require.NoError(t, err)
	other := newRig(t, func(o *api.Options) { o.People, o.Sessions, o.Now = client, co.store, co.options.Now })
	b := newBrowser(t)
	callback, err := url.Parse(co.begin(b, "vera", ""))
	require.NoError(t, err)
	request := httptest.NewRequestWithContext(t.Context(), "GET", callback.RequestURI(), http.NoBody)
	for _, cookie := range b.Jar.Cookies(callback) {
		request.AddCookie(cookie)
	}
	got := other.serve(t, request)
	require.Equal(t, "/console/", got.Header().Get("Location"))
	cookies := got.Result().Cookies()
	cookie := cookies[len(cookies)-1]
	require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, 200, co.browse(t, "GET", "/v1/rules", "", "Cookie", cookie.Name+"="+cookie.Value).Code)

	elsewhere := newRig(t, func(o *api.Options) { o.Sessions, o.Now = co.store, co.options.Now })
	elsewhere.browse(t, "GET", "/v1/rules", "", "Cookie", cookie.Name+"="+cookie.Value).problem(401, "unauthorized")
	elsewhere.browse(t, "GET", beginPath, "").problem(404, "not_found")
	elsewhere.browse(t, "GET", callbackPath, "").problem(404, "not_found")
}

// TestPeople_redirect: a sign-in leads to no other host.
func TestPeople_redirect(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	for to, page := range map[string]string{
		"": "/console/", "/console/rules": "/console/rules", "/console/rules/": "/console/rules",
		"https://elsewhere.test/console/": "/console/", "//elsewhere.test/console/": "/console/",
		`/\elsewhere.test/console/`: "/console/", `\\elsewhere.test`: "/console/", "/console/../v1/rules": "/console/",
		"/console/../../elsewhere.test": "/console/", "javascript:alert(1)": "/console/", "/console/%2e%2e/v1": "/console/",
		"/v1/rules": "/console/", "/console/session/oidc": "/console/", "console/rules": "/console/", "/consolex": "/console/",
		"/console//elsewhere.test": "/console/elsewhere.test", "/console/a\r\nX: y": "/console/", "https:/console/": "/console/",
	} {
		b := newBrowser(t)
		require.Equal(t, page, co.finish(b, co.begin(b, "vera", to)), to)
	}
}

// TestPeople_faults: what the provider may do wrong.
func TestPeople_faults(t *testing.T) {
	t.Parallel()
	text := func(status int, contentType, body string) *http.HandlerFunc {
		f := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
		return &f
	}
	t.Run("at the begin", func(t *testing.T) {
		t.Parallel()
		for fault, answer := range map[string]*http.HandlerFunc{
			"provider_away":      text(503, "text/html", "<html>"),
			"provider_malformed": text(200, "application/json", `{"issuer": "https://elsewhere.test"}`),
		} {
			co := newCompany(t, true)
			co.answer.Store(answer)
			_, location, _ := newBrowser(t).get(co.server.URL+beginPath, co.server.URL+"/console/")
			require.Equal(t, fault, faultIn(t, strings.TrimPrefix(location, co.server.URL)))
			co.answer.Store(nil)
			require.NotEmpty(t, co.signInAs("vera"), "it is back")
		}
		co := newCompany(t, true)
		co.provider.Close()
		_, location, _ := newBrowser(t).get(co.server.URL+beginPath, co.server.URL+"/console/")
		require.Equal(t, "provider_away", faultIn(t, strings.TrimPrefix(location, co.server.URL)))
	})
	t.Run("at the end", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			answer *http.HandlerFunc
			fault  string
		}{
			"html":     {text(200, "text/html", "<html>"), "provider_malformed"},
			"no token": {text(200, "application/json", `{"access_token": "a", "token_type": "bearer"}`), "provider_malformed"},
			"nonsense": {
				text(200, "application/json", `{"access_token": "a", "token_type": "bearer", "id_token": "a.b.c"}`),
				"provider_malformed",
			},
			"unsigned": {
				text(200, "application/json", `{"access_token": "a", "token_type": "bearer",
					"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."}`), "provider_malformed",
			},
			"away":   {text(502, "text/plain", "bad gateway"), "provider_away"},
			"secret": {text(401, "application/json", `{"error": "invalid_client"}`), "client"},
			"long":   {text(200, "application/json", `{"a": "`+strings.Repeat("a", 2<<20)), "provider_malformed"},
		} {
			co := newCompany(t, true)
			b := newBrowser(t)
			callback := co.begin(b, "vera", "")
			co.answer.Store(c.answer)
			require.Equal(t, c.fault, faultIn(t, co.finish(b, callback)), name)
			require.Empty(t, co.cookieOf(b))
			require.Contains(t, co.logs.String(), `"fault":"`+c.fault+`"`)
		}
	})
	t.Run("it says no", func(t *testing.T) {
		t.Parallel()
		co := newCompany(t, true)
		b := newBrowser(t)
		at, err := url.Parse(co.begin(b, "vera", ""))
		require.NoError(t, err)
		callback := co.server.URL + callbackPath + "?error=access_denied&state=" + at.Query().Get("state")
		require.Equal(t, "refused", faultIn(t, co.finish(b, callback)))
	})
	t.Run("clocks", func(t *testing.T) {
		t.Parallel()
		for _, skew := range []time.Duration{2 * time.Hour, -10 * time.Minute} {
			co := newCompany(t, true)
			co.skew.Store(int64(skew))
			b := newBrowser(t)
			require.Equal(t, "clock", faultIn(t, co.finish(b, co.begin(b, "vera", ""))), skew)
		}
	})
	t.Run("another nonce", func(t *testing.T) {
		t.Parallel()
		co := newCompany(t, true)
		co.change.Store(new(func(r *http.Request) {
			if q := r.URL.Query(); q.Has("nonce") {
				q.Set("nonce", "another")
				r.URL.RawQuery = q.Encode()
			}
		}))
		b := newBrowser(t)
		require.Equal(t, "provider_malformed", faultIn(t, co.finish(b, co.begin(b, "vera", ""))))
		require.Contains(t, co.logs.String(), "another nonce")
	})
	t.Run("the store is away", func(t *testing.T) {
		t.Parallel()
		co := newCompany(t, true)
		b := newBrowser(t)
		callback := co.begin(b, "vera", "")
		co.away = &backstop.Error{Code: backstop.TryLater, Message: "later"}
		require.Equal(t, "unavailable", faultIn(t, co.finish(b, callback)))
	})
}

// TestPeople_PKCE: the provider gets the code with the verifier of the browser's flow alone.
func TestPeople_PKCE(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	b := newBrowser(t)
	_, location, _ := b.get(co.server.URL+beginPath, co.provider.URL)
	at, err := url.Parse(location)
	require.NoError(t, err)
	query := at.Query()
	require.Equal(t, "S256", query.Get("code_challenge_method"))
	for _, name := range []string{"code_challenge", "state", "nonce"} {
		require.Len(t, query.Get(name), 43, name)
	}
	require.Equal(t, "code", query.Get("response_type"))
	require.Equal(t, "openid profile email", query.Get("scope"))
}

func TestPeople_ways(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true, func(o *api.Options) { o.NoKeySignIn = true })
	require.JSONEq(t, `{"api_key": false, "provider": {"name": "Test"}}`, co.browse(t, "GET", sessionPath+"/ways", "").Body.String())
	co.browse(t, "POST", sessionPath, signInBody).problem(403, "forbidden")
	require.NotEmpty(t, co.signInAs("vera"))

	plain := newRig(t)
	require.JSONEq(t, `{"api_key": true}`, plain.browse(t, "GET", sessionPath+"/ways", "").Body.String())
	cookie := plain.signIn(t)
	strict := newRig(t, func(o *api.Options) { o.NoKeySignIn, o.Sessions = true, plain.store })
	strict.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).problem(401, "unauthorized")
}

func TestPeople_end(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	b := newBrowser(t)
	co.finish(b, co.begin(b, "vera", ""))
	_, location, _ := b.get(co.server.URL+endPath, co.server.URL)
	require.Equal(t, co.server.URL+"/console/", location, "the provider sends the browser back")

	none := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"issuer": "`+co.provider.URL+`", "authorization_endpoint": "https://a.test",
			"token_endpoint": "https://a.test", "jwks_uri": "https://a.test"}`)
	})
	co.answer.Store(&none)
	co.skew.Store(int64(2 * time.Hour)) // the document is read anew
	_, location, _ = b.get(co.server.URL+endPath, co.server.URL)
	require.Equal(t, "no_end", faultIn(t, strings.TrimPrefix(location, co.server.URL)))
}

// TestPeople_secure: over TLS the cookies belong to this host alone.
func TestPeople_secure(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	got := co.browse(t, "GET", beginPath, "", "X-Forwarded-Proto", "https")
	cookie := got.cookie()
	require.Equal(t, "__Host-backstop_sign_in", cookie.Name)
	require.True(t, cookie.Secure && cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	at, err := url.Parse(got.Header().Get("Location"))
	require.NoError(t, err)
	require.NotContains(t, cookie.Value, at.Query().Get("state"), "it is sealed")
}

func TestPeople_slow(t *testing.T) {
	t.Parallel()
	at := now
	r := newRig(t, func(o *api.Options) { o.Now = func() time.Time { return at } })
	for range 20 {
		r.signIn(t)
	}
	for range 10 {
		r.browse(t, "POST", sessionPath, `{"api_key": "wrong"}`).problem(401, "unauthorized")
	}
	got := r.browse(t, "POST", sessionPath, signInBody)
	got.problem(429, "rate_limited")
	require.NotEmpty(t, got.Header().Get("Retry-After"))
	at = at.Add(6 * time.Second)
	r.signIn(t)
	r.browse(t, "POST", sessionPath, `{"api_key": "wrong"}`).problem(401, "unauthorized")
	r.browse(t, "POST", sessionPath, signInBody).problem(429, "rate_limited")
	require.Equal(t, 200, r.call(t, "GET", "/v1/rules", "").Code, "programs are not slowed")

	from := func(address, key string) answer {
		t.Helper()
		request := httptest.NewRequestWithContext(t.Context(), "POST", sessionPath, strings.NewReader(`{"api_key": "`+key+`"}`))
		request.Header.Set("Content-Type", "application/json")
		request.RemoteAddr = "[" + address + "]:1"
		return r.serve(t, request)
	}
	for i := range 10 {
		from(fmt.Sprintf("2001:db8::%d", i), "wrong").problem(401, "unauthorized")
	}
	from("2001:db8::ffff:1", apiKey).problem(429, "rate_limited")
	require.Equal(t, 200, from("2001:db8:0:1::1", apiKey).Code, "another network")
}

func TestSessions(t *testing.T) {
	t.Parallel()
	co := newCompany(t, true)
	vera, ada := co.signInAs("vera"), co.signInAs("ada")
	byKey := co.signIn(t, "User-Agent", "Firefox")
	list := func(cookie string) (items []api.SessionItem) {
		t.Helper()
		var page api.SessionList
		co.browse(t, "GET", "/v1/sessions", "", "Cookie", cookie).into(200, &page)
		return page.Items
	}
	own := list(vera)
	require.Len(t, own, 1)
	require.True(t, own[0].IsCurrent)
	require.Equal(t, "vera@example.com", own[0].Person.Name)
	require.Nil(t, own[0].Key)
	all := list(ada)
	require.Len(t, all, 3)
	require.Equal(t, "BACKSTOP_API_KEY", all[0].Key.Name)
	require.Equal(t, "Firefox", *all[0].Agent)

	end := func(cookie, id string) answer {
		return co.browse(t, "DELETE", "/v1/sessions/"+id, "", "Cookie", cookie)
	}
	end(vera, all[1].ID).problem(404, "not_found")
	end(vera, all[0].ID).problem(404, "not_found")
	end(ada, newID()).problem(404, "not_found")
	require.Equal(t, 204, end(vera, own[0].ID).Code)
	co.browse(t, "GET", "/v1/rules", "", "Cookie", vera).problem(401, "unauthorized")
	require.Equal(t, 204, end(ada, all[0].ID).Code)
	co.browse(t, "GET", "/v1/rules", "", "Cookie", byKey).problem(401, "unauthorized")
	require.Len(t, list(ada), 1)

	key, secret := co.createKey(t, scopes(backstop.ScopeSettingsRead), backstop.KeyLive)
	got := co.browse(t, "POST", sessionPath, `{"api_key": "`+secret+`"}`)
	require.Equal(t, 200, got.Code)
	var page api.SessionList
	co.call(t, "GET", "/v1/sessions", "", "Authorization", "Bearer "+secret).into(200, &page)
	require.Len(t, page.Items, 1)
	require.Equal(t, key.ID, *page.Items[0].Key.ID)
	require.False(t, page.Items[0].IsCurrent)
	co.call(t, "GET", "/v1/sessions?limit=1", "").into(200, &page)
	require.NotNil(t, page.NextCursor)
}

// TestSession_idle: a session ends without requests, also if its life has not ended.
func TestSession_idle(t *testing.T) {
	t.Parallel()
	at := now
	r := newRig(t, func(o *api.Options) {
		o.Now, o.SessionIdle, o.SessionLife = func() time.Time { return at }, 10*time.Minute, time.Hour
	})
	cookie := r.signIn(t)
	at = at.Add(9 * time.Minute)
	require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).Code)
	at = at.Add(9 * time.Minute)
	require.Equal(t, 200, r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).Code)
	at = at.Add(10 * time.Minute)
	r.browse(t, "GET", "/v1/rules", "", "Cookie", cookie).problem(401, "unauthorized")
}
