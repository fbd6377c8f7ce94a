package main

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
)

// patchSecond changes some fields of the account "uk", if it has a version.
func (r *rig) patchSecond(version int, patch client.AccountPatchInput) *client.PatchAccountResponse {
	r.t.Helper()
	answer, err := r.caller.API.PatchAccountWithApplicationMergePatchPlusJSONBodyWithResponse(
		r.t.Context(), "uk", &client.PatchAccountParams{IfMatch: strconv.Quote(strconv.Itoa(version))}, patch)
	require.NoError(r.t, err)
	return answer
}

// TestAccounts_patch: a patch keeps all that it lacks, the secrets too. It does not reach a later account of the same name.
func TestAccounts_patch(t *testing.T) {
	t.Parallel()
	r := newFleet(t, nil)
	input := r.secondAccount()
	perSecond := client.CallsPerSecond(20)
	input.CallsPerSecond = &perSecond
	made := r.createAccount(input)

	// The provider is asked with the secrets that are stored, so it accepts the change only if they were kept.
	patched := r.patchSecond(made.Version, client.AccountPatchInput{"disabled": true})
	require.NotNil(t, patched.JSON200, string(patched.Body))
	require.Nil(t, patched.JSON200.Unchecked)
	want := made
	want.Disabled, want.Version, want.UpdatedAt, want.Health = true, made.Version+1, patched.JSON200.UpdatedAt, patched.JSON200.Health
	want.Profile = patched.JSON200.Profile
	require.Equal(t, want, *patched.JSON200)
	require.NotNil(t, patched.JSON200.Health.Reason, "it was not called since its change")

	tooSlow := r.patchSecond(want.Version, client.AccountPatchInput{"calls_per_second": 1e-9})
	require.Equal(t, 422, tooSlow.StatusCode())
	require.Contains(t, string(tooSlow.Body), `"min":"0.01"`)
	removed := r.patchSecond(want.Version, client.AccountPatchInput{"settings": map[string]any{"access_token": nil}})
	require.Equal(t, 422, removed.StatusCode(), "the token is required")

	deleted, err := r.caller.API.DeleteAccountWithResponse(t.Context(), "uk", &client.DeleteAccountParams{IfMatch: "*"})
	require.NoError(t, err)
	require.Equal(t, 204, deleted.StatusCode(), string(deleted.Body))
	again := r.createAccount(input)
	for _, version := range []int{made.Version, want.Version} {
		require.Equal(t, 412, r.patchSecond(version, client.AccountPatchInput{"disabled": true}).StatusCode())
	}
	require.NotNil(t, r.patchSecond(again.Version, client.AccountPatchInput{"calls_per_second": nil}).JSON200)
}
