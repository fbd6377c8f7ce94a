package backstop_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestMessageContent_Variables(t *testing.T) {
	t.Parallel()
	content := backstop.MessageContent{
		Template: simpleTemplate(t, `{"header":{"image":{"link":"{{link}}"}},"body":{"b":"{{two}}","a":"{{one}}"},"buttons":[{"index":0,"payload":"{{one}}{{p}}"}]}`),
		SMSText:  "{{{{ {{two}} {{sms}}",
	}
	require.Equal(t, []string{"one", "two", "link", "p", "sms"}, content.Variables())
	require.NoError(t, content.Validate())
	content = backstop.MessageContent{Text: "{{a}}", SMSText: "{{"}
	require.Equal(t, []string{"a"}, content.Variables(), "as far as they can be read")
	require.Equal(t, map[string]backstop.FieldCode{"sms.text": backstop.FieldVariableSyntax}, codesOf(content.Validate()))
}

func TestMessageInput_Validate(t *testing.T) {
	t.Parallel()
	valid := backstop.MessageInput{Name: "a", MessageContent: backstop.MessageContent{Text: "a", SMSText: "b"}}
	require.NoError(t, valid.Validate())
	wrong := backstop.MessageInput{Name: " ", MessageContent: backstop.MessageContent{SMSText: "\u200b", Category: "x"}}
	require.Equal(t, map[string]backstop.FieldCode{
		"name": backstop.FieldRequired, "whatsapp": backstop.FieldTextOrTemplate, "sms.text": backstop.FieldBlank, "category": backstop.FieldOneOf,
	}, codesOf(wrong.Validate()))
}

// A stored message is read back as it was written.
func TestMessageContent_JSON(t *testing.T) {
	t.Parallel()
	for _, simple := range []string{
		`{"body":["a","b"]}`, `{"body":{"x":"a"},"header":{"text":"h"}}`, `{"header":{"text":{"x":"h"}},"buttons":[{"index":1,"code":"{{c}}"}]}`,
		`{"header":{"document":{"link":"https://a.example/b","filename":"b.pdf"}}}`, `{}`,
	} {
		content := backstop.MessageContent{Template: simpleTemplate(t, simple), SMSText: "x", MaxSegments: 2, Transliterates: true}
		text, err := json.Marshal(content)
		require.NoError(t, err)
		var read backstop.MessageContent
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, content, read)
		parameters, err := json.Marshal(read.Template.SimpleTemplate)
		require.NoError(t, err)
		require.JSONEq(t, simple, string(parameters))
	}
}
