package twilio_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

const (
	apiKey      = "SK0123456789abcdef0123456789abcdef"
	apiSecret   = "api-secret-0123"
	wrong       = `{"code":20003,"message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}`
	goodAccount = `{"sid":"` + accountSID + `","friendly_name":"Ada","status":"active","type":"Full"}`
)

// checked checks an account. The account and the list of messages have these answers. withKey: the account has an API key.
func checked(t *testing.T, withKey bool, account, list providertest.Reply) error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		answer := providertest.Reply{Status: http.StatusTeapot}
		switch {
		case r.Method != http.MethodGet:
		case r.URL.RequestURI() == accountPath+".json" && user == accountSID && password == authToken:
			answer = account
		case r.URL.RequestURI() == accountPath+"/Messages.json?PageSize=1" && user == apiKey && password == apiSecret:
			answer = list
		}
		w.WriteHeader(answer.Status)
		_, _ = io.WriteString(w, answer.Body)
	}))
	t.Cleanup(server.Close)
	o := options(server.URL)
	if withKey {
		o.Values["api_key"], o.Values["api_secret"] = apiKey, apiSecret
	}
	return newClient(t, o).Check(t.Context())
}

func TestClient_Check(t *testing.T) {
	t.Parallel()
	good := providertest.Reply{Status: 200, Body: goodAccount}
	refused := providertest.Reply{Status: 401, Body: wrong}
	messages := providertest.Reply{Status: 200, Body: listOf("")}
	require.NoError(t, checked(t, false, good, refused), "without a key only the account is read")
	require.NoError(t, checked(t, true, good, messages))
	for name, row := range map[string]struct {
		withKey       bool
		account, list providertest.Reply
		field, want   string
	}{
		"token":           {false, refused, messages, "auth_token", "auth_token is not accepted (Twilio says 20003: Authenticate)"},
		"token with key":  {true, refused, messages, "auth_token", "auth_token is not accepted (Twilio says 20003: Authenticate)"},
		"key":             {true, good, refused, "api_secret", "api_secret is not accepted (Twilio says 20003: Authenticate)"},
		"unknown account": {false, lookup().Missing, messages, "account_sid", "account_sid is not known (Twilio says 20404: The requested resource was not found)"},
		"suspended": {
			false, providertest.Reply{Status: 200, Body: `{"sid":"` + accountSID + `","status":"suspended"}`}, messages,
			"account_sid", "account_sid is an account that Twilio has suspended",
		},
		"leak": {
			false, providertest.Reply{Status: 401, Body: `{"code":20003,"message":"no ` + authToken + `"}`}, messages,
			"auth_token", "auth_token is not accepted (Twilio says 20003: no ***)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := checked(t, row.withKey, row.account, row.list)
			fault, ok := errors.AsType[*provider.FieldError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, row.field, fault.Field)
			require.EqualError(t, err, row.want)
		})
	}
}

func TestClient_Check_failure(t *testing.T) {
	t.Parallel()
	for body, row := range map[string]struct {
		status int
		kind   backstop.FailureKind
	}{
		`{"code":20429,"message":"no"}`: {429, backstop.Throttled},
		`{"code":20500,"message":"no"}`: {500, backstop.Unavailable},
		`<html>`:                        {502, backstop.Unavailable},
		`{"sid":"AC1"}`:                 {200, backstop.Unavailable},
		`OK`:                            {200, backstop.Unavailable},
	} {
		failure, ok := errors.AsType[*backstop.Failure](checked(t, false, providertest.Reply{Status: row.status, Body: body}, providertest.Reply{}))
		require.True(t, ok, body)
		require.Equal(t, row.kind, failure.Kind, body)
	}
	failure, ok := errors.AsType[*backstop.Failure](newClient(t, options("http://127.0.0.1:1")).Check(t.Context()))
	require.True(t, ok)
	require.Equal(t, backstop.Unavailable, failure.Kind)
}
