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
	expires, err := s.session(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	admit(c)
	s.showSession(c, expires)
}

// SignIn answers POST /console/session.
func (s *server) SignIn(c *gin.Context) {
	var in SignInInput
	if err := json.NewDecoder(c.Request.Body).Decode(&in); err != nil {
		s.unbound(c, err)
		return
	}
	if !s.isKey(in.APIKey) {
		s.fail(c, &backstop.Error{Code: unauthorized, Message: "this is not the API key"})
		return
	}
	admit(c)
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

// SignOut answers DELETE /console/session. The cookie is kept until the session is gone, so that it can be tried again.
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

// session returns when the session of a request ends.
func (s *server) session(r *http.Request) (expires time.Time, err error) {
	token, found := sessionToken(r)
	if found {
		expires, err = s.sessions.Session(r.Context(), s.sessionID(token), s.now())
	}
	if !found || backstop.CodeOf(err) == backstop.NotFound {
		return expires, &backstop.Error{Code: unauthorized, Message: "nobody is signed in here, or no longer"}
	}
	return expires, err
}

// sessionID is what a session is stored by. Neither the token nor the API key can be had from it, and no session is found
// any more when the key has changed.
func (s *server) sessionID(token string) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(token))
	return mac.Sum(nil)
}

func newToken() string {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// sessionToken returns the token of the request's cookie, or false if it has none that could be one of ours.
func sessionToken(r *http.Request) (string, bool) {
	cookie, err := r.Cookie(cookieName(secure(r)))
	if err != nil || len(cookie.Value) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return "", false
	}
	return cookie.Value, true
}

// setCookie gives a cookie an age in seconds; a negative one removes it.
func setCookie(c *gin.Context, token string, age int) {
	secure := secure(c.Request)
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // without TLS, on loopback, a Secure cookie would be lost
		Name: cookieName(secure), Value: token, Path: "/", MaxAge: age,
		Secure: secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// cookieName is one that the browser takes from this very host, and over TLS, only (RFC 6265bis, 4.1.3): no other host of
// the domain can plant it.
func cookieName(secure bool) string {
	if secure {
		return "__Host-backstop_session"
	}
	return "backstop_session"
}

// secure tells how the browser came, which may be by a proxy that ends TLS. Who claims more than is true gets a cookie that
// its browser drops.
func secure(r *http.Request) bool {
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(first), "https")
}

func (s *server) showSession(c *gin.Context, expires time.Time) {
	c.JSON(http.StatusOK, Session{
		Version: s.version, ExpiresAt: expires.UTC(),
		TemporalUIURL: optional(s.temporalUIURL), TemporalNamespace: s.temporalNamespace,
	})
}
