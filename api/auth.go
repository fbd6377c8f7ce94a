package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// bearer lets those requests pass that carry the API key. Digests of equal length are compared in constant time, so
// that neither the key nor its length can be found by measuring.
func (s *server) bearer(key string) gin.HandlerFunc {
	want := sha256.Sum256([]byte(key))
	return func(c *gin.Context) {
		scheme, token, _ := strings.Cut(c.GetHeader("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(token)))
		if strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
			return
		}
		c.Header("WWW-Authenticate", `Bearer realm="backstop"`)
		s.fail(c, &backstop.Error{
			Code: unauthorized, Message: "an API key is wanted: Authorization: Bearer <key>",
		})
	}
}
