package alibaba_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/alibaba"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/sandbox"
)

// simulate connects an account to the sandbox, which has its own implementation of the signature and of the wire format.
func simulate(t *testing.T, d providertest.Driver) (*alibaba.Client, *providertest.Inbox, provider.Settings) {
	t.Helper()
	inbox := providertest.NewInbox(t)
	hooks := inbox.URL.JoinPath("webhooks/alibaba/main/secret").String()
	box, err := sandbox.New(sandbox.Options{
		Meta:   sandbox.Meta{AccessToken: "access-token", PhoneNumberID: "106540352242922"},
		Twilio: sandbox.Twilio{AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: "auth-token"},
		Faces: []sandbox.Face{sandbox.Alibaba{
			AccessKeyID: keyID, AccessKeySecret: secret, WhatsAppSender: sender, SMSWebhookURL: hooks, WhatsAppWebhookURL: hooks,
		}},
		Speed: math.Inf(1),
	})
	require.NoError(t, err)
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, box.Shutdown(ctx))
	})
	d.AddressPath = "/alibaba/" + string(d.Channel)
	settings := d.Settings(server.URL, time.Second) // for the scenarios without an answer
	client := newClient(t, settings)
	inbox.Connect(client)
	return client, inbox, settings
}

func TestSandbox_sms(t *testing.T) {
	t.Parallel()
	const ok = ""
	for digits, want := range map[string]struct{ calls, words []string }{
		"01": {[]string{ok}, []string{"delivered"}},
		"13": {[]string{"rejected recipient MOBILE_NUMBER_ILLEGAL 0s"}, []string{}},
		"14": {[]string{ok}, []string{"failed SP_UNKNOW_ERROR"}},
		"18": {[]string{"unknown   0s"}, []string{"delivered"}},
		"20": {[]string{ok}, []string{"delivered"}},
		"21": {[]string{ok}, []string{"delivered"}},
		"23": {[]string{"rejected recipient MOBILE_NUMBER_ILLEGAL 0s"}, []string{}},
	} {
		t.Run(digits, func(t *testing.T) {
			t.Parallel()
			client, inbox, _ := simulate(t, smsDriver())
			var id string
			for _, outcome := range want.calls {
				submission, err := client.SendSMS(t.Context(), backstop.SMSMessage{
					Ref: providertest.Ref, To: "+49151000000" + digits, SendID: "Backstop", Text: "Grüße & 4711 *~+%",
				})
				require.Equal(t, outcome, providertest.Outcome(err), "%v", err)
				id = submission.MessageID
			}
			require.Equal(t, want.words, inbox.Words(t, len(want.words), backstop.SMS, id))
		})
	}
	t.Run("next sender", func(t *testing.T) {
		t.Parallel()
		client, inbox, _ := simulate(t, smsDriver())
		for _, from := range []string{"Backstop", "+447400999999"} {
			_, err := client.SendSMS(t.Context(), backstop.SMSMessage{Ref: providertest.Ref, To: "+4915100000019", SendID: from, Text: "Hi"})
			require.NoError(t, err)
		}
		require.ElementsMatch(t, []string{"failed SP_UNKNOW_ERROR", "delivered"}, inbox.Words(t, 2, backstop.SMS, ""))
	})
	t.Run("find", func(t *testing.T) {
		t.Parallel()
		for digits, want := range map[string]backstop.Status{"01": backstop.Delivered, "14": backstop.Failed} {
			client, inbox, _ := simulate(t, smsDriver())
			submission, err := client.SendSMS(t.Context(), backstop.SMSMessage{Ref: providertest.Ref, To: "+49151000000" + digits, SendID: "Backstop", Text: "Hi"})
			require.NoError(t, err)
			inbox.Words(t, 1, backstop.SMS, submission.MessageID)
			found, err := client.Find(t.Context(), backstop.Inquiry{MessageID: submission.MessageID})
			require.NoError(t, err)
			require.Equal(t, want, found.Status)
			found, err = client.Find(t.Context(), backstop.Inquiry{MessageID: "100"})
			require.NoError(t, err)
			require.Nil(t, found)
		}
	})
}

func TestSandbox_whatsApp(t *testing.T) {
	t.Parallel()
	const ok = ""
	for digits, want := range map[string]struct{ calls, words []string }{
		"01": {[]string{ok}, []string{"sent", "delivered", "read"}},
		"03": {[]string{ok}, []string{"sent"}},
		"04": {[]string{"rejected recipient InvalidParameter.PhoneNumberError 0s"}, []string{}},
		"05": {[]string{ok}, []string{"failed 131026"}},
		"07": {[]string{"throttled  Throttling.User 1s", "throttled  Throttling.User 0s", ok}, []string{"sent", "delivered", "read"}},
		"08": {[]string{"unavailable  InternalError 0s", "unavailable  ServiceUnavailable 0s", ok}, []string{"sent", "delivered", "read"}},
		"09": {[]string{"unknown   0s"}, []string{"sent", "delivered", "read"}},
		"10": {[]string{"unknown   0s", ok}, []string{"sent", "delivered", "read"}},
		"15": {[]string{"rejected template DetailError.TemplateNotExist 0s"}, []string{}},
		"16": {[]string{"rejected opted_out 131050 0s"}, []string{}},
		"17": {[]string{ok}, []string{"sent", "delivered", "read"}},
		"22": {[]string{ok}, []string{"failed 131050"}},
	} {
		t.Run(digits, func(t *testing.T) {
			t.Parallel()
			client, inbox, _ := simulate(t, whatsAppDriver())
			var id string
			for _, outcome := range want.calls {
				submission, err := client.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{
					Ref: providertest.Ref, To: "+49151000000" + digits, Text: "Grüße & 4711 *~+%",
				})
				require.Equal(t, outcome, providertest.Outcome(err), "%v", err)
				id = submission.MessageID
			}
			require.Equal(t, want.words, inbox.Words(t, len(want.words), backstop.WhatsApp, id))
		})
	}
	t.Run("11", func(t *testing.T) {
		t.Parallel()
		client, inbox, _ := simulate(t, whatsAppDriver())
		submission, err := client.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{Ref: providertest.Ref, To: "+4915100000011", Text: "Hi"})
		require.NoError(t, err)
		require.Subset(t, inbox.Words(t, 11, backstop.WhatsApp, submission.MessageID), []string{"sent", "delivered", "read"})
	})
	t.Run("template", func(t *testing.T) {
		t.Parallel()
		client, inbox, _ := simulate(t, whatsAppDriver())
		submission, err := client.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{
			Ref: providertest.Ref, To: "+4915100000001", Template: &backstop.Template{
				Name: "hello", Language: "en", Components: []byte(`[{"type":"body","parameters":[{"type":"text","text":"4711"}]}]`),
			},
		})
		require.NoError(t, err)
		inbox.Words(t, 3, backstop.WhatsApp, submission.MessageID)
	})
}

// An outage of the account is a fault of the account, as with every provider.
func TestSandbox_outage(t *testing.T) {
	t.Parallel()
	for _, d := range []providertest.Driver{smsDriver(), whatsAppDriver()} {
		client, _, settings := simulate(t, d)
		endpoint, err := url.Parse(settings.Values[d.AddressField])
		require.NoError(t, err)
		outage := "http://" + endpoint.Host + "/outages/alibaba"
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, outage, strings.NewReader(`{"kind":"account"}`))
		require.NoError(t, err)
		answer, err := new(http.Client).Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		if d.Channel == backstop.SMS {
			_, err = client.SendSMS(t.Context(), d.SMS)
		} else {
			_, err = client.SendWhatsApp(t.Context(), d.WhatsApp)
		}
		require.Equal(t, "rejected account InvalidAccessKeyId.NotFound 0s", providertest.Outcome(err))
	}
}

func TestSandbox_check(t *testing.T) {
	t.Parallel()
	for _, d := range []providertest.Driver{smsDriver(), whatsAppDriver()} {
		client, _, settings := simulate(t, d)
		require.NoError(t, client.Check(t.Context()))
		for field, value := range map[string]string{"access_key_secret": "another", "access_key_id": "another", "whatsapp_sender": "8613999999999"} {
			if field == "whatsapp_sender" && d.Channel == backstop.SMS {
				continue
			}
			changed := settings
			changed.Values = map[string]string{}
			for name := range settings.Values {
				changed.Values[name] = settings.Values[name]
			}
			changed.Values[field] = value
			fault, ok := errors.AsType[*provider.FieldError](newClient(t, changed).Check(t.Context()))
			require.True(t, ok)
			require.Equal(t, field, fault.Field)
		}
	}
}
