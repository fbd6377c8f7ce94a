package providertest

import (
	"cmp"
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func discardLogger() *log.Logger { return log.New(io.Discard, "", 0) }

func runSignature(t *testing.T, d Driver) {
	t.Helper()
	hook := d.Hook(d.newReport(d.Failed))
	client, _ := d.open(t, "http://127.0.0.1:1", longTimeout)
	signed := hook.request()
	d.Sign(signed, hook.Body)
	genuine := signed.Header.Get(d.SignatureHeader)
	receipts, err := client.Receipts(signed, hook.Body)
	require.NoError(t, err)
	require.NotEmpty(t, receipts)

	// forged requires that a webhook with this signature is refused. Its other headers are those of the genuine one.
	forged := func(t *testing.T, signature string, body []byte) {
		t.Helper()
		r := hook.request()
		r.Header = signed.Header.Clone()
		r.Header.Set(d.SignatureHeader, signature)
		receipts, err := client.Receipts(r, body)
		require.Equal(t, backstop.Forged, backstop.CodeOf(err), "signature %q, body %q", signature, body)
		require.Empty(t, receipts)
	}
	t.Run("by a former secret", func(t *testing.T) { t.Parallel(); testFormerSecret(t, d, signed, hook.Body) })
	t.Run("missing", func(t *testing.T) {
		t.Parallel()
		r := hook.request()
		r.Header = signed.Header.Clone()
		r.Header.Del(d.SignatureHeader)
		receipts, err := client.Receipts(r, hook.Body)
		require.Equal(t, backstop.Forged, backstop.CodeOf(err))
		require.Empty(t, receipts)
	})
	t.Run("malformed", func(t *testing.T) {
		t.Parallel()
		for _, value := range []string{
			"", " ", "=", "x", "sha1=" + genuine, "sha256=", genuine + genuine, genuine[1:], genuine[:len(genuine)-1],
		} {
			forged(t, value, hook.Body)
		}
	})
	t.Run("tampered", func(t *testing.T) {
		t.Parallel()
		for i := range len(genuine) {
			value := []byte(genuine)
			value[i] ^= 1
			forged(t, string(value), hook.Body)
		}
	})
	t.Run("body tampered", func(t *testing.T) {
		t.Parallel()
		for i := range hook.Body {
			body := slices.Clone(hook.Body)
			body[i] ^= 1
			forged(t, genuine, body)
		}
		forged(t, genuine, append(slices.Clone(hook.Body), 'x'))
	})
	t.Run("body truncated", func(t *testing.T) {
		t.Parallel()
		for i := range hook.Body {
			forged(t, genuine, hook.Body[:i])
		}
	})
}

// testFormerSecret: a webhook that is signed by a former secret is accepted, and refused when the secret is not valid any more.
func testFormerSecret(t *testing.T, d Driver, signed *http.Request, body []byte) {
	t.Helper()
	settings := d.Settings("http://127.0.0.1:1", longTimeout)
	former := map[string][]string{}
	for _, field := range d.Of.Fields {
		if field.Verifies && settings.Values[field.Name] != "" {
			former[field.Name] = []string{settings.Values[field.Name]}
			settings.Values[field.Name] = cmp.Or(d.Others[field.Name], "another-"+settings.Values[field.Name])
		}
	}
	require.NotEmpty(t, former, "no field verifies webhooks")
	client, err := d.Of.Open(settings)
	require.NoError(t, err)
	_, err = client.Receipts(signed, body)
	require.Equal(t, backstop.Forged, backstop.CodeOf(err))
	settings.Former = former
	client, err = d.Of.Open(settings)
	require.NoError(t, err)
	receipts, err := client.Receipts(signed, body)
	require.NoError(t, err)
	require.NotEmpty(t, receipts)
}

// Fuzz passes webhooks with any query and body, signed and unsigned, to the driver. The driver must not panic, must refuse
// every unsigned webhook if its provider signs, and must return only receipts that can be stored.
func Fuzz(f *testing.F, d Driver) {
	f.Helper()
	for word := range d.Statuses {
		hook := d.Hook(d.newReport(word))
		f.Add(hook.request().URL.RawQuery, hook.Body, true)
		f.Add(hook.request().URL.RawQuery, hook.Body, false)
	}
	client, _ := d.open(f, "http://127.0.0.1:1", longTimeout)
	genuineHook := d.Hook(d.newReport(d.Failed)).request()
	method, path := genuineHook.Method, genuineHook.URL.Path
	f.Fuzz(func(t *testing.T, query string, body []byte, genuine bool) {
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		if genuine {
			d.Sign(r, body)
		}
		receipts, err := client.Receipts(r, body)
		if !genuine && d.SignatureHeader != "" {
			require.Equal(t, backstop.Forged, backstop.CodeOf(err))
			require.Empty(t, receipts)
			return
		}
		if err != nil {
			_, ok := errors.AsType[*backstop.Error](err)
			require.True(t, ok, "%T", err)
		}
		for _, receipt := range receipts {
			d.checkStorable(t, receipt)
		}
	})
}

// checkStorable checks that a receipt can be stored.
func (d Driver) checkStorable(t *testing.T, receipt backstop.Receipt) {
	t.Helper()
	require.Equal(t, d.Of.Name, receipt.Provider)
	require.Equal(t, d.Channel, receipt.Channel)
	require.NotEmpty(t, receipt.MessageID)
	require.LessOrEqual(t, len(receipt.MessageID), 256)
	require.NotContains(t, receipt.MessageID, "\x00")
	require.Positive(t, receipt.At.Unix())
	require.Less(t, receipt.At.Year(), 10_000)
	require.Equal(t, receipt.Status == backstop.Failed, receipt.Failure != nil)
	if receipt.Inbound != nil {
		require.Empty(t, receipt.Status, "an inbound message has no status")
		checkInbound(t, *receipt.Inbound)
		return
	}
	require.Contains(t, []backstop.Status{backstop.Sent, backstop.Delivered, backstop.Read, backstop.Failed}, receipt.Status)
	if receipt.Failure != nil {
		d.checkNoLeak(t, receipt.Failure)
	}
}

// checkInbound checks that a message of a person can be stored.
func checkInbound(t *testing.T, in backstop.Inbound) {
	t.Helper()
	require.Regexp(t, `^\+[1-9][0-9]{6,14}$`, in.From)
	require.LessOrEqual(t, len(in.ReplyTo), 256)
	require.LessOrEqual(t, utf8.RuneCountInString(in.Text), 4096)
	for _, text := range []string{in.To, in.Text, in.ReplyTo} {
		require.True(t, utf8.ValidString(text))
		require.NotContains(t, text, "\x00")
	}
	require.Contains(t, []backstop.Keyword{"", backstop.StopKeyword, backstop.StartKeyword}, in.Keyword)
}
