// Package infobip sends SMS and WhatsApp messages through Infobip, reads its reports and inbound messages, and looks up SMS.
//
// Sources: Infobip's published OpenAPI descriptions (version 3.210, 2026-07), its Go client infobip-api-go-client (v3.2), and its
// list of statuses and errors.
//
// Each message goes out with an id of ours, its reference. Infobip refuses an id that it has had before. So a call of unknown
// end is repeated, and the refusal of the repeat means that the first call arrived.
package infobip

import (
	_ "embed"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

//go:embed account.json
var description []byte

// Driver returns the driver of Infobip's accounts.
func Driver() provider.Driver {
	return provider.Driver{Provider: provider.MustDescribe(description), Open: Open, ErrorCodes: ErrorCodes}
}

// name is the name of the provider.
const name = "infobip"

// Client is what the accounts of both channels have in common. It is safe for concurrent use.
type Client struct {
	poster     *provider.Poster
	base       *url.URL
	header     http.Header
	channel    backstop.Channel
	account    string
	webhookURL string
	timeout    time.Duration // of one send, with all its requests
}

// SMS is an account that sends by SMS.
type SMS struct{ *Client }

// WhatsApp is an account that sends by WhatsApp, from one number.
type WhatsApp struct {
	*Client

	sender string // digits
}

// Open returns an open account: an SMS or a WhatsApp, by its channel. Its error joins a *provider.FieldError for each wrong
// setting.
func Open(s provider.Settings) (provider.Client, error) {
	v := s.Values
	base, err := provider.ParseURL("base_url", v["base_url"])
	if s.Channel == backstop.WhatsApp {
		err = errors.Join(err, provider.CheckText("sender", v["sender"]))
	}
	if err := errors.Join(err, provider.CheckText("api_key", v["api_key"])); err != nil {
		return nil, err
	}
	c := &Client{
		poster: provider.NewPoster(s.Timeout, s.Secrets, v["api_key"]),
		base:   base,
		header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"App " + v["api_key"]},
			"Content-Type":  {"application/json"},
		},
		channel:    s.Channel,
		account:    s.Account,
		webhookURL: s.WebhookURL().String(),
		timeout:    s.Timeout,
	}
	if c.timeout == 0 {
		c.timeout = provider.DefaultTimeout
	}
	if s.Channel == backstop.WhatsApp {
		return &WhatsApp{Client: c, sender: digits(v["sender"])}, nil
	}
	return &SMS{Client: c}, nil
}

// address returns the URL of a part of the API.
func (c *Client) address(path string) string { return c.base.JoinPath(path).String() }

// digits returns a phone number as Infobip writes it: without its plus.
func digits(number string) string { return strings.TrimPrefix(number, "+") }
