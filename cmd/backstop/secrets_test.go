package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider/registry"
)

// No driver repeats a secret of the other one, even if a provider quotes it.
func TestAccounts_secrets(t *testing.T) {
	t.Parallel()
	const token, app, verify, auth, key = "meta-t0ken", "meta-app-s3cret", "meta-verify-t0ken", "twilio-auth-t0ken", "twilio-api-s3cret"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := fmt.Sprintf("%s %s %s %s %s", token, app, verify, auth, key)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":21635,"message":"`+text+`","error":{"code":131026,"message":"`+text+`"}}`)
	}))
	t.Cleanup(server.Close)
	given, problems := readAccounts(map[string]string{
		"BACKSTOP_META_BASE_URL": server.URL, "BACKSTOP_META_PHONE_NUMBER_ID": "1", "BACKSTOP_META_ACCESS_TOKEN": token,
		"BACKSTOP_META_APP_SECRET": app, "BACKSTOP_META_VERIFY_TOKEN": verify,
		"BACKSTOP_TWILIO_BASE_URL": server.URL, "BACKSTOP_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
		"BACKSTOP_TWILIO_AUTH_TOKEN": auth, "BACKSTOP_TWILIO_API_KEY": "SK00000000000000000000000000000000",
		"BACKSTOP_TWILIO_API_SECRET": key,
	})
	require.Empty(t, problems)
	public, err := publicURLs(apiConfig{PublicURL: "https://backstop.example"})
	require.NoError(t, err)
	directory, err := accounts.New(accounts.Options{
		Store: struct{ accounts.Store }{}, Drivers: registry.Drivers(), PublicURLs: public, Log: slog.New(slog.DiscardHandler),
		FromEnvironment: given,
	})
	require.NoError(t, err)
	whatsApp, found := callable{directory}.Account("meta")
	require.True(t, found)
	_, err = whatsApp.WhatsApp.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{To: "+447400123456", Text: "Hi"})
	require.EqualError(t, err, "rejected (recipient) 131026: *** *** *** *** ***")
	sms, found := callable{directory}.Account("twilio")
	require.True(t, found)
	_, err = sms.SMS.SendSMS(t.Context(), backstop.SMSMessage{To: "+551133334444", Text: "Hi"})
	require.EqualError(t, err, "rejected (recipient) 21635: *** *** *** *** ***")
}
