package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// authenticate refuses a request without a valid API key and without the cookie of a console session, and a request that the key
// may not make.
func (s *server) authenticate(c *gin.Context) {
	who, err := s.checkCredentials(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	a, found := s.contract.access[c.Request.Method+" "+c.FullPath()]
	who.request, who.access = c.Request, a
	admit(c, who)
	if err := s.checkRate(c, who.key); err != nil {
		s.fail(c, err)
		return
	}
	if found {
		if err := checkAccess(who, a); err != nil {
			c.Header("WWW-Authenticate", fmt.Sprintf(`Bearer realm="backstop", error="insufficient_scope", scope="%s"`, a.scope))
			s.fail(c, err)
		}
	}
}

// readmit checks the credentials of a request once more: an answer in several parts may outlive them. It returns the context with
// what the caller may do now.
func (s *server) readmit(ctx context.Context) (context.Context, error) {
	before := callerFrom(ctx)
	who, err := s.checkCredentials(before.request.WithContext(ctx))
	if err == nil {
		err = checkAccess(who, before.access)
	}
	who.request, who.access = before.request, before.access
	return context.WithValue(ctx, callerContextKey{}, who), err
}

// configuredKey is BACKSTOP_API_KEY.
func configuredKey() backstop.APIKey {
	return backstop.APIKey{
		ID: "configured", Kind: backstop.KeyLive,
		APIKeyInput: backstop.APIKeyInput{Name: "BACKSTOP_API_KEY", Scopes: []backstop.Scope{backstop.ScopeAdmin}},
	}
}

// personKey is what a person may do, in the form of an API key. It has no limits.
func personKey(p backstop.Person) backstop.APIKey {
	return backstop.APIKey{
		ID: p.ID, Kind: backstop.KeyLive, APIKeyInput: backstop.APIKeyInput{Name: p.Name, Scopes: p.Role.Scopes()},
	}
}

// caller is who makes a request.
type caller struct {
	key     backstop.APIKey
	session *backstop.Session // nil: the request has an API key
	request *http.Request     // with the credentials
	access  access            // what the operation asks of the key
}

// actor is who causes a change: the person of a session, or else the key.
func (w caller) actor(from string) backstop.Actor {
	if w.session != nil && w.session.IsOfPerson() {
		return backstop.Actor{Kind: backstop.ActorPerson, ID: w.session.Person.ID, Name: w.session.Person.Name, From: from}
	}
	return backstop.Actor{Kind: backstop.ActorKey, ID: w.key.ID, Name: w.key.Name, From: from}
}

// owner is whose sessions the caller may see and end.
func (w caller) owner() backstop.SessionOwner {
	switch {
	case w.session != nil:
		return w.session.Owner()
	case w.key.ID == configuredKey().ID:
		return backstop.SessionOwner{}
	default:
		return backstop.SessionOwner{Key: w.key.ID}
	}
}

type callerContextKey struct{}

// admit marks a request as authenticated, and gives its context the caller and the actor.
func admit(c *gin.Context, who caller) {
	markAuthenticated(c)
	ctx := backstop.WithActor(c.Request.Context(), who.actor(c.ClientIP()))
	c.Request = c.Request.WithContext(context.WithValue(ctx, callerContextKey{}, who))
}

// callerFrom returns the caller of an authenticated request.
func callerFrom(ctx context.Context) caller {
	who, _ := ctx.Value(callerContextKey{}).(caller)
	return who
}

// keyOf returns the key of an authenticated request. Of a person it has the scopes.
func keyOf(ctx context.Context) backstop.APIKey { return callerFrom(ctx).key }

func checkAccess(who caller, a access) error {
	key := who.key
	switch {
	case !key.Has(a.scope) && who.session != nil && who.session.IsOfPerson():
		return &backstop.Error{
			Code: forbidden, Message: fmt.Sprintf("the role %s lacks the scope %s", who.session.Person.Role, a.scope),
		}
	case !key.Has(a.scope):
		return &backstop.Error{Code: forbidden, Message: fmt.Sprintf("the API key lacks the scope %s", a.scope)}
	case a.allSends && key.IsLimited():
		return &backstop.Error{
			Code: forbidden, Message: "this operation covers all sends: a test key, or one with policies, may not call it",
		}
	}
	return nil
}

// rateWindow is the window of the rate limit of a key, in seconds.
const rateWindow = 1

// checkRate takes a request of the rate limit of the key, and says in headers what is left.
func (s *server) checkRate(c *gin.Context, key backstop.APIKey) error {
	quota := s.keys.Take(key)
	if quota.Limit == 0 {
		return nil
	}
	c.Header("RateLimit-Policy", fmt.Sprintf(`"key";q=%d;w=%d`, quota.Limit, rateWindow))
	c.Header("RateLimit", fmt.Sprintf(`"key";r=%d;t=%d`, quota.Remaining, rateWindow))
	if quota.RetryAfter == 0 {
		return nil
	}
	return &backstop.Error{
		Code: backstop.Limited, RetryAfter: quota.RetryAfter,
		Message: fmt.Sprintf("the API key may make %d requests a second", quota.Limit),
	}
}

// checkCredentials ignores the cookie if the request has an Authorization header. A program that sends a key means the key. A
// page of another origin cannot send the header without a CORS preflight, so the check of the origin is for cookies only.
func (s *server) checkCredentials(r *http.Request) (caller, error) {
	_, given := r.Header["Authorization"]
	if _, cookie := sessionToken(r); given || !cookie {
		key, err := s.checkAPIKey(r)
		return caller{key: key}, err
	}
	if err := s.checkOrigin(r); err != nil {
		return caller{}, err
	}
	return s.findSession(r)
}

func (s *server) checkAPIKey(r *http.Request) (backstop.APIKey, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		if key, found := s.findKey(r.Context(), strings.TrimSpace(token)); found {
			return key, nil
		}
	}
	return backstop.APIKey{}, &backstop.Error{
		Code: unauthorized, Message: "missing or invalid API key: send the header Authorization: Bearer <key>",
	}
}

// findKey returns the key that a caller gave: BACKSTOP_API_KEY or a stored one.
func (s *server) findKey(ctx context.Context, given string) (backstop.APIKey, bool) {
	if s.isKey(given) {
		return configuredKey(), true
	}
	return s.keys.Find(ctx, backstop.KeySecret(given))
}

// isKey reports whether BACKSTOP_API_KEY was given. It compares SHA-256 digests in constant time, so the response time reveals
// neither the key nor its length.
func (s *server) isKey(given string) bool {
	got := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(s.key[:], got[:]) == 1
}

// requireOwnOrigin protects against cross-site request forgery: it refuses a request that changes something and comes from a
// page of another origin. A GET passes, because the browser hides its answer from such a page.
func (s *server) requireOwnOrigin(c *gin.Context) {
	if err := s.checkOrigin(c.Request); err != nil {
		s.fail(c, err)
	}
}

func (s *server) checkOrigin(r *http.Request) error {
	if err := s.originsFor(r).Check(r); err != nil {
		return &backstop.Error{
			Code: forbidden, Cause: err,
			Message: "the request comes from a page of another origin: send an API key in place of the cookie",
		}
	}
	return nil
}
