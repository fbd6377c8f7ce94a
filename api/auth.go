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
	key, err := s.checkCredentials(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	admit(c, key)
	if err := s.checkRate(c, key); err != nil {
		s.fail(c, err)
		return
	}
	if a, found := s.contract.access[c.Request.Method+" "+c.FullPath()]; found {
		if err := checkAccess(key, a); err != nil {
			c.Header("WWW-Authenticate", fmt.Sprintf(`Bearer realm="backstop", error="insufficient_scope", scope="%s"`, a.scope))
			s.fail(c, err)
		}
	}
}

// configuredKey is BACKSTOP_API_KEY.
func configuredKey() backstop.APIKey {
	return backstop.APIKey{
		ID: "configured", Kind: backstop.KeyLive,
		APIKeyInput: backstop.APIKeyInput{Name: "BACKSTOP_API_KEY", Scopes: []backstop.Scope{backstop.ScopeAdmin}},
	}
}

type keyContextKey struct{}

// admit marks a request as authenticated, and gives its context the key and the actor. The actor of a session is its key.
func admit(c *gin.Context, key backstop.APIKey) {
	markAuthenticated(c)
	actor := backstop.Actor{Kind: backstop.ActorKey, ID: key.ID, Name: key.Name, From: c.ClientIP()}
	ctx := backstop.WithActor(c.Request.Context(), actor)
	c.Request = c.Request.WithContext(context.WithValue(ctx, keyContextKey{}, key))
}

// keyOf returns the key of an authenticated request.
func keyOf(ctx context.Context) backstop.APIKey {
	key, _ := ctx.Value(keyContextKey{}).(backstop.APIKey)
	return key
}

func checkAccess(key backstop.APIKey, a access) error {
	switch {
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
func (s *server) checkCredentials(r *http.Request) (backstop.APIKey, error) {
	_, given := r.Header["Authorization"]
	if _, cookie := sessionToken(r); given || !cookie {
		return s.checkAPIKey(r)
	}
	if err := s.checkOrigin(r); err != nil {
		return backstop.APIKey{}, err
	}
	_, key, err := s.findSession(r)
	return key, err
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
