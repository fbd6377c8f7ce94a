package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// authenticate refuses a request without the API key and without the cookie of a console session.
func (s *server) authenticate(c *gin.Context) {
	if err := s.checkCredentials(c.Request); err != nil {
		s.fail(c, err)
		return
	}
	markAuthenticated(c)
}

// checkCredentials ignores the cookie if the request has an Authorization header. A program that sends a key means the key. A
// page of another origin cannot send the header without a CORS preflight, so the check of the origin is for cookies only.
func (s *server) checkCredentials(r *http.Request) error {
	_, given := r.Header["Authorization"]
	if _, cookie := sessionToken(r); given || !cookie {
		return s.checkAPIKey(r)
	}
	if err := s.checkOrigin(r); err != nil {
		return err
	}
	_, err := s.findSession(r)
	return err
}

func (s *server) checkAPIKey(r *http.Request) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && s.isKey(strings.TrimSpace(token)) {
		return nil
	}
	return &backstop.Error{Code: unauthorized, Message: "missing or invalid API key: send the header Authorization: Bearer <key>"}
}

// isKey compares SHA-256 digests in constant time, so the response time reveals neither the key nor its length.
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
