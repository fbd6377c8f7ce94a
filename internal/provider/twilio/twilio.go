// Package twilio sends SMS and WhatsApp messages through Twilio's Programmable Messaging, reads status callbacks and inbound
// messages, and looks up messages.
//
// Sources: Twilio's manual, its published OpenAPI descriptions (twilio-oai, twilio_api_v2010 and twilio_content_v1) and the
// request validators of its own client libraries.
package twilio

import (
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

//go:embed account.json
var description []byte

// Driver returns the driver of Twilio's accounts.
func Driver() provider.Driver {
	return provider.Driver{
		Provider:   provider.MustDescribe(description),
		Open:       func(s provider.Settings) (provider.Client, error) { return New(s) },
		ErrorCodes: ErrorCodes,
	}
}

// Client calls Twilio with one account. It is safe for concurrent use.
type Client struct {
	poster      *provider.Poster
	channel     backstop.Channel
	accountURL  string // the URL of the account
	messagesURL string // the URL to send and to list messages
	messageURL  string // the URL of one message, without its id
	header      http.Header
	hasKey      bool     // an API key authenticates the calls
	sid         string   // the account's SID
	authTokens  []string // the present one first
	account     string   // its name
	publicURLs  []*url.URL
	webhookURL  string

	whatsAppSender string            // E.164; of channel WhatsApp
	contentSIDs    map[string]string // of channel WhatsApp: by the name of a template, or by name/language
}

// name is the name of the provider.
const name = "twilio"

// New returns an open account. Its error joins a *provider.FieldError for each wrong setting.
func New(s provider.Settings) (*Client, error) {
	v := s.Values
	base, err := provider.ParseURL("base_url", v["base_url"])
	contents, contentsErr := parseContents(v["content_sids"])
	if err := errors.Join(
		err,
		contentsErr,
		checkSender(s.Channel, v["whatsapp_sender"]),
		provider.CheckText("account_sid", v["account_sid"]),
		provider.CheckText("auth_token", v["auth_token"]),
		checkKey(v["api_key"], v["api_secret"]),
	); err != nil {
		return nil, err
	}
	user, password := v["account_sid"], v["auth_token"]
	if v["api_key"] != "" {
		user, password = v["api_key"], v["api_secret"]
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	resource := base.JoinPath("2010-04-01/Accounts", url.PathEscape(v["account_sid"]))
	c := &Client{
		channel:     s.Channel,
		accountURL:  resource.String() + ".json",
		messagesURL: resource.JoinPath("Messages.json").String(),
		messageURL:  resource.JoinPath("Messages").String() + "/",
		header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Basic " + basic},
			"Content-Type":  {"application/x-www-form-urlencoded"},
		},
		hasKey:         v["api_key"] != "",
		sid:            v["account_sid"],
		authTokens:     s.Verifiers("auth_token"),
		account:        s.Account,
		publicURLs:     s.PublicURLs,
		webhookURL:     s.WebhookURL().String(),
		whatsAppSender: v["whatsapp_sender"],
		contentSIDs:    contents,
	}
	c.poster = provider.NewPoster(s.Timeout, s.Secrets, append(c.authTokens, v["api_secret"], basic)...)
	return c, nil
}

// checkKey checks an API key and its secret, which an account has both or not at all.
func checkKey(key, secret string) error {
	if key == "" && secret == "" {
		return nil
	}
	return errors.Join(provider.CheckText("api_key", key), provider.CheckText("api_secret", secret))
}

// SendSMS sends a text. Every error is a *backstop.Failure.
func (c *Client) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	form := url.Values{
		"To":               {m.To},
		senderOf(m.SendID): {m.SendID},
		"Body":             {m.Text},
	}
	if seconds := validityPeriod(m.ValidFor); seconds > 0 {
		form.Set("ValidityPeriod", strconv.Itoa(seconds))
	}
	return c.createMessage(ctx, m.Ref, form)
}

// createMessage makes a message at Twilio, whose callbacks carry the reference.
func (c *Client) createMessage(ctx context.Context, ref backstop.Ref, form url.Values) (backstop.Submission, error) {
	form.Set("StatusCallback", c.webhookURL+"?ref="+url.QueryEscape(ref.String())+callbackRetries)
	answer, err := c.poster.Post(ctx, c.messagesURL, c.header, []byte(form.Encode()))
	if err != nil {
		return backstop.Submission{}, err
	}
	if !answer.Accepted() {
		return backstop.Submission{}, c.poster.Refused(answer, readRefusal(answer.Body))
	}
	var taken message
	if decodeJSON(answer.Body, &taken) != nil || !provider.ValidMessageID(taken.SID) {
		return backstop.Submission{}, c.poster.Unconfirmed(answer)
	}
	if c.channel == backstop.WhatsApp {
		return backstop.Submission{MessageID: taken.SID}, nil
	}
	return backstop.Submission{MessageID: taken.SID, Segments: taken.segments()}, nil
}

// callbackRetries asks Twilio to retry a callback after any failure, up to 5 times within 15 seconds: Twilio's maximum. By
// default Twilio retries a callback once, and only if the connection failed, so a callback that gets a 503 would be lost.
// The fragment is neither sent nor signed (manual, "Webhooks (HTTP callbacks): Connection Overrides":
// twilio.com/docs/usage/webhooks/webhooks-connection-overrides; rc 0 to 5, rp 4xx, 5xx, ct, rt or all, tt at most 15000 ms).
const callbackRetries = "#rc=5&rp=all"

// messagingService matches the id of a messaging service. A messaging service chooses the sender itself.
var messagingService = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)

// senderOf returns the name of the form field for a sender.
func senderOf(sendID string) string {
	if messagingService.MatchString(sendID) {
		return "MessagingServiceSid"
	}
	return "From"
}

// maxValidity is the longest and default validity period, in seconds (twilio_api_v2010, CreateMessage, ValidityPeriod).
const maxValidity = 36_000

// validityPeriod returns the ValidityPeriod in seconds of a message that may stay in Twilio's queue for d, or 0 if the request
// has no such field. The period is rounded down, because an expired code is worse than none, and is at least 1, Twilio's
// minimum. Twilio recommends more than 5 s, because with a shorter period it may drop a message without any fault. Such a
// message would soon expire in any case. Above 10 hours the request has no such field, and the default of Twilio or of the
// messaging service applies.
func validityPeriod(d time.Duration) int {
	switch seconds := int64(d / time.Second); {
	case d == 0 || seconds > maxValidity:
		return 0
	default:
		return int(max(seconds, 1))
	}
}
