package accounts_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider"
)

// TestDirectory_SandboxAccounts: an account is one of the sandbox if all its calls go there, and no default for live sends while
// there are others.
func TestDirectory_SandboxAccounts(t *testing.T) {
	t.Parallel()
	driver := signing()
	driver.Fields = append(driver.Fields, backstop.AccountField{Name: "base_url", Kind: backstop.URLField})
	at := func(address string) func(*backstop.Account) {
		return func(a *backstop.Account) {
			if address != "" {
				a.Settings["base_url"] = address
			}
		}
	}
	r := newRig(t, func(o *accounts.Options) {
		o.Drivers = []provider.Driver{driver}
		o.Sandbox = &url.URL{Scheme: "http", Host: "sandbox:8090"}
	})
	r.create(t, "1-sandbox", at("http://sandbox:8090/x"))
	require.Equal(t, "1-sandbox", r.DefaultAccount(backstop.SMS, "GB"), "there is no other")
	for name, address := range map[string]string{
		"2-own": "", "3-tls": "https://sandbox:8090", "4-port": "http://sandbox:8091", "5-host": "http://api.example",
	} {
		r.create(t, name, at(address))
	}
	box := r.SandboxAccounts()
	for _, o := range r.List() {
		_, found := box.Account(o.Name)
		require.Equal(t, o.Name == "1-sandbox", found, o.Name)
	}
	require.Equal(t, "1-sandbox", box.DefaultAccount(backstop.SMS, "GB"))
	require.Empty(t, box.DefaultAccount(backstop.WhatsApp, "GB"))
	require.NotEqual(t, "1-sandbox", r.DefaultAccount(backstop.SMS, "GB"))
}
