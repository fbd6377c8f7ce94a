package callbacks_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/callbacks"
)

// FuzzVerify: a message without a signature by the secret is refused, however its headers look.
func FuzzVerify(f *testing.F) {
	secrets, err := callbacks.ParseSecrets([]string{secretOf(32)})
	require.NoError(f, err)
	now := time.Unix(1764144000, 0)
	for _, seed := range [][3]string{
		{"1764144000", "v1,", ""}, {"1764144000", "v1, v1,AAAA v2,", "{}"}, {"-1", " ", ""}, {"9223372036854775808", "v1a", ""}, {"", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, timestamp, signature, body string) {
		header := http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
		require.Error(t, callbacks.Verify(header, []byte(body), secrets, now))
	})
}
