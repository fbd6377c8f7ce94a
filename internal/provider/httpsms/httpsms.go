// Package httpsms sends SMS through any gateway that takes messages by HTTP. A document in the account's settings says how the
// gateway is asked and what its answers and receipts mean; the package has recipes, which are such documents, for gateways in
// common use.
package httpsms

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

//go:embed account.json
var description []byte

// name is the name of the provider.
const name = "http"

// Driver returns the driver of the generic gateway's accounts.
func Driver() provider.Driver {
	return provider.Driver{
		Provider:   provider.MustDescribe(description),
		Open:       func(s provider.Settings) (provider.Client, error) { return New(s) },
		ErrorCodes: ErrorCodes,
	}
}

// Client calls a gateway with one account. It is safe for concurrent use.
type Client struct {
	poster     *provider.Poster
	gateway    *gateway
	codePrefix string // of the error codes of a recipe
	account    string // its name

	baseURL, username, password, token string

	receiptSecrets []string // the present one first
	publicURLs     []*url.URL
	webhookPath    string
	webhookURL     string
}

// New returns an open account. Its error joins a *provider.FieldError for each wrong setting.
func New(s provider.Settings) (*Client, error) {
	v := s.Values
	recipe := cmp.Or(v["recipe"], custom)
	g, err := chooseGateway(recipe, v["gateway"])
	if err != nil {
		return nil, err
	}
	c := &Client{
		gateway:        g,
		account:        s.Account,
		baseURL:        cmp.Or(v["base_url"], g.baseURL),
		username:       v["username"],
		password:       v["password"],
		token:          v["token"],
		receiptSecrets: s.Verifiers("receipt_secret"),
		publicURLs:     s.PublicURLs,
		webhookPath:    s.WebhookPath,
		webhookURL:     s.WebhookURL().String(),
	}
	if recipe != custom {
		c.codePrefix = recipe + "."
	}
	if err := c.checkSettings(); err != nil {
		return nil, err
	}
	c.poster = provider.NewPoster(s.Timeout, s.Secrets, c.secrets()...)
	return c, nil
}

// chooseGateway returns the recipe of this name, or the account's own document.
func chooseGateway(recipe, document string) (*gateway, error) {
	if recipe != custom {
		g, err := readRecipe(recipe)
		switch {
		case err != nil:
			return nil, err
		case g == nil:
			return nil, &provider.FieldError{Field: "recipe", Reason: "is not the name of a recipe"}
		case document != "":
			return nil, &provider.FieldError{Field: "gateway", Reason: "is for the recipe custom; leave it empty"}
		}
		return g, nil
	}
	if document == "" {
		return nil, &provider.FieldError{Field: "gateway", Reason: "is required, unless there is a recipe"}
	}
	g, err := readGateway([]byte(document))
	if err != nil {
		return nil, &provider.FieldError{Field: "gateway", Reason: err.Error()}
	}
	return g, nil
}

// checkSettings checks that the account has each value that its gateway uses.
func (c *Client) checkSettings() error {
	uses, auth := c.gateway.request.uses(), "none"
	if c.gateway.receipts != nil {
		auth = c.gateway.receipts.auth.kind
	}
	var errs []error
	if uses["base_url"] {
		base, err := provider.ParseURL("base_url", c.baseURL)
		errs = append(errs, err)
		if err == nil {
			c.baseURL = base.String()
		}
	}
	for _, field := range []struct{ name, value string }{
		{"username", c.username}, {"password", c.password}, {"token", c.token},
	} {
		if uses[field.name] {
			errs = append(errs, provider.CheckText(field.name, field.value))
		}
	}
	if auth != "none" {
		errs = append(errs, provider.CheckText("receipt_secret", c.receiptSecrets[0]))
	}
	return errors.Join(errs...)
}

// secrets returns what no failure may repeat: the secrets, also as they are written in a request.
func (c *Client) secrets() []string {
	all := []string{base64.StdEncoding.EncodeToString([]byte(c.username + ":" + c.password))}
	key := c.webhookPath[strings.LastIndex(c.webhookPath, "/")+1:]
	if key != c.account { // the path ends in the secret of the webhook
		all = append(all, key)
	}
	for _, secret := range append([]string{c.password, c.token}, c.receiptSecrets...) {
		quoted, err := json.Marshal(secret)
		if err == nil {
			all = append(all, strings.Trim(string(quoted), `"`))
		}
		all = append(all, secret, url.QueryEscape(secret), url.PathEscape(secret))
	}
	return all
}

// SendSMS sends a text. Every error is a *backstop.Failure.
func (c *Client) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	answer, err := c.call(ctx, c.valuesOf(m, time.Now()))
	if err != nil {
		return backstop.Submission{}, err
	}
	return c.submission(answer, m.Ref)
}

// call makes the request of a message.
func (c *Client) call(ctx context.Context, v values) (provider.Answer, error) {
	r := c.gateway.request
	target, header := r.target(v), r.header(v)
	switch r.encoding {
	case "query":
		return c.poster.SendBare(ctx, r.method, target, header)
	case "form":
		form := url.Values{}
		addParameters(form, r.body, v)
		return c.poster.Post(ctx, target, header, []byte(form.Encode()))
	}
	body, err := jsonBody(r.body, v)
	if err != nil {
		return provider.Answer{}, &backstop.Failure{Kind: backstop.Rejected, Reason: fmt.Sprintf("encode request: %v", err)}
	}
	return c.poster.Post(ctx, target, header, body)
}

// RefusesRepeats reports whether a repeated message is recognized, so a call of unknown end is repeated.
func (c *Client) RefusesRepeats() bool { return c.gateway.repeat != nil }

var _ interface {
	provider.SMS
	provider.Answerer
	provider.GetReceiver
	provider.RepeatRefuser
} = (*Client)(nil)
