package sandbox_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An invalid message on WhatsApp is refused with the code of Twilio's dictionary.
func TestTwilio_whatsApp(t *testing.T) {
	t.Parallel()
	server := newServer(t, options())
	post := func(changes url.Values) *httptest.ResponseRecorder {
		form := url.Values{"To": {"whatsapp:" + recipient + "01"}, "From": {"whatsapp:+15550783881"}, "Body": {"Hi"}}
		maps.Copy(form, changes)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, twilioPath, strings.NewReader(form.Encode()))
		r.SetBasicAuth(accountSID, authToken)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w
	}
	require.Equal(t, http.StatusCreated, post(nil).Code)
	const content = "HX0123456789abcdef0123456789abcdef"
	require.Equal(t, http.StatusCreated, post(url.Values{"Body": nil, "ContentSid": {content}, "ContentVariables": {`{"1":"x"}`}}).Code)
	for code, changes := range map[string]url.Values{
		"21211": {"To": {"whatsapp:12"}},
		"21910": {"From": {"+15550783881"}},
		"63007": {"From": {"whatsapp:Backstop"}},
		"21619": {"Body": nil},
		"21655": {"Body": nil, "ContentSid": {"order_ready"}},
		"21656": {"Body": nil, "ContentSid": {content}, "ContentVariables": {`["x"]`}},
		"21617": {"Body": {strings.Repeat("x", 1601)}},
		"21609": {"StatusCallback": {"backstop"}},
	} {
		w := post(changes)
		require.Equal(t, http.StatusBadRequest, w.Code, code)
		require.Contains(t, w.Body.String(), `"code":`+code)
	}
}
