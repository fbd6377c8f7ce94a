package backstop_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestAccountTest_Validate(t *testing.T) {
	t.Parallel()
	require.NoError(t, backstop.AccountTest{}.Validate(), "the provider's default, and a default text")
	for _, id := range []string{"ACME", "60777", "+447400123456"} {
		require.NoError(t, backstop.AccountTest{SendID: id, Text: strings.Repeat("a", backstop.MaxSMSText)}.Validate())
	}
	for want, test := range map[string]backstop.AccountTest{
		"send_id: must be 1 to 11":            {SendID: "12"},
		"text: must have a visible character": {Text: "\u200b"},
		"text: must have at most 1600":        {Text: strings.Repeat("👋", backstop.MaxSMSText/2+1)},
		"text: must be valid UTF-8":           {Text: "\xff"},
	} {
		err := test.Validate()
		require.ErrorContains(t, err, want)
		require.Equal(t, backstop.Invalid, backstop.CodeOf(err))
	}
	// The name of an account has at most 64 characters.
	length := backstop.MeasureSMS(backstop.AccountTest{Account: strings.Repeat("_", 64)}.DefaultText())
	require.Equal(t, backstop.GSM7, length.Encoding)
	require.Equal(t, 1, length.Segments)
}
