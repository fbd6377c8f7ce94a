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
	tokenBytes  = 32
	tokenSize   = 43 // of a token without a prefix: its bytes in base64

	// Defaults of the lives of sessions: from the sign-in, and from the newest request.
	defaultSessionLife = 12 * time.Hour
	defaultSessionIdle = time.Hour

	// The token of a session of a stored key, or of a person, begins with a prefix. A version of Backstop that knows no such
	// sessions refuses the token, because it is longer.
	keyTokenPrefix    = "k"
	personTokenPrefix = "p"

	maxAgent = 200 // bytes of what a browser calls itself
)

// GetSession answers GET /console/session.
func (s *server) GetSession(c *gin.Context) {
	who, err := s.findSession(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	admit(c, who)
	s.showSession(c, who)
}

// SignIn answers POST /console/session.
func (s *server) SignIn(c *gin.Context) {
	var in SignInInput
	if err := json.NewDecoder(c.Request.Body).Decode(&in); err != nil {
		s.failBinding(c, err)
		return
	}
	if s.noKeySignIn {
		s.fail(c, &backstop.Error{Code: forbidden, Message: "API keys open no session here: sign in at the identity provider"})
		return
	}
	isRight, err := s.slowdown.take(c.ClientIP(), s.now())
	if err != nil {
		s.fail(c, err)
		return
	}
	key, found := s.findKey(c.Request.Context(), in.APIKey)
	if !found {
		s.fail(c, &backstop.Error{
			Code: unauthorized, Message: "wrong API key: use the value of BACKSTOP_API_KEY, or the secret of another API key",
		})
		return
	}
	isRight()
	who, err := s.openSession(c, key, backstop.Person{})
	if err != nil {
		s.fail(c, err)
		return
	}
	s.showSession(c, who)
}

// openSession stores a session with a new token, and sets its cookie. The request is then one of the session.
func (s *server) openSession(c *gin.Context, key backstop.APIKey, person backstop.Person) (caller, error) {
	now := s.now().Truncate(time.Second)
	agent := c.Request.UserAgent()
	session := backstop.Session{
		Person: person, Address: c.ClientIP(), Agent: agent[:min(len(agent), maxAgent)],
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.sessionLife),
	}
	token := newToken()
	switch {
	case session.IsOfPerson():
		token = personTokenPrefix + token
	case key.ID == configuredKey().ID:
		session.KeyName = key.Name
	default:
		token = keyTokenPrefix + token
		session.Key, session.KeyName = key.ID, key.Name
	}
	if key.ExpiresAt != nil && key.ExpiresAt.Before(session.ExpiresAt) {
		session.ExpiresAt = *key.ExpiresAt
	}
	who := caller{key: key, session: &session}
	admit(c, who)
	stored, err := s.sessions.CreateSession(c.Request.Context(), s.sessionID(token), session, now.Add(-s.sessionIdle))
	if err != nil {
		return who, err
	}
	session.ID = stored.ID
	setCookie(c, token, int(s.sessionLife/time.Second))
	return who, nil
}

// SignOut answers DELETE /console/session. It removes the cookie only after it has deleted the session, so a failed call can be
// repeated.
func (s *server) SignOut(c *gin.Context) {
	if token, found := sessionToken(c.Request); found {
		if who, err := s.findSession(c.Request); err == nil {
			admit(c, who)
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

// findSession returns the request's session with its key, or an error of code unauthorized if there is none, or if it or its key
// has ended.
func (s *server) findSession(r *http.Request) (who caller, err error) {
	token, found := sessionToken(r)
	if found {
		var session backstop.Session
		now := s.now()
		session, err = s.sessions.Session(r.Context(), s.sessionID(token), now, now.Add(-s.sessionIdle))
		if err == nil {
			who, found = s.callerOf(session)
		}
	}
	if !found || backstop.CodeOf(err) == backstop.NotFound {
		return who, &backstop.Error{Code: unauthorized, Message: "no session, or it has ended: sign in at /console/"}
	}
	return who, err
}

// callerOf returns who makes the requests of a session, or false if its key has ended, or opens no sessions any more.
func (s *server) callerOf(session backstop.Session) (who caller, found bool) {
	who = caller{key: configuredKey(), session: &session}
	switch {
	case session.IsOfPerson():
		who.key = personKey(session.Person)
		return who, true
	case session.Key != "":
		who.key, found = s.keys.FindByID(session.Key)
		return who, found && !s.noKeySignIn
	default:
		return who, !s.noKeySignIn
	}
}

// sessionID returns the id under which a session is stored: an HMAC of its token with the API key. The id reveals neither of
// them, and a new API key ends all sessions. Another identity provider ends those of people.
func (s *server) sessionID(token string) []byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(token))
	if len(token) > tokenSize && strings.HasPrefix(token, personTokenPrefix) && s.people != nil {
		mac.Write([]byte(" " + s.people.Issuer()))
	}
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
	token := cookie.Value
	hasPrefix := strings.HasPrefix(token, keyTokenPrefix) || strings.HasPrefix(token, personTokenPrefix)
	return token, len(token) == tokenSize || hasPrefix && len(token) == 1+tokenSize
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

func (s *server) showSession(c *gin.Context, who caller) {
	scopes := who.key.Scopes
	if who.key.Has(backstop.ScopeAdmin) {
		scopes = backstop.Scopes()
	}
	c.JSON(http.StatusOK, Session{
		Version: s.version, ExpiresAt: who.session.ExpiresAt.UTC(), Person: showPerson(who.session.Person),
		Scopes:        convertAll[KeyScope](scopes),
		TemporalUIURL: omitZero(s.temporalUIURL), TemporalNamespace: s.temporalNamespace,
		Sandbox: s.sandbox(), Scenarios: omitEmpty(s.scenarios),
	})
}

// showPerson returns the person of a session; nil: it is of a key.
func showPerson(p backstop.Person) *Person {
	if p.ID == "" {
		return nil
	}
	return &Person{ID: p.ID, Name: p.Name, Role: Role(p.Role)}
}
