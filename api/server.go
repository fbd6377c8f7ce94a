package api

import (
	"cmp"
	"context"
	"crypto/sha256"
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

// Options are the dependencies and settings of the API.
type Options struct {
	Rules    Rules
	Policies Policies
	Messages Messages
	Sends    Sends
	Sessions Sessions
	Keys     Keys
	Handoff  Handoff
	Accounts Accounts
	Guards   GuardKeeper
	OptOuts  OptOuts
	Audit    Audit
	Erasures Erasures
	Persons  Persons

	Callbacks        Callbacks
	CallbackSettings *CallbackSettings // nil: a send with a callback is refused

	Templates Templates
	Notices   Notices // nil: webhooks report receipts alone

	// Webhooks finds the webhook of an account of a provider. Without a name of an account it finds the one that the environment
	// gives. Nil: there are no webhooks.
	Webhooks func(provider, account string) (Webhook, bool)

	// RefreshAccounts reads the accounts that other processes have changed. Each webhook that is refused and each request that
	// names an unknown account causes a call, so the callee limits the load. Nil: other processes change no accounts.
	RefreshAccounts func(ctx context.Context)

	ErrorCodes []backstop.ErrorCode // of all providers, explained

	APIKey string // the first administrator's key, besides those of Keys
	Log    *slog.Logger

	People      People        // nil: nobody signs in at an identity provider
	PeopleName  string        // of the provider, as people know it; may be empty
	NoKeySignIn bool          // API keys open no sessions
	SessionLife time.Duration // from the sign-in; 0: 12 hours
	SessionIdle time.Duration // from the newest request; 0: 1 hour

	TrustedProxies []string // addresses and CIDR ranges; of their requests the caller's address is in X-Forwarded-For

	Console           fs.FS  // the files of the web console with an index.html; nil: no console
	TemporalUIURL     string // for links in the console; may be empty
	TemporalNamespace string // for links in the console

	// PayloadCodec encrypts and decrypts payloads for the Temporal UI, by its protocol for codec servers. It gets the body whole,
	// of a caller who has signed in. Nil: there is no codec server.
	PayloadCodec http.Handler

	Sandbox func() bool // reports whether the providers are simulated; the console shows it; nil: they are not

	Scenarios []Scenario // what the simulated providers do; the console offers them for a test

	// Removals returns the progress of the retention; nil: nothing is removed.
	Removals func(ctx context.Context) ([]backstop.RemovalState, error)

	Watch    Watch           // the zero value means the defaults
	Stopping <-chan struct{} // closed when the program stops, to end the streams; nil: streams end after Watch.Longest

	ExclusiveGrace time.Duration // see backstop.Send.ResolveExclusive; 0: backstop.DefaultExclusiveGrace

	// Answered is called for each answered request, with the pattern of its route or "none". Nil: no one counts them.
	Answered func(ctx context.Context, method, route string, status int, took time.Duration)

	Version string           // of the program, shown by /healthz; may be empty
	Ready   Ready            // the check of /readyz besides Postgres; may be nil
	Now     func() time.Time // nil: time.Now
}

// server implements the operations of the contract. Generated code routes and binds their requests.
type server struct {
	rules    Rules
	policies Policies
	stored   Messages
	sends    Sends
	sessions Sessions
	keys     Keys
	handoff  Handoff
	accounts Accounts
	guards   GuardKeeper
	optOuts  OptOuts
	audit    Audit
	erasures Erasures
	persons  Persons
	profiles Templates

	callbacks        Callbacks
	callbackSettings *CallbackSettings

	notices  Notices
	named    *templateCache
	webhooks func(provider, account string) (Webhook, bool)
	refresh  func(ctx context.Context)
	stats    *statsCache[backstop.Stats]
	messages *statsCache[backstop.MessageStats]
	changes  *statsCache[backstop.Changes]
	contract *contract
	log      *slog.Logger
	limited  *limitedLog
	now      func() time.Time
	version  string
	answered func(ctx context.Context, method, route string, status int, took time.Duration)

	exclusiveGrace time.Duration
	removals       func(ctx context.Context) ([]backstop.RemovalState, error)

	ready Ready

	people      People // nil: there is no provider
	peopleName  string
	noKeySignIn bool
	sessionLife time.Duration
	sessionIdle time.Duration
	slowdown    *slowdown

	key               [sha256.Size]byte // the digest of the API key
	origins           *http.CrossOriginProtection
	console           *console // nil: no console
	temporalUIURL     string
	temporalNamespace string
	payloadCodec      http.Handler
	codecOrigins      *http.CrossOriginProtection // as origins, and trusts the Temporal UI
	sandbox           func() bool
	scenarios         []Scenario
	errorCodes        []backstop.ErrorCode

	watch    Watch
	streams  chan struct{} // a counting semaphore: one element for each open stream
	stopping <-chan struct{}
}

// New returns the HTTP handler of Backstop. It fails if a required option is missing.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	contract, err := readContract()
	if err != nil {
		return nil, err
	}
	s := &server{
		rules: o.Rules, policies: o.Policies, stored: o.Messages, sends: o.Sends, sessions: o.Sessions, keys: o.Keys,
		handoff: o.Handoff, accounts: o.Accounts, guards: o.Guards, optOuts: o.OptOuts, profiles: o.Templates, notices: o.Notices,
		audit: o.Audit, erasures: o.Erasures, persons: o.Persons,
		callbacks: o.Callbacks, callbackSettings: o.CallbackSettings,
		webhooks: o.Webhooks, refresh: o.RefreshAccounts,
		errorCodes:     slices.Clone(o.ErrorCodes),
		contract:       contract,
		exclusiveGrace: cmp.Or(o.ExclusiveGrace, backstop.DefaultExclusiveGrace),
		removals:       o.Removals,
		people:         o.People, peopleName: o.PeopleName, noKeySignIn: o.NoKeySignIn, slowdown: newSlowdown(),
		sessionLife: cmp.Or(o.SessionLife, defaultSessionLife), sessionIdle: cmp.Or(o.SessionIdle, defaultSessionIdle),

		log: o.Log, now: o.Now, version: o.Version, ready: o.Ready, answered: o.Answered,
		key: sha256.Sum256([]byte(o.APIKey)), origins: http.NewCrossOriginProtection(),
		temporalUIURL: o.TemporalUIURL, temporalNamespace: o.TemporalNamespace, payloadCodec: o.PayloadCodec,
		sandbox: o.Sandbox, scenarios: o.Scenarios, watch: o.Watch.orDefaults(), stopping: o.Stopping,
	}
	s.limited = newLimitedLog(s.log)
	s.named = newTemplateCache(o.Templates.TemplatesNamed)
	s.streams = make(chan struct{}, s.watch.Streams)
	if o.Console != nil {
		if s.console, err = readConsole(o.Console); err != nil {
			return nil, err
		}
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.answered == nil {
		s.answered = func(context.Context, string, string, int, time.Duration) {}
	}
	if s.sandbox == nil {
		s.sandbox = func() bool { return false }
	}
	slots := newStatsSlots()
	s.stats = newStatsCache(o.Sends.Stats, s.now, slots)
	s.messages = newStatsCache(o.Sends.MessageStats, s.now, slots)
	s.changes = newStatsCache(o.Sends.StatsChanges, s.now, slots)
	return s.newEngine(o.TrustedProxies)
}

func (o Options) check() error {
	absent := map[string]bool{
		"Accounts": o.Accounts == nil, "Guards": o.Guards == nil, "OptOuts": o.OptOuts == nil, "Audit": o.Audit == nil,
		"Erasures": o.Erasures == nil, "Rules": o.Rules == nil, "Policies": o.Policies == nil, "Sends": o.Sends == nil,
		"Persons":  o.Persons == nil,
		"Messages": o.Messages == nil, "Sessions": o.Sessions == nil, "Keys": o.Keys == nil, "Handoff": o.Handoff == nil,
		"Templates": o.Templates == nil, "Log": o.Log == nil,
		"APIKey": o.APIKey == "", "Callbacks": o.Callbacks == nil,
	}
	maps.DeleteFunc(absent, func(_ string, missing bool) bool { return !missing })
	if len(absent) > 0 {
		return fmt.Errorf("make the api: options %s are missing", strings.Join(slices.Sorted(maps.Keys(absent)), ", "))
	}
	return nil
}

func (s *server) newEngine(trustedProxies []string) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false // the contract has no redirects
	engine.ContextWithFallback = true    // if the caller disconnects, its queries are cancelled
	engine.RemoteIPHeaders = []string{"X-Forwarded-For"}
	if err := engine.SetTrustedProxies(trustedProxies); err != nil {
		return nil, fmt.Errorf("trust proxies: %w", err)
	}
	engine.Use(s.setRequestID, s.logAccess, s.recoverPanic)
	engine.NoRoute(onlyV1(s.authenticate), s.noRoute)
	engine.NoMethod(onlyV1(s.authenticate), s.noMethod)

	s.routeOperations(engine)
	for _, path := range []string{"/webhooks/:provider", "/webhooks/:provider/:account", "/webhooks/:provider/:account/:key"} {
		engine.GET(path, s.getWebhook)
		engine.POST(path, s.receiveWebhook)
	}
	session := engine.Group(sessionPath, s.requireOwnOrigin, s.checkContract(maxSignIn))
	session.GET("", s.GetSession)
	session.POST("", s.SignIn)
	session.DELETE("", s.SignOut)
	session.GET("/ways", s.GetSignInWays)
	session.GET("/oidc", s.requirePeople, s.BeginSignIn)
	session.GET("/oidc/end", s.requirePeople, s.EndAtProvider)
	engine.GET(callbackPath, s.requirePeople, s.FinishSignIn) // the parameters of its query are the provider's
	if s.console != nil {
		s.console.route(engine, s)
	}
	if err := s.routeCodec(engine); err != nil {
		return nil, err
	}

	strict := NewStrictHandlerWithOptions(s, []StrictMiddlewareFunc{withContextCopy}, StrictGinServerOptions{
		RequestErrorHandlerFunc:  s.failBinding,
		HandlerErrorFunc:         s.fail,
		ResponseErrorHandlerFunc: s.fail,
	})
	v1 := engine.Group("", s.authenticate, s.checkContract(maxBody))
	v1.GET("/v1/sends/:id/watch", s.WatchSend)
	engine.POST("/v1/opt-outs.csv", s.authenticate, s.ImportOptOuts) // its body is no JSON
	RegisterHandlersWithOptions(v1, strict, GinServerOptions{
		ErrorHandler: func(c *gin.Context, err error, _ int) { s.failBinding(c, err) },
	})
	return engine, nil
}

// onlyV1 runs a handler for paths under /v1 only. With it a request without a key gets a 401 there, whether or not the path
// exists.
func onlyV1(h gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		if strings.HasPrefix(c.Request.URL.Path, "/v1/") {
			h(c)
		}
	}
}

// withContextCopy gives each operation a copy of gin's context. gin reuses its contexts after the answer is written, and a query
// may still read its context then.
func withContextCopy(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) { return next(c.Copy(), request) }
}
