package provider_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

func TestInbound(t *testing.T) {
	t.Parallel()
	require.Equal(t, &backstop.Inbound{From: "+447400123456", To: "Backstop", Text: "Hi", ReplyTo: "id-1"},
		provider.Inbound("447400123456", "Backstop", "Hi", "id-1"))
	for _, from := range []string{"", "+", "12345", "Backstop", "whatsapp:+447400123456", "+0123456789", "GB.1349", "4474001234567890"} {
		require.Nil(t, provider.Inbound(from, "", "Hi", ""), from)
	}
	odd := provider.Inbound("+447400123456", "a\x00b", "\xff"+strings.Repeat("ü", 5000)+"\x00", strings.Repeat("i", 257))
	require.Equal(t, &backstop.Inbound{From: "+447400123456", To: "ab", Text: strings.Repeat("ü", 4096)}, odd)
}

func TestInbound_keyword(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]backstop.Keyword{
		"STOP": backstop.StopKeyword, " stop\n": backstop.StopKeyword, "Unsubscribe": backstop.StopKeyword, "stopall": backstop.StopKeyword,
		"cancel": backstop.StopKeyword, "end": backstop.StopKeyword, "quit": backstop.StopKeyword, "revoke": backstop.StopKeyword,
		"optout": backstop.StopKeyword, "Start": backstop.StartKeyword, "unstop": backstop.StartKeyword,
		"": "", "stop it": "", "STOP.": "", "yes": "", "help": "", "don't stop": "",
	} {
		require.Equal(t, want, provider.Inbound("+447400123456", "", text, "").Keyword, text)
	}
}
