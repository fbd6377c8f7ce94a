package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
)

// TestKeys_fleet: a key that one process makes works in another at once. When one process has revoked it, another refuses it
// soon after.
func TestKeys_fleet(t *testing.T) {
	t.Parallel()
	r := newFleet(t, nil)
	other, _ := r.second("api")
	status := func(secret string) int {
		api, err := client.NewClientWithResponses(other, client.WithKey(secret))
		require.NoError(t, err)
		answer, err := api.ListSendsWithResponse(t.Context(), &client.ListSendsParams{})
		require.NoError(t, err)
		return answer.StatusCode()
	}
	made, err := r.caller.API.CreateKeyWithResponse(t.Context(), client.KeyInput{
		Name: "Checkout", Scopes: []client.KeyScope{client.KeyScopeSendsRead},
	})
	require.NoError(t, err)
	require.NotNil(t, made.JSON201, string(made.Body))
	secret := made.JSON201.Secret
	require.Equal(t, http.StatusOK, status(secret), "at once")

	revoked, err := r.caller.API.RevokeKeyWithResponse(t.Context(), made.JSON201.Key.ID)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, revoked.StatusCode())
	require.Eventually(t, func() bool { return status(secret) == http.StatusUnauthorized }, 10*time.Second, 50*time.Millisecond)
}
