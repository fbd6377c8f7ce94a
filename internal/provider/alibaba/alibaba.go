// Package alibaba sends SMS and WhatsApp messages through Alibaba Cloud, reads its receipts and inbound messages, and looks up
// SMS.
//
// Sources: the published Go clients of the two services (alibabacloud-go, dysmsapi-20180501 and cams-20200606) and the manual of
// Short Message Service (international) and of Chat App Message Service.
package alibaba

import (
	_ "embed"
	"errors"
	"net/url"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

//go:embed account.json
var description []byte

// name is the name of the provider.
const name = "alibaba"

// Versions of the services.
const (
	smsVersion      = "2018-05-01" // dysmsapi
	whatsAppVersion = "2020-06-06" // cams
)

// Driver returns the driver of Alibaba Cloud's accounts.
func Driver() provider.Driver {
	return provider.Driver{
		Provider:   provider.MustDescribe(description),
		Open:       func(s provider.Settings) (provider.Client, error) { return New(s) },
		ErrorCodes: ErrorCodes,
	}
}

// Client calls one service of Alibaba Cloud: that of its account's channel. It is safe for concurrent use.
type Client struct {
	poster   *provider.Poster
	signer   signer
	endpoint *url.URL
	version  string
	channel  backstop.Channel
	account  string // its name

	sender        string            // of channel WhatsApp: the number, without a plus
	spaceID       string            // of channel WhatsApp; may be empty
	templateCodes map[string]string // of channel WhatsApp: by the name of a template, or by name/language
}

// New returns an open account. Its error joins a *provider.FieldError for each wrong setting.
func New(s provider.Settings) (*Client, error) {
	v := s.Values
	field, version := "sms_endpoint", smsVersion
	var senderErr error
	if s.Channel == backstop.WhatsApp {
		field, version = "whatsapp_endpoint", whatsAppVersion
		senderErr = provider.CheckText("whatsapp_sender", v["whatsapp_sender"])
	}
	endpoint, err := provider.ParseURL(field, v[field])
	codes, codesErr := parseTemplateCodes(v["template_codes"])
	if err := errors.Join(
		err, senderErr, codesErr,
		provider.CheckText("access_key_id", v["access_key_id"]),
		provider.CheckText("access_key_secret", v["access_key_secret"]),
	); err != nil {
		return nil, err
	}
	return &Client{
		poster:        provider.NewPoster(s.Timeout, s.Secrets, v["access_key_secret"]),
		signer:        signer{id: v["access_key_id"], secret: v["access_key_secret"]},
		endpoint:      endpoint.JoinPath("/"),
		version:       version,
		channel:       s.Channel,
		account:       s.Account,
		sender:        strings.TrimPrefix(v["whatsapp_sender"], "+"),
		spaceID:       v["cust_space_id"],
		templateCodes: codes,
	}, nil
}
