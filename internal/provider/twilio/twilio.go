// Package twilio sends SMS through Twilio's Programmable Messaging, reads status callbacks, and looks up messages.
//
// Sources: Twilio's manual, its published OpenAPI description (twilio-oai, twilio_api_v2010) and the request
// validators of its own client libraries.
package twilio

import (
	"cmp"
	"context"
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

// Options configure a Client.
type Options struct {
	BaseURL    string        // https://api.twilio.com if empty
	AccountSID string        // the account that sends
	AuthToken  string        // the account's token: verifies callbacks, and authenticates calls if there is no API key
	APIKey     string        // authenticates calls instead of AuthToken; needs APISecret
	APISecret  string        // the secret of APIKey
	PublicURL  string        // the URL at which Twilio reaches Backstop's API
	Timeout    time.Duration // the timeout of one call: at most 1 minute; 10 s if zero

	// Secrets are the secrets of all accounts, which failures hide. New adds the secrets of this account. If Secrets is nil,
	// failures hide the secrets of this account only.
	Secrets *provider.Secrets
}

// Client calls Twilio with one account. It is safe for concurrent use.
type Client struct {
	poster      *provider.Poster
	messagesURL string // the URL to send and to list messages
	messageURL  string // the URL of one message, without its id
	header      http.Header
	account     string // its SID
	authToken   []byte
	publicURL   *url.URL // without a slash at its end
}

// New returns a client, or an error with all problems of the options.
func New(o Options) (*Client, error) {
	o.BaseURL = cmp.Or(o.BaseURL, "https://api.twilio.com")
	base, baseErr := provider.ParseURL("BaseURL", o.BaseURL)
	public, publicErr := provider.ParseURL("PublicURL", o.PublicURL)
	if err := errors.Join(baseErr, o.check(), publicErr); err != nil {
		return nil, err
	}
	user, password := o.AccountSID, o.AuthToken
	if o.APIKey != "" {
		user, password = o.APIKey, o.APISecret
	}
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	account := base.JoinPath("2010-04-01/Accounts", url.PathEscape(o.AccountSID))
	return &Client{
		poster:      provider.NewPoster(o.Timeout, o.Secrets, o.AuthToken, o.APISecret, basic),
		messagesURL: account.JoinPath("Messages.json").String(),
		messageURL:  account.JoinPath("Messages").String() + "/",
		header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Basic " + basic},
			"Content-Type":  {"application/x-www-form-urlencoded"},
		},
		account:   o.AccountSID,
		authToken: []byte(o.AuthToken),
		publicURL: public,
	}, nil
}

func (o Options) check() error {
	var key error
	if o.APIKey != "" || o.APISecret != "" {
		key = errors.Join(provider.CheckText("APIKey", o.APIKey), provider.CheckText("APISecret", o.APISecret))
	}
	return errors.Join(
		provider.CheckText("AccountSID", o.AccountSID),
		provider.CheckText("AuthToken", o.AuthToken),
		key,
		provider.CheckTimeout("Timeout", o.Timeout),
	)
}

// Name returns the name of the provider in attempts, receipts and the path of the webhook.
func (*Client) Name() string { return "twilio" }

// SendSMS sends a text. Every error is a *backstop.Failure.
func (c *Client) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	form := url.Values{
		"To":               {m.To},
		senderOf(m.SendID): {m.SendID},
		"Body":             {m.Text},
		"StatusCallback":   {c.publicURL.String() + "/webhooks/twilio?ref=" + url.QueryEscape(m.Ref.String()) + callbackRetries},
	}
	if seconds := validityPeriod(m.ValidFor); seconds > 0 {
		form.Set("ValidityPeriod", strconv.Itoa(seconds))
	}
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
