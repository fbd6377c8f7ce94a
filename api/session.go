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

	// keyTokenPrefix begins the token of a session that was made with a stored key. A version of Backstop that knows no such keys
	// refuses the token, because it is longer.
	keyTokenPrefix = "k"
)

// GetSession answers GET /console/session.
func (s *server) GetSession(c *gin.Context) {
	expires, key, err := s.findSession(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	admit(c, key)
	s.showSession(c, expires)
}

// SignIn answers POST /console/session.
func (s *server) SignIn(c *gin.Context) {
	var in SignInInput
	if err := json.NewDecoder(c.Request.Body).Decode(&in); err != nil {
		s.failBinding(c, err)
		return
	}
	key, found := s.findKey(c.Request.Context(), in.APIKey)
	if !found {
		s.fail(c, &backstop.Error{
			Code: unauthorized, Message: "wrong API key: use the value of BACKSTOP_API_KEY, or the secret of another API key",
		})
		return
	}
	admit(c, key)
	token, created := newToken(), s.now().Truncate(time.Second)
	expires := created.Add(sessionLife)
	stored := key.ID
	if key.ID == configuredKey().ID {
		stored = ""
	} else {
		token = keyTokenPrefix + token
	}
	if key.ExpiresAt != nil && key.ExpiresAt.Before(expires) {
		expires = *key.ExpiresAt
	}
	if err := s.sessions.CreateSession(c.Request.Context(), s.sessionID(token), stored, created, expires); err != nil {
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
		if _, key, err := s.findSession(c.Request); err == nil {
			admit(c, key)
		}
		if err := s.sessions.DeleteSession(c.Request.Context(), s.sessionID(token)); err != nil {
			s.fail(c, err)
			return
		}
	}
	setCookie(c, "", -1)
	c.Status(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
}

// findSession returns the end of the request's session and its key, or an error of code unauthorized if there is none, or if it
// or its key has ended.
func (s *server) findSession(r *http.Request) (expires time.Time, key backstop.APIKey, err error) {
	token, found := sessionToken(r)
	key = configuredKey()
	if found {
		var id string
		expires, id, err = s.sessions.Session(r.Context(), s.sessionID(token), s.now())
		if err == nil && id != "" {
			key, found = s.keys.FindByID(id)
		}
	}
	if !found || backstop.CodeOf(err) == backstop.NotFound {
		return expires, key, &backstop.Error{Code: unauthorized, Message: "no session, or it has ended: sign in at /console/"}
	}
	return expires, key, err
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
	if err != nil {
		return "", false
	}
	token, size := cookie.Value, base64.RawURLEncoding.EncodedLen(tokenBytes)
	isOfKey := strings.HasPrefix(token, keyTokenPrefix) && len(token) == len(keyTokenPrefix)+size
	return token, len(token) == size || isOfKey
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
