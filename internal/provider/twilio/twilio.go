// Package twilio sends SMS by Twilio's Programmable Messaging and reads its status callbacks.
//
// Sources: Twilio's manual, its published OpenAPI description (twilio-oai, twilio_api_v2010) and the request
// validators of its own client libraries.
package twilio

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// Options configure a Client.
type Options struct {
	BaseURL    string        // https://api.twilio.com if empty
	AccountSID string        // the account that sends
	AuthToken  string        // of the account; verifies the callbacks, and authenticates when there is no API key
	APIKey     string        // with APISecret: authenticates instead of the account's own token
	APISecret  string        //
	PublicURL  string        // of our own API, as Twilio reaches it
	Timeout    time.Duration // of one call, at most 1 minute; 10 s if zero
}

// Client is one account. It is safe for concurrent use.
type Client struct {
	poster    *provider.Poster
	messages  string // the address to post to
	header    http.Header
	authToken []byte
	public    *url.URL // without a slash at its end
}

// New returns a client, or all that is wrong with the options.
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
	return &Client{
		poster:   provider.NewPoster(o.Timeout, o.AuthToken, o.APISecret, basic),
		messages: base.JoinPath("2010-04-01/Accounts", url.PathEscape(o.AccountSID), "Messages.json").String(),
		header: http.Header{
			"Accept":        {"application/json"},
			"Authorization": {"Basic " + basic},
			"Content-Type":  {"application/x-www-form-urlencoded"},
		},
		authToken: []byte(o.AuthToken),
		public:    public,
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

// Name is how attempts, receipts and the webhook's path name this provider.
func (*Client) Name() string { return "twilio" }

// SendSMS sends a text. Every error is a *backstop.Failure.
func (c *Client) SendSMS(ctx context.Context, m backstop.SMSMessage) (backstop.Submission, error) {
	form := url.Values{
		"To":             {m.To},
		"From":           {m.SendID},
		"Body":           {m.Text},
		"StatusCallback": {c.public.String() + "/webhooks/twilio?ref=" + url.QueryEscape(m.Ref.String())},
	}
	answer, err := c.poster.Post(ctx, c.messages, c.header, []byte(form.Encode()))
	if err != nil {
		return backstop.Submission{}, err
	}
	if !answer.Accepted() {
		return backstop.Submission{}, c.poster.Refused(answer, readRefusal(answer.Body))
	}
	var taken struct {
		SID      string          `json:"sid"`
		Segments json.RawMessage `json:"num_segments"` // a number in quotes; what it is must not cost us the sid
	}
	if json.Unmarshal(answer.Body, &taken) != nil || !provider.ValidMessageID(taken.SID) {
		return backstop.Submission{}, c.poster.Unconfirmed(answer)
	}
	return backstop.Submission{MessageID: taken.SID, Segments: segments(strings.Trim(string(taken.Segments), `"`))}, nil
}

// segments reads Twilio's count, which is 0 as long as it does not know. A text of 1600 characters, the longest that
// it takes, has at most 24.
func segments(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 24 {
		return 0
	}
	return n
}
