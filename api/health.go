package api

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// Ready returns the state of each dependency of the program, by name; /readyz shows these texts to anybody. An error means that
// the process cannot serve requests; it is logged and not shown.
type Ready func(ctx context.Context) (checks map[string]string, err error)

// readyTimeout bounds a check. The probes of an orchestrator time out after about the same time.
const readyTimeout = 2 * time.Second

// routeOperations adds the routes of the operators, which need no API key.
func (s *server) routeOperations(r gin.IRoutes) {
	routeGetAndHead(r, "/healthz", s.healthz)
	routeGetAndHead(r, "/readyz", s.readyz)
	routeGetAndHead(r, "/openapi.json", s.contractJSON)
	serveDocs(r, s.noRoute)
}

// routeGetAndHead routes GET and HEAD to the same handler. For HEAD net/http leaves out the body.
func routeGetAndHead(r gin.IRoutes, path string, h gin.HandlerFunc) {
	r.Match([]string{http.MethodGet, http.MethodHead}, path, h)
}

func (s *server) healthz(c *gin.Context) {
	c.JSON(http.StatusOK, Health{Status: HealthStatusOk, Version: s.version})
}

// readyz fails if Postgres is away, because then nothing can be accepted, or if the program's own check (Ready) fails.
func (s *server) readyz(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
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
	s.logLimited(c, slog.LevelWarn, "not ready", "", slog.Any("error", err))
	health.Status = HealthStatusUnavailable
	c.JSON(http.StatusServiceUnavailable, health)
}
