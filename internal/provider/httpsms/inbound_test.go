package httpsms_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/httpsms"
)

// TestClient_Receipts_inbound: messages of people, as the recipes read them.
func TestClient_Receipts_inbound(t *testing.T) {
	t.Parallel()
	receive := func(c *httpsms.Client, body string, header map[string]string) ([]backstop.Receipt, error) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, hookPath, strings.NewReader(body))
		for name, value := range header {
			r.Header.Set(name, value)
		}
		return c.Receipts(r, []byte(body))
	}
	client := open(t, settings(t, "https://gateway.example", "telnyx", ""))
	received := func(id, from string) string {
		return `{"data":{"event_type":"message.received","occurred_at":"2026-11-26T08:00:00.000Z","payload":{"id":"` + id +
			`","from":{"phone_number":"` + from + `"},"to":[{"phone_number":"+18005550199","status":"webhook_delivered"}],"text":"Stop"}}}`
	}
	receipts, err := receive(client, received("id-1", "+447400123456"), nil)
	require.NoError(t, err)
	require.Equal(t, []backstop.Receipt{{
		Provider: "http", Account: "main", Channel: backstop.SMS, MessageID: "id-1", At: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC),
		Inbound: &backstop.Inbound{From: "+447400123456", To: "+18005550199", Text: "Stop", Keyword: backstop.StopKeyword},
	}}, receipts)
	receipts, err = receive(client, received("id-1", "anonymous"), nil)
	require.NoError(t, err)
	require.Empty(t, receipts)
	_, err = receive(client, received("", "+447400123456"), nil)
	require.Equal(t, backstop.Invalid, backstop.CodeOf(err))

	client = open(t, settings(t, "https://gateway.example", "httpsms", ""))
	receipts, err = receive(client, `{"type":"message.phone.received","data":{"message_id":"id-2","owner":"+18005550199","contact":"+447400123456",`+
		`"content":"Thanks","timestamp":"2026-11-26T08:00:00Z"}}`,
		map[string]string{"Authorization": "Bearer " + jwt(`{"alg":"HS256"}`, receiptSecret, map[string]any{"aud": "https://backstop.example" + hookPath})})
	require.NoError(t, err)
	require.Equal(t, &backstop.Inbound{From: "+447400123456", To: "+18005550199", Text: "Thanks"}, receipts[0].Inbound)
}
