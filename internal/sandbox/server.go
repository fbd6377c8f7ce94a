// Package sandbox simulates the providers that Backstop sends through: one HTTP server that speaks the wire formats
// of Meta's WhatsApp Cloud API and of Twilio's Messages API, checks credentials and requests as they do, and sends
// signed status webhooks back. The last two digits of the recipient choose what happens; see [Scenarios].
//
// It shares no code with the drivers or the domain. Both sides are written from the providers' manuals, so a mistake
// in one of them shows up as a disagreement.
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
	maxBody            = 1 << 20          // bytes of a request that are read
	defaultMaxMessages = 100_000          // requests
	slowestSpeed       = 0.001            // the longest delay of the table then takes eight hours
	webhookTimeout     = 10 * time.Second // providers want an answer "within seconds"
	webhooksAtOnce     = 64
	earlyAnswerLimit   = time.Second // how long an answer waits for its webhooks in the scenario "early receipts"
)

// Options configures a [Server].
type Options struct {
	Meta   Meta
	Twilio Twilio
	// Speed divides every delay of the scenarios: 1 keeps them, 10 makes them ten times shorter, +Inf removes them.
	// At least 0.001.
	Speed float64
	// Remember is how many requests GET /messages can look back on, and how many recipients have their calls counted;
	// the oldest are forgotten first. Zero means 100,000.
	MaxMessages int
	// Logger is told about webhooks that fail. Nil keeps the server silent.
	Logger *slog.Logger
	// HTTP sends the webhooks. Nil means a client that keeps connections alive and gives up after 10 s.
	HTTP *http.Client
}

// Meta is the WhatsApp account that the sandbox plays.
type Meta struct {
	AccessToken   string // the bearer token that callers must present
	AppSecret     string // signs the webhooks; required with WebhookURL
	PhoneNumberID string
	VerifyToken   string // proves the sandbox in Verify; required with WebhookURL
	WebhookURL    string // absolute http(s) URL; empty sends no webhooks for WhatsApp
}

// Twilio is the SMS account that the sandbox plays.
type Twilio struct {
	AccountSID string
	AuthToken  string // the basic-auth password, and the key that signs the callbacks
}

// Server is a simulated provider. Call Shutdown before the http.Server that serves it is shut down: requests of the
// scenarios that never answer are released by it.
type Server struct {
	meta        Meta
	twilio      Twilio
	speed       float64
	logger      *slog.Logger
	http        *http.Client
	table       map[string]Scenario
	log         *messageLog
	calls       *callCounter
	smsMessages *twilioMessages
	webhooks    *webhookSender
	stop        context.CancelFunc
	stopped     <-chan struct{}
	mux         *http.ServeMux
}

var _ http.Handler = (*Server)(nil)

// New returns a running sandbox; the caller owes it a Shutdown. Its error joins every problem of the options.
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
		speed:       opts.Speed,
		logger:      opts.Logger,
		http:        opts.HTTP,
		table:       scenariosByDigits(),
		log:         newMessageLog(opts.MaxMessages),
		calls:       newCallCounter(opts.MaxMessages),
		smsMessages: newTwilioMessages(opts.MaxMessages),
		webhooks:    newWebhookSender(opts.HTTP, opts.Logger, opts.Speed),
		stop:        stop,
		stopped:     ctx.Done(),
		mux:         http.NewServeMux(),
	}
	s.mux.HandleFunc("POST /{version}/{phone}/messages", s.postMeta)
	s.mux.HandleFunc("POST /2010-04-01/Accounts/{sid}/Messages.json", s.postTwilio)
	s.mux.HandleFunc("GET /2010-04-01/Accounts/{sid}/Messages.json", s.listTwilio)
	s.mux.HandleFunc("GET /2010-04-01/Accounts/{sid}/Messages/{message}", s.getTwilio)
	s.mux.HandleFunc("GET /messages", s.listMessages)
	s.mux.HandleFunc("DELETE /messages", s.deleteMessages)
	s.mux.HandleFunc("GET /healthz", s.health)
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

// Shutdown drops the webhooks that are still due, cuts the requests that are held, and waits for the sandbox's
// goroutines. Its error is that of ctx, when that ends first. It may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	if err := s.webhooks.wait(ctx); err != nil {
		return fmt.Errorf("shut down sandbox: %w", err)
	}
	s.http.CloseIdleConnections()
	return nil
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// scale turns a delay of the scenario table into a real one.
func scaleDelay(d time.Duration, speed float64) time.Duration {
	if math.IsInf(speed, 1) {
		return 0
	}
	return time.Duration(float64(d) / speed)
}

// unscale turns a real delay into one of the scenario table. The speed must be finite.
func unscaleDelay(d time.Duration, speed float64) time.Duration {
	return time.Duration(float64(d) * speed)
}

func absoluteHTTP(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// readBody reads to the end: the HTTP server notices that a client went away only once the body has been read. A body
// that is cut short or too long is as good as none.
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
	_, _ = w.Write(body) // the client went away; there is no one left to tell
}
