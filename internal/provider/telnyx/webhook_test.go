package telnyx_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/telnyx"
)

func open(t *testing.T, baseURL string, change func(map[string]string)) (*telnyx.Client, error) {
	t.Helper()
	settings := driver().Settings(baseURL, time.Second)
	change(settings.Values)
	return telnyx.New(settings)
}

// receive passes a webhook to a client. sign may be nil.
func receive(t *testing.T, body string, sign func(r *http.Request)) ([]backstop.Receipt, error) {
	t.Helper()
	client, err := open(t, "http://127.0.0.1:1", unchanged)
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/telnyx/main", nil)
	if sign == nil {
		signAt(r, []byte(body), 'a', time.Now())
	} else {
		sign(r)
	}
	return client.Receipts(r, []byte(body))
}

const delivered = `{"data":{"event_type":"message.finalized","occurred_at":"2026-11-03T12:14:25.123+00:00",` +
	`"payload":{"id":"id-1","type":"SMS","to":[{"status":"delivered"}],"errors":[]}}}`

// The signature covers the timestamp, and is accepted for five minutes.
func TestClient_Receipts_timestamp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, row := range map[string]struct {
		sign   func(r *http.Request)
		forged bool
	}{
		"now":           {func(r *http.Request) { signAt(r, []byte(delivered), 'a', now) }, false},
		"recent":        {func(r *http.Request) { signAt(r, []byte(delivered), 'a', now.Add(-4*time.Minute)) }, false},
		"a fast clock":  {func(r *http.Request) { signAt(r, []byte(delivered), 'a', now.Add(4*time.Minute)) }, false},
		"old":           {func(r *http.Request) { signAt(r, []byte(delivered), 'a', now.Add(-6*time.Minute)) }, true},
		"of the future": {func(r *http.Request) { signAt(r, []byte(delivered), 'a', now.Add(6*time.Minute)) }, true},
		"another key":   {func(r *http.Request) { signAt(r, []byte(delivered), 'c', now) }, true},
		"another time": {func(r *http.Request) {
			signAt(r, []byte(delivered), 'a', now.Add(-time.Hour))
			signature := r.Header.Get("Telnyx-Signature-Ed25519")
			signAt(r, []byte(delivered), 'a', now)
			r.Header.Set("Telnyx-Signature-Ed25519", signature)
		}, true},
		"no time":  {func(r *http.Request) { signAt(r, []byte(delivered), 'a', now); r.Header.Del("Telnyx-Timestamp") }, true},
		"odd time": {func(r *http.Request) { r.Header.Set("Telnyx-Timestamp", "soon") }, true},
	} {
		receipts, err := receive(t, delivered, row.sign)
		if !row.forged {
			require.NoError(t, err, name)
			require.Len(t, receipts, 1, name)
			require.Equal(t, time.Date(2026, 11, 3, 12, 14, 25, 123e6, time.UTC), receipts[0].At)
			continue
		}
		require.Equal(t, backstop.Forged, backstop.CodeOf(err), name)
		require.Empty(t, receipts, name)
	}
}

// A former key that is not one does not keep the account from opening.
func TestNew_formerKeys(t *testing.T) {
	t.Parallel()
	settings := driver().Settings("http://127.0.0.1:1", time.Second)
	settings.Former = map[string][]string{"public_key": {"odd", publicKey('c')}}
	client, err := telnyx.New(settings)
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/telnyx/main", nil)
	signAt(r, []byte(delivered), 'c', time.Now())
	_, err = client.Receipts(r, []byte(delivered))
	require.NoError(t, err)
}

func TestNew_faults(t *testing.T) {
	t.Parallel()
	_, err := open(t, "ftp://x", func(values map[string]string) { values["public_key"], values["api_key"] = "c2hvcnQ=", "a b" })
	require.ErrorContains(t, err, "base_url must be an address")
	require.ErrorContains(t, err, "public_key must have 44 characters")
	require.ErrorContains(t, err, "api_key must not contain spaces")
}

// Events that are not about an SMS of ours bring no receipt and no error.
func TestClient_Receipts_others(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"data":{"event_type":"messaging-profile.spend-limit-reached","payload":{}}}`,
		`{"data":{"event_type":"call.answered","payload":{"id":"id-1"}}}`,
		strings.Replace(delivered, "SMS", "RCS", 1),
		strings.Replace(delivered, "SMS", "WHATSAPP", 1),
	} {
		receipts, err := receive(t, body, nil)
		require.NoError(t, err, body)
		require.Empty(t, receipts, body)
	}
	for _, body := range []string{strings.Replace(delivered, "SMS", "MMS", 1), strings.Replace(delivered, `"type":"SMS",`, "", 1)} {
		receipts, err := receive(t, body, nil)
		require.NoError(t, err, body)
		require.Len(t, receipts, 1, body)
	}
}

func TestClient_Receipts_errors(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		`[]`:                                  "rejected: reported as delivery_failed",
		`[{"code":40008,"title":"Odd type"}]`: "rejected (recipient) 40008: Odd type",
		`[{"code":"40001","title":"Not routable","detail":"A landline."},{"code":"1"}]`: "rejected (recipient) 40001: Not routable; A landline.",
		`[{"code":"40300","title":"Blocked due to STOP message"}]`:                      "rejected (opted_out) 40300: Blocked due to STOP message",
		`[{"code":"40300","detail":"due to an existing block rule"}]`:                   "rejected (opted_out) 40300: due to an existing block rule",
		`[{"code":"40300","title":"Forbidden by the carrier"}]`:                         "rejected 40300: Forbidden by the carrier",
		`[{"code":"40014","title":"Message expired in queue"}]`:                         "rejected (expired) 40014: Message expired in queue",
		`[{"code":"40005","title":"Message expired"}]`:                                  "rejected (recipient) 40005: Message expired",
		`[{"code":"a word","title":"New"}]`:                                             "rejected: New",
		`"odd"`:                                                                         "rejected: reported as delivery_failed",
		`[7]`:                                                                           "rejected: an error without a text",
	} {
		body := strings.NewReplacer("delivered", "delivery_failed", "[]", list).Replace(delivered)
		receipts, err := receive(t, body, nil)
		require.NoError(t, err)
		require.Len(t, receipts, 1)
		require.EqualError(t, receipts[0].Failure, want)
	}
}

// The reference is read from the signed body, not from the address that was called.
func TestClient_Receipts_ref(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]backstop.Ref{
		`"https://backstop.example/webhooks/telnyx/main?ref=` + providertest.Ref.String() + `"`: providertest.Ref,
		`"https://other.example/hooks"`: {},
		`null`:                          {},
		`"%zz"`:                         {},
		`7`:                             {},
	} {
		receipts, err := receive(t, strings.Replace(delivered, `"id":`, `"webhook_url":`+address+`,"id":`, 1), nil)
		require.NoError(t, err)
		require.Equal(t, want, receipts[0].Ref, address)
	}
}

func TestClient_Receipts_inbound(t *testing.T) {
	t.Parallel()
	message := func(fields string) string {
		return `{"data":{"event_type":"message.received","occurred_at":"2026-11-03T12:14:25.000+00:00","payload":{"id":"id-9",
			"direction":"inbound","type":"SMS","from":{"phone_number":"+447400123456","carrier":"EE"},
			"to":[{"phone_number":"+447700900000","status":"webhook_delivered"}],"webhook_url":"https://x?ref=` + providertest.Ref.String() + `",` +
			fields + `}}}`
	}
	for fields, want := range map[string]backstop.Inbound{
		`"text":"Hello there"`:                               {Text: "Hello there"},
		`"text":"stop","autoresponse_type":null`:             {Text: "stop", Keyword: backstop.StopKeyword},
		`"text":"STOP ALL","autoresponse_type":"STOP"`:       {Text: "STOP ALL", Keyword: backstop.StopKeyword},
		`"text":"Arrêtez","autoresponse_type":"stop"`:        {Text: "Arrêtez", Keyword: backstop.StopKeyword},
		`"text":"JOIN","autoresponse_type":"START"`:          {Text: "JOIN", Keyword: backstop.StartKeyword},
		`"text":"Unstop"`:                                    {Text: "Unstop", Keyword: backstop.StartKeyword},
		`"text":"info","autoresponse_type":"HELP"`:           {Text: "info"},
		`"type":"MMS","media":[{"url":"https://x"}]`:         {},
		`"text":"Hi","errors":[],"cost":null,"parts":"1"`:    {Text: "Hi"},
		`"text":"Hi","autoresponse_type":{"odd":["STOP",7]}`: {Text: "Hi"},
	} {
		receipts, err := receive(t, message(fields), nil)
		require.NoError(t, err)
		want.From, want.To = "+447400123456", "+447700900000"
		require.Equal(t, []backstop.Receipt{{
			Provider: "telnyx", Account: providertest.AccountName, Channel: backstop.SMS, MessageID: "id-9",
			At: time.Date(2026, 11, 3, 12, 14, 25, 0, time.UTC), Inbound: &want,
		}}, receipts, fields)
	}
	receipts, err := receive(t, strings.Replace(message(`"text":"x"`), "+447400123456", "Telnyx", 1), nil)
	require.NoError(t, err)
	require.Empty(t, receipts, "a person has a number")
}

// A field of an unexpected type does not cost the status.
func TestClient_Receipts_oddTypes(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"from", "text", "parts", "webhook_url", "errors", "autoresponse_type", "cost", "cc"} {
		for _, odd := range []string{"null", "true", "7", `"odd"`, "[]", "{}", "1e400"} {
			body := strings.NewReplacer(`,"errors":[]`, "", `"id":`, `"`+field+`":`+odd+`,"id":`).Replace(delivered)
			receipts, err := receive(t, body, nil)
			require.NoError(t, err)
			require.Len(t, receipts, 1, "%s: %s", field, odd)
			require.Equal(t, backstop.Delivered, receipts[0].Status)
		}
	}
}
