package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

const (
	codecPath = "/codec"
	// maxPayloads bounds the body of a request for the codec, in bytes. Temporal stores at most 2 MiB in one payload
	// (limit.blobSize.error), and base64 makes a third more of it.
	maxPayloads = 4 << 20
	// codecHeaders are the headers that the Temporal UI (2.55) sends.
	codecHeaders = "Authorization, Authorization-Extras, Content-Type, X-Namespace"
	// preflightSeconds is how long a browser keeps the answer to a CORS preflight.
	preflightSeconds = "600"
)

// routeCodec routes the codec server for the Temporal UI. The UI is a page of another origin, so the answers have CORS headers
// for that origin, and for no other.
func (s *server) routeCodec(engine *gin.Engine) error {
	if s.payloadCodec == nil {
		return nil
	}
	origin := originOf(s.temporalUIURL)
	s.codecOrigins = http.NewCrossOriginProtection()
	if origin != "" {
		if err := s.codecOrigins.AddTrustedOrigin(origin); err != nil {
			return fmt.Errorf("trust the Temporal UI: %w", err)
		}
	}
	group := engine.Group(codecPath, allowOrigin(origin))
	for _, path := range []string{"/decode", "/encode"} {
		group.OPTIONS(path, func(c *gin.Context) { c.AbortWithStatus(http.StatusNoContent) })
		group.POST(path, s.authenticate, s.requireAllSends, s.convertPayloads)
	}
	return nil
}

// requireAllSends refuses a key that may not read all sends: the payloads are about sends.
func (s *server) requireAllSends(c *gin.Context) {
	if err := checkAccess(callerFrom(c.Request.Context()), access{scope: backstop.ScopeSendsRead, allSends: true}); err != nil {
		s.fail(c, err)
	}
}

// originOf returns the origin of a URL as browsers write it, or "" if the URL has none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	byDefault := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), byDefault)
}

// allowOrigin adds the CORS headers for one origin. A page of another origin gets none, so its browser hides the answer.
func allowOrigin(origin string) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Writer.Header().Add("Vary", "Origin")
		if origin == "" || c.GetHeader("Origin") != origin {
			return
		}
		c.Header("Access-Control-Allow-Origin", origin)
		c.Header("Access-Control-Allow-Credentials", "true")
		if c.Request.Method == http.MethodOptions {
			c.Header("Access-Control-Allow-Methods", http.MethodPost)
			c.Header("Access-Control-Allow-Headers", codecHeaders)
			c.Header("Access-Control-Max-Age", preflightSeconds)
		}
	}
}

// originsFor returns the check of the origin for a request with a cookie.
func (s *server) originsFor(r *http.Request) *http.CrossOriginProtection {
	if s.codecOrigins != nil && strings.HasPrefix(r.URL.Path, codecPath+"/") {
		return s.codecOrigins
	}
	return s.origins
}

// convertPayloads answers POST /codec/decode and POST /codec/encode.
func (s *server) convertPayloads(c *gin.Context) {
	body, err := readAll(c, maxPayloads)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	s.payloadCodec.ServeHTTP(c.Writer, c.Request)
}
