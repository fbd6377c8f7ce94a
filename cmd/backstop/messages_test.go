package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/sandbox"
)

// TestMessages: a service sends the name of a message and values. The providers get the final texts, also after the message has
// changed and is deleted.
func TestMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	policy, err := r.caller.EnsurePolicy(t.Context(), "At once", demo.Rule{Name: "At once", Type: client.RuleTypeSendFailed, SendID: "ACME"})
	require.NoError(t, err)
	text := "Hello {{name}}: {{{{"
	stored, err := r.caller.API.CreateMessageWithResponse(t.Context(), client.MessageInput{
		Name: "Order shipped", Whatsapp: client.MessageWhatsApp{Text: &text},
		Sms: client.MessageSMS{Text: "“{{name}}” – {{code}}", Transliterate: new(true)},
	})
	require.NoError(t, err)
	require.NotNil(t, stored.JSON201, string(stored.Body))
	require.Equal(t, []string{"name", "code"}, stored.JSON201.Variables)

	const to = "+447400600015" // WhatsApp rejects it at once
	send := func(values client.Variables) *client.CreateSendResponse {
		name := "order SHIPPED"
		answer, err := r.caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{}, client.SendInput{
			To: to, Message: &client.NamedMessage{Name: &name}, Variables: &values, Fallback: client.FallbackInput{PolicyID: &policy},
		})
		require.NoError(t, err)
		return answer
	}
	require.Equal(t, 422, send(client.Variables{"name": "Zoë"}).StatusCode(), "a value is missing")
	accepted := send(client.Variables{"name": "Zoë {{code}}", "code": "č4711"})
	require.NotNil(t, accepted.JSON202, string(accepted.Body))
	deleted, err := r.caller.API.DeleteMessageWithResponse(t.Context(), stored.JSON201.ID, &client.DeleteMessageParams{IfMatch: `"1"`})
	require.NoError(t, err)
	require.Equal(t, 204, deleted.StatusCode())

	ended := r.ended(accepted.JSON202.ID)
	require.Equal(t, client.OutcomeSms, ended.Outcome)
	require.Equal(t, client.UsedMessage{ID: stored.JSON201.ID, Name: "Order shipped", Version: 1}, *ended.Message)
	texts := map[string]string{}
	for _, call := range r.calls(func(m sandbox.Message) bool { return m.To == to }) {
		texts[call.Channel] = call.Text
	}
	require.Equal(t, map[string]string{"whatsapp": "Hello Zoë {{code}}: {{", "sms": `"Zoe {{code}}" - c4711`}, texts)
	require.Equal(t, 422, send(client.Variables{"name": "a", "code": "b"}).StatusCode(), "it is deleted")
}
