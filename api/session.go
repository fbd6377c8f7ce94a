package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

const (
	sessionPath = "/console/session"
	sessionLife = 12 * time.Hour
	tokenBytes  = 32
)

// GetSession answers GET /console/session.
func (s *server) GetSession(c *gin.Context) {
	expires, err := s.findSession(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	markAuthenticated(c)
	s.showSession(c, expires)
}

// SignIn answers POST /console/session.
func (s *server) SignIn(c *gin.Context) {
	var in SignInInput
	if err := json.NewDecoder(c.Request.Body).Decode(&in); err != nil {
		s.failBinding(c, err)
		return
	}
	if !s.isKey(in.APIKey) {
		s.fail(c, &backstop.Error{Code: unauthorized, Message: "wrong API key: use the value of BACKSTOP_API_KEY"})
		return
	}
	admit(c, configuredActor())
	token := newToken()
	created := s.now().Truncate(time.Second)
	expires := created.Add(sessionLife)
	if err := s.sessions.CreateSession(c.Request.Context(), s.sessionID(token), created, expires); err != nil {
		s.fail(c, err)
		return
	}
	setCookie(c, token, int(sessionLife/time.Second))
	s.showSession(c, expires)
}

// SignOut answers DELETE /console/session. It removes the cookie only after it has deleted the session, so a failed call can be
// repeated.
func (s *server) SignOut(c *gin.Context) {
	if token, found := sessionToken(c.Request); found {
		if err := s.sessions.DeleteSession(c.Request.Context(), s.sessionID(token)); err != nil {
			s.fail(c, err)
			return
		}
	}
	setCookie(c, "", -1)
	c.Status(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
}

// findSession returns the end of the request's session, or an error of code unauthorized if there is none or it has ended.
func (s *server) findSession(r *http.Request) (expires time.Time, err error) {
	token, found := sessionToken(r)
	if found {
		expires, err = s.sessions.Session(r.Context(), s.sessionID(token), s.now())
	}
	if !found || backstop.CodeOf(err) == backstop.NotFound {
		return expires, &backstop.Error{Code: unauthorized, Message: "no session, or it has ended: sign in at /console/"}
	}
	return expires, err
}

// sessionID returns the id under which a session is stored: an HMAC of its token with the API key. The id reveals neither of
// them, and a new API key ends all sessions.
func (s *server) sessionID(token string) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(token))
	return mac.Sum(nil)
}

func newToken() string {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// sessionToken returns the token in the request's cookie, or false if there is no cookie or its length is wrong.
func sessionToken(r *http.Request) (string, bool) {
	cookie, err := r.Cookie(cookieName(isSecure(r)))
	if err != nil || len(cookie.Value) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return "", false
	}
	return cookie.Value, true
}

// setCookie sets the session's cookie with a lifetime in seconds. A negative lifetime removes the cookie.
func setCookie(c *gin.Context, token string, age int) {
	secure := isSecure(c.Request)
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // without TLS, on loopback, a Secure cookie would be lost
		Name: cookieName(secure), Value: token, Path: "/", MaxAge: age,
		Secure: secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// cookieName returns the name of the session's cookie. With the prefix __Host- the browser accepts the cookie only from this
// host over TLS (RFC 6265bis, 4.1.3), so another host of the domain cannot set it.
func cookieName(secure bool) string {
	if secure {
		return "__Host-backstop_session"
	}
	return "backstop_session"
}

// isSecure reports whether the browser uses TLS, if needed by the X-Forwarded-Proto of a proxy. A client may forge that header:
// its browser then ignores the cookie.
func isSecure(r *http.Request) bool {
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(first), "https")
}

func (s *server) showSession(c *gin.Context, expires time.Time) {
	c.JSON(http.StatusOK, Session{
		Version: s.version, ExpiresAt: expires.UTC(),
		TemporalUIURL: omitZero(s.temporalUIURL), TemporalNamespace: s.temporalNamespace,
		Sandbox: s.sandbox(), Scenarios: omitEmpty(s.scenarios),
	})
}
