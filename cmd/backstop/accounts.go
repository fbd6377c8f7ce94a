package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/activities"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/registry"
)

// The settings of every account, as the last part of a variable's name.
const (
	varChannel        = "CHANNEL" // of a driver with several
	varOnUnknown      = "ON_UNKNOWN"
	varWhenUnhealthy  = "WHEN_UNHEALTHY"
	varTimeout        = "TIMEOUT"
	varCallsPerSecond = "CALLS_PER_SECOND"
	varCallsAtOnce    = "CALLS_AT_ONCE"
	varWebhookKey     = "WEBHOOK_KEY" // of a driver that signs nothing
)

// accountVariable is a variable that gives a part of an account.
type accountVariable struct {
	name      string
	byDefault string
	required  bool
}

// variablesOf returns the variables of the account that the environment may give for a driver.
func variablesOf(d provider.Driver) []accountVariable {
	prefix := envPrefix + strings.ToUpper(d.Name) + "_"
	var list []accountVariable
	for _, field := range d.Fields {
		list = append(list, accountVariable{
			name: prefix + strings.ToUpper(field.Name), byDefault: field.Default,
			required: field.Required && field.Default == "" && field.Takes(d.Channels[0]),
		})
	}
	if len(d.Channels) > 1 {
		list = append(list, accountVariable{name: prefix + varChannel, byDefault: string(d.Channels[0])})
	}
	if slices.Contains(d.Channels, backstop.WhatsApp) {
		list = append(list, accountVariable{name: prefix + varWhenUnhealthy, byDefault: string(backstop.FallBackUnhealthy)})
	}
	if !d.SignsWebhooks {
		list = append(list, accountVariable{name: prefix + varWebhookKey, required: true})
	}
	return append(list,
		accountVariable{name: prefix + varOnUnknown, byDefault: string(d.OnUnknown)},
		accountVariable{name: prefix + varTimeout, byDefault: backstop.DefaultCallTimeout.String()},
		accountVariable{name: prefix + varCallsPerSecond, byDefault: "0"},
		accountVariable{name: prefix + varCallsAtOnce, byDefault: "0"},
	)
}

// readAccounts returns the accounts that the environment gives: at most one of each driver, with the driver's name. A driver of
// which no variable is set has none. The problems never repeat a value.
func readAccounts(environment map[string]string) (given []backstop.Account, problems []string) {
	for _, d := range registry.Drivers() {
		isSet := false
		for _, v := range variablesOf(d) {
			isSet = isSet || environment[v.name] != ""
		}
		if !isSet {
			continue
		}
		account, wrong := readAccount(d, environment)
		given, problems = append(given, account), append(problems, wrong...)
	}
	return given, problems
}

func readAccount(d provider.Driver, environment map[string]string) (backstop.Account, []string) {
	prefix := envPrefix + strings.ToUpper(d.Name) + "_"
	var problems []string
	read := func(name string, parse func(string) error, form string) {
		if value := environment[prefix+name]; value != "" && parse(value) != nil {
			problems = append(problems, prefix+name+": must be "+form)
		}
	}
	account := backstop.Account{
		Name: d.Name, Provider: d.Name, Channel: d.Channels[0], Settings: map[string]string{}, OnUnknown: d.OnUnknown,
		WhenUnhealthy: backstop.FallBackUnhealthy, CallTimeout: backstop.DefaultCallTimeout, IsFromEnvironment: true,
	}
	if channel := environment[prefix+varChannel]; channel != "" {
		account.Channel = backstop.Channel(channel)
	}
	if value := environment[prefix+varOnUnknown]; value != "" {
		account.OnUnknown = backstop.OnUnknown(value)
	}
	if value := environment[prefix+varWhenUnhealthy]; value != "" {
		account.WhenUnhealthy = backstop.WhenUnhealthy(value)
	}
	read(varTimeout, into(&account.CallTimeout, time.ParseDuration), "a duration, like 30s or 12h")
	read(varCallsPerSecond, into(&account.CallsPerSecond, parseFloat), "a number")
	read(varCallsAtOnce, into(&account.CallsAtOnce, strconv.Atoi), "a number")
	account.WebhookKey = environment[prefix+varWebhookKey]
	if !d.SignsWebhooks && !webhookKey.MatchString(account.WebhookKey) {
		problems = append(problems, prefix+varWebhookKey+": must be 16 to 64 letters and digits that nobody can guess: "+
			"they are part of the address to which the provider sends receipts")
	}
	for _, field := range d.Fields {
		if value := environment[prefix+strings.ToUpper(field.Name)]; value != "" && field.Takes(account.Channel) {
			account.Settings[field.Name] = value
		}
	}
	account.Settings = d.WithDefaults(account.Channel, account.Settings)
	problems = append(problems, describeFields(prefix, d.ValidateAccount(account))...)
	return account, append(problems, openProblems(d, prefix, account, problems)...)
}

// openProblems returns what the driver finds wrong with the settings of an account, besides the known problems.
func openProblems(d provider.Driver, prefix string, account backstop.Account, known []string) []string {
	_, err := d.Open(provider.Settings{
		Account: account.Name, Channel: account.Channel, Values: account.Settings,
		PublicURLs: []*url.URL{{Scheme: "https", Host: "x"}},
	})
	var problems []string
	for _, fault := range provider.FieldErrors(err) {
		variable := prefix + strings.ToUpper(fault.Field)
		if !slices.ContainsFunc(known, func(problem string) bool { return strings.HasPrefix(problem, variable+":") }) {
			problems = append(problems, variable+": "+fault.Reason)
		}
	}
	return problems
}

// webhookKey is the form of a secret in the address of a webhook.
var webhookKey = regexp.MustCompile(`^[A-Za-z0-9]{16,64}$`)

// into returns a function that parses a text, and stores the value if it can be parsed.
func into[T any](value *T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		parsed, err := parse(text)
		if err == nil {
			*value = parsed
		}
		return err
	}
}

func parseFloat(text string) (float64, error) {
	return strconv.ParseFloat(text, 64) //nolint:wrapcheck // only whether it fails is used
}

// describeFields returns the problems of an account by the names of their variables.
func describeFields(prefix string, err error) []string {
	invalid, ok := errors.AsType[*backstop.Error](err)
	if !ok {
		return nil
	}
	variables := map[string]string{"call_timeout_seconds": varTimeout}
	var problems []string
	for _, field := range invalid.Fields {
		name, reason := strings.TrimPrefix(field.Name, "settings."), field.Reason
		if variable, found := variables[name]; found {
			name = variable
		}
		if name == varTimeout {
			reason = fmt.Sprintf("must be between 1s and %v", backstop.MaxCallTimeout)
		}
		problems = append(problems, prefix+strings.ToUpper(name)+": "+reason)
	}
	return problems
}

// isSimulated reports whether all accounts send to one address without TLS: a sandbox answers for all of them.
func isSimulated(all []accounts.Open) bool {
	address := ""
	for _, account := range all {
		hasAddress := false
		for _, field := range account.Driver.Fields {
			if field.Kind != backstop.URLField || account.Settings[field.Name] == "" {
				continue
			}
			at, err := url.Parse(account.Settings[field.Name])
			if err != nil || at.Scheme != "http" || address != "" && at.Host != address {
				return false
			}
			address, hasAddress = at.Host, true
		}
		if !hasAddress {
			return false // its driver knows the address
		}
	}
	return address != ""
}

// isSandbox reports whether the providers are simulated now.
func (p *program) isSandbox() bool { return isSimulated(p.accounts.List()) }

// newAccounts returns the accounts of the environment and of the database.
func (p *program) newAccounts() (*accounts.Directory, error) {
	ring, err := p.config.keyring()
	if err != nil {
		return nil, err
	}
	public, err := publicURLs(p.config.API)
	if err != nil {
		return nil, err
	}
	var sandboxURL *url.URL
	if p.config.API.SandboxURL != "" {
		if sandboxURL, err = provider.ParseURL("SANDBOX_URL", p.config.API.SandboxURL); err != nil {
			return nil, fmt.Errorf("read the address of the sandbox: %w", err)
		}
	}
	directory, err := accounts.New(accounts.Options{
		Sandbox: sandboxURL,
		Store:   p.db, Keyring: ring, Drivers: registry.Drivers(), PublicURLs: public, Log: p.log,
		FromEnvironment: p.config.Accounts, Health: p.health.HealthOf, Changed: p.forgetHealth,
	})
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	return directory, nil
}

// forgetHealth lets an account be judged anew after it was changed: its calls are allowed again.
func (p *program) forgetHealth(ctx context.Context, account string) {
	if err := p.health.Forget(ctx, account); err != nil {
		p.log.WarnContext(ctx, "the health of an account stays as it was", "account", account, "error", err)
	}
}

// publicURLs returns the public address and the former ones.
func publicURLs(c apiConfig) ([]*url.URL, error) {
	var all []*url.URL
	for _, address := range append([]string{c.PublicURL}, c.FormerPublicURLs...) {
		parsed, err := provider.ParseURL("PUBLIC_URL", address)
		if err != nil {
			return nil, fmt.Errorf("read the public address: %w", err)
		}
		all = append(all, parsed)
	}
	return all, nil
}

// callable gives the activities the accounts of a directory.
type callable struct{ *accounts.Directory }

// Account returns the account of this name, or false if none is configured.
func (c callable) Account(name string) (activities.Account, bool) {
	open, found := c.Find(name)
	if !found {
		return activities.Account{}, false
	}
	account := activities.Account{
		Name: open.Name, Provider: open.Provider, RefusesRepeats: refusesRepeats(open),
		HoldsUnknown: open.OnUnknown == backstop.HoldUnknown, FallsBack: open.WhenUnhealthy == backstop.FallBackUnhealthy,
		HasLimits: open.HasLimits(),
	}
	switch {
	case open.IsDisabled:
		account.Fault = "the account is disabled"
	case open.Client == nil:
		account.Fault = "the account cannot be opened: " + open.Fault
	}
	if open.Channel == backstop.WhatsApp {
		account.WhatsApp, _ = open.Client.(activities.WhatsApp)
	} else {
		account.SMS, _ = open.Client.(activities.SMS)
	}
	account.Finder, _ = open.Client.(activities.Finder)
	return account, true
}

func refusesRepeats(open accounts.Open) bool {
	if c, ok := open.Client.(interface{ RefusesRepeats() bool }); ok {
		return c.RefusesRepeats()
	}
	return open.Driver.RefusesRepeats
}

// webhook finds the webhook of an account for the API.
func (p *program) webhook(providerName, name string) (api.Webhook, bool) {
	generation := p.accounts.Generation()
	open, found := p.accounts.OfWebhook(providerName, name)
	if !found {
		return api.Webhook{}, false
	}
	w := api.Webhook{
		Provider: open.Provider, Account: open.Name, NeedsKey: !open.Driver.SignsWebhooks, Keys: open.WebhookKeys(time.Now()),
		Generation: generation,
	}
	if open.Client != nil {
		w.Reader = open.Client
	}
	return w, true
}

// refreshAccounts notices the changes of accounts that other processes have stored. If that fails, the accounts stay as they are.
func (p *program) refreshAccounts(ctx context.Context) {
	if err := p.accounts.Refresh(ctx); err != nil {
		p.log.DebugContext(ctx, "accounts are not read again for a refused request", "error", err)
	}
}

// checkProviders describes whether messages can go out by the accounts that are in use. It names none, because /readyz needs no
// key.
func (p *program) checkProviders() string {
	inUse, unhealthy := 0, 0
	for _, account := range p.accounts.List() {
		if account.IsDisabled {
			continue
		}
		inUse++
		state := p.health.HealthOf(account.Name).State
		if account.Client == nil || state == backstop.Unhealthy || state == backstop.Probing {
			unhealthy++
		}
	}
	switch {
	case inUse == 0:
		return "no account is configured: no message can be sent"
	case unhealthy > 0:
		return fmt.Sprintf("%d of %d accounts are unhealthy: see GET /v1/accounts", unhealthy, inUse)
	}
	return "ok"
}

// keepAccounts notices the changes of accounts until ctx is done.
func (p *program) keepAccounts(ctx context.Context) error {
	p.accounts.Run(ctx)
	return nil
}
