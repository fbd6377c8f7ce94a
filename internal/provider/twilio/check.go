package twilio

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/backstophq/backstop/internal/provider"
)

// codeAuthenticate is Twilio's code for credentials that it does not accept.
const codeAuthenticate = "20003"

// Check reads the account with the auth token, which must be right to verify callbacks. If an API key authenticates the calls,
// Check also lists one message with it, because most API keys may not read the account (manual, "API keys: types of keys"). It
// returns a *provider.FieldError if Twilio refuses a setting, else a *backstop.Failure.
func (c *Client) Check(ctx context.Context) error {
	token := base64.StdEncoding.EncodeToString([]byte(c.sid + ":" + c.authTokens[0]))
	byToken := http.Header{"Accept": {"application/json"}, "Authorization": {"Basic " + token}}
	answer, err := c.poster.Get(ctx, c.accountURL, byToken)
	if err != nil {
		return err
	}
	if !answer.Accepted() {
		return c.refusedCheck(answer, "auth_token")
	}
	var account struct {
		SID    string `json:"sid"`
		Status string `json:"status"` // active, suspended or closed
	}
	if decodeJSON(answer.Body, &account) != nil || account.SID != c.sid {
		return unreadableAnswer()
	}
	if account.Status == "suspended" || account.Status == "closed" {
		return &provider.FieldError{Field: "account_sid", Reason: "is an account that Twilio has " + account.Status}
	}
	if !c.hasKey {
		return nil
	}
	answer, err = c.poster.Get(ctx, c.messagesURL+"?PageSize=1", c.header)
	if err != nil {
		return err
	}
	if !answer.Accepted() {
		return c.refusedCheck(answer, "api_secret")
	}
	return nil
}

// refusedCheck returns the error of a check that Twilio refused. credential names the setting that authenticated the request.
func (c *Client) refusedCheck(answer provider.Answer, credential string) error {
	refusal := readRefusal(answer.Body)
	if refusal != nil {
		said := " (Twilio says " + refusal.Code + ": " + c.poster.Text(refusal.Text) + ")"
		switch refusal.Code {
		case codeAuthenticate:
			return &provider.FieldError{Field: credential, Reason: "is not accepted" + said}
		case codeNotFound:
			return &provider.FieldError{Field: "account_sid", Reason: "is not known" + said}
		}
	}
	return c.lookupFailure(answer, refusal)
}
