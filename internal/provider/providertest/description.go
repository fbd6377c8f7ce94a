package providertest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// testDescription asserts that account.json is complete, and that the driver can do what it says: configuration, API and console
// show nothing else.
func testDescription(t *testing.T, d Driver) {
	t.Helper()
	of := d.Of
	require.Regexp(t, `^[a-z][a-z0-9]*$`, of.Name, "the name is a part of variables and of addresses")
	require.NotEmpty(t, of.Title)
	require.Contains(t, of.Channels, d.Channel)
	require.Contains(t, []backstop.OnUnknown{backstop.HoldUnknown, backstop.ResendUnknown}, of.OnUnknown)
	names := map[string]bool{}
	for _, field := range of.Fields {
		require.False(t, names[field.Name], "two fields have the name %s", field.Name)
		names[field.Name] = true
		testField(t, field)
	}
	client, _ := d.open(t, "http://127.0.0.1:1", longTimeout)
	_, finds := client.(provider.Finder)
	_, checks := client.(provider.Checker)
	if len(of.Channels) == 1 { // else the accounts of another channel may differ
		require.Equal(t, of.AnswersInquiries, finds, "answers_inquiries says whether the client has Find")
		require.Equal(t, of.ChecksAccounts, checks, "checks_accounts says whether the client has Check")
		require.Equal(t, finds, d.Lookup != nil, "the suite tests Find by Lookup")
	}
	require.True(t, of.AnswersInquiries || !finds, "the client has Find, so answers_inquiries is true")
	require.True(t, of.ChecksAccounts || !checks, "the client has Check, so checks_accounts is true")
	if of.SignsWebhooks {
		require.NotEmpty(t, of.Verifying(), "a field verifies the webhooks")
		require.NotEmpty(t, d.SignatureHeader)
	}
}

func testField(t *testing.T, field backstop.AccountField) {
	t.Helper()
	require.Regexp(t, `^[a-z][a-z0-9_]*$`, field.Name)
	require.Contains(t, []backstop.FieldKind{
		backstop.TextField, backstop.SecretField, backstop.URLField, backstop.ChoiceField, backstop.LongField,
	}, field.Kind, field.Name)
	require.Equal(t, field.Kind == backstop.ChoiceField, len(field.Choices) > 0, "the choices of %s", field.Name)
	_, err := regexp.Compile(field.Pattern)
	require.NoError(t, err, field.Name)
	for language, endOfSentence := range map[string]string{"en": ".", "zh-CN": "。"} {
		help := field.Help[language]
		require.NotEmpty(t, field.Label[language], "label of %s in %s", field.Name, language)
		require.NotEmpty(t, strings.TrimSuffix(help, endOfSentence), "help of %s in %s", field.Name, language)
		require.True(t, strings.HasSuffix(help, endOfSentence), "help of %s in %s is a sentence", field.Name, language)
	}
}
