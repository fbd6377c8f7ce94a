package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// setOutage begins or ends an outage.
func setOutage(t *testing.T, h http.Handler, method, provider, kind string) int {
	t.Helper()
	body := strings.NewReader(`{"kind":"` + kind + `"}`)
	return serve(h, httptest.NewRequestWithContext(t.Context(), method, "http://sandbox.test/outages/"+provider, body)).status
}

// An outage hits the calls of one provider until it is ended.
func TestServer_outages(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.HTTP = &http.Client{Transport: newReceiver()}
	s := newServer(t, opts)
	sms := func() answer {
		return serve(s, twilioRequest(t.Context(), "http://sandbox.test", smsForm(recipient+"01", "ACME")))
	}
	require.Equal(t, http.StatusBadRequest, setOutage(t, s, http.MethodPut, "twilio", "tired"))
	require.Equal(t, http.StatusNotFound, setOutage(t, s, http.MethodPut, "sms-uk", "down"), "an account is no provider")
	require.Equal(t, http.StatusNotFound, setOutage(t, s, http.MethodDelete, "sms-uk", ""))
	require.Equal(t, http.StatusCreated, sms().status)

	require.Equal(t, http.StatusNoContent, setOutage(t, s, http.MethodPut, "twilio", "account"))
	refused := sms()
	require.Equal(t, http.StatusUnauthorized, refused.status)
	require.Equal(t, 20003, refused.code(t))
	require.Equal(t, http.StatusNoContent, setOutage(t, s, http.MethodPut, "twilio", "down"))
	require.Equal(t, http.StatusServiceUnavailable, sms().status)
	whatsApp := serve(s, metaRequest(t.Context(), "http://sandbox.test", textBody(recipient+"01", "x")))
	require.Equal(t, http.StatusOK, whatsApp.status, "another provider goes on")

	require.Equal(t, http.StatusNoContent, setOutage(t, s, http.MethodDelete, "twilio", ""))
	require.Equal(t, http.StatusCreated, sms().status)
	require.Len(t, messages(t, s, "?channel=sms"), 4)
}

// The webhooks of a message name the number that sent it.
func TestMeta_moreNumbers(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 10)
	opts := options()
	opts.Meta.MoreNumbers, opts.HTTP = []string{"200"}, &http.Client{Transport: captured(bodies)}
	s := newServer(t, opts)
	r := metaRequest(t.Context(), "http://sandbox.test", textBody(recipient+"03", "x"))
	r.URL.Path = "/v23.0/200/messages"
	require.Equal(t, http.StatusOK, serve(s, r).status)
	require.Contains(t, <-bodies, `"phone_number_id":"200"`)
	r = metaRequest(t.Context(), "http://sandbox.test", textBody(recipient+"03", "x"))
	r.URL.Path = "/v23.0/201/messages"
	require.Equal(t, http.StatusBadRequest, serve(s, r).status)

	get := metaRequest(t.Context(), "http://sandbox.test", "")
	get.Method, get.URL.Path = http.MethodGet, "/v23.0/200"
	require.Contains(t, serve(s, get).body, `"id":"200"`)
}

// captured passes on the bodies of requests.
type captured chan string

func (c captured) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	c <- string(body)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, err
}
