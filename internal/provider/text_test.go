package provider_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop/internal/provider"
)

func TestPoster_Text(t *testing.T) {
	t.Parallel()
	p := provider.NewPoster(0, nil, "s3cret", "")
	for in, want := range map[string]string{
		"":                                "",
		"(#131026) Message undeliverable": "(#131026) Message undeliverable",
		"to +447400123456.":               "to +***.",
		"to +1 415-867-5309":              "to +***",
		"123456 is short, 1234567 is not": "123456 is short, *** is not",
		"token s3cret!":                   "token ***!",
		"Bearer eyJhbGciOiJI.eyJpYXQi.c2ln-_ is wrong":  "Bearer *** is wrong",
		"a\x00b\n\tc\u0085d":                            "a b c d",
		"bad \xff utf":                                  "bad utf",
		strings.Repeat("é", 400):                        strings.Repeat("é", 300),
		"dial tcp 192.168.100.200:443":                  "dial tcp 192.168.100.200:443",
		"to 44.20.123.45":                               "to ***", // an address of a connection has a port
		"to 444.20.123.45:1":                            "to ***:1",
		"lookup x on [2001:db8::1]:53":                  "lookup x on [2001:db8::1]:53",
		"to 44.7400.123.413.":                           "to ***.",
		"to +44 (0) 7400  123 - 413":                    "to +***",
		"to 44\u00a07400\u00a0123413":                   "to ***",
		"to ４４７４００１２３４１３":                               "to ***",
		"to ４４－７４００／１２３．４１３":                            "to ***",
		"to \u0664\u0664\u0667\u0664\u0660\u0660\u0661": "to ***",
		"to 44\u200b7400\n\t123413":                     "to ***",
		"(#131030) 447400123413":                        "(#131030) ***",
		"(#1234567) no code":                            "(#***) no code",
		"to 44,7400,123,413":                            "to ***",
		"to 44_7400·123'413":                            "to ***",
		"code 131047, 24 hours":                         "code 131047, 24 hours",
		"63038: 500 daily messages":                     "63038: 500 daily messages",
	} {
		require.Equal(t, want, p.Text(in), "%q", in)
	}
}

// TestPoster_Text_quotedRequest: a provider quotes the request, with the secret as it is written there.
func TestPoster_Text_quotedRequest(t *testing.T) {
	t.Parallel()
	p := provider.NewPoster(0, nil, `pa s/s&w"<ö`, "s3cret")
	for _, quoted := range []string{
		`p=pa+s%2Fs%26w%22%3C%C3%B6.`, `p=pa+s%2fs%26w%22%3c%c3%b6.`, `p=pa%20s%2Fs%26w%22%3C%C3%B6.`, `/pa%20s%2Fs&w%22%3C%C3%B6.`,
		`/pa%20s%2fs&w%22%3c%c3%b6.`, `"pa s/s\u0026w\"\u003cö".`, `"pa s/s&w\"<ö".`, `<b>pa s/s&amp;w&#34;&lt;ö</b>.`, `pa s/s&w"<ö.`,
	} {
		text := p.Text(quoted)
		require.Contains(t, text, "***", quoted)
		require.NotContains(t, text, "pa", quoted)
		require.NotContains(t, text, "s", quoted)
	}
}

// TestPoster_Text_numbers: a phone number is hidden in every notation. A code or an id with fewer digits is not hidden.
func TestPoster_Text_numbers(t *testing.T) {
	t.Parallel()
	p := provider.NewPoster(0, nil)
	zeros := []rune("0０\u0660\u06f0\u0966\U0001d7ce") // the zeros of alphabets; each alphabet has its other nine digits after the zero
	separators := []rune(" .-()/\u00a0\u2009\u3000\u2010\u2013\u2212．－（）／\u200b\u00ad\t\n")
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 15).Draw(t, "digits")
		var written, plain strings.Builder
		for i := range count {
			if i > 0 {
				written.WriteString(string(rapid.SliceOfN(rapid.SampledFrom(separators), 0, 4).Draw(t, "separators")))
			}
			digit := rapid.IntRange(0, 9).Draw(t, "digit")
			zero := rapid.SampledFrom(zeros).Draw(t, "alphabet")
			written.WriteRune(zero + rune(digit))
			plain.WriteByte('0' + byte(digit))
		}
		got := p.Text("code " + written.String() + " of it")
		if count >= 7 {
			require.Equal(t, "code *** of it", got, "%+q", written.String())
			return
		}
		require.NotContains(t, got, "*")
		require.Equal(t, "code "+plain.String()+" of it", p.Text("code "+plain.String()+" of it"))
	})
}

// TestSecrets: drivers that share a set hide each other's secrets, also if a secret is added later.
func TestSecrets(t *testing.T) {
	t.Parallel()
	var shared provider.Secrets
	first := provider.NewPoster(0, &shared, "meta-s3cret")
	second := provider.NewPoster(0, &shared, "twilio-s3cret")
	for _, p := range []*provider.Poster{first, second} {
		require.Equal(t, "*** and ***", p.Text("meta-s3cret and twilio-s3cret"))
	}
	shared.Add("meta-s3cret-2", "")
	require.Equal(t, "*** or ***", second.Text("meta-s3cret-2 or meta-s3cret"), "one is the beginning of the other")
}
