package meta_test

import (
	_ "embed"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

// receive signs a webhook and passes it to a new client.
func receive(t *testing.T, body string) ([]backstop.Receipt, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/meta", nil)
	sign(r, []byte(body))
	return newClient(t, options("http://127.0.0.1:1")).Receipts(r, []byte(body))
}

// reported receives a webhook with two statuses. The first has an id, a reference and these fields. The second is valid.
// reported returns the receipts of the first.
func reported(t *testing.T, fields string) []backstop.Receipt {
	t.Helper()
	receipts, err := receive(t, `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"statuses":[
		{"id":"wamid.1","biz_opaque_callback_data":"`+providertest.Ref.String()+`",`+fields+`},
		{"id":"wamid.2","status":"read","timestamp":"1764000000"}]}}]}]}`)
	require.NoError(t, err)
	require.NotEmpty(t, receipts)
	last := len(receipts) - 1
	require.Equal(t, "wamid.2", receipts[last].MessageID, "the rest of the batch is read")
	return receipts[:last]
}

//go:embed testdata/mixed-batch.json
var mixedBatch string

// The batch has inbound messages, errors of the number, other fields, statuses of other systems, words without a meaning, and
// two statuses that count.
func TestClient_Receipts_mixedBatch(t *testing.T) {
	t.Parallel()
	receipts, err := receive(t, mixedBatch)
	require.NoError(t, err)
	ours := backstop.Receipt{
		Provider: "meta", Account: providertest.AccountName, Channel: backstop.WhatsApp, MessageID: "wamid.HBgMNDQ3NDAwMTIzNDAyFQIAERgSQTFCMkMzRDRFNUY2NzdFAA==",
		Ref: backstop.Ref{Send: "01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e5f", Step: 1}, At: time.Unix(1_764_000_000, 0).UTC(),
	}
	other, read := ours, ours
	other.MessageID, other.Ref, other.Status = "wamid.UNKNOWN", backstop.Ref{}, backstop.Sent
	ours.Status, read.Status = backstop.Delivered, backstop.Read
	require.Equal(t, []backstop.Receipt{other, ours, read}, receipts)
}

// A status of another number is ignored, unless it has a reference of ours. The other statuses of the webhook still count.
func TestClient_Receipts_otherNumber(t *testing.T) {
	t.Parallel()
	change := func(number, statuses string) string {
		return `{"field":"messages","value":{"metadata":{"phone_number_id":` + number + `},"statuses":[` + statuses + `]}}`
	}
	receipts, err := receive(t, `{"object":"whatsapp_business_account","entry":[{"changes":[`+
		change(`"106540359999999"`, `{"id":"theirs","status":"sent","timestamp":"1764000000"},`+
			`{"id":"moved","status":"sent","timestamp":"1764000000","biz_opaque_callback_data":"`+providertest.Ref.String()+`"}`)+`,`+
		change(`106540352242922`, `{"id":"ours, its number a number","status":"sent","timestamp":"1764000000"}`)+`,`+
		change(`null`, `{"id":"of no number","status":"sent","timestamp":"1764000000"}`)+`]}]}`)
	require.NoError(t, err)
	var ids []string
	for _, r := range receipts {
		ids = append(ids, r.MessageID)
	}
	require.Equal(t, []string{"moved", "ours, its number a number", "of no number"}, ids)
}

// The code of a failed status decides, as a text or as a number. Without a readable code there is no class.
func TestClient_Receipts_errors(t *testing.T) {
	t.Parallel()
	const details = `,"title":"no","error_data":{"details":"why"}`
	for errs, want := range map[string]string{
		`[{"code":131031` + details + `}]`:                "rejected (account) 131031: no: why",
		`[{"code":"131031"` + details + `}]`:              "rejected (account) 131031: no: why",
		`[{"code":131031.0` + details + `}]`:              "rejected (account) 131031: no: why",
		`[{"code":" 131031.00 "` + details + `}]`:         "rejected (account) 131031: no: why",
		`{"code":131031` + details + `}`:                  "rejected (account) 131031: no: why",
		`[null,"odd",7,[],{},{"code":131031,"title":1}]`:  "rejected (account) 131031: 1",
		`[{"title":"first"},{"code":131031}]`:             "rejected (account) 131031: an error without a text",
		`[{"code":131031,"error_data":{"details":[]}}]`:   "rejected (account) 131031: an error without a text",
		`[{"code":131031,"message":{},"error_data":"x"}]`: "rejected (account) 131031: an error without a text",
		`[{"code":131053,"title":"Media upload error","message":"Media upload error","error_data":{"details":"Forbidden"}}]`: "rejected (template) 131053: Media upload error: Forbidden",
		`[{"code":100,"error_subcode":33,"title":"no"}]`:                                                                     "rejected (account) 100: no",
		`[{"code":100,"error_subcode":"33","title":"no"}]`:                                                                   "rejected (account) 100: no",
		`[{"code":100,"error_subcode":7,"title":"no"}]`:                                                                      "rejected (template) 100: no",
		`[{"code":987654,"title":"no"}]`:                                                                                     "rejected 987654: no",
		`[{"code":131000,"title":"no"}]`:                                                                                     "rejected 131000: no",
		`[{"code":131031.5,"title":"no"}]`:                                                                                   "rejected: no",
		`[{"code":1e999,"title":"no"}]`:                                                                                      "rejected: no",
		`[{"code":null,"title":"no"}]`:                                                                                       "rejected: no",
		`[{"code":[131031],"title":"no"}]`:                                                                                   "rejected: no",
		`null`:                                                                                                               "rejected: reported as failed, without an error",
		`[]`:                                                                                                                 "rejected: reported as failed, without an error",
		`"odd"`:                                                                                                              "rejected: reported as failed, without an error",
		`131031`:                                                                                                             "rejected: reported as failed, without an error",
	} {
		t.Run(errs, func(t *testing.T) {
			t.Parallel()
			receipts := reported(t, `"status":"failed","timestamp":"1764000000","errors":`+errs)
			require.Len(t, receipts, 1)
			require.EqualError(t, receipts[0].Failure, want)
		})
	}
}

// A field of an unexpected type is ignored. The status still counts.
func TestClient_Receipts_oddTypes(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"null", "true", "7", "7.5", "1e400", `"odd"`, "[]", "[[7]]", "{}", `{"a":{"b":[]}}`} {
		for _, field := range []string{
			"timestamp", "errors", "pricing", "conversation", "recipient_id", "recipient_type", "recipient_participant_id", "new_field",
		} {
			receipts := reported(t, `"status":"delivered","`+field+`":`+odd)
			require.Len(t, receipts, 1, "%s: %s", field, odd)
			require.Equal(t, backstop.Delivered, receipts[0].Status)
			require.Nil(t, receipts[0].Failure)
		}
	}
	for _, odd := range []string{"null", "true", "7", "[]", "{}", `""`, `"message"`} {
		require.Len(t, reported(t, `"status":"delivered","type":`+odd), 1, "type: %s", odd)
	}
	receipts := reported(t, `"status":"delivered","timestamp":1764000000.0`)
	require.Equal(t, int64(1_764_000_000), receipts[0].At.Unix())
}

// A status of another type does not describe the message: a failed payment is not a failed message.
func TestClient_Receipts_otherType(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"payment", "not yet invented", "Message"} {
		for _, word := range []string{"failed", "delivered", "read", "sent", "captured", "pending"} {
			require.Empty(t, reported(t, `"type":"`+kind+`","status":"`+word+`","payment":{"reference_id":"1"},"errors":[{"code":131031}]`))
		}
	}
}
