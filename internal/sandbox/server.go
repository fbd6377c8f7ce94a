// Package sandbox simulates the providers: one HTTP server with the wire formats of Meta's WhatsApp Cloud API and of Twilio's
// Messages API. It validates credentials and requests as the providers do, and sends signed status webhooks. The last two
// digits of the recipient select a scenario; see [Scenarios].
//
// The sandbox shares no code with the drivers or the domain. Both are written from the providers' manuals, so the tests of
// the drivers fail if one of them has a mistake.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"time"
)

const (
	maxBody            = 1 << 20          // bytes that are read of a request
	defaultMaxMessages = 100_000          // messages
	slowestSpeed       = 0.001            // at this speed the longest delay of the table takes eight hours
	webhookTimeout     = 10 * time.Second // the providers expect an answer "within seconds"
	webhooksAtOnce     = 64
	earlyAnswerLimit   = time.Second // how long an answer waits for its webhooks in the scenario "early receipts"
)

// Options configures a [Server].
type Options struct {
	Meta   Meta
	Twilio Twilio
	Faces  []Face // the other simulated providers
	// Speed divides every delay of the scenarios: 10 makes them ten times shorter, +Inf removes them. At least 0.001.
	Speed float64
	// MaxMessages is how many messages the sandbox keeps for GET /messages and for Twilio's lookups, and for how many
	// recipients it counts the calls. The sandbox drops the oldest first. Zero means 100,000.
	MaxMessages int
	// Logger logs failed webhooks. If it is nil, nothing is logged.
	Logger *slog.Logger
	// HTTP sends the webhooks. Nil means a client with keep-alive and a timeout of 10 s.
	HTTP *http.Client
}

// Face is a simulated provider: its credentials, and the requests that it answers. Each has a file of its own. Its paths begin
// with a prefix of its own, so that one server has all of them.
type Face interface {
	check() error // the problems of its options
	mount(s *Server)
	accounts(address string) []Account // those that it accepts; the address is that of the sandbox
}

// Meta is the simulated WhatsApp account.
type Meta struct {
	AccessToken   string // the bearer token of valid requests
	AppSecret     string // the key that signs the webhooks; required with WebhookURL
	PhoneNumberID string
	MoreNumbers   []string // the ids of the other numbers of the same app
	VerifyToken   string   // the token that Verify sends; required with WebhookURL
	WebhookURL    string   // absolute http(s) URL; if empty, WhatsApp has no webhooks
}

// Twilio is the simulated account for SMS, and for WhatsApp through Twilio.
type Twilio struct {
	AccountSID string
	AuthToken  string // the basic-auth password, and the key that signs the callbacks
}

// Server is the simulated providers. Call Shutdown before the shutdown of the http.Server: Shutdown ends the requests that
// a scenario does not answer.
type Server struct {
	meta        Meta
	twilio      Twilio
	faces       []Face
	speed       float64
	logger      *slog.Logger
	http        *http.Client
	table       map[string]Scenario
	log         *messageLog
	calls       *callCounter
	smsMessages *twilioMessages
	webhooks    *webhookSender
	outages     outages
	templates   *metaTemplates
	number      metaNumber
	stop        context.CancelFunc
	stopped     <-chan struct{}
	mux         *http.ServeMux
}

var _ http.Handler = (*Server)(nil)

// New returns a running sandbox. The caller must call Shutdown. The error of New has all problems of the options.
func New(opts Options) (*Server, error) {
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("configure sandbox: %w", err)
	}
	if opts.MaxMessages == 0 {
		opts.MaxMessages = defaultMaxMessages
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.HTTP == nil {
		opts.HTTP = webhookClient()
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		meta:        opts.Meta,
		twilio:      opts.Twilio,
		faces:       opts.Faces,
		speed:       opts.Speed,
		logger:      opts.Logger,
		http:        opts.HTTP,
		table:       scenariosByDigits(),
		log:         newMessageLog(opts.MaxMessages),
		calls:       newCallCounter(opts.MaxMessages),
		smsMessages: newTwilioMessages(opts.MaxMessages),
		templates:   newMetaTemplates(),
		webhooks:    newWebhookSender(opts.HTTP, opts.Logger, opts.Speed),
		stop:        stop,
		stopped:     ctx.Done(),
		mux:         http.NewServeMux(),
	}
	s.mux.HandleFunc("POST /{version}/{phone}/messages", s.postMeta)
	s.mux.HandleFunc("GET /{version}/{phone}", s.getMetaNumber)
	s.mux.HandleFunc("GET /{version}/{waba}/{edge}", s.getMetaEdge)
	s.mux.HandleFunc("PUT /meta/templates/{name}", s.putMetaTemplate)
	s.mux.HandleFunc("PUT /meta/number", s.putMetaNumber)
	s.mux.HandleFunc("POST /2010-04-01/Accounts/{sid}/Messages.json", s.postTwilio)
	s.mux.HandleFunc("GET /2010-04-01/Accounts/{account}", s.getTwilioAccount)
	s.mux.HandleFunc("GET /2010-04-01/Accounts/{sid}/Messages.json", s.listTwilio)
	s.mux.HandleFunc("GET /2010-04-01/Accounts/{sid}/Messages/{message}", s.getTwilio)
	for _, face := range opts.Faces {
		face.mount(s)
	}
	s.mux.HandleFunc("GET /accounts", s.serveAccounts)
	s.mux.HandleFunc("GET /messages", s.listMessages)
	s.mux.HandleFunc("DELETE /messages", s.deleteMessages)
	s.mux.HandleFunc("PUT /outages/{provider}", s.putOutage)
	s.mux.HandleFunc("DELETE /outages/{provider}", s.deleteOutage)
	s.mux.HandleFunc("GET /healthz", s.serveHealth)
	s.webhooks.start(ctx)
	return s, nil
}

func (o Options) validate() error {
	var problems []error
	require := func(name, value string) {
		if value == "" {
			problems = append(problems, fmt.Errorf("option %s is empty", name))
		}
	}
	require("Meta.AccessToken", o.Meta.AccessToken)
	require("Meta.PhoneNumberID", o.Meta.PhoneNumberID)
	require("Twilio.AccountSID", o.Twilio.AccountSID)
	require("Twilio.AuthToken", o.Twilio.AuthToken)
	if o.Meta.WebhookURL != "" {
		require("Meta.AppSecret", o.Meta.AppSecret)
		require("Meta.VerifyToken", o.Meta.VerifyToken)
		if !absoluteHTTP(o.Meta.WebhookURL) {
			problems = append(problems, errors.New("option Meta.WebhookURL is not an absolute http or https URL"))
		}
	}
	for _, face := range o.Faces {
		problems = append(problems, face.check())
	}
	if !(o.Speed >= slowestSpeed) { // written so that NaN fails too
		problems = append(problems, fmt.Errorf("option Speed is %v, want at least %v", o.Speed, slowestSpeed))
	}
	if o.MaxMessages < 0 {
		problems = append(problems, fmt.Errorf("option MaxMessages is %d, want 0 or more", o.MaxMessages))
	}
	return errors.Join(problems...)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}

// Shutdown drops the queued webhooks, aborts the open requests, and waits until the sandbox's goroutines have ended. If ctx
// ends first, Shutdown returns the error of ctx. Shutdown may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	if err := s.webhooks.wait(ctx); err != nil {
		return fmt.Errorf("shut down sandbox: %w", err)
	}
	s.http.CloseIdleConnections()
	return nil
}

func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// scaleDelay converts a delay of the scenario table into real time.
func scaleDelay(d time.Duration, speed float64) time.Duration {
	if math.IsInf(speed, 1) {
		return 0
	}
	return time.Duration(float64(d) / speed)
}

// unscaleDelay converts real time into a delay of the scenario table. The speed must be finite.
func unscaleDelay(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) * speed)
}

func absoluteHTTP(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// readBody reads the whole body, because net/http detects that a client has disconnected only after the body was read. It
// returns nil if the body is incomplete or too long.
func readBody(w http.ResponseWriter, r *http.Request) []byte {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil
	}
	return body
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has disconnected
}
