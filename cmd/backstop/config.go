package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/callbacks"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/workflows"
)

const envPrefix = "BACKSTOP_"

// config is the configuration of the commands serve, api and worker. Its tags are the only list of the variables; a test
// compares docs/configuration.md with them.
type config struct {
	Log      logConfig
	Pprof    pprofConfig    `envPrefix:"PPROF_"`
	Metrics  metricsConfig  `envPrefix:"METRICS_"`
	OTLP     otlpConfig     `envPrefix:"OTLP_"`
	Database databaseConfig `envPrefix:"DATABASE_"`
	Temporal temporalConfig `envPrefix:"TEMPORAL_"`
	API      apiConfig
	OIDC     oidcConfig     `envPrefix:"OIDC_"`
	Session  sessionConfig  `envPrefix:"SESSION_"`
	Worker   workerConfig   `envPrefix:"WORKER_"`
	Callback callbackConfig `envPrefix:"CALLBACK_"`
	Send     sendConfig
	Stop     stopConfig
	OptOuts  optOutConfig
	Keep     keepConfig `envPrefix:"KEEP_"`
	Seal     sealConfig

	// Accounts are the accounts that the environment gives. The names of their variables follow from the drivers (variablesOf).
	Accounts []backstop.Account
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
	Encrypt   bool   `env:"ENCRYPT"` // with the keyring
}

type apiConfig struct {
	Listen    string `env:"LISTEN"                      envDefault:":8080"`
	PublicURL string `env:"PUBLIC_URL,required,notEmpty"`
	Key       secret `env:"API_KEY,required,notEmpty"`

	FormerPublicURLs []string `env:"FORMER_PUBLIC_URLS"` // callbacks that were signed for them are still read
	Keyring          secret   `env:"KEYRING"`            // seals the secrets of the accounts in the database
	TrustedProxies   []string `env:"TRUSTED_PROXIES"`    // addresses and CIDR ranges
	SandboxURL       string   `env:"SANDBOX_URL"`        // empty: a test key has no accounts
}

type workerConfig struct {
	Calls          int     `env:"CALLS"            envDefault:"200"`
	CallsPerSecond float64 `env:"CALLS_PER_SECOND" envDefault:"0"`
	Cached         int     `env:"CACHED"           envDefault:"10000"`

	Deployment string `env:"DEPLOYMENT"` // of Temporal's Worker Versioning; empty: workers have no version
	Build      string `env:"BUILD"`      // empty: the program's version
}

type sendConfig struct {
	UnknownWait    time.Duration `env:"UNKNOWN_WAIT"     envDefault:"30s"`
	SMSReceiptWait time.Duration `env:"SMS_RECEIPT_WAIT" envDefault:"12h"`
	AwaitReceipts  time.Duration `env:"AWAIT_RECEIPTS" envDefault:"4s"`

	ScheduledPerSecond int `env:"SCHEDULED_PER_SECOND" envDefault:"50"` // of all processes together

	ExclusiveGrace time.Duration `env:"EXCLUSIVE_GRACE" envDefault:"15s"`
}

type stopConfig struct {
	Drain time.Duration `env:"DRAIN"` // 0: computed by config.drainTime
}

type optOutConfig struct {
	Categories []string `env:"STOP_CATEGORIES" envDefault:"marketing,utility"`
	StopWords  []string `env:"STOP_WORDS"` // besides the common ones
	StartWords []string `env:"START_WORDS"`
}

// rules returns what the word STOP means.
func (c optOutConfig) rules() backstop.OptOutRules {
	r := backstop.OptOutRules{StopWords: c.StopWords, StartWords: c.StartWords}
	for _, category := range c.Categories {
		r.Stop = append(r.Stop, backstop.OptOutCategory(strings.TrimSpace(category)))
	}
	return r
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
	longest := backstop.DefaultCallTimeout // of the accounts in the database
	for _, account := range c.Accounts {
		longest = max(longest, account.CallTimeout)
	}
	return longest + writeTime
}

// maxAwaitReceipts is less than the 5 s of a workflow task; see Settings.AwaitReceipts in package workflows.
const maxAwaitReceipts = 4500 * time.Millisecond

// maxScheduled is more than any installation starts in a second.
const maxScheduled = 10_000

// maxExclusiveGrace is longer than any receipt takes that is not lost.
const maxExclusiveGrace = time.Hour

func (c config) settings() workflows.Settings {
	return workflows.Settings{
		UnknownWait: c.Send.UnknownWait, SMSReceiptWait: c.Send.SMSReceiptWait,
		AwaitReceipts: c.Send.AwaitReceipts,
		QueuedCalls:   c.Worker.CallsPerSecond > 0, // only the task queue can limit the calls of all workers together
	}
}

func (c config) validate() error {
	var errs []error
	check := func(ok bool, name, reason string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s%s: %s", envPrefix, name, reason))
		}
	}
	check(c.API.PublicURL == "" || isHTTPURL(c.API.PublicURL), "PUBLIC_URL", "must be an http or https URL")
	for _, former := range c.API.FormerPublicURLs {
		check(isHTTPURL(former), "FORMER_PUBLIC_URLS", "must be http or https URLs, separated by commas")
	}
	check(c.API.SandboxURL == "" || isHTTPURL(c.API.SandboxURL), "SANDBOX_URL", "must be an http or https URL")
	for _, proxy := range c.API.TrustedProxies {
		check(isAddressRange(proxy), "TRUSTED_PROXIES", "must be addresses and ranges like 10.1.0.0/16, separated by commas")
	}
	ring, err := c.keyring()
	check(err == nil, "KEYRING", fmt.Sprint(err))
	check(!c.Temporal.Encrypt || err != nil || !ring.IsEmpty(), "TEMPORAL_ENCRYPT", needsKey)
	if err == nil {
		for name, fault := range c.Seal.faults(ring) {
			check(fault == "", name, fault)
		}
	}
	check(c.Temporal.UIURL == "" || isHTTPURL(c.Temporal.UIURL), "TEMPORAL_UI_URL", "must be an http or https URL")
	fault := databaseFault(string(c.Database.URL))
	check(fault == "", "DATABASE_URL", fault)
	for name, value := range map[string]string{
		"LISTEN": c.API.Listen, "TEMPORAL_ADDRESS": c.Temporal.Address, "PPROF_LISTEN": c.Pprof.Listen,
		"METRICS_LISTEN": c.Metrics.Listen,
	} {
		_, _, err := net.SplitHostPort(value)
		check(err == nil || value == "" && (name == "PPROF_LISTEN" || name == "METRICS_LISTEN"), name, "must be host:port")
	}
	check(c.OTLP.Endpoint == "" || isHTTPURL(c.OTLP.Endpoint), "OTLP_ENDPOINT", "must be an http or https URL")
	check(c.OTLP.Endpoint != "" || !c.OTLP.Metrics, "OTLP_METRICS", "must be set together with "+envPrefix+"OTLP_ENDPOINT")
	check(c.API.Key == "" || len(c.API.Key) >= minAPIKey, "API_KEY", fmt.Sprintf("must have at least %d characters", minAPIKey))
	check(!strings.ContainsFunc(string(c.API.Key), isNotInHeader), "API_KEY", "must be printable ASCII characters without spaces")
	check(c.Database.MaxConns > 0, "DATABASE_MAX_CONNS", "must be at least 1")
	check(c.Worker.Calls > 0, "WORKER_CALLS", "must be at least 1")
	check(c.Worker.Cached > 0, "WORKER_CACHED", "must be at least 1")
	check(c.Worker.CallsPerSecond >= 0 && !math.IsInf(c.Worker.CallsPerSecond, 0), "WORKER_CALLS_PER_SECOND",
		"must be 0, for no limit, or more")
	check(c.Send.UnknownWait > 0, "UNKNOWN_WAIT", "must be more than 0")
	check(c.Send.SMSReceiptWait > 0, "SMS_RECEIPT_WAIT", "must be more than 0")
	check(c.Send.AwaitReceipts >= 0 && c.Send.AwaitReceipts <= maxAwaitReceipts, "AWAIT_RECEIPTS",
		"must be between 0 and "+maxAwaitReceipts.String())
	check(c.Send.ScheduledPerSecond >= 1 && c.Send.ScheduledPerSecond <= maxScheduled, "SCHEDULED_PER_SECOND",
		fmt.Sprintf("must be between 1 and %d", maxScheduled))
	check(c.Send.ExclusiveGrace >= time.Second && c.Send.ExclusiveGrace <= maxExclusiveGrace, "EXCLUSIVE_GRACE",
		fmt.Sprintf("must be between %v and %v", time.Second, maxExclusiveGrace))
	check(c.Stop.Drain == 0 || c.Stop.Drain >= minDrain && c.Stop.Drain <= maxDrain, "DRAIN",
		fmt.Sprintf("must be between %v and %v", minDrain, maxDrain))
	for name, fault := range c.Callback.faults() {
		check(false, name, fault)
	}
	for name, fault := range c.Worker.faults() {
		check(false, name, fault)
	}
	for name, fault := range c.peopleFaults() {
		check(false, name, fault)
	}
	fault = c.OptOuts.rules().Fault()
	check(fault == "", "STOP_CATEGORIES", fault)
	for name, words := range map[string][]string{"STOP_WORDS": c.OptOuts.StopWords, "START_WORDS": c.OptOuts.StartWords} {
		for _, word := range words {
			check(backstop.ValidKeyword(word), name, "must be words of 1 to 32 characters, separated by commas")
		}
	}
	together := "must be set together with " + envPrefix
	check((c.Temporal.TLSCert == "") == (c.Temporal.TLSKey == ""), "TEMPORAL_TLS_KEY", together+"TEMPORAL_TLS_CERT")
	return errors.Join(errs...)
}

// keyring returns the keys that seal the secrets of the accounts in the database. It is empty if none is configured.
func (c config) keyring() (*keyring.Keyring, error) {
	ring, err := keyring.Parse(string(c.API.Keyring))
	if err != nil {
		return nil, fmt.Errorf("read the keyring: %w", err)
	}
	return ring, nil
}

// minAPIKey is the minimum length of the API key, in characters. A shorter key is easier to guess.
const minAPIKey = 16

// readConfig fills a configuration from the environment. Its error lists every problem with the name of its variable. A
// variable that no command reads is a problem too: if its name is misspelt, a default would apply unnoticed.
func readConfig[C interface{ validate() error }](environment map[string]string) (C, error) {
	var c C
	problems := misspeltVariables(environment)
	environment, replaced := currentNames(environment)
	problems = append(problems, replaced...)
	if into, ok := any(&c).(*config); ok {
		accounts, wrong := readAccounts(environment)
		into.Accounts, problems = accounts, append(problems, wrong...)
	}
	groups := reflect.ValueOf(&c).Elem()
	for group := range groups.Type().Fields() {
		if group.Type.Kind() != reflect.Struct {
			continue
		}
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
	case reflect.TypeFor[backstop.Keep]():
		return "an age of at least 48h, like 90d, and of a category like 90d,authentication=7d"
	case reflect.TypeFor[backstop.Age]():
		return "an age of at least 48h, like 90d"
	case reflect.TypeFor[callbacks.Policy]():
		return "addresses and ranges like 10.1.0.0/16, separated by commas"
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
