package twilio_test

import (
	"context"
	"errors"
	"math"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/twilio"
	"github.com/backstophq/backstop/internal/sandbox"
)

// simulate connects a WhatsApp account to the sandbox, which has its own implementation of the wire format.
func simulate(t *testing.T) (*twilio.Client, *providertest.Inbox, provider.Settings) {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{
		Meta:   sandbox.Meta{AccessToken: "access-token", PhoneNumberID: "106540352242922"},
		Twilio: sandbox.Twilio{AccountSID: accountSID, AuthToken: authToken},
		Speed:  math.Inf(1),
	})
	require.NoError(t, err)
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, box.Shutdown(ctx))
	})
	inbox := providertest.NewInbox(t)
	settings := whatsAppDriver().Settings(server.URL, time.Second) // for the scenarios without an answer
	settings.PublicURLs = []*url.URL{inbox.URL}
	client := newClient(t, settings)
	inbox.Connect(client)
	return client, inbox, settings
}

func TestSandbox_whatsApp(t *testing.T) {
	t.Parallel()
	const ok = ""
	for digits, want := range map[string]struct{ calls, words []string }{
		"01": {[]string{ok}, []string{"sent", "delivered", "read"}},
		"03": {[]string{ok}, []string{"sent"}},
		"04": {[]string{"rejected recipient 63024 0s"}, []string{}},
		"05": {[]string{ok}, []string{"failed 63024"}},
		"07": {[]string{"throttled  20429 1s", "throttled  20429 0s", ok}, []string{"sent", "delivered", "read"}},
		"08": {[]string{"unavailable  20500 0s", "unavailable  20503 0s", ok}, []string{"sent", "delivered", "read"}},
		"09": {[]string{"unknown   0s"}, []string{"sent", "delivered", "read"}},
		"10": {[]string{"unknown   0s", ok}, []string{"sent", "delivered", "read"}},
		"15": {[]string{"rejected template 63027 0s"}, []string{}},
		"16": {[]string{"rejected recipient 63014 0s"}, []string{}},
		"17": {[]string{ok}, []string{"sent", "delivered", "read"}},
		"22": {[]string{ok}, []string{"failed 63014"}},
	} {
		t.Run(digits, func(t *testing.T) {
			t.Parallel()
			client, inbox, _ := simulate(t)
			var id string
			for _, outcome := range want.calls {
				submission, err := client.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{
					Ref: providertest.Ref, To: "+49151000000" + digits, Text: "Grüße & 4711",
				})
				require.Equal(t, outcome, providertest.Outcome(err), "%v", err)
				id = submission.MessageID
			}
			require.Equal(t, want.words, inbox.Words(t, len(want.words), backstop.WhatsApp, id))
		})
	}
	t.Run("11", func(t *testing.T) {
		t.Parallel()
		client, inbox, _ := simulate(t)
		submission, err := client.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{Ref: providertest.Ref, To: "+4915100000011", Text: "Hi"})
		require.NoError(t, err)
		require.Subset(t, inbox.Words(t, 11, backstop.WhatsApp, submission.MessageID), []string{"sent", "delivered", "read"})
	})
	t.Run("template", func(t *testing.T) {
		t.Parallel()
		client, inbox, _ := simulate(t)
		submission, err := client.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{
			Ref: providertest.Ref, To: "+4915100000001", Template: &backstop.Template{
				Name: "order_ready", Language: "en", Components: []byte(`[{"type":"body","parameters":[{"type":"text","text":"4711"}]}]`),
			},
		})
		require.NoError(t, err)
		inbox.Words(t, 3, backstop.WhatsApp, submission.MessageID)
		found, err := client.Find(t.Context(), backstop.Inquiry{MessageID: submission.MessageID})
		require.NoError(t, err)
		require.Equal(t, backstop.Read, found.Status)
	})
}

func TestSandbox_check(t *testing.T) {
	t.Parallel()
	client, _, settings := simulate(t)
	require.NoError(t, client.Check(t.Context()))
	for field, value := range map[string]string{"auth_token": "another", "account_sid": "AC00000000000000000000000000000000"} {
		changed := settings
		changed.Values = map[string]string{}
		for name := range settings.Values {
			changed.Values[name] = settings.Values[name]
		}
		changed.Values[field] = value
		fault, ok := errors.AsType[*provider.FieldError](newClient(t, changed).Check(t.Context()))
		require.True(t, ok)
		require.Equal(t, "auth_token", fault.Field, "Twilio does not say which of the two is wrong")
	}
}
