package vonage_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

func receive(t *testing.T, channel backstop.Channel, authorization, body string) ([]backstop.Receipt, error) {
	t.Helper()
	client, err := open(t, channel, "http://127.0.0.1:1", nothing)
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/vonage/main", nil)
	if authorization == "" {
		sign(r, []byte(body))
	} else {
		r.Header.Set("Authorization", authorization)
	}
	return client.Receipts(r, []byte(body))
}

// A token that is well made, but not for this body or not by this algorithm, is forged.
func TestClient_Receipts_forgedToken(t *testing.T) {
	t.Parallel()
	body := `{"message_uuid":"id-1","status":"delivered"}`
	const header = `{"alg":"HS256","typ":"JWT"}`
	good := token(header, claimsOf([]byte(body)), signatureSecret)
	_, err := receive(t, backstop.SMS, "Bearer "+good, body)
	require.NoError(t, err)
	for name, authorization := range map[string]string{
		"no token":             " ",
		"no scheme":            good,
		"another scheme":       "Basic " + good,
		"another secret":       "Bearer " + token(header, claimsOf([]byte(body)), "another"),
		"no secret":            "Bearer " + token(header, claimsOf([]byte(body)), ""),
		"algorithm none":       "Bearer " + token(`{"alg":"none"}`, claimsOf([]byte(body)), signatureSecret),
		"no signature":         "Bearer " + good[:strings.LastIndex(good, ".")+1],
		"two parts":            "Bearer " + good[:strings.LastIndex(good, ".")],
		"four parts":           "Bearer " + good + ".x",
		"no hash":              "Bearer " + token(header, `{"iat":1}`, signatureSecret),
		"hash of another body": "Bearer " + token(header, claimsOf([]byte("{}")), signatureSecret),
		"claims are no object": "Bearer " + token(header, `[]`, signatureSecret),
		"header is no object":  "Bearer " + token(`7`, claimsOf([]byte(body)), signatureSecret),
	} {
		receipts, err := receive(t, backstop.SMS, authorization, body)
		require.Equal(t, backstop.Forged, backstop.CodeOf(err), name)
		require.Empty(t, receipts)
	}
}

// The webhooks of an application carry both channels.
func TestClient_Receipts_channel(t *testing.T) {
	t.Parallel()
	for channel, count := range map[string]int{`,"channel":"sms"`: 1, `,"channel":"whatsapp"`: 0, `,"channel":"mms"`: 0, `,"channel":7`: 0, ``: 1, `,"channel":null`: 1} {
		receipts, err := receive(t, backstop.SMS, "", `{"message_uuid":"id-1","status":"delivered"`+channel+`}`)
		require.NoError(t, err)
		require.Len(t, receipts, count, channel)
	}
}

func TestClient_Receipts_errors(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		`{"type":"https://developer.vonage.com/api-errors/messages#1300","title":"1300","detail":"Not part of the provider network"}`: "rejected (recipient) 1300: Not part of the provider network",
		`{"type":"https://developer.vonage.com/api-errors/messages#1300","title":1300}`:                                               "rejected (recipient) 1300: an error without a text",
		`{"type":"https://developer.vonage.com/api-errors/messages#1300","title":"Not a user"}`:                                       "rejected (recipient) 1300: Not a user",
		`{"title":"9999","detail":"new"}`: "rejected 9999: new",
		`{"title":"1360","detail":"TTL"}`: "rejected (recipient) 1360: TTL",
		`{"title":"1030","detail":"own"}`: "rejected 1030: own",
		`null`:                            "rejected: an error without a text",
		`"odd"`:                           "rejected: an error without a text",
		`{}`:                              "rejected: an error without a text",
	} {
		receipts, err := receive(t, backstop.WhatsApp, "", `{"message_uuid":"id-1","status":"undeliverable","error":`+fault+`}`)
		require.NoError(t, err)
		require.Len(t, receipts, 1)
		require.EqualError(t, receipts[0].Failure, want)
	}
	receipts, err := receive(t, backstop.WhatsApp, "", `{"message_uuid":"id-1","status":"rejected","error":{"title":"1320"}}`)
	require.NoError(t, err)
	require.Empty(t, receipts, "the message was sent before")
}

func TestClient_Receipts_inbound(t *testing.T) {
	t.Parallel()
	message := func(channel, fields string) string {
		return `{"to":"447700900000","from":"447400123456","channel":"` + channel + `","message_uuid":"aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
			"timestamp":"2026-11-03T12:14:25Z",` + fields + `}`
	}
	for _, row := range []struct {
		channel backstop.Channel
		fields  string
		want    backstop.Inbound
	}{
		{backstop.SMS, `"message_type":"text","text":"Hello there","sms":{"num_messages":"1","keyword":"HELLO"}`, backstop.Inbound{Text: "Hello there"}},
		{backstop.SMS, `"message_type":"text","text":"stop"`, backstop.Inbound{Text: "stop", Keyword: backstop.StopKeyword}},
		{backstop.SMS, `"message_type":"text","text":"Start"`, backstop.Inbound{Text: "Start", Keyword: backstop.StartKeyword}},
		{backstop.WhatsApp, `"message_type":"text","text":"Hi","profile":{"name":"Jane"},"context":{"message_uuid":"id-7","message_from":"1"}`, backstop.Inbound{Text: "Hi", ReplyTo: "id-7"}},
		{backstop.WhatsApp, `"message_type":"reply","reply":{"id":"r1","title":"Yes","description":"d"}`, backstop.Inbound{Text: "Yes"}},
		{backstop.WhatsApp, `"message_type":"button","button":{"payload":"p","text":"STOP"},"context":{"message_uuid":"id-7"}`, backstop.Inbound{Text: "STOP", Keyword: backstop.StopKeyword, ReplyTo: "id-7"}},
		{backstop.WhatsApp, `"message_type":"image","image":{"url":"https://x","caption":"look"}`, backstop.Inbound{Text: "look"}},
		{backstop.WhatsApp, `"message_type":"sticker","sticker":{"url":"https://x"}`, backstop.Inbound{}},
	} {
		receipts, err := receive(t, row.channel, "", message(string(row.channel), row.fields))
		require.NoError(t, err)
		row.want.From, row.want.To = "+447400123456", "447700900000"
		require.Equal(t, []backstop.Receipt{{
			Provider: "vonage", Account: providertest.AccountName, Channel: row.channel, MessageID: "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
			At: time.Date(2026, 11, 3, 12, 14, 25, 0, time.UTC), Inbound: &row.want,
		}}, receipts)
	}
	receipts, err := receive(t, backstop.SMS, "", `{"message_uuid":"id-1","from":"Vonage","message_type":"text","text":"x"}`)
	require.NoError(t, err)
	require.Empty(t, receipts, "a person has a number")
}

// A field of an unexpected type does not cost the status.
func TestClient_Receipts_oddTypes(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"timestamp", "client_ref", "error", "usage", "sms", "context", "text", "reply", "from", "message_type"} {
		for _, odd := range []string{"null", "true", "7", `"odd"`, "[]", "{}", "1e400"} {
			receipts, err := receive(t, backstop.SMS, "", `{"message_uuid":"id-1","status":"delivered","`+field+`":`+odd+`}`)
			require.NoError(t, err)
			require.Len(t, receipts, 1, "%s: %s", field, odd)
			require.Equal(t, backstop.Delivered, receipts[0].Status)
		}
	}
}
