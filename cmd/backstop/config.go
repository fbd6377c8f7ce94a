package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/backstophq/backstop/workflows"
)

const envPrefix = "BACKSTOP_"

// config is the configuration of the commands serve, api and worker. Its tags are the only list of the variables; a test
// compares docs/configuration.md with them.
type config struct {
	Log      logConfig
	Pprof    pprofConfig    `envPrefix:"PPROF_"`
	Database databaseConfig `envPrefix:"DATABASE_"`
	Temporal temporalConfig `envPrefix:"TEMPORAL_"`
	API      apiConfig
	Worker   workerConfig `envPrefix:"WORKER_"`
	Meta     metaConfig   `envPrefix:"META_"`
	Twilio   twilioConfig `envPrefix:"TWILIO_"`
	Send     sendConfig
	Stop     stopConfig
}

type logConfig struct {
	Level slog.Level `env:"LOG_LEVEL" envDefault:"info"`
}

type pprofConfig struct {
	Listen string `env:"LISTEN"` // empty: no profiles
}

type databaseConfig struct {
	URL      secret `env:"URL,required,notEmpty"`
	MaxConns int    `env:"MAX_CONNS"             envDefault:"20"`
}

type temporalConfig struct {
	Address   string `env:"ADDRESS"   envDefault:"127.0.0.1:7233"`
	Namespace string `env:"NAMESPACE" envDefault:"default"`
	APIKey    secret `env:"API_KEY"`
	TLS       bool   `env:"TLS"`
	TLSCert   string `env:"TLS_CERT"` // files, PEM
	TLSKey    string `env:"TLS_KEY"`
	TLSCA     string `env:"TLS_CA"`
	UIURL     string `env:"UI_URL"`
}

type apiConfig struct {
	Listen    string `env:"LISTEN"                      envDefault:":8080"`
	PublicURL string `env:"PUBLIC_URL,required,notEmpty"`
	Key       secret `env:"API_KEY,required,notEmpty"`
}

type workerConfig struct {
	Calls          int     `env:"CALLS"            envDefault:"200"`
	CallsPerSecond float64 `env:"CALLS_PER_SECOND" envDefault:"0"`
	Cached         int     `env:"CACHED"           envDefault:"10000"`
}

type metaConfig struct {
	BaseURL       string        `env:"BASE_URL"                          envDefault:"https://graph.facebook.com"`
	Version       string        `env:"VERSION"                           envDefault:"v23.0"`
	PhoneNumberID string        `env:"PHONE_NUMBER_ID,required,notEmpty"`
	AccessToken   secret        `env:"ACCESS_TOKEN,required,notEmpty"`
	AppSecret     secret        `env:"APP_SECRET,required,notEmpty"`
	VerifyToken   secret        `env:"VERIFY_TOKEN,required,notEmpty"`
	Timeout       time.Duration `env:"TIMEOUT"                           envDefault:"10s"`
	OnUnknown     string        `env:"ON_UNKNOWN"                        envDefault:"resend"`
}

type twilioConfig struct {
	BaseURL    string        `env:"BASE_URL"                      envDefault:"https://api.twilio.com"`
	AccountSID string        `env:"ACCOUNT_SID,required,notEmpty"`
	AuthToken  secret        `env:"AUTH_TOKEN,required,notEmpty"`
	APIKey     string        `env:"API_KEY"`
	APISecret  secret        `env:"API_SECRET"`
	Timeout    time.Duration `env:"TIMEOUT"                       envDefault:"10s"`
	OnUnknown  string        `env:"ON_UNKNOWN"                    envDefault:"hold"`
}

type sendConfig struct {
	UnknownWait    time.Duration `env:"UNKNOWN_WAIT"     envDefault:"30s"`
	SMSReceiptWait time.Duration `env:"SMS_RECEIPT_WAIT" envDefault:"12h"`
	AwaitReceipts  time.Duration `env:"AWAIT_RECEIPTS" envDefault:"4s"`
}

type stopConfig struct {
	Drain time.Duration `env:"DRAIN"` // 0: computed by config.drainTime
}

// Bounds of BACKSTOP_DRAIN. An orchestrator usually kills a program that needs more than some minutes to stop.
const (
	minDrain = time.Second
	maxDrain = 5 * time.Minute
)

// writeTime is the time for the write after a provider call (storeTimeout in activities/call.go).
const writeTime = 5 * time.Second

// drainTime is how long a stop waits for provider calls: the longest provider timeout plus writeTime. The SDK
// (1.50, AggregatedWorker.stop) stops polling and then makes up to three waits of this length, one after another: for
// workflow tasks, for local activities (the first tries) and for ordinary activities. All of them run from the beginning
// of the stop, so the first wait is usually enough. If a workflow task starts another call meanwhile, such as an SMS after
// a rejected WhatsApp message, the call gets the second wait. The third wait ends with the calls of ordinary activities,
// which have run during the first two.
func (c config) drainTime() time.Duration {
	if c.Stop.Drain > 0 {
		return c.Stop.Drain
	}
	return max(c.Meta.Timeout, c.Twilio.Timeout) + writeTime
}

// The values of ON_UNKNOWN: what follows a call with an unknown result if no receipt arrives.
const (
	onUnknownResend = "resend"
	onUnknownHold   = "hold"
)

// maxProviderTimeout is less than backstop.CallTimeout, so a provider activity has time for its writes.
const maxProviderTimeout = 20 * time.Second

// maxAwaitReceipts is less than the 5 s of a workflow task; see Settings.AwaitReceipts in package workflows.
const maxAwaitReceipts = 4500 * time.Millisecond

func (c config) settings() workflows.Settings {
	return workflows.Settings{
		UnknownWait: c.Send.UnknownWait, SMSReceiptWait: c.Send.SMSReceiptWait,
		AwaitReceipts:  c.Send.AwaitReceipts,
		ResendWhatsApp: c.Meta.OnUnknown == onUnknownResend, ResendSMS: c.Twilio.OnUnknown == onUnknownResend,
		QueuedCalls: c.Worker.CallsPerSecond > 0, // only the task queue can limit the calls of all workers together
	}
}

// databaseFault describes the fault of a database URL. It never repeats the URL, which holds the password.
func databaseFault(dsn string) string {
	u, err := url.Parse(dsn)
	switch {
	case dsn == "": // describeErrors reports a missing variable
		return ""
	case !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://"):
		return "must begin with postgres://"
	case err != nil || u.Fragment != "" || strings.Contains(u.Host, "@"):
		return "is not a URL; special characters of the password, such as # / @ and spaces, must be percent-encoded"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "must have a port from 1 to 65535"
		}
	}
	return ""
}

func (c config) validate() error {
	var errs []error
	check := func(ok bool, name, reason string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s%s: %s", envPrefix, name, reason))
		}
	}
	for name, value := range map[string]string{
		"PUBLIC_URL": c.API.PublicURL, "META_BASE_URL": c.Meta.BaseURL, "TWILIO_BASE_URL": c.Twilio.BaseURL,
	} {
		check(value == "" || isHTTPURL(value), name, "must be an http or https URL")
	}
	fault := databaseFault(string(c.Database.URL))
	check(fault == "", "DATABASE_URL", fault)
	for name, value := range map[string]string{
		"LISTEN": c.API.Listen, "TEMPORAL_ADDRESS": c.Temporal.Address, "PPROF_LISTEN": c.Pprof.Listen,
	} {
		_, _, err := net.SplitHostPort(value)
		check(err == nil || value == "" && name == "PPROF_LISTEN", name, "must be host:port")
	}
	check(c.API.Key == "" || len(c.API.Key) >= minAPIKey, "API_KEY", fmt.Sprintf("must have at least %d characters", minAPIKey))
	check(c.Database.MaxConns > 0, "DATABASE_MAX_CONNS", "must be at least 1")
	check(c.Worker.Calls > 0, "WORKER_CALLS", "must be at least 1")
	check(c.Worker.Cached > 0, "WORKER_CACHED", "must be at least 1")
	check(c.Worker.CallsPerSecond >= 0, "WORKER_CALLS_PER_SECOND", "must not be negative")
	for name, value := range map[string]time.Duration{"META_TIMEOUT": c.Meta.Timeout, "TWILIO_TIMEOUT": c.Twilio.Timeout} {
		check(value > 0 && value <= maxProviderTimeout, name, "must be more than 0 and at most "+maxProviderTimeout.String())
	}
	for name, value := range map[string]string{"META_ON_UNKNOWN": c.Meta.OnUnknown, "TWILIO_ON_UNKNOWN": c.Twilio.OnUnknown} {
		check(value == onUnknownResend || value == onUnknownHold, name, "must be resend or hold")
	}
	check(c.Send.UnknownWait > 0, "UNKNOWN_WAIT", "must be more than 0")
	check(c.Send.SMSReceiptWait > 0, "SMS_RECEIPT_WAIT", "must be more than 0")
	check(c.Send.AwaitReceipts >= 0 && c.Send.AwaitReceipts <= maxAwaitReceipts, "AWAIT_RECEIPTS",
		"must be between 0 and "+maxAwaitReceipts.String())
	check(c.Stop.Drain == 0 || c.Stop.Drain >= minDrain && c.Stop.Drain <= maxDrain, "DRAIN",
		fmt.Sprintf("must be between %v and %v", minDrain, maxDrain))
	together := "must be set together with " + envPrefix
	check((c.Temporal.TLSCert == "") == (c.Temporal.TLSKey == ""), "TEMPORAL_TLS_KEY", together+"TEMPORAL_TLS_CERT")
	check((c.Twilio.APIKey == "") == (c.Twilio.APISecret == ""), "TWILIO_API_SECRET", together+"TWILIO_API_KEY")
	return errors.Join(errs...)
}

// isSandbox reports whether the providers are simulated. Only a sandbox answers for both of them at one address, without TLS.
func (c config) isSandbox() bool {
	return c.Meta.BaseURL == c.Twilio.BaseURL && strings.HasPrefix(c.Meta.BaseURL, "http://")
}

// minAPIKey is the minimum length of the API key, in characters. A shorter key is easier to guess.
const minAPIKey = 16

func isHTTPURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// readConfig fills a configuration from the environment. Its error lists every problem with the name of its variable. A
// variable that no command reads is a problem too: if its name is misspelt, a default would apply unnoticed.
func readConfig[C interface{ validate() error }](environment map[string]string) (C, error) {
	var c C
	problems := misspeltVariables(environment)
	environment, replaced := currentNames(environment)
	problems = append(problems, replaced...)
	groups := reflect.ValueOf(&c).Elem()
	for group := range groups.Type().Fields() {
		prefix := envPrefix + group.Tag.Get("envPrefix")
		err := env.ParseWithOptions(groups.FieldByIndex(group.Index).Addr().Interface(),
			env.Options{Environment: environment, Prefix: prefix})
		problems = append(problems, describeErrors(err, group.Type, prefix)...)
	}
	named := strings.Join(problems, "\n")
	if err := c.validate(); err != nil {
		for problem := range strings.SplitSeq(err.Error(), "\n") {
			if variable, _, _ := strings.Cut(problem, ":"); !strings.Contains(named, variable+":") {
				problems = append(problems, problem) // the variable has no other problem yet
			}
		}
	}
	if len(problems) == 0 {
		return c, nil
	}
	slices.Sort(problems)
	return c, usageError{fmt.Errorf("the configuration is wrong:\n  %s", strings.Join(problems, "\n  "))}
}

// describeErrors returns the problems of the variables of a group, without their values, which may be secrets.
func describeErrors(err error, group reflect.Type, prefix string) []string {
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return nil
	}
	problems := make([]string, 0, len(all.Errors))
	for _, err := range all.Errors {
		var (
			empty  env.EmptyVarError
			unset  env.VarIsNotSetError
			unread env.ParseError
		)
		switch {
		case errors.As(err, &empty):
			problems = append(problems, empty.Key+": is required")
		case errors.As(err, &unset):
			problems = append(problems, unset.Key+": is required")
		case errors.As(err, &unread):
			field, _ := group.FieldByName(unread.Name)
			name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
			problems = append(problems, fmt.Sprintf("%s%s: must be %s", prefix, name, exampleOf(unread.Type)))
		default:
			problems = append(problems, err.Error())
		}
	}
	return problems
}

// exampleOf describes the valid values of a type.
func exampleOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration, like 30s or 12h"
	case reflect.TypeFor[slog.Level]():
		return "debug, info, warn or error"
	case reflect.TypeFor[bool]():
		return "true or false"
	default:
		return "a number"
	}
}

// secret is a value that prints as ***.
type secret string

func (secret) String() string       { return "***" }
func (secret) GoString() string     { return "***" }
func (secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText hides the value in JSON and the like.
func (s secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil } //nolint:unparam // encoding.TextMarshaler
