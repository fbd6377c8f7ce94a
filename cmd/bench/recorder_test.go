package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestCallRecorder(t *testing.T) {
	t.Parallel()
	var bodies []string
	recorder := newCallRecorder(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		bodies = append(bodies, string(body))
	}))
	post := func(path, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		recorder.ServeHTTP(httptest.NewRecorder(), r)
	}
	whatsapp, sms := `{"biz_opaque_callback_data":"one.1"}`, "Body=x&StatusCallback=http%3A%2F%2Fa%2Fw%3Fref%3Done.2"
	post("/v23.0/1/messages", whatsapp)
	post("/2010-04-01/Accounts/AC/Messages.json", sms)
	post("/v23.0/1/messages", "no json")
	require.Equal(t, []string{whatsapp, sms, "no json"}, bodies, "the provider gets what was sent")

	for _, channel := range []backstop.Channel{backstop.WhatsApp, backstop.SMS} {
		_, called := recorder.firstCall(channel, "one")
		require.True(t, called, channel)
		require.NoError(t, recorder.milestones.wait(t.Context(), callKey{channel, "one"}.milestone()))
	}
	_, called := recorder.firstCall(backstop.WhatsApp, "two")
	require.False(t, called)
}
