package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/sandbox"
)

// messages is a service that sends by the name of a stored message.
type messages struct {
	*rig

	policy string
	stored client.Message
}

// newMessages stores a message of a WhatsApp text and an SMS. The policy falls back as soon as WhatsApp refuses.
func newMessages(t *testing.T, text, sms string) *messages {
	t.Helper()
	r := newRig(t, nil)
	policy, err := r.caller.EnsurePolicy(t.Context(), "At once", demo.Rule{Name: "At once", Type: client.RuleTypeSendFailed, SendID: "ACME"})
	require.NoError(t, err)
	stored, err := r.caller.API.CreateMessageWithResponse(t.Context(), messageOf(text, sms))
	require.NoError(t, err)
	require.NotNil(t, stored.JSON201, string(stored.Body))
	return &messages{rig: r, policy: policy, stored: *stored.JSON201}
}

func messageOf(text, sms string) client.MessageInput {
	return client.MessageInput{
		Name: "Order shipped", Whatsapp: client.MessageWhatsApp{Text: &text},
		Sms: client.MessageSMS{Text: sms, Transliterate: new(true)},
	}
}

// sendNamed asks for a send by the name of the message, at a time or at once.
func (m *messages) sendNamed(to, key string, values client.Variables, at *time.Time) *client.CreateSendResponse {
	m.t.Helper()
	answer, err := m.caller.API.CreateSendWithResponse(m.t.Context(), &client.CreateSendParams{IdempotencyKey: &key}, client.SendInput{
		To: to, Message: &client.NamedMessage{Name: new("order SHIPPED")}, Variables: &values, SendAt: at,
		Fallback: client.FallbackInput{PolicyID: &m.policy},
	})
	require.NoError(m.t, err)
	return answer
}

// accept is sendNamed for a send that the API accepts. It returns the answer.
func (m *messages) accept(to, key string, values client.Variables, at *time.Time) client.SendAccepted {
	m.t.Helper()
	answer := m.sendNamed(to, key, values, at)
	require.NotNil(m.t, answer.JSON202, string(answer.Body))
	return *answer.JSON202
}

// refused returns the codes of the fields of a refused send, as "field: code".
func (m *messages) refused(values client.Variables) (fields []string) {
	m.t.Helper()
	answer := m.sendNamed(rejected(2), "refused", values, nil) // a refused request uses no key up
	require.NotNil(m.t, answer.ApplicationProblemJSON422, string(answer.Body))
	for _, e := range *answer.ApplicationProblemJSON422.Errors {
		fields = append(fields, e.Field+": "+string(e.Code))
	}
	return fields
}

// texts returns the text that each channel's provider got for a recipient.
func (m *messages) texts(to string) map[string]string {
	m.t.Helper()
	texts := map[string]string{}
	for _, call := range m.calls(func(m sandbox.Message) bool { return m.To == to }) {
		require.NotContains(m.t, texts, call.Channel, "one message by each channel")
		texts[call.Channel] = call.Text
	}
	return texts
}

// rejected returns the n-th number that WhatsApp rejects at once.
func rejected(n int) string { return fmt.Sprintf("+44740060%02d15", n) }

// TestMessages: a service sends the name of a message and values. The providers get the final texts, also after the message is
// deleted. A wrong set of values is refused, and nothing goes out. A repeated request gets the first answer.
func TestMessages(t *testing.T) {
	t.Parallel()
	m := newMessages(t, "Hello {{name}}: {{{{", "“{{name}}” – {{code}}")
	require.Equal(t, []string{"name", "code"}, m.stored.Variables)

	require.Equal(t, []string{"variables.code: variable_missing"}, m.refused(client.Variables{"name": "Zoë"}))
	require.Equal(t, []string{"variables.order: variable_unused"}, m.refused(client.Variables{"name": "a", "code": "b", "order": "c"}))

	to, values := rejected(0), client.Variables{"name": "Zoë {{code}}", "code": "č4711"}
	first := m.accept(to, "order-1", values, nil)
	require.Equal(t, first, m.accept(to, "order-1", values, nil))
	deleted, err := m.caller.API.DeleteMessageWithResponse(t.Context(), m.stored.ID, &client.DeleteMessageParams{IfMatch: `"1"`})
	require.NoError(t, err)
	require.Equal(t, 204, deleted.StatusCode())
	require.Equal(t, first, m.accept(to, "order-1", values, nil), "after the message is deleted")
	require.Equal(t, 422, m.sendNamed(to, "order-1", client.Variables{"name": "a", "code": "b"}, nil).StatusCode(), "other values")

	ended := m.ended(first.ID)
	require.Equal(t, client.OutcomeSms, ended.Outcome)
	require.Equal(t, client.UsedMessage{ID: m.stored.ID, Name: "Order shipped", Version: 1}, *ended.Message)
	require.Equal(t, map[string]string{"whatsapp": "Hello Zoë {{code}}: {{", "sms": `"Zoe {{code}}" - c4711`}, m.texts(to))
	require.Equal(t, []string{"message.name: not_found"}, m.refused(client.Variables{"name": "a", "code": "b"}))
	require.Empty(t, m.texts(rejected(2)), "a refused send goes out by no channel")
}

// TestMessages_versions: a scheduled send goes out with the version of its message that it was accepted with, although the message
// has changed since. A later send has the new version.
func TestMessages_versions(t *testing.T) {
	t.Parallel()
	m := newMessages(t, "Old: {{name}}", "Old SMS: {{name}}")
	values := client.Variables{"name": "Ada"}
	at := time.Now().Add(3 * time.Second)
	scheduled := m.accept(rejected(0), "order-1", values, &at)

	change := &client.ReplaceMessageParams{IfMatch: `"1"`}
	changed, err := m.caller.API.ReplaceMessageWithResponse(t.Context(), m.stored.ID, change, messageOf("New: {{name}}", "New SMS: {{name}}"))
	require.NoError(t, err)
	require.NotNil(t, changed.JSON200, string(changed.Body))
	later := m.accept(rejected(1), "order-2", values, nil)
	require.Empty(t, m.texts(rejected(0)), "the scheduled send has not started")

	for _, want := range []struct {
		send client.SendAccepted
		to   string
		used int
		word string
	}{{scheduled, rejected(0), 1, "Old"}, {later, rejected(1), 2, "New"}} {
		ended := m.ended(want.send.ID)
		require.Equal(t, client.OutcomeSms, ended.Outcome)
		require.Equal(t, want.used, ended.Message.Version)
		require.Equal(t, map[string]string{"whatsapp": want.word + ": Ada", "sms": want.word + " SMS: Ada"}, m.texts(want.to))
	}
	versions, err := m.caller.API.ListMessageVersionsWithResponse(t.Context(), m.stored.ID, nil)
	require.NoError(t, err)
	require.NotNil(t, versions.JSON200, string(versions.Body))
	var texts []string
	for _, v := range versions.JSON200.Items {
		texts = append(texts, v.Sms.Text)
	}
	require.Equal(t, []string{"New SMS: {{name}}", "Old SMS: {{name}}"}, texts)
}
