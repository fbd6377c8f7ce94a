package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestAPIKeysCommand(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	rule, err := db.CreateRule(t.Context(), backstop.Rule{Name: "Rule", Type: backstop.SendFailed, SendID: "ACME"})
	require.NoError(t, err)
	policy, err := db.CreatePolicy(t.Context(), backstop.PolicyInput{Name: "Orders", RuleIDs: []string{rule.ID}})
	require.NoError(t, err)
	do := func(args ...string) (code int, stdout, stderr string) {
		var out, diagnostics bytes.Buffer
		environ := []string{"BACKSTOP_DATABASE_URL=" + address}
		code = run(t.Context(), append([]string{"api-keys"}, args...), environ, &out, &diagnostics)
		return code, out.String(), diagnostics.String()
	}
	create := func(policies string) (code int, stdout, stderr string) {
		return do("create", "-name", "Shop", "-scopes", "sends:write", "-policies", policies)
	}

	for name, policies := range map[string]string{
		"an id that no policy has": "0197a1b2-0000-7000-8000-000000000001", "no id": "Orders", "one of two": policy.ID + ",Orders",
	} {
		code, stdout, stderr := create(policies)
		require.NotZero(t, code, name)
		require.Contains(t, stderr, "policy", name)
		require.Empty(t, stdout, name)
	}
	_, stdout, _ := do("list")
	require.NotContains(t, stdout, "Shop", "nothing was made")

	code, secret, stderr := create(strings.ToUpper(policy.ID))
	require.Zero(t, code, stderr)
	require.Contains(t, stderr, "not shown again")
	require.Equal(t, 1, strings.Count(secret, "\n"))
	_, stdout, _ = do("list")
	require.Contains(t, stdout, "Shop")
	require.NotContains(t, stdout, strings.TrimSpace(secret))
	all, err := db.APIKeys(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{policy.ID}, all[0].Policies)

	code, second, stderr := do("rotate", all[0].ID)
	require.Zero(t, code, stderr)
	require.NotEqual(t, secret, second)
	require.Contains(t, stderr, "stays valid until")
	code, _, stderr = do("revoke", all[0].ID)
	require.Zero(t, code, stderr)
	code, _, stderr = do("revoke", all[0].ID)
	require.NotZero(t, code)
	require.Contains(t, stderr, "revoke")
}
