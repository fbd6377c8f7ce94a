package meta_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// check checks an account against a server that gives this answer.
func check(t *testing.T, status int, body string) error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.RequestURI() != "/v23.0/"+phoneID+"?fields=id,verified_name,quality_rating" ||
			r.Header.Get("Authorization") != "Bearer "+accessToken {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return newClient(t, options(server.URL)).Check(t.Context())
}

func TestClient_Check(t *testing.T) {
	t.Parallel()
	require.NoError(t, check(t, 200, `{"id":"`+phoneID+`","verified_name":"Ada's","quality_rating":"GREEN"}`))
	for name, row := range map[string]struct {
		status            int
		body, field, want string
	}{
		"token": {
			401, `{"error":{"message":"Error validating access token: it has expired","type":"OAuthException","code":190,"fbtrace_id":"A"}}`,
			"access_token", "access_token is not accepted (Meta says 190: Error validating access token: it has expired)",
		},
		"token with a subcode": {400, `{"error":{"message":"no","code":190,"error_subcode":463}}`, "access_token", "access_token is not accepted (Meta says 190: no)"},
		"no token":             {401, `{"error":{"message":"no","code":0}}`, "access_token", "access_token is not accepted (Meta says 0: no)"},
		"permission":           {403, `{"error":{"message":"(#200) no","code":200}}`, "access_token", "access_token lacks a permission (Meta says 200: (#200) no)"},
		"number": {
			400, `{"error":{"message":"Unsupported get request","code":100,"error_subcode":33}}`, "phone_number_id",
			"phone_number_id is not a number that the access token may use (Meta says 100: Unsupported get request)",
		},
		"number, later versions": {
			400, `{"error":{"message":"no","code":33}}`, "phone_number_id",
			"phone_number_id is not a number that the access token may use (Meta says 33: no)",
		},
		"leak": {401, `{"error":{"message":"no ` + accessToken + `","code":190}}`, "access_token", "access_token is not accepted (Meta says 190: no ***)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := check(t, row.status, row.body)
			fault, ok := errors.AsType[*provider.FieldError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, row.field, fault.Field)
			require.EqualError(t, err, row.want)
		})
	}
}

// Without a subscribed app Meta reports no status of any message.
func TestClient_Check_subscription(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"an app":      {200, `{"data":[{"whatsapp_business_api_data":{"id":"670843887433847","name":"Ada's","link":"https://x.example"}}]}`, ""},
		"no app":      {200, `{"data":[]}`, "waba_id has no app that is subscribed to its webhooks, so no status arrives: POST /<WABA id>/subscribed_apps"},
		"not allowed": {403, `{"error":{"message":"(#200) no","code":200}}`, ""},
		"not a list":  {200, `{"success":true}`, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/v23.0/" + phoneID:
				_, _ = io.WriteString(w, `{"id":"`+phoneID+`"}`)
			case "/v23.0/102290129340398/subscribed_apps":
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			default:
				w.WriteHeader(http.StatusTeapot)
			}
		}))
		t.Cleanup(server.Close)
		o := options(server.URL)
		o.Values["waba_id"] = "102290129340398"
		err := newClient(t, o).Check(t.Context())
		if row.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.EqualError(t, err, row.want, name)
	}
}

// If Meta does not answer, or says nothing about a setting, the error is a failure.
func TestClient_Check_failure(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status int
		body   string
		kind   backstop.FailureKind
	}{
		"down":           {503, `{"error":{"message":"no","code":2}}`, backstop.Unavailable},
		"a proxy":        {502, "<html>", backstop.Unavailable},
		"rate":           {400, `{"error":{"message":"no","code":4}}`, backstop.Throttled},
		"locked":         {403, `{"error":{"message":"no","code":131031}}`, backstop.Rejected},
		"not JSON":       {200, "<html>", backstop.Unavailable},
		"another number": {200, `{"id":"1"}`, backstop.Unavailable},
	} {
		failure, ok := errors.AsType[*backstop.Failure](check(t, row.status, row.body))
		require.True(t, ok, name)
		require.Equal(t, row.kind, failure.Kind, name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failure, ok := errors.AsType[*backstop.Failure](newClient(t, options("http://127.0.0.1:1")).Check(ctx))
	require.True(t, ok)
	require.Equal(t, backstop.Unavailable, failure.Kind)
}
