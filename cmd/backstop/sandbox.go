package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/backstophq/backstop/internal/sandbox"
)

// sandboxConfig is the configuration of the sandbox: the accounts that it simulates, in the same variables as for serve.
type sandboxConfig struct {
	Log     logConfig
	Sandbox sandboxListen `envPrefix:"SANDBOX_"`
	API     sandboxTarget
	Meta    sandboxMeta   `envPrefix:"META_"`
	Twilio  sandboxTwilio `envPrefix:"TWILIO_"`
}

type sandboxListen struct {
	Listen string  `env:"LISTEN" envDefault:"127.0.0.1:8090"`
	Speed  float64 `env:"SPEED"  envDefault:"1"`

	MetaNumbers []string `env:"META_NUMBERS"` // the ids of more WhatsApp numbers of the same app
}

type sandboxTarget struct {
	PublicURL string `env:"PUBLIC_URL,required,notEmpty"` // of the API; Meta's webhooks go there
}

type sandboxMeta struct {
	PhoneNumberID string `env:"PHONE_NUMBER_ID,required,notEmpty"`
	AccessToken   secret `env:"ACCESS_TOKEN,required,notEmpty"`
	AppSecret     secret `env:"APP_SECRET,required,notEmpty"`
	VerifyToken   secret `env:"VERIFY_TOKEN,required,notEmpty"`
}

type sandboxTwilio struct {
	AccountSID string `env:"ACCOUNT_SID,required,notEmpty"`
	AuthToken  secret `env:"AUTH_TOKEN,required,notEmpty"`
}

func (c sandboxConfig) validate() error {
	if c.API.PublicURL != "" && !isHTTPURL(c.API.PublicURL) {
		return errors.New(envPrefix + "PUBLIC_URL: must be an http or https URL")
	}
	return nil
}

// serveSandbox runs the simulated providers until ctx is done.
func serveSandbox(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
	c, err := readConfig[sandboxConfig](environment)
	if err != nil {
		return err
	}
	log := newLog(stdout, c.Log.Level)
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", c.Sandbox.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return runSandbox(ctx, c, listener, log)
}

// runSandbox serves the sandbox on a listener until ctx is done.
func runSandbox(ctx context.Context, c sandboxConfig, listener net.Listener, log *slog.Logger) error {
	box, err := sandbox.New(sandbox.Options{
		Meta: sandbox.Meta{
			AccessToken: string(c.Meta.AccessToken), AppSecret: string(c.Meta.AppSecret),
			PhoneNumberID: c.Meta.PhoneNumberID, MoreNumbers: c.Sandbox.MetaNumbers, VerifyToken: string(c.Meta.VerifyToken),
			WebhookURL: strings.TrimSuffix(c.API.PublicURL, "/") + "/webhooks/meta",
		},
		Twilio: sandbox.Twilio{AccountSID: c.Twilio.AccountSID, AuthToken: string(c.Twilio.AuthToken)},
		Faces:  sandbox.Faces(),
		Speed:  c.Sandbox.Speed,
		Logger: log,
	})
	if err != nil {
		return usageError{errors.Join(err, listener.Close())}
	}
	server := &http.Server{Handler: box, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout}
	// Some scenarios never answer. Only the sandbox itself can end those requests.
	released := make(chan error, 1)
	go func() {
		<-ctx.Done()
		releasing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainRequests)
		defer cancel()
		released <- box.Shutdown(releasing)
	}()
	err = serveHTTP(ctx, server, listener, func() {
		log.InfoContext(ctx, "serving simulated providers", "address", listener.Addr().String(), "speed", c.Sandbox.Speed)
	})
	if ctx.Err() == nil {
		return err
	}
	return errors.Join(err, <-released)
}
