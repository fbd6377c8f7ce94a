package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5/static"
	"github.com/swaggest/swgui/v5emb"
)

// docsPolicy lets the page load from this server alone, so that it works, and tells nobody, without the Internet.
const docsPolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

func (s *server) contractJSON(c *gin.Context) {
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "application/json", s.contract.json)
}

// docs serves the contract as a page at /docs, and what the page needs below it.
func docs(r gin.IRoutes, missing gin.HandlerFunc) {
	page := v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "Backstop", SwaggerJSON: "/openapi.json", BasePath: "/docs",
		SettingsUI: map[string]string{"defaultModelsExpandDepth": "0", "showExtensions": "false"},
	})
	serve := func(c *gin.Context) {
		name := strings.Trim(c.Param("asset"), "/")
		if name != "" && !packed(name) {
			missing(c)
			return
		}
		c.Header("Content-Security-Policy", docsPolicy)
		c.Header("Cache-Control", "no-cache") // kept, and asked for again by its ETag
		page.ServeHTTP(c.Writer, c.Request)
	}
	readable(r, "/docs", serve)
	readable(r, "/docs/*asset", serve)
}

// packed reports whether the page comes with a file of this name.
func packed(name string) bool {
	for _, form := range []string{name, name + ".gz"} {
		if f, err := static.FS.Open(form); err == nil {
			_ = f.Close()
			return true
		}
	}
	return false
}
