package telnyx_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/telnyx"
)

// serve starts a server that passes each request to check and gives this answer. The client is an account there.
func serve(t *testing.T, answer providertest.Reply, check func(r *http.Request, body []byte), change func(map[string]string)) *telnyx.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		check(r, body)
		w.WriteHeader(answer.Status)
		_, _ = io.WriteString(w, answer.Body)
	}))
	t.Cleanup(server.Close)
	client, err := open(t, server.URL, change)
	require.NoError(t, err)
	return client
}

func ignore(*http.Request, []byte) {}

// A number belongs to its own profile. A name goes out with the profile of the account, if it has one.
func TestClient_SendSMS_sender(t *testing.T) {
	t.Parallel()
	named := func(values map[string]string) { values["messaging_profile_id"] = "" }
	for _, row := range []struct {
		sender, want string
		change       func(map[string]string)
	}{
		{"+15550783882", `"from":"+15550783882"`, unchanged},
		{"12345", `"from":"12345"`, unchanged},
		{"7 Days", `"from":"7 Days","messaging_profile_id":"` + profile + `"`, unchanged},
		{"Backstop", `"from":"Backstop"`, named},
	} {
		client := serve(t, driver().Accepted("id-1"), func(r *http.Request, body []byte) { checkSend(t, r, body, row.want) }, row.change)
		m := driver().SMS
		m.SendID = row.sender
		submission, err := client.SendSMS(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, backstop.Submission{MessageID: "id-1", Segments: 2}, submission)
	}
}

// A time-out that Telnyx reports about itself says nothing about the message.
func TestClient_SendSMS_timeout(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		client := serve(t, refused(status, "10008", "The request timed out."), ignore, unchanged)
		_, err := client.SendSMS(t.Context(), driver().SMS)
		require.EqualError(t, err, "unknown 10008: Refused; The request timed out.; /to")
	}
}

// Code 40300 is an opt-out only if the text says so.
func TestClient_SendSMS_stopped(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Blocked due to STOP message": "rejected opted_out 40300 0s",
		"Forbidden":                   "rejected  40300 0s",
	} {
		answer := providertest.Reply{Status: http.StatusForbidden, Body: `{"errors":[{"code":"40300","title":"` + title + `"}]}`}
		_, err := serve(t, answer, ignore, unchanged).SendSMS(t.Context(), driver().SMS)
		require.Equal(t, want, providertest.Outcome(err))
	}
}

// After ten days a message that is not found may have been there.
func TestClient_Find_old(t *testing.T) {
	t.Parallel()
	client := serve(t, lookup().Missing, ignore, unchanged)
	q := backstop.Inquiry{MessageID: "id-1", Since: time.Now().Add(-9 * 24 * time.Hour)}
	found, err := client.Find(t.Context(), q)
	require.NoError(t, err)
	require.Nil(t, found)
	q.Since = time.Now().Add(-11 * 24 * time.Hour)
	_, err = client.Find(t.Context(), q)
	require.Equal(t, "unknown   0s", providertest.Outcome(err))
}

// An id of Telnyx cannot leave its place in the address.
func TestClient_Find_id(t *testing.T) {
	t.Parallel()
	client := serve(t, lookup().Missing, func(r *http.Request, _ []byte) {
		require.Equal(t, "/v2/messages/..%2Fbalance%3Fx", r.URL.EscapedPath())
		require.Empty(t, r.URL.RawQuery)
	}, unchanged)
	_, err := client.Find(t.Context(), backstop.Inquiry{MessageID: "../balance?x", Since: time.Now()})
	require.NoError(t, err)
}

func TestClient_Check(t *testing.T) {
	t.Parallel()
	none := func(values map[string]string) { values["messaging_profile_id"] = "" }
	good := providertest.Reply{Status: http.StatusOK, Body: `{"data":{"id":"` + profile + `","enabled":true,"webhook_api_version":"2"}}`}
	require.NoError(t, serve(t, good, func(r *http.Request, _ []byte) {
		checkHeader(t, r)
		require.Equal(t, "/v2/messaging_profiles/"+profile, r.URL.RequestURI())
	}, unchanged).Check(t.Context()))
	require.NoError(t, serve(t, providertest.Reply{Status: http.StatusOK, Body: `{"data":[]}`}, func(r *http.Request, _ []byte) {
		checkHeader(t, r)
		require.Equal(t, "/v2/messaging_profiles?page%5Bsize%5D=1", r.URL.RequestURI())
	}, none).Check(t.Context()))
	for _, row := range []struct {
		answer providertest.Reply
		change func(map[string]string)
		want   string
	}{
		{refused(401, "10009", "no "+apiKey), unchanged, "api_key is not accepted (Telnyx says 10009: Refused; no ***; /to)"},
		{refused(403, "10010", "no"), unchanged, "api_key has too few permissions (Telnyx says 10010: Refused; no; /to)"},
		{refused(404, "10005", "no"), unchanged, "messaging_profile_id is not known (Telnyx says 10005: Refused; no; /to)"},
		{refused(404, "10005", "no"), none, "base_url is not known (Telnyx says 10005: Refused; no; /to)"},
		{providertest.Reply{Status: 200, Body: `{"data":{"id":"x","enabled":false}}`}, unchanged, "messaging_profile_id is a profile that is not enabled"},
		{providertest.Reply{Status: 200, Body: `{"data":{"id":"x","webhook_api_version":"1"}}`}, unchanged, "messaging_profile_id is a profile without webhook API version 2"},
	} {
		err := serve(t, row.answer, ignore, row.change).Check(t.Context())
		_, isFault := errors.AsType[*provider.FieldError](err)
		require.True(t, isFault, "%v", err)
		require.EqualError(t, err, row.want)
	}
	for status, want := range map[int]string{
		401: "rejected   0s", 404: "rejected   0s", 429: "throttled   0s", 502: "unavailable   0s", 200: "unavailable   0s",
	} {
		err := serve(t, providertest.Reply{Status: status, Body: "<html>"}, ignore, unchanged).Check(t.Context())
		require.Equal(t, want, providertest.Outcome(err), "%d", status)
	}
	client, err := open(t, "http://127.0.0.1:1", unchanged)
	require.NoError(t, err)
	require.Equal(t, "unavailable   0s", providertest.Outcome(client.Check(t.Context())))
}
