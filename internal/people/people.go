// Package people signs people in by an OpenID Connect provider: authorization code flow with PKCE (RFC 7636), state and nonce
// (OpenID Connect Core 1.0).
package people

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/backstophq/backstop"
)

const (
	// timeout bounds a request to the provider.
	timeout = 10 * time.Second
	// maxAnswer bounds an answer of the provider, in bytes.
	maxAnswer = 1 << 20
	// discoverEvery is how long the discovery document is kept.
	discoverEvery = time.Hour
	// leeway is by how much the clocks of the provider and of this machine may differ.
	leeway = time.Minute
	// maxSubject is the longest subject (OpenID Connect Core 1.0, 2).
	maxSubject = 255
)

// Options are the settings of a Provider.
type Options struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	RedirectURL  string   // where the provider sends the browser back to
	HomeURL      string   // where it sends the browser after the end of its session
	Scopes       []string // besides openid
	RoleClaim    string   // the claim with the values of Roles, such as groups
	Roles        map[backstop.Role][]string

	Now func() time.Time // nil: time.Now
}

// Provider is an OpenID Connect provider. It is asked only when somebody signs in. Its methods may be called concurrently.
type Provider struct {
	o      Options
	client *http.Client

	mu    sync.Mutex
	found *found
}

// found is what the discovery document has.
type found struct {
	*oidc.Provider

	at         time.Time
	endSession string // end_session_endpoint; empty: there is none
}

// Flow is the secret part of one sign-in. The browser that begins it keeps it, sealed, until it comes back.
type Flow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // of PKCE
}

// NewFlow returns a random flow.
func NewFlow() Flow {
	return Flow{State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier()}
}

// New returns a Provider. It does not ask the provider.
func New(o Options) (*Provider, error) {
	if o.Issuer == "" || o.ClientID == "" || o.RedirectURL == "" || o.RoleClaim == "" {
		return nil, errors.New("new people: an issuer, a client, a redirect address and a claim are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Provider{o: o, client: &http.Client{Timeout: timeout, Transport: bounded{http.DefaultTransport}}}, nil
}

// Issuer returns the address of the provider.
func (p *Provider) Issuer() string { return p.o.Issuer }

// Start returns the address at the provider where a person signs in. It fails with a SignInError.
func (p *Provider) Start(ctx context.Context, flow Flow) (string, error) {
	f, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return p.config(f).AuthCodeURL(flow.State, oidc.Nonce(flow.Nonce), oauth2.S256ChallengeOption(flow.Verifier)), nil
}

// Finish exchanges the code that the browser brings back, and returns who has signed in. It fails with a SignInError. The person
// is set also if the reason is NoRole.
func (p *Provider) Finish(ctx context.Context, code string, flow Flow) (backstop.Person, error) {
	f, err := p.discover(ctx)
	if err != nil {
		return backstop.Person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.config(f).Exchange(ctx, code, oauth2.VerifierOption(flow.Verifier))
	if err != nil {
		return backstop.Person{}, faultOf(err)
	}
	all, err := p.verify(ctx, f, token, flow.Nonce)
	if err != nil {
		return backstop.Person{}, err
	}
	return p.personOf(all)
}

// verify checks the ID token (OpenID Connect Core 1.0, 3.1.3.7) and returns the claims about the person.
func (p *Provider) verify(ctx context.Context, f *found, token *oauth2.Token, nonce string) (claims, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, newFault(Malformed, errors.New("the provider sent no ID token: is the scope openid allowed?"))
	}
	// Its times are checked below, with a leeway.
	verifier := f.Verifier(&oidc.Config{ClientID: p.o.ClientID, SkipExpiryCheck: true})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, faultOf(err)
	}
	now := p.o.Now()
	switch {
	case now.After(id.Expiry.Add(leeway)):
		return nil, newFault(Clock, fmt.Errorf("the ID token ended at %v, and it is %v here", id.Expiry.UTC(), now.UTC()))
	case id.IssuedAt.After(now.Add(leeway)):
		return nil, newFault(Clock, fmt.Errorf("the ID token is of %v, and it is %v here", id.IssuedAt.UTC(), now.UTC()))
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1:
		return nil, newFault(Malformed, errors.New("the ID token has another nonce"))
	case id.Subject == "" || len(id.Subject) > maxSubject:
		return nil, newFault(Malformed, errors.New("the ID token has no subject, or a long one"))
	}
	all := claims{}
	if err := id.Claims(&all); err != nil {
		return nil, newFault(Malformed, fmt.Errorf("read claims: %w", err))
	}
	return all, p.addUserInfo(ctx, f, token, all)
}

// addUserInfo adds the claims that the provider has at its userinfo endpoint alone. Those of scopes like email belong there
// (OpenID Connect Core 1.0, 5.4).
func (p *Provider) addUserInfo(ctx context.Context, f *found, token *oauth2.Token, all claims) error {
	if f.UserInfoEndpoint() == "" || all.has(p.o.RoleClaim) && all.has("email") {
		return nil
	}
	info, err := f.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return faultOf(err)
	}
	if info.Subject != all["sub"] {
		return newFault(Malformed, errors.New("the userinfo is of another person"))
	}
	more := claims{}
	if err := info.Claims(&more); err != nil {
		return newFault(Malformed, fmt.Errorf("read userinfo: %w", err))
	}
	for name, value := range more {
		if _, isKnown := all[name]; !isKnown {
			all[name] = value
		}
	}
	return nil
}

// EndURL returns the address that ends the session at the provider (OpenID Connect RP-Initiated Logout 1.0), or an empty text if
// it has none. It fails with a SignInError.
func (p *Provider) EndURL(ctx context.Context) (string, error) {
	f, err := p.discover(ctx)
	if err != nil || f.endSession == "" {
		return "", err
	}
	u, err := url.Parse(f.endSession)
	if err != nil {
		return "", newFault(Malformed, fmt.Errorf("read end_session_endpoint: %w", err))
	}
	query := u.Query()
	query.Set("client_id", p.o.ClientID)
	query.Set("post_logout_redirect_uri", p.o.HomeURL)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// Check asks the provider for its discovery document, and returns by how much its clock is ahead of this machine's. It fails with
// a Fault.
func (p *Provider) Check(ctx context.Context) (skew time.Duration, err error) {
	var date time.Time
	dated := *p.client
	dated.Transport = recording{p.client.Transport, func(r *http.Response) { date, _ = http.ParseTime(r.Header.Get("Date")) }}
	if _, err := p.ask(ctx, &dated); err != nil {
		return 0, err
	}
	if date.IsZero() {
		return 0, nil
	}
	return date.Sub(p.o.Now()), nil
}

func (p *Provider) config(f *found) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.ClientSecret, Endpoint: f.Endpoint(), RedirectURL: p.o.RedirectURL,
		Scopes: append([]string{oidc.ScopeOpenID}, p.o.Scopes...),
	}
}

// discover returns the discovery document, which it reads once an hour. If the provider is away, the former one stays in use.
func (p *Provider) discover(ctx context.Context) (*found, error) {
	p.mu.Lock()
	present := p.found
	p.mu.Unlock()
	if present != nil && p.o.Now().Sub(present.at) < discoverEvery {
		return present, nil
	}
	f, err := p.ask(ctx, p.client)
	if err != nil {
		if present != nil && isAway(err) {
			return present, nil
		}
		return nil, err
	}
	p.mu.Lock()
	p.found = f
	p.mu.Unlock()
	return f, nil
}

func (p *Provider) ask(ctx context.Context, client *http.Client) (*found, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), p.o.Issuer)
	if err != nil {
		return nil, faultOf(err)
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
		JWKS       string `json:"jwks_uri"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, newFault(Malformed, fmt.Errorf("read the discovery document: %w", err))
	}
	endpoint := provider.Endpoint()
	for name, address := range map[string]string{
		"authorization_endpoint": endpoint.AuthURL, "token_endpoint": endpoint.TokenURL, "jwks_uri": more.JWKS,
	} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, newFault(Malformed, fmt.Errorf("the discovery document has no valid %s", name))
		}
	}
	return &found{Provider: provider, at: p.o.Now(), endSession: more.EndSession}, nil
}

// bounded ends an answer that is too long.
type bounded struct{ http.RoundTripper }

// RoundTrip sends a request.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // it is a part of the transport
	}
	if answer.StatusCode >= http.StatusInternalServerError {
		answer.Body.Close()
		return nil, &statusError{answer.Status}
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	return answer, nil
}

// statusError is an answer of a provider that is away behind its proxy, or broken.
type statusError struct{ status string }

func (e *statusError) Error() string { return "it answers " + e.status }

// recording shows each answer to a function.
type recording struct {
	http.RoundTripper

	see func(*http.Response)
}

// RoundTrip sends a request.
func (r recording) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := r.RoundTripper.RoundTrip(request)
	if err == nil {
		r.see(answer)
	}
	return answer, err //nolint:wrapcheck // it is a part of the transport
}
