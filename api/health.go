package api

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// Ready tells the state of what the program depends on, by name, in words fit to be shown. An error means that
// requests cannot be served; it is logged, not shown.
type Ready func(ctx context.Context) (checks map[string]string, err error)

// readyWithin bounds a check: an orchestrator that asks gives up about then.
const readyWithin = 2 * time.Second

// operations are the routes that need no key.
func (s *server) operations(r gin.IRoutes) {
	readable(r, "/healthz", s.healthz)
	readable(r, "/readyz", s.readyz)
	readable(r, "/openapi.json", s.contractJSON)
	docs(r, s.noRoute)
}

// readable serves a path by GET, and by HEAD, for which net/http leaves out the body.
func readable(r gin.IRoutes, path string, h gin.HandlerFunc) {
	r.Match([]string{http.MethodGet, http.MethodHead}, path, h)
}

func (s *server) healthz(c *gin.Context) {
	c.JSON(http.StatusOK, Health{Status: HealthStatusOk, Version: s.version})
}

// readyz reports on Postgres, without which nothing can be accepted, and on what the program adds. The engine is
// only reported on: sends and receipts are accepted without it and handed over later.
func (s *server) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyWithin)
	defer cancel()
	checks := map[string]string{"postgres": "ok"}
	err := s.sends.Ping(ctx)
	if err != nil {
		checks["postgres"] = "unreachable"
	} else if s.ready != nil {
		var more map[string]string
		more, err = s.ready(ctx)
		maps.Copy(checks, more)
	}
	health := Health{Status: HealthStatusOk, Version: s.version, Checks: &checks}
	if err == nil {
		c.JSON(http.StatusOK, health)
		return
	}
	s.note(c, slog.LevelWarn, "not ready", "", slog.Any("error", err))
	health.Status = HealthStatusUnavailable
	c.JSON(http.StatusServiceUnavailable, health)
}
