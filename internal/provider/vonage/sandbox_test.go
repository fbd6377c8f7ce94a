package vonage_test

import (
	"context"
	"math"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/vonage"
	"github.com/backstophq/backstop/internal/sandbox"
)

// rig is an account of the simulated Vonage.
type rig struct {
	*providertest.Inbox

	client  *vonage.Client
	channel backstop.Channel
}

func newRig(t *testing.T, channel backstop.Channel, change func(map[string]string)) *rig {
	t.Helper()
	simulated, err := sandbox.New(sandbox.Options{
		Meta:   sandbox.Meta{AccessToken: "x", PhoneNumberID: "1"},
		Twilio: sandbox.Twilio{AccountSID: "AC1", AuthToken: "x"},
		Faces: []sandbox.Face{sandbox.Vonage{
			ApplicationID: applicationID, PublicKey: &privateKey().PublicKey, APIKey: "a1b2c3d", APISecret: "api-secret",
			SignatureSecret: signatureSecret, Sender: sender,
		}},
		Speed: math.Inf(1),
	})
	require.NoError(t, err)
	server := httptest.NewServer(simulated)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, simulated.Shutdown(ctx))
	})
	g := rig{Inbox: providertest.NewInbox(t), channel: channel}
	settings := driver(channel).Settings(server.URL+"/vonage", time.Second)
	settings.PublicURLs = []*url.URL{g.URL}
	change(settings.Values)
	g.client, err = vonage.New(settings)
	require.NoError(t, err)
	g.Connect(g.client)
	return &g
}

func (g *rig) send(ctx context.Context, digits string) (backstop.Submission, error) {
	to := "+49151000000" + digits
	if g.channel == backstop.SMS {
		return g.client.SendSMS(ctx, backstop.SMSMessage{
			Ref: providertest.Ref, To: to, SendID: "Backstop", Text: "Grüße & 4711",
		})
	}
	return g.client.SendWhatsApp(ctx, backstop.WhatsAppMessage{Ref: providertest.Ref, To: to, Text: "Grüße & 4711"})
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
		{"04", backstop.WhatsApp, []string{ok}, []string{"failed 1300"}},
		{"05", backstop.WhatsApp, []string{ok}, []string{"failed 1300"}},
		{"07", backstop.WhatsApp, []string{"throttled  1000 1s", "throttled  1000 0s", ok}, seen},
		{"08", backstop.WhatsApp, []string{"unavailable  1030 0s", "unavailable  1030 0s", ok}, seen},
		{"09", backstop.WhatsApp, []string{unknown}, seen},
		{"10", backstop.WhatsApp, []string{unknown, ok}, seen},
		{"15", backstop.WhatsApp, []string{"rejected template 1022 0s"}, []string{}},
		{"16", backstop.WhatsApp, []string{ok}, []string{"failed 1240"}},
		{"17", backstop.WhatsApp, []string{ok}, seen},
		{"22", backstop.WhatsApp, []string{ok}, []string{"failed 1240"}},
		{"01", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
		{"13", backstop.SMS, []string{"rejected recipient 1260 0s"}, []string{}},
		{"14", backstop.SMS, []string{ok}, []string{"sent", "failed 1180"}},
		{"18", backstop.SMS, []string{unknown}, []string{"sent", "delivered"}},
		{"19", backstop.SMS, []string{ok}, []string{"sent", "failed 1330"}},
		{"20", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
		{"21", backstop.SMS, []string{ok}, []string{"sent", "delivered"}},
		{"23", backstop.SMS, []string{ok}, []string{"failed 1240"}},
	} {
		t.Run(string(row.channel)+" "+row.digits, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, row.channel, nothing)
			var id string
			for _, want := range row.calls {
				submission, err := g.send(t.Context(), row.digits)
				require.Equal(t, want, providertest.Outcome(err), "%v", err)
				id = submission.MessageID
			}
			require.Equal(t, row.words, g.Words(t, len(row.words), row.channel, id))
		})
	}
	t.Run("disorder", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, backstop.WhatsApp, nothing)
		submission, err := g.send(t.Context(), "11")
		require.NoError(t, err)
		require.Subset(t, g.Words(t, 11, backstop.WhatsApp, submission.MessageID), []string{"delivered", "read"})
	})
	t.Run("template", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, backstop.WhatsApp, nothing)
		_, err := g.client.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{
			Ref: providertest.Ref, To: "+4915100000001", Template: &backstop.Template{
				Name: "order_ready", Language: "en_US", Components: []byte(`[{"type":"body","parameters":[{"type":"text","text":"4711"}]}]`),
			},
		})
		require.NoError(t, err)
		require.Equal(t, seen, g.Words(t, 3, backstop.WhatsApp, ""))
	})
	t.Run("api key", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, backstop.SMS, func(values map[string]string) {
			values["application_id"], values["private_key"], values["api_key"], values["api_secret"] = "", "", "a1b2c3d", "api-secret"
		})
		_, err := g.send(t.Context(), "01")
		require.NoError(t, err)
	})
	t.Run("wrong credentials", func(t *testing.T) {
		t.Parallel()
		for _, change := range []func(map[string]string){
			func(values map[string]string) { values["application_id"] = "00000000-0000-0000-0000-000000000000" },
			func(values map[string]string) {
				values["application_id"], values["private_key"], values["api_key"], values["api_secret"] = "", "", "a1b2c3d", "other"
			},
		} {
			_, err := newRig(t, backstop.SMS, change).send(t.Context(), "01")
			require.Equal(t, "rejected account unauthorized 0s", providertest.Outcome(err))
		}
	})
}
