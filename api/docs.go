package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5/static"
	"github.com/swaggest/swgui/v5emb"
)

// docsPolicy is the Content-Security-Policy of /docs: the page loads from this server only. So it works without Internet access,
// and no third party sees that it is read.
const docsPolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

func (s *server) contractJSON(c *gin.Context) {
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "application/json", s.contract.json)
}

// serveDocs serves the contract as a page at /docs, and the scripts and styles of the page below /docs/.
func serveDocs(r gin.IRoutes, missing gin.HandlerFunc) {
	page := v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "Backstop", SwaggerJSON: "/openapi.json", BasePath: "/docs",
		SettingsUI: map[string]string{"defaultModelsExpandDepth": "0", "showExtensions": "false"},
	})
	serve := func(c *gin.Context) {
		name := strings.Trim(c.Param("asset"), "/")
		if name != "" && !hasAsset(name) {
			missing(c)
			return
		}
		c.Header("Content-Security-Policy", docsPolicy)
		c.Header("Cache-Control", "no-cache") // cached, and revalidated by its ETag
		page.ServeHTTP(c.Writer, c.Request)
	}
	routeGetAndHead(r, "/docs", serve)
	routeGetAndHead(r, "/docs/*asset", serve)
}

// hasAsset reports whether the page has a file with this name.
func hasAsset(name string) bool {
	for _, form := range []string{name, name + ".gz"} {
		if f, err := static.FS.Open(form); err == nil {
			_ = f.Close()
			return true
		}
	}
	return false
}
