package api_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// changing are webhooks that another process changes. The change shows after a refresh.
type changing struct {
	hasChanged bool // another process has changed the accounts
	isFresh    bool
	refreshes  int
	reads      int
}

// find has the account "meta/uk" with another secret after the change, "plain/uk" with another key, and "twilio/new", which is
// created by the change.
func (w *changing) find(provider, account string) (api.Webhook, bool) {
	all := map[string]api.Webhook{
		"meta/":    {Reader: shaker{driver{w.read}}},
		"meta/uk":  {Reader: shaker{driver{w.read}}},
		"plain/uk": {Reader: driver{w.accept}, Keys: []string{"formerkey"}, NeedsKey: true},
	}
	if w.isFresh {
		all["meta/uk"] = api.Webhook{Reader: newTokens{driver{w.accept}}}
		all["plain/uk"] = api.Webhook{Reader: driver{w.accept}, Keys: []string{"presentkey"}, NeedsKey: true}
		all["twilio/new"] = api.Webhook{Reader: driver{w.accept}}
	}
	found, isKnown := all[provider+"/"+account]
	found.Provider, found.Account = provider, account
	if w.isFresh {
		found.Generation = 1
	}
	return found, isKnown
}

func (w *changing) refresh(context.Context) {
	w.refreshes++
	w.isFresh = w.hasChanged
}

func (w *changing) read(*http.Request, []byte) ([]backstop.Receipt, error) {
	w.reads++
	return nil, &backstop.Error{Code: backstop.Forged, Message: "the signature is wrong"}
}

func (w *changing) accept(*http.Request, []byte) ([]backstop.Receipt, error) {
	w.reads++
	return make([]backstop.Receipt, 1), nil
}

// newTokens is a driver whose verify token was changed.
type newTokens struct{ driver }

func (newTokens) Challenge(url.Values) (string, error) { return "1158201444", nil }

// TestWebhook_refresh: a webhook that is refused is checked once more, with the accounts as other processes have stored them.
func TestWebhook_refresh(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		method, path string
		hasChanged   bool
		status       int
		refreshes    int
		reads        int
	}{
		"another secret":              {"POST", "/webhooks/meta/uk", true, 200, 1, 2},
		"a forgery":                   {"POST", "/webhooks/meta/uk", false, 401, 1, 1},
		"another key":                 {"POST", "/webhooks/plain/uk/presentkey", true, 200, 1, 1},
		"a wrong key":                 {"POST", "/webhooks/plain/uk/wrong", true, 404, 1, 0},
		"a valid key":                 {"POST", "/webhooks/plain/uk/formerkey", true, 200, 0, 1},
		"a new account":               {"POST", "/webhooks/twilio/new", true, 200, 1, 1},
		"no account":                  {"POST", "/webhooks/twilio/new", false, 404, 1, 0},
		"another verify token":        {"GET", "/webhooks/meta/uk?hub.verify_token=new", true, 200, 1, 0},
		"a valid verify token":        {"GET", "/webhooks/meta/uk?hub.verify_token=letmein", true, 200, 0, 0},
		"a wrong verify token":        {"GET", "/webhooks/meta/uk?hub.verify_token=guess", false, 401, 1, 0},
		"the environment's account":   {"POST", "/webhooks/meta", true, 401, 0, 1},
		"no account of environment":   {"POST", "/webhooks/twilio", true, 404, 0, 0},
		"a new account's verify code": {"GET", "/webhooks/twilio/new", true, 405, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &changing{hasChanged: row.hasChanged}
			r := newRig(t, func(o *api.Options) { o.Webhooks, o.RefreshAccounts = w.find, w.refresh })
			require.Equal(t, row.status, r.call(t, row.method, row.path, "{}", "Authorization", "").Code)
			require.Equal(t, row.refreshes, w.refreshes)
			require.Equal(t, row.reads, w.reads)
		})
	}
}
