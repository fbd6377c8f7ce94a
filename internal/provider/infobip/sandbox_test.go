package infobip_test

import (
	"context"
	"math"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/infobip"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/sandbox"
)

// rig is an account of the simulated Infobip.
type rig struct {
	*providertest.Inbox

	client provider.Client
}

func newRig(t *testing.T, channel backstop.Channel) *rig {
	t.Helper()
	simulated, err := sandbox.New(sandbox.Options{
		Meta:   sandbox.Meta{AccessToken: "x", PhoneNumberID: "1"},
		Twilio: sandbox.Twilio{AccountSID: "AC1", AuthToken: "x"},
		Faces:  []sandbox.Face{sandbox.Infobip{APIKey: apiKey, Sender: sender}},
		Speed:  math.Inf(1),
	})
	require.NoError(t, err)
	server := httptest.NewServer(simulated)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, simulated.Shutdown(ctx))
	})
	g := rig{Inbox: providertest.NewInbox(t)}
	settings := whatsAppDriver().Settings(server.URL+"/infobip", time.Second)
	settings.Channel, settings.PublicURLs = channel, []*url.URL{g.URL}
	g.client, err = infobip.Open(settings)
	require.NoError(t, err)
	g.Connect(g.client)
	return &g
}

func (g *rig) send(ctx context.Context, digits string) (backstop.Submission, error) {
	to := "+49151000000" + digits
	if sms, ok := g.client.(provider.SMS); ok {
		return sms.SendSMS(ctx, backstop.SMSMessage{Ref: providertest.Ref, To: to, SendID: "Backstop", Text: "Grüße & 4711"})
	}
	return g.client.(provider.WhatsApp).SendWhatsApp(ctx, backstop.WhatsAppMessage{
		Ref: providertest.Ref, To: to, Text: "Grüße & 4711",
	})
}

func TestSandbox(t *testing.T) {
	t.Parallel()
	const ok, unknown = "", "unknown   0s"
	seen := []string{"sent", "delivered", "read"}
	for _, row := range []struct {
		digits  string
		channel backstop.Channel
		calls   []string
		words   []string
	}{
		{"01", backstop.WhatsApp, []string{ok}, seen},
		{"02", backstop.WhatsApp, []string{ok}, []string{"sent", "delivered"}},
		{"03", backstop.WhatsApp, []string{ok}, []string{"sent"}},
		{"04", backstop.WhatsApp, []string{ok}, []string{"failed EC_UNKNOWN_USER"}},
		{"05", backstop.WhatsApp, []string{ok}, []string{"failed EC_UNKNOWN_USER"}},
		{"07", backstop.WhatsApp, []string{"throttled  TOO_MANY_REQUESTS 1s", "throttled  TOO_MANY_REQUESTS 0s", ok}, seen},
		{"08", backstop.WhatsApp, []string{"unavailable  GENERAL_ERROR 0s", "unavailable  GENERAL_ERROR 0s", ok}, seen},
		{"09", backstop.WhatsApp, []string{unknown, ok}, seen}, // the repeat is refused
		{"10", backstop.WhatsApp, []string{unknown, ok}, seen},
		{"15", backstop.WhatsApp, []string{"rejected template BAD_REQUEST 0s"}, []string{}},
		{"16", backstop.WhatsApp, []string{ok}, []string{"failed EC_MARKETING_OPT_OUT"}},
		{"17", backstop.WhatsApp, []string{ok}, seen},
		{"22", backstop.WhatsApp, []string{ok}, []string{"failed EC_MARKETING_OPT_OUT"}},
		{"01", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
		{"13", backstop.SMS, []string{"rejected recipient REJECTED_NETWORK 0s"}, []string{}},
		{"14", backstop.SMS, []string{ok}, []string{"sent", "failed EC_ABSENT_SUBSCRIBER"}},
		{"18", backstop.SMS, []string{unknown, ok, ok}, []string{"sent", "delivered"}},
		{"19", backstop.SMS, []string{ok}, []string{"sent", "failed EC_UNKNOWN_ERROR"}},
		{"20", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
		{"21", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
		{"23", backstop.SMS, []string{ok}, []string{"failed EC_CONTENT_BLOCKED"}},
	} {
		t.Run(string(row.channel)+" "+row.digits, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, row.channel)
			for _, want := range row.calls {
				submission, err := g.send(t.Context(), row.digits)
				require.Equal(t, want, providertest.Outcome(err), "%v", err)
				if want == ok {
					require.Equal(t, ref, submission.MessageID)
				}
			}
			require.Equal(t, row.words, g.Words(t, len(row.words), row.channel, ref))
		})
	}
	t.Run("disorder", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, backstop.WhatsApp)
		_, err := g.send(t.Context(), "11")
		require.NoError(t, err)
		require.Subset(t, g.Words(t, 5, backstop.WhatsApp, ref), []string{"delivered", "read"})
	})
	t.Run("template", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, backstop.WhatsApp)
		whatsApp, _ := g.client.(provider.WhatsApp)
		_, err := whatsApp.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{
			Ref: providertest.Ref, To: "+4915100000001", Template: &backstop.Template{
				Name: "order_ready", Language: "en_US",
				Components: []byte(`[{"type":"body","parameters":[{"type":"text","text":"4711"}]}]`),
			},
		})
		require.NoError(t, err)
		require.Equal(t, seen, g.Words(t, 3, backstop.WhatsApp, ref))
	})
	for _, channel := range []backstop.Channel{backstop.SMS, backstop.WhatsApp} {
		t.Run("check "+string(channel), func(t *testing.T) {
			t.Parallel()
			checker, _ := newRig(t, channel).client.(provider.Checker)
			require.NoError(t, checker.Check(t.Context()))
		})
	}
}

// An SMS of the simulated provider is found by our reference, with and without the answer to its call.
func TestSandbox_finds(t *testing.T) {
	t.Parallel()
	inquiry := backstop.Inquiry{Ref: providertest.Ref, Since: time.Now()}
	for digits, want := range map[string]string{
		"01": "delivered", "14": "failed recipient EC_ABSENT_SUBSCRIBER", "13": "failed recipient REJECTED_NETWORK", "18": "delivered",
	} {
		g := newRig(t, backstop.SMS)
		finder, _ := g.client.(provider.Finder)
		found, err := finder.Find(t.Context(), inquiry)
		require.NoError(t, err)
		require.Nil(t, found)
		_, _ = g.send(t.Context(), digits)
		require.Eventually(t, func() bool {
			found, err := finder.Find(t.Context(), inquiry)
			if err != nil || found == nil || found.MessageID != ref {
				return false
			}
			word := string(found.Status)
			if found.Failure != nil {
				word += " " + string(found.Failure.Class) + " " + found.Failure.Code
			}
			return word == want
		}, 30*time.Second, 5*time.Millisecond, digits)
	}
}

// The simulated provider drops an SMS whose validity period ends before it is sent.
func TestSandbox_expires(t *testing.T) {
	t.Parallel()
	simulated, err := sandbox.New(sandbox.Options{
		Meta:   sandbox.Meta{AccessToken: "x", PhoneNumberID: "1"},
		Twilio: sandbox.Twilio{AccountSID: "AC1", AuthToken: "x"},
		Faces:  []sandbox.Face{sandbox.Infobip{APIKey: apiKey, Sender: sender}},
		Speed:  1,
	})
	require.NoError(t, err)
	server := httptest.NewServer(simulated)
	t.Cleanup(server.Close)
	t.Cleanup(func() { require.NoError(t, simulated.Shutdown(context.WithoutCancel(t.Context()))) })
	client := open[*infobip.SMS](t, smsDriver(), server.URL+"/infobip")
	m := smsDriver().SMS
	m.To, m.ValidFor = "+4915100000021", time.Second
	_, err = client.SendSMS(t.Context(), m)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		found, err := client.Find(t.Context(), backstop.Inquiry{Ref: m.Ref, Since: time.Now()})
		return err == nil && found.Failure != nil && found.Failure.Class == backstop.Expired && found.Failure.Code == "EC_MESSAGE_CANCELED"
	}, 30*time.Second, 20*time.Millisecond)
}
