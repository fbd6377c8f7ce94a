package provider_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/provider"
)

func TestPoster_Text(t *testing.T) {
	t.Parallel()
	p := provider.NewPoster(0, "s3cret", "")
	for in, want := range map[string]string{
		"":                                "",
		"(#131026) Message undeliverable": "(#131026) Message undeliverable",
		"to +447400123456.":               "to +***.",
		"to +1 415-867-5309":              "to +***",
		"123456 is short, 1234567 is not": "123456 is short, *** is not",
		"token s3cret!":                   "token ***!",
		"a\x00b\n\tc\u0085d":              "a b c d",
		"bad \xff utf":                    "bad utf",
		strings.Repeat("é", 400):          strings.Repeat("é", 300),
		"dial tcp 192.168.100.200:443":    "dial tcp 192.168.100.200:443",
	} {
		require.Equal(t, want, p.Text(in), "%q", in)
	}
}
