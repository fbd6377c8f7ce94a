package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
)

// TestExclusive: the setting becomes a part of the send, which a restart with another setting does not change. The failure that a
// provider reports fires the rule.
func TestExclusive(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"BACKSTOP_EXCLUSIVE_GRACE": "7s"})
	input := client.SendInput{
		To: "+447400123405", Whatsapp: client.WhatsAppInput{Text: new("hello")}, // 05: failed by a webhook
		Fallback: client.FallbackInput{
			Text: "hi", Exclusive: new(true), Rules: &[]client.RuleInput{{Name: "On failure", Type: "undelivered", SendID: "ACME"}},
		},
	}
	create := func() client.SendAccepted {
		got, err := r.caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{}, input)
		require.NoError(t, err)
		require.NotNil(t, got.JSON202, string(got.Body))
		return *got.JSON202
	}
	first := create()
	require.Equal(t, client.ExclusivityReason("failures_only"), first.Exclusivity.Reason)
	require.Equal(t, new(7), first.Exclusivity.GraceSeconds)
	require.Equal(t, client.Outcome("sms"), r.ended(first.ID).Outcome)

	r.kill()
	r.environment["BACKSTOP_EXCLUSIVE_GRACE"] = "1m"
	r.start()
	require.Equal(t, first.Exclusivity, r.ended(first.ID).Plan.Exclusivity)
	require.Equal(t, new(60), create().Exclusivity.GraceSeconds)

	(*input.Fallback.Rules)[0].WaitSeconds = new(600)
	refused, err := r.caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{}, input)
	require.NoError(t, err)
	require.Equal(t, 422, refused.StatusCode())
	require.Contains(t, string(refused.Body), `"exclusive_ttl"`)
}
