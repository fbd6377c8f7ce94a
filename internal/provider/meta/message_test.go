package meta_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

// answer starts a server that stores the body of the last request and always gives this answer.
func answer(t *testing.T, status int, body string) (baseURL string, last *string) {
	t.Helper()
	last = new(string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		*last = string(read)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, last
}

func TestClient_SendWhatsApp(t *testing.T) {
	t.Parallel()
	message := func(text string, template *backstop.Template) backstop.WhatsAppMessage {
		return backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Text: text, Template: template}
	}
	t.Run("template", func(t *testing.T) {
		t.Parallel()
		baseURL, last := answer(t, http.StatusOK, `{"messages":[{"id":"wamid.1"}]}`)
		template := backstop.Template{
			Name: "order_ready", Language: "en_US",
			Components: json.RawMessage(`[{"type":"body","parameters":[{"type":"text","text":"<4711>"}]}]`),
		}
		_, err := newClient(t, options(baseURL)).SendWhatsApp(t.Context(), message("", &template))
		require.NoError(t, err)
		require.JSONEq(t, `{"messaging_product":"whatsapp","recipient_type":"individual","to":"+447400123456","type":"template",
			"template":{"name":"order_ready","language":{"code":"en_US"},
			"components":[{"type":"body","parameters":[{"type":"text","text":"<4711>"}]}]},
			"biz_opaque_callback_data":"`+providertest.Ref.String()+`"}`, *last)

		template.Components = nil
		_, err = newClient(t, options(baseURL)).SendWhatsApp(t.Context(), message("", &template))
		require.NoError(t, err)
		require.NotContains(t, *last, "components")
	})
	for _, held := range []string{"accepted", "held_for_quality_assessment", "paused", "not yet invented"} {
		t.Run(held, func(t *testing.T) {
			t.Parallel()
			baseURL, _ := answer(t, http.StatusOK, `{"messages":[{"id":"wamid.1","message_status":"`+held+`"}]}`)
			submission, err := newClient(t, options(baseURL)).SendWhatsApp(t.Context(), message("Hello", nil))
			require.NoError(t, err)
			require.Equal(t, backstop.Submission{MessageID: "wamid.1"}, submission)
		})
	}
	for name, m := range map[string]backstop.WhatsAppMessage{
		"nothing to say": message("", nil),
		"both":           message("Hello", &backstop.Template{Name: "x", Language: "en"}),
		"bad components": message("", &backstop.Template{Name: "x", Language: "en", Components: json.RawMessage(`[`)}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, options("http://127.0.0.1:1")).SendWhatsApp(t.Context(), m)
			failure, ok := errors.AsType[*backstop.Failure](err)
			require.True(t, ok)
			require.Equal(t, backstop.Rejected, failure.Kind, "%v", failure)
			require.Equal(t, backstop.TemplateFault, failure.Class)
		})
	}
	for name, row := range map[string]struct {
		status     int
		body, want string
	}{
		"registration, as 500": {
			500, `{"error":{"message":"(#131045) Incorrect certificate","type":"OAuthException","code":131045,
			"error_data":{"messaging_product":"whatsapp","details":"Message failed to send due to a phone number registration error."}}}`,
			"rejected (account) 131045: (#131045) Incorrect certificate: Message failed to send due to a phone number registration error.",
		},
		"phone number id wrong": {
			400, `{"error":{"message":"Unsupported post request. Object with ID '447400123499' does not exist",
			"type":"GraphMethodException","code":100,"error_subcode":33}}`,
			"rejected (account) 100: Unsupported post request. Object with ID '***' does not exist",
		},
		"phone number id unknown": {
			400, `{"error":{"message":"(#33) This object does not exist","type":"OAuthException","code":33}}`,
			"rejected (account) 33: (#33) This object does not exist",
		},
		"code as text":             {500, `{"error":{"message":"no","code":"131045"}}`, "rejected (account) 131045: no"},
		"code as float":            {500, `{"error":{"message":7,"code":131045.0}}`, "rejected (account) 131045: 7"},
		"no code":                  {400, `{"error":{"message":"no","code":null}}`, "rejected: HTTP 400 without the provider's error"},
		"unknown, few tries":       {400, `{"error":{"message":"no","code":1}}`, "unavailable 1: no"},
		"unknown and in no table":  {500, `{"error":{"message":"no","code":987654}}`, "unavailable 987654: no"},
		"rejected and in no table": {400, `{"error":{"message":"no","code":987654}}`, "rejected 987654: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			baseURL, _ := answer(t, row.status, row.body)
			_, err := newClient(t, options(baseURL)).SendWhatsApp(t.Context(), message("Hello", nil))
			require.EqualError(t, err, row.want)
			failure, _ := errors.AsType[*backstop.Failure](err)
			require.Equal(t, failure.Code == "1", failure.MaxTries > 0)
		})
	}
	t.Run("details as text", func(t *testing.T) {
		t.Parallel()
		baseURL, _ := answer(t, http.StatusBadRequest, `{"error":{"message":"(#131026) no","code":131026,"error_data":"why"}}`)
		_, err := newClient(t, options(baseURL)).SendWhatsApp(t.Context(), message("Hello", nil))
		require.EqualError(t, err, "rejected (recipient) 131026: (#131026) no")
	})
}

// TestClient_Receipts: a body may have readable and unreadable parts.
func TestClient_Receipts(t *testing.T) {
	t.Parallel()
	const good = `{"changes":[{"field":"messages","value":{"statuses":[{"id":"wamid.1","status":"read","timestamp":1700000000}]}}]}`
	status := func(fields string) string {
		return `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"statuses":[{"id":"wamid.2",` +
			fields + `}]}}]}]}`
	}
	for name, row := range map[string]struct {
		body     string
		receipts int
		code     backstop.Code
	}{
		"a number as time": {`{"object":"whatsapp_business_account","entry":[` + good + `]}`, 1, ""},
		"no entries":       {`{"object":"whatsapp_business_account"}`, 0, ""},
		"another object":   {`{"object":"page","entry":[` + good + `]}`, 0, backstop.Invalid},
		"an entry of text": {`{"object":"whatsapp_business_account","entry":["x",` + good + `]}`, 1, backstop.Invalid},
		"changes of text":  {`{"object":"whatsapp_business_account","entry":[{"changes":"x"},` + good + `]}`, 1, backstop.Invalid},
		"no value":         {`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages"}]},` + good + `]}`, 1, backstop.Invalid},
		"statuses of another type": {`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"statuses":7}}]},` + good + `]}`,
			1, backstop.Invalid},
		"a status of text": {`{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"statuses":["x"]}}]},` + good + `]}`,
			1, backstop.Invalid},
		"errors of text": {status(`"status":"delivered","errors":"none"`), 1, ""},
		"a code of text": {status(`"status":"failed","errors":[{"code":"131026"}]`), 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/meta", nil)
			sign(r, []byte(row.body))
			receipts, err := newClient(t, options("http://127.0.0.1:1")).Receipts(r, []byte(row.body))
			require.Equal(t, row.code, backstop.CodeOf(err), "%v", err)
			require.Len(t, receipts, row.receipts)
		})
	}
}
