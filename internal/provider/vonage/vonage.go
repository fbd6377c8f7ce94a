// Package vonage sends SMS and WhatsApp messages through Vonage's Messages API (version 1), and reads its statuses and inbound
// messages. Vonage has no look-up by a reference of ours.
//
// Sources: Vonage's manual (status callbacks, signed webhooks, API errors), its Node SDK (2026-07) and its Python and Java SDKs.
package vonage

import (
	_ "embed"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

//go:embed account.json
var description []byte

// Driver returns the driver of Vonage's accounts.
func Driver() provider.Driver {
	return provider.Driver{
		Provider:   provider.MustDescribe(description),
		Open:       func(s provider.Settings) (provider.Client, error) { return New(s) },
		ErrorCodes: ErrorCodes,
	}
}

// Client calls Vonage with one account. It is safe for concurrent use.
type Client struct {
	poster      *provider.Poster
	messagesURL string
	tokens      *tokenSource // nil if the calls have an API key
	basic       string       // the Authorization header of an API key
	secrets     []string     // the signature secrets, the present one first
	channel     backstop.Channel
	account     string
	sender      string // of a WhatsApp account: digits
	webhookURL  string
}

// name is the name of the provider.
const name = "vonage"

// New returns an open account. Its error joins a *provider.FieldError for each wrong setting.
func New(s provider.Settings) (*Client, error) {
	v := s.Values
	base, err := provider.ParseURL("base_url", v["base_url"])
	faults := []error{err, provider.CheckText("signature_secret", v["signature_secret"])}
	if s.Channel == backstop.WhatsApp {
		faults = append(faults, provider.CheckText("sender", v["sender"]))
	}
	c := &Client{
		secrets:    s.Verifiers("signature_secret"),
		channel:    s.Channel,
		account:    s.Account,
		sender:     digits(v["sender"]),
		webhookURL: s.WebhookURL().String(),
	}
	if v["api_key"] != "" || v["api_secret"] != "" {
		faults = append(faults, provider.CheckText("api_key", v["api_key"]), provider.CheckText("api_secret", v["api_secret"]))
		c.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(v["api_key"]+":"+v["api_secret"]))
	}
	if v["application_id"] != "" || v["private_key"] != "" || c.basic == "" {
		key, err := parseKey(v["private_key"])
		faults = append(faults, provider.CheckText("application_id", v["application_id"]), err)
		c.tokens = &tokenSource{application: v["application_id"], key: key, now: time.Now}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	c.messagesURL = base.JoinPath("v1/messages").String()
	own := append([]string{v["api_secret"], strings.TrimPrefix(c.basic, "Basic "), v["private_key"]}, c.secrets...)
	c.poster = provider.NewPoster(s.Timeout, s.Secrets, own...)
	return c, nil
}

// header returns the header of a call. An application is preferred to an API key, because Vonage then knows which application
// the message belongs to.
func (c *Client) header() (http.Header, error) {
	authorization := c.basic
	if c.tokens != nil {
		token, err := c.tokens.token()
		if err != nil {
			return nil, err
		}
		authorization = "Bearer " + token
	}
	return http.Header{
		"Accept":        {"application/json"},
		"Authorization": {authorization},
		"Content-Type":  {"application/json"},
	}, nil
}

// digits returns a phone number as Vonage writes it: without its plus.
func digits(number string) string { return strings.TrimPrefix(number, "+") }
