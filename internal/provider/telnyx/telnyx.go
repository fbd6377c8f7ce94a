// Package telnyx sends SMS through Telnyx's Messaging API (version 2), reads its webhooks, and looks up messages by their id.
//
// Sources: Telnyx's manual (send a message, receiving webhooks for messaging, messaging error codes, API error codes, advanced
// opt-in and opt-out) and its Go SDK 4 of August 2026, which is generated from its API description.
package telnyx

import (
	"crypto/ed25519"
	_ "embed"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"github.com/backstophq/backstop/internal/provider"
)

//go:embed account.json
var description []byte

// Driver returns the driver of Telnyx's accounts.
func Driver() provider.Driver {
	return provider.Driver{
		Provider:   provider.MustDescribe(description),
		Open:       func(s provider.Settings) (provider.Client, error) { return New(s) },
		ErrorCodes: ErrorCodes,
	}
}

// Client calls Telnyx with one account. It is safe for concurrent use.
type Client struct {
	poster     *provider.Poster
	base       *url.URL
	header     http.Header
	keys       []ed25519.PublicKey // the present one first
	profile    string              // the messaging profile; may be empty
	account    string
	webhookURL *url.URL
}

// name is the name of the provider.
const name = "telnyx"

// New returns an open account. Its error joins a *provider.FieldError for each wrong setting.
func New(s provider.Settings) (*Client, error) {
	v := s.Values
	base, err := provider.ParseURL("base_url", v["base_url"])
	keys, keyErr := parseKeys(s.Verifiers("public_key"))
	if err := errors.Join(err, keyErr, provider.CheckText("api_key", v["api_key"])); err != nil {
		return nil, err
	}
	return &Client{
		poster: provider.NewPoster(s.Timeout, s.Secrets, v["api_key"]),
		base:   base,
		header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Bearer " + v["api_key"]},
			"Content-Type":  {"application/json"},
		},
		keys:       keys,
		profile:    v["messaging_profile_id"],
		account:    s.Account,
		webhookURL: s.WebhookURL(),
	}, nil
}

// parseKeys reads public keys in base64. The first is the present one, and must be valid.
func parseKeys(encoded []string) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for i, text := range encoded {
		key, err := base64.StdEncoding.Strict().DecodeString(text)
		switch {
		case err == nil && len(key) == ed25519.PublicKeySize:
			keys = append(keys, key)
		case i == 0:
			return nil, &provider.FieldError{Field: "public_key", Reason: "must have 44 characters, the last of them ="}
		}
	}
	return keys, nil
}

// address returns the URL of a resource.
func (c *Client) address(path ...string) string {
	return c.base.JoinPath(append([]string{"v2"}, path...)...).String()
}
