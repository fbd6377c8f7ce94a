package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestProgram_openProviders_secrets: no driver repeats a secret of the other one, even if a provider quotes it.
func TestProgram_openProviders_secrets(t *testing.T) {
	t.Parallel()
	const token, app, verify, auth, key = "meta-t0ken", "meta-app-s3cret", "meta-verify-t0ken", "twilio-auth-t0ken", "twilio-api-s3cret"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := fmt.Sprintf("%s %s %s %s %s", token, app, verify, auth, key)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":21635,"message":"`+text+`","error":{"code":131026,"message":"`+text+`"}}`)
	}))
	t.Cleanup(server.Close)
	p := &program{config: config{
		API:  apiConfig{PublicURL: "https://backstop.example"},
		Meta: metaConfig{BaseURL: server.URL, PhoneNumberID: "1", AccessToken: token, AppSecret: app, VerifyToken: verify},
		Twilio: twilioConfig{
			BaseURL: server.URL, AccountSID: "AC1", AuthToken: auth, APIKey: "SK1", APISecret: key,
		},
	}}
	require.NoError(t, p.openProviders())
	_, err := p.meta.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{To: "+447400123456", Text: "Hi"})
	require.EqualError(t, err, "rejected (recipient) 131026: *** *** *** *** ***")
	_, err = p.twilio.SendSMS(t.Context(), backstop.SMSMessage{To: "+551133334444", Text: "Hi"})
	require.EqualError(t, err, "rejected (recipient) 21635: *** *** *** *** ***")
}
