package registry_test

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/registry"
	"github.com/backstophq/backstop/internal/sandbox"
)

// Each driver of the registry has an account in the sandbox for each of its channels. Such an account opens, passes its own check, and
// sends.
func TestSandbox(t *testing.T) {
	t.Parallel()
	simulated, err := sandbox.New(sandbox.Options{
		Meta:   sandbox.Meta{AccessToken: "token", AppSecret: "secret", PhoneNumberID: "106540352242922", VerifyToken: "verify"},
		Twilio: sandbox.Twilio{AccountSID: "AC00000000000000000000000000000000", AuthToken: "token"},
		Faces:  sandbox.Faces(),
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
	hooks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hooks.Close)
	public, err := url.Parse(hooks.URL)
	require.NoError(t, err)
	found := map[string]map[backstop.Channel]bool{}
	for _, account := range simulated.Accounts(server.URL) {
		channel := backstop.Channel(account.Channel)
		if found[account.Provider] == nil {
			found[account.Provider] = map[backstop.Channel]bool{}
		}
		found[account.Provider][channel] = true
		t.Run(account.Provider+" "+account.Channel+" "+account.Settings["recipe"], func(t *testing.T) {
			t.Parallel()
			driver, known := registry.Find(account.Provider)
			require.True(t, known)
			testAccount(t, driver, channel, account.Settings, public)
		})
	}
	for _, driver := range registry.Drivers() {
		for _, channel := range driver.Channels {
			require.True(t, found[driver.Name][channel], "the sandbox has no account of %s for %s: a line in sandbox.Faces is missing",
				driver.Name, channel)
		}
	}
}

func testAccount(t *testing.T, driver provider.Driver, channel backstop.Channel, settings map[string]string, public *url.URL) {
	t.Helper()
	require.NoError(t, driver.ValidateAccount(backstop.Account{
		Name: "main", Provider: driver.Name, Channel: channel, Settings: settings, OnUnknown: driver.OnUnknown,
		WhenUnhealthy: backstop.FallBackUnhealthy, CallTimeout: backstop.DefaultCallTimeout,
	}))
	client, err := driver.Open(provider.Settings{
		Account: "main", Channel: channel, Values: driver.WithDefaults(channel, settings), PublicURLs: []*url.URL{public},
		WebhookPath: "/webhooks/" + driver.Name + "/main",
	})
	require.NoError(t, err)
	if checker, ok := client.(provider.Checker); ok {
		require.NoError(t, checker.Check(t.Context()))
	}
	const to = "+4915100000001"
	if channel == backstop.WhatsApp {
		sender, ok := client.(provider.WhatsApp)
		require.True(t, ok)
		_, err = sender.SendWhatsApp(t.Context(), backstop.WhatsAppMessage{Ref: providertest.Ref, To: to, Text: "Hello"})
	} else {
		sender, ok := client.(provider.SMS)
		require.True(t, ok)
		_, err = sender.SendSMS(t.Context(), backstop.SMSMessage{Ref: providertest.Ref, To: to, SendID: "Backstop", Text: "Hello"})
	}
	require.NoError(t, err)
}
