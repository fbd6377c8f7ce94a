package infobip_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

func receive(t *testing.T, d providertest.Driver, results string) ([]backstop.Receipt, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/infobip/main/key", nil)
	return open[provider.Client](t, d, "http://127.0.0.1:1").Receipts(r, []byte(`{"results":[`+results+`]}`))
}

func failureOf(t *testing.T, status, cause string) string {
	t.Helper()
	receipts, err := receive(t, smsDriver(), `{"messageId":"id-1","status":`+status+`,"error":`+cause+`}`)
	require.NoError(t, err)
	require.Len(t, receipts, 1)
	require.NotNil(t, receipts[0].Failure)
	return receipts[0].Failure.Error()
}

// The examples of the API descriptions (3.210.0), with our id.
func TestClient_Receipts_examples(t *testing.T) {
	t.Parallel()
	receipts, err := receive(t, smsDriver(), `{"bulkId":"BULK-ID-123-xyz","price":{"pricePerMessage":0.01,"currency":"EUR"},
		"status":{"groupId":3,"groupName":"DELIVERED","id":5,"name":"DELIVERED_TO_HANDSET","description":"Message delivered to handset"},
		"error":{"groupId":0,"groupName":"OK","id":0,"name":"NO_ERROR","description":"No Error","permanent":false},
		"messageId":"`+ref+`","to":"41793026727","sender":"InfoSMS","sentAt":"2019-11-09T16:00:00.000+0100",
		"doneAt":"2019-11-09T17:00:00.000+0100","messageCount":1,"callbackData":"callbackData"}`)
	require.NoError(t, err)
	want := backstop.Receipt{
		Provider: "infobip", Account: providertest.AccountName, Channel: backstop.SMS, MessageID: ref, Ref: providertest.Ref,
		Status: backstop.Delivered, At: time.Date(2019, 11, 9, 16, 0, 0, 0, time.UTC),
	}
	require.Equal(t, []backstop.Receipt{want}, receipts)

	receipts, err = receive(t, whatsAppDriver(), `{"messageId":"`+ref+`","from":"385919998888","to":"41793026731",
		"sentAt":"2018-12-12T11:21:57.793+0000","seenAt":"2018-12-12T11:21:58.000+0000","applicationId":"example-application-id",
		"contact":{"name":"name","phoneNumber":"41793026731","userId":"US.1349120865530274191"}}`)
	require.NoError(t, err)
	want.Channel, want.Status, want.At = backstop.WhatsApp, backstop.Read, time.Date(2018, 12, 12, 11, 21, 58, 0, time.UTC)
	require.Equal(t, []backstop.Receipt{want}, receipts)
}

// A report about a refused repeat says nothing about the message.
func TestClient_Receipts_repeat(t *testing.T) {
	t.Parallel()
	receipts, err := receive(t, smsDriver(), `{"messageId":"`+ref+`","status":`+statusOf("REJECTED_DUPLICATE_MESSAGE_ID", "no")+`},`+
		`{"messageId":"`+ref+`","status":`+statusOf("REJECTED_SOMEHOW", "no")+`,"error":`+errorOf("EC_DUPLICATE_REQUEST", "no")+`}`)
	require.NoError(t, err)
	require.Empty(t, receipts)
}

// The error says more than the status, except of a message that Infobip rejected. An error that is not known keeps its name.
func TestClient_Receipts_failures(t *testing.T) {
	t.Parallel()
	none := errorOf("", "")
	for _, row := range []struct{ status, cause, want string }{
		{statusOf("UNDELIVERABLE_NOT_DELIVERED", "no"), errorOf("EC_UNKNOWN_SUBSCRIBER", "Unknown"), "rejected (recipient) EC_UNKNOWN_SUBSCRIBER: Unknown"},
		{statusOf("UNDELIVERABLE_REJECTED_OPERATOR", "no"), none, "rejected (recipient) UNDELIVERABLE_REJECTED_OPERATOR: no"},
		{statusOf("UNDELIVERABLE_REJECTED_OPERATOR", "no"), errorOf("EC_CONTENT_BLOCKED", "STOP"), "rejected (opted_out) EC_CONTENT_BLOCKED: STOP"},
		{statusOf("REJECTED_NOT_ENOUGH_CREDITS", "no"), errorOf("EC_NEW", "why"), "rejected (account) REJECTED_NOT_ENOUGH_CREDITS: no"},
		{statusOf("REJECTED_NEW", "no"), errorOf("EC_NO_SESSION", "why"), "rejected (recipient) EC_NO_SESSION: why"},
		{statusOf("REJECTED_NEW", "no"), errorOf("EC_NEW", ""), "rejected EC_NEW: EC_NEW"},
		{statusOf("REJECTED_FLOODING_FILTER", "no"), errorOf("EC_DESTINATION_FLOODING", "why"), "rejected REJECTED_FLOODING_FILTER: no"},
		{statusOf("UNDELIVERABLE_NOT_DELIVERED", "no"), errorOf("EC_\x00", "why"), "rejected: no"},
		{statusOf("UNDELIVERABLE_NOT_DELIVERED", "no"), errorOf("EC_"+strings.Repeat("X", 62), "why"), "rejected: no"},
		{statusOf("UNDELIVERABLE_NOT_DELIVERED", "no"), none, "rejected: no"},
		{statusOf("UNDELIVERABLE_NOT_DELIVERED", "no"), `null`, "rejected: no"},
		{statusOf("UNDELIVERABLE_NOT_DELIVERED", "no"), `"odd"`, "rejected: no"},
		{statusOf("UNDELIVERABLE_NOT_DELIVERED", "no"), `{"id":7}`, "rejected: no"},
	} {
		require.Equal(t, row.want, failureOf(t, row.status, row.cause))
	}
}

// Only a message that was certainly not sent is expired. The operator may have had any other.
func TestClient_Receipts_expired(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"EC_MESSAGE_EXPIRED", "EC_VP_EXPIRED", "EC_MESSAGE_CANCELED", "EC_VALIDITY_EXPIRED"} {
		require.Equal(t, "rejected (recipient) "+code+": why", failureOf(t, statusOf("EXPIRED_EXPIRED", "no"), errorOf(code, "why")))
		require.Equal(t, "rejected (expired) "+code+": why", failureOf(t, statusOf("UNDELIVERABLE_NOT_SENT", "no"), errorOf(code, "why")))
	}
	require.Equal(t, "rejected (recipient) EXPIRED_EXPIRED: no", failureOf(t, statusOf("EXPIRED_EXPIRED", "no"), errorOf("", "")))
	require.Equal(t, "rejected UNDELIVERABLE_NOT_SENT: no", failureOf(t, statusOf("UNDELIVERABLE_NOT_SENT", "no"), errorOf("", "")))
}

// An inbound SMS and an inbound WhatsApp message, as in the examples of the API descriptions.
func TestClient_Receipts_inbound(t *testing.T) {
	t.Parallel()
	at := time.Date(2019, 11, 9, 16, 0, 0, 0, time.UTC)
	sms := func(text string) string {
		return `{"messageId":"817790313235066447","from":"385916242493","to":"385921004026","text":"` + text + `",
			"cleanText":"Correct answer is Paris","keyword":"QUIZ","receivedAt":"2019-11-09T16:00:00.000+0000","smsCount":1,
			"price":{"pricePerMessage":0,"currency":"EUR"},"callbackData":"callbackData"}`
	}
	whatsApp := func(message, extra string) string {
		return `{"from":"385916242493","to":"385921004026","integrationType":"WHATSAPP","receivedAt":"2019-11-09T16:00:00.000+0000",
			"messageId":"817790313235066447","callbackData":"` + ref + `","message":` + message + extra + `,"contact":{"name":"Frank"}}`
	}
	for _, row := range []struct {
		driver providertest.Driver
		report string
		want   backstop.Inbound
	}{
		{smsDriver(), sms("QUIZ Correct answer is Paris"), backstop.Inbound{Text: "QUIZ Correct answer is Paris"}},
		{smsDriver(), sms("Stop"), backstop.Inbound{Text: "Stop", Keyword: backstop.StopKeyword}},
		{smsDriver(), sms("START"), backstop.Inbound{Text: "START", Keyword: backstop.StartKeyword}},
		{whatsAppDriver(), whatsApp(`{"text":"Hello, World!","type":"TEXT"}`, ""), backstop.Inbound{Text: "Hello, World!"}},
		{
			whatsAppDriver(), whatsApp(`{"text":"Button text","payload":"Payload","type":"BUTTON","context":{"from":"1","id":"wamid.1"}}`, ""),
			backstop.Inbound{Text: "Button text", ReplyTo: "wamid.1"},
		},
		{
			whatsAppDriver(), whatsApp(`{"id":"r","title":"STOP","type":"INTERACTIVE_BUTTON_REPLY","context":{"id":"wamid.1"}}`, `,"pairedMessageId":"`+ref+`"`),
			backstop.Inbound{Text: "STOP", Keyword: backstop.StopKeyword, ReplyTo: ref},
		},
		{whatsAppDriver(), whatsApp(`{"caption":"look","url":"https://x","type":"IMAGE"}`, ""), backstop.Inbound{Text: "look"}},
		{whatsAppDriver(), whatsApp(`{"type":"STICKER"}`, ""), backstop.Inbound{}},
	} {
		receipts, err := receive(t, row.driver, row.report)
		require.NoError(t, err)
		row.want.From, row.want.To = "+385916242493", "385921004026"
		require.Equal(t, []backstop.Receipt{{
			Provider: "infobip", Account: providertest.AccountName, Channel: row.driver.Channel, MessageID: "817790313235066447", At: at,
			Inbound: &row.want,
		}}, receipts)
	}
	receipts, err := receive(t, smsDriver(), `{"messageId":"1","from":"Backstop","text":"x","receivedAt":"2019-11-09T16:00:00.000+0000"}`)
	require.NoError(t, err)
	require.Empty(t, receipts, "a person has a number")
}

// Entries that cannot be read do not cost the others.
func TestClient_Receipts_broken(t *testing.T) {
	t.Parallel()
	good := `{"messageId":"id-1","status":` + statusOf("DELIVERED_TO_HANDSET", "") + `}`
	for _, broken := range []string{`"text"`, `7`, `[]`, `{}`, `null`, `{"messageId":"id-2"}`, `{"messageId":"id-2","status":{}}`, `{"status":{"groupId":3}}`} {
		receipts, err := receive(t, smsDriver(), broken+","+good+","+broken)
		require.Equal(t, backstop.Invalid, backstop.CodeOf(err), broken)
		require.Len(t, receipts, 1, broken)
	}
	for _, field := range []string{"price", "error", "doneAt", "sentAt", "callbackData", "bulkId", "mccMnc", "platform"} {
		for _, odd := range []string{"null", "true", "7", `"odd"`, "[]", "{}", "1e400"} {
			receipts, err := receive(t, smsDriver(), `{"messageId":"id-1","status":`+statusOf("DELIVERED_TO_HANDSET", "")+`,"`+field+`":`+odd+`}`)
			require.NoError(t, err)
			require.Len(t, receipts, 1)
			require.Equal(t, backstop.Delivered, receipts[0].Status)
		}
	}
}
