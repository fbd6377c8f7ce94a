package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/people"
)

// oidcConfig is the OpenID Connect provider at which people sign in to the console; without an issuer there is none.
type oidcConfig struct {
	Issuer       string   `env:"ISSUER"`
	ClientID     string   `env:"CLIENT_ID"`
	ClientSecret secret   `env:"CLIENT_SECRET"`
	RedirectURL  string   `env:"REDIRECT_URL"` // empty: callbackPath at the public address
	Name         string   `env:"NAME"`
	Scopes       []string `env:"SCOPES"     envDefault:"profile,email"`
	RoleClaim    string   `env:"ROLE_CLAIM" envDefault:"groups"`
	Viewers      []string `env:"VIEWERS"` // values of the claim
	Operators    []string `env:"OPERATORS"`
	Admins       []string `env:"ADMINS"`
}

// sessionConfig has the lives of the sessions of the console.
type sessionConfig struct {
	Life  time.Duration `env:"LIFE"  envDefault:"12h"`
	Idle  time.Duration `env:"IDLE"  envDefault:"1h"`
	ByKey bool          `env:"BY_KEY" envDefault:"true"`
}

// Bounds of the configuration.
const (
	callbackPath   = "/console/session/oidc/callback"
	minSessionIdle = 5 * time.Minute // more than backstop.SessionSeenEvery
	maxSessionLife = 30 * 24 * time.Hour
	maxPeopleName  = 64
)

// roles returns the values of the claim that give each role.
func (c oidcConfig) roles() map[backstop.Role][]string {
	roles := map[backstop.Role][]string{
		backstop.RoleViewer: c.Viewers, backstop.RoleOperator: c.Operators, backstop.RoleAdmin: c.Admins,
	}
	for role, values := range roles {
		trimmed := make([]string, 0, len(values))
		for _, value := range values {
			if value = strings.TrimSpace(value); value != "" {
				trimmed = append(trimmed, value)
			}
		}
		roles[role] = trimmed
	}
	return roles
}

// redirectURL is where the provider sends a browser back to.
func (c config) redirectURL() string {
	if c.OIDC.RedirectURL != "" {
		return c.OIDC.RedirectURL
	}
	return strings.TrimSuffix(c.API.PublicURL, "/") + callbackPath
}

// isSafeURL reports whether a code or a secret may go to an address: by TLS, or on this machine.
func isSafeURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil || !isHTTPURL(address) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
}

// peopleFaults returns the faults of the variables about people, each with the name of its variable.
func (c config) peopleFaults() map[string]string {
	faults := map[string]string{}
	check := func(ok bool, name, reason string) {
		if !ok {
			faults[name] = reason
		}
	}
	o, s := c.OIDC, c.Session
	const safe = "must be an https URL without a query; http is for this machine alone"
	check(s.Life >= minSessionIdle && s.Life <= maxSessionLife, "SESSION_LIFE",
		fmt.Sprintf("must be between %v and %v", minSessionIdle, maxSessionLife))
	check(s.Idle >= minSessionIdle && s.Idle <= maxSessionLife, "SESSION_IDLE",
		fmt.Sprintf("must be between %v and %v", minSessionIdle, maxSessionLife))
	if o.Issuer == "" {
		check(s.ByKey, "SESSION_BY_KEY", "may be false only if people sign in at a provider: set "+envPrefix+"OIDC_ISSUER")
		check(o.ClientID == "" && o.ClientSecret == "" && o.RedirectURL == "", "OIDC_ISSUER",
			"must be set together with the other variables that begin with "+envPrefix+"OIDC_")
		return faults
	}
	hasRole := false
	for _, values := range o.roles() {
		hasRole = hasRole || len(values) > 0
	}
	check(isSafeURL(o.Issuer), "OIDC_ISSUER", safe)
	check(o.ClientID != "", "OIDC_CLIENT_ID", "is required together with "+envPrefix+"OIDC_ISSUER")
	check(isSafeURL(c.redirectURL()) && strings.HasSuffix(c.redirectURL(), callbackPath), "OIDC_REDIRECT_URL",
		safe+", and end with "+callbackPath+"; its default follows from "+envPrefix+"PUBLIC_URL")
	check(len(o.Name) <= maxPeopleName, "OIDC_NAME", fmt.Sprintf("must have at most %d bytes", maxPeopleName))
	check(o.RoleClaim != "", "OIDC_ROLE_CLAIM", "must not be empty")
	check(hasRole, "OIDC_ADMINS",
		"is required, or "+envPrefix+"OIDC_OPERATORS or "+envPrefix+"OIDC_VIEWERS: nobody else may sign in")
	return faults
}

// newPeople returns the provider at which people sign in; nil: there is none.
func (c config) newPeople() (*people.Provider, error) {
	if c.OIDC.Issuer == "" {
		return nil, nil //nolint:nilnil // it is no error
	}
	redirect := c.redirectURL()
	return people.New(people.Options{
		Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, ClientSecret: string(c.OIDC.ClientSecret), RedirectURL: redirect,
		HomeURL: strings.TrimSuffix(redirect, "session/oidc/callback"), Scopes: c.OIDC.Scopes,
		RoleClaim: c.OIDC.RoleClaim, Roles: c.OIDC.roles(),
	})
}

// setPeople sets the options of the API for sign-in and sessions.
func (c config) setPeople(o *api.Options) error {
	o.NoKeySignIn, o.SessionLife, o.SessionIdle = !c.Session.ByKey, c.Session.Life, c.Session.Idle
	provider, err := c.newPeople()
	if err != nil || provider == nil {
		return err
	}
	o.People, o.PeopleName = provider, c.OIDC.Name
	return nil
}

// checkPeople asks the identity provider for its discovery document, if there is one.
func (d *diagnosis) checkPeople(ctx context.Context, p *program) {
	provider, err := p.config.newPeople()
	if err != nil {
		d.add("people", isFault, err.Error(), "correct the variables that begin with BACKSTOP_OIDC_")
		return
	}
	if provider == nil {
		return
	}
	ctx, cancel := within(ctx)
	defer cancel()
	skew, err := provider.Check(ctx)
	const largest = 10 * time.Second // the header has whole seconds, and the answer takes a moment
	text := fmt.Sprintf("%s answers; its redirect URI must be %s", provider.Issuer(), p.config.redirectURL())
	switch {
	case err != nil:
		d.add("people", isFault, fmt.Sprintf("the discovery document of %s cannot be used: %v", provider.Issuer(), err),
			"check BACKSTOP_OIDC_ISSUER: it must be the issuer of the document, to the letter")
	case skew.Abs() > largest:
		d.add("people", isWarning, fmt.Sprintf("%s; its clock is %v ahead of this machine's", text, skew.Round(time.Second)),
			"synchronise the clocks (NTP): sign-ins fail from one minute on")
	default:
		d.add("people", isOK, text, "")
	}
}
