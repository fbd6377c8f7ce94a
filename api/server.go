package api

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/backstophq/backstop"
)

// Options is what the API needs.
type Options struct {
	Rules    Rules
	Policies Policies
	Sends    Sends
	Sessions Sessions
	Handoff  Handoff
	Webhooks []Webhook // one for each provider; their names must differ
	Routes   []string  // the names of the SMS routes, of which the first is the default

	APIKey string // asked for under /v1, and to sign in to the console
	Log    *slog.Logger

	Console           fs.FS  // the files of the web console, an index.html among them; may be nil: no console
	TemporalUIURL     string // told to the console; may be empty
	TemporalNamespace string // the same

	Watch    Watch           // its zero value is fine
	Stopping <-chan struct{} // closed when the program stops, to end the streams; may be nil: they end by themselves

	Version string           // of the program, shown by /healthz; may be empty
	Ready   Ready            // what /readyz asks besides Postgres; may be nil
	Now     func() time.Time // may be nil: time.Now
}

// server answers the calls of the contract; the generated code routes and binds them.
type server struct {
	rules     Rules
	policies  Policies
	sends     Sends
	sessions  Sessions
	handoff   Handoff
	webhooks  map[string]Webhook
	counts    *counts
	contract  *contract
	log       *slog.Logger
	strangers *limitedLog
	now       func() time.Time
	version   string
	ready     Ready

	key               [sha256.Size]byte // the digest of the API key
	origins           *http.CrossOriginProtection
	console           *console // nil: there is none
	temporalUIURL     string
	temporalNamespace string
	smsRoutes         []string

	watch    Watch
	streams  chan struct{} // one for each that is open
	stopping <-chan struct{}
}

// New makes the handler of everything that Backstop serves. It refuses options that miss something.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	contract, err := readContract()
	if err != nil {
		return nil, err
	}
	s := &server{
		rules: o.Rules, policies: o.Policies, sends: o.Sends, sessions: o.Sessions, handoff: o.Handoff,
		webhooks: map[string]Webhook{}, smsRoutes: slices.Clone(o.Routes), contract: contract,
		log: o.Log, now: o.Now, version: o.Version, ready: o.Ready,
		key: sha256.Sum256([]byte(o.APIKey)), origins: http.NewCrossOriginProtection(),
		temporalUIURL: o.TemporalUIURL, temporalNamespace: o.TemporalNamespace,
		watch: o.Watch.orDefaults(), stopping: o.Stopping,
	}
	s.strangers = newLimitedLog(s.log)
	s.streams = make(chan struct{}, s.watch.Streams)
	if o.Console != nil {
		if s.console, err = readConsole(o.Console); err != nil {
			return nil, err
		}
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.counts = newCounts(o.Sends, s.now)
	for _, w := range o.Webhooks {
		s.webhooks[w.Name()] = w
	}
	return s.routes()
}

func (o Options) check() error {
	absent := map[string]bool{
		"Rules": o.Rules == nil, "Policies": o.Policies == nil, "Sends": o.Sends == nil,
		"Sessions": o.Sessions == nil, "Handoff": o.Handoff == nil, "Log": o.Log == nil, "APIKey": o.APIKey == "",
	}
	maps.DeleteFunc(absent, func(_ string, missing bool) bool { return !missing })
	if len(absent) > 0 {
		return fmt.Errorf("make the api: missing %s", strings.Join(slices.Sorted(maps.Keys(absent)), ", "))
	}
	seen := map[string]bool{}
	for _, w := range o.Webhooks {
		if w == nil || w.Name() == "" || seen[w.Name()] {
			return errors.New("make the api: a webhook has no name, or that of another")
		}
		seen[w.Name()] = true
	}
	if err := backstop.ValidateRoutes(o.Routes); err != nil {
		return fmt.Errorf("make the api: %w", err)
	}
	return nil
}

func (s *server) routes() (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false // a redirect would answer in another form than the contract's
	engine.ContextWithFallback = true    // so that a caller who hangs up cancels the queries made for it
	if err := engine.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("trust no proxy: %w", err)
	}
	engine.Use(s.identify, s.access, s.survive)
	engine.NoRoute(onlyV1(s.authenticate), s.noRoute)
	engine.NoMethod(onlyV1(s.authenticate), s.noMethod)

	s.operations(engine)
	engine.GET("/webhooks/:provider", s.verifyWebhook)
	engine.POST("/webhooks/:provider", s.receiveWebhook)
	session := engine.Group(sessionPath, s.ownPages, s.validate(maxSignIn))
	session.GET("", s.GetSession)
	session.POST("", s.SignIn)
	session.DELETE("", s.SignOut)
	if s.console != nil {
		s.console.routes(engine, s)
	}

	strict := NewStrictHandlerWithOptions(s, []StrictMiddlewareFunc{unpooled}, StrictGinServerOptions{
		RequestErrorHandlerFunc:  s.unbound,
		HandlerErrorFunc:         s.fail,
		ResponseErrorHandlerFunc: s.fail,
	})
	v1 := engine.Group("", s.authenticate, s.validate(maxBody))
	v1.GET("/v1/sends/:id/watch", s.WatchSend)
	RegisterHandlersWithOptions(v1, strict, GinServerOptions{
		ErrorHandler: func(c *gin.Context, err error, _ int) { s.unbound(c, err) },
	})
	return engine, nil
}

// onlyV1 runs a handler for paths under /v1, so that without a key nobody learns what is there.
func onlyV1(h gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		if strings.HasPrefix(c.Request.URL.Path, "/v1/") {
			h(c)
		}
	}
}

// unpooled hands the operation a context of its own: gin uses its contexts again, and a query may look at the one
// that it was given for a moment after the answer is written.
func unpooled(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) { return next(c.Copy(), request) }
}
