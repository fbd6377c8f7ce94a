package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// authenticate lets those requests pass that carry the API key, or the cookie of a session of the console.
func (s *server) authenticate(c *gin.Context) {
	if err := s.judge(c.Request); err != nil {
		s.fail(c, err)
		return
	}
	admit(c)
}

// judge decides by the Authorization header alone if a request has one: a program that gives a key means the key, and no page
// can send the header without asking first.
func (s *server) judge(r *http.Request) error {
	_, given := r.Header["Authorization"]
	if _, cookie := sessionToken(r); given || !cookie {
		return s.bearer(r)
	}
	if err := s.fromHere(r); err != nil {
		return err
	}
	_, err := s.session(r)
	return err
}

func (s *server) bearer(r *http.Request) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && s.isKey(strings.TrimSpace(token)) {
		return nil
	}
	return &backstop.Error{Code: unauthorized, Message: "an API key is wanted: Authorization: Bearer <key>"}
}

// isKey compares digests of equal length in constant time, so that neither the key nor its length can be found by
// measuring.
func (s *server) isKey(given string) bool {
	got := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(s.key[:], got[:]) == 1
}

// ownPages refuses what a page of another origin asks for with the cookie that the browser adds, unless it only reads:
// what is read, such a page does not get to see.
func (s *server) ownPages(c *gin.Context) {
	if err := s.fromHere(c.Request); err != nil {
		s.fail(c, err)
	}
}

func (s *server) fromHere(r *http.Request) error {
	if err := s.origins.Check(r); err != nil {
		return &backstop.Error{Code: forbidden, Message: "a page of another origin may not do this", Cause: err}
	}
	return nil
}
