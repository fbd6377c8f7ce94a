package main

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestReadConfig_people(t *testing.T) {
	t.Parallel()
	base := complete()
	maps.Copy(base, map[string]string{
		"BACKSTOP_OIDC_ISSUER": "https://id.example.com/realms/a", "BACKSTOP_OIDC_CLIENT_ID": "backstop",
		"BACKSTOP_OIDC_CLIENT_SECRET": "s3cret", "BACKSTOP_OIDC_ADMINS": "ops, leads", "BACKSTOP_PUBLIC_URL": "https://b.example.com/",
	})
	c, err := readConfig[config](base)
	require.NoError(t, err)
	require.Equal(t, "https://b.example.com/console/session/oidc/callback", c.redirectURL())
	require.Equal(t, []string{"ops", "leads"}, c.OIDC.roles()[backstop.RoleAdmin])
	provider, err := c.newPeople()
	require.NoError(t, err)
	require.Equal(t, "https://id.example.com/realms/a", provider.Issuer())

	for _, wrong := range []struct{ name, value, named string }{
		{"OIDC_ISSUER", "http://id.example.com", "OIDC_ISSUER"},
		{"OIDC_ISSUER", "https://id.example.com?a=b", "OIDC_ISSUER"},
		{"OIDC_ISSUER", "", "OIDC_ISSUER"},
		{"OIDC_CLIENT_ID", "", "OIDC_CLIENT_ID"},
		{"OIDC_ADMINS", " ", "OIDC_ADMINS"},
		{"OIDC_REDIRECT_URL", "https://b.example.com/elsewhere", "OIDC_REDIRECT_URL"},
		{"PUBLIC_URL", "http://b.example.com", "OIDC_REDIRECT_URL"},
		{"SESSION_IDLE", "1m", "SESSION_IDLE"},
		{"SESSION_LIFE", "1000h", "SESSION_LIFE"},
		{"SESSION_LIFE", "soon", "SESSION_LIFE"},
	} {
		changed := maps.Clone(base)
		changed["BACKSTOP_"+wrong.name] = wrong.value
		_, err := readConfig[config](changed)
		require.ErrorContains(t, err, "BACKSTOP_"+wrong.named+": ", wrong.name)
		require.NotContains(t, err.Error(), "s3cret")
	}
	alone := complete()
	alone["BACKSTOP_SESSION_BY_KEY"] = "false"
	_, err = readConfig[config](alone)
	require.ErrorContains(t, err, "BACKSTOP_SESSION_BY_KEY: ", "nobody could sign in")
}
