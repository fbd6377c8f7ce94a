package callbacks_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/callbacks"
)

func secretOf(bytes int) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", bytes)))
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	for _, good := range []string{secretOf(24), secretOf(32), secretOf(64), callbacks.GenerateSecret()} {
		_, err := callbacks.ParseSecret(good)
		require.NoError(t, err)
	}
	for name, wrong := range map[string]string{
		"empty":                  "",
		"no prefix":              strings.TrimPrefix(secretOf(32), "whsec_"),
		"an asymmetric key":      "whsk_" + strings.TrimPrefix(secretOf(32), "whsec_"),
		"no key":                 "whsec_",
		"23 bytes":               secretOf(23),
		"65 bytes":               secretOf(65),
		"no base64":              "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
		"no padding":             strings.TrimRight(secretOf(32), "="),
		"a line break":           secretOf(24)[:20] + "\n" + secretOf(24)[20:],
		"a space before it":      " " + secretOf(24),
		"the alphabet of URLs":   "whsec_" + base64.URLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 24))),
		"bits after the last":    "whsec_" + strings.Repeat("A", 42) + "B=",
		"capitals in the prefix": strings.Replace(secretOf(32), "whsec", "WHSEC", 1),
	} {
		_, err := callbacks.ParseSecret(wrong)
		require.Error(t, err, name)
		if len(wrong) > 20 {
			require.NotContains(t, err.Error(), wrong[10:20], name)
		}
	}
}

func TestParseSecrets(t *testing.T) {
	t.Parallel()
	one, two, three := callbacks.GenerateSecret(), callbacks.GenerateSecret(), callbacks.GenerateSecret()
	require.NotEqual(t, one, two)
	for _, good := range [][]string{{one}, {one, two}} {
		parsed, err := callbacks.ParseSecrets(good)
		require.NoError(t, err)
		require.Len(t, parsed, len(good))
	}
	for _, wrong := range [][]string{nil, {}, {one, one}, {one, two, three}, {one, "whsec_"}, {""}} {
		_, err := callbacks.ParseSecrets(wrong)
		require.Error(t, err)
		require.NotContains(t, err.Error(), one[8:20])
	}
}

func TestSecret_hidden(t *testing.T) {
	t.Parallel()
	text := callbacks.GenerateSecret()
	secret, err := callbacks.ParseSecret(text)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).InfoContext(t.Context(), "secret", "secret", secret)
	require.Contains(t, log.String(), `"secret":"***"`)
	require.Equal(t, "*** *** *** {***}", fmt.Sprintf("%v %+v %#v %v", secret, secret, secret, struct{ S callbacks.Secret }{secret}))
}

// published is the message of the tests of the specification's Go library (libraries/go/webhook_test.go, TestWebhookSign).
func published() (secret string, header http.Header, body []byte, at time.Time) {
	at = time.Unix(1614265330, 0)
	return "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", http.Header{
		"Webhook-Id":        {"msg_p5jXN8AQM9LWM0D4loKWxJek"},
		"Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)},
		"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	}, []byte(`{"test": 2432232314}`), at
}

func TestVerify(t *testing.T) {
	t.Parallel()
	text, _, _, at := published()
	right, err := callbacks.ParseSecret(text)
	require.NoError(t, err)
	other, err := callbacks.ParseSecret(callbacks.GenerateSecret())
	require.NoError(t, err)
	signature := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	for name, row := range map[string]struct {
		change  func(http.Header)
		body    string
		secrets []callbacks.Secret
		now     time.Time
		err     string // empty: it is right
	}{
		"as published":                      {},
		"the receiver has two secrets":      {secrets: []callbacks.Secret{other, right}},
		"the sender has two secrets":        {change: func(h http.Header) { h.Set("Webhook-Signature", "v1,b3RoZXI= "+signature) }},
		"beside an asymmetric signature":    {change: func(h http.Header) { h.Set("Webhook-Signature", "v1a,b3RoZXI= "+signature) }},
		"5 minutes later":                   {now: at.Add(5 * time.Minute)},
		"5 minutes earlier":                 {now: at.Add(-5 * time.Minute)},
		"too old":                           {now: at.Add(5*time.Minute + time.Second), err: "too old: it was signed 301 s ago"},
		"from the future":                   {now: at.Add(-5*time.Minute - time.Second), err: "from the future"},
		"another secret":                    {secrets: []callbacks.Secret{other}, err: "no signature fits"},
		"no secret":                         {secrets: []callbacks.Secret{}, err: "no signature fits"},
		"the zero secret":                   {secrets: []callbacks.Secret{{}}, err: "no signature fits"},
		"another body":                      {body: `{"test": 2432232315}`, err: "no signature fits"},
		"another id":                        {change: func(h http.Header) { h.Set("Webhook-Id", "msg_other") }, err: "no signature fits"},
		"another time":                      {change: func(h http.Header) { h.Set("Webhook-Timestamp", "1614265331") }, err: "no signature fits"},
		"another version":                   {change: func(h http.Header) { h.Set("Webhook-Signature", "v2"+signature[2:]) }, err: "no signature fits"},
		"without its version":               {change: func(h http.Header) { h.Set("Webhook-Signature", signature[3:]) }, err: "no signature fits"},
		"cut":                               {change: func(h http.Header) { h.Set("Webhook-Signature", signature[:20]) }, err: "no signature fits"},
		"a date":                            {change: func(h http.Header) { h.Set("Webhook-Timestamp", at.Format(time.RFC3339)) }, err: "not a number of seconds"},
		"without an id":                     {change: func(h http.Header) { h.Del("Webhook-Id") }, err: "webhook-id is missing"},
		"without a time":                    {change: func(h http.Header) { h.Del("Webhook-Timestamp") }, err: "webhook-timestamp is missing"},
		"without a signature":               {change: func(h http.Header) { h.Del("Webhook-Signature") }, err: "webhook-signature is missing"},
		"an id that ends in the time's dot": {change: func(h http.Header) { h.Set("Webhook-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330") }, err: "no signature fits"},
	} {
		_, header, body, now := published()
		if row.change != nil {
			row.change(header)
		}
		if row.body != "" {
			body = []byte(row.body)
		}
		if row.secrets == nil {
			row.secrets = []callbacks.Secret{right}
		}
		if !row.now.IsZero() {
			now = row.now
		}
		err := callbacks.Verify(header, body, row.secrets, now)
		if row.err == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, row.err, name)
	}
}

// FuzzParseSecret: no text makes it panic, and an accepted text is the only one of its key.
func FuzzParseSecret(f *testing.F) {
	for _, seed := range []string{"", "whsec_", secretOf(24), secretOf(23), secretOf(64) + "\n", "whsec_" + strings.Repeat("A", 42) + "B="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := callbacks.ParseSecret(text); err != nil {
			return
		}
		key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(text, "whsec_"))
		require.NoError(t, err)
		require.True(t, len(key) >= 24 && len(key) <= 64)
		require.Equal(t, text, "whsec_"+base64.StdEncoding.EncodeToString(key))
	})
}
