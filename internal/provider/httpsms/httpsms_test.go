package httpsms_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/httpsms"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

const (
	username = "user-1"
	password = "p&ss-word/0123"
	token    = "token-0123-secret"
	hookPath = "/webhooks/http/main"
)

func message() backstop.SMSMessage {
	return backstop.SMSMessage{Ref: providertest.Ref, To: providertest.To, SendID: "Backstop", Text: "Grüße & 4711+1"}
}

func receiptURL() string {
	return providertest.PublicURL + hookPath + "?ref=" + providertest.Ref.String()
}

func unsigned(*http.Request, []byte) {}

// sinch is a gateway with JSON, an id in the answer and the reference in the receipt.
func sinch() providertest.Driver {
	return providertest.Driver{
		Of:           httpsms.Driver(),
		Channel:      backstop.SMS,
		Values:       map[string]string{"recipe": "sinch", "username": "plan-1", "token": token},
		Secrets:      []string{token},
		SMS:          message(),
		CheckRequest: checkSinch,
		Accepted: func(id string) providertest.Reply {
			return providertest.Reply{Status: http.StatusCreated, Body: `{"id":"` + id + `","to":["447400123456"],"from":"Backstop",` +
				`"canceled":false,"body":"x","type":"mt_text","created_at":"2026-11-26T08:00:00.000Z"}`}
		},
		Refused: func(status int, code, text string) providertest.Reply {
			return providertest.Reply{Status: status, Body: fmt.Sprintf(`{"code":%q,"text":%s}`, code, providertest.Quote(text))}
		},
		Codes: sinchCodes(),
		Hook:  sinchHook,
		Sign:  unsigned,
		Statuses: map[string]backstop.Status{
			"Queued": "", "Unknown": "", "Dispatched": backstop.Sent, "Delivered": backstop.Delivered, "Failed": backstop.Failed,
			"Rejected": backstop.Failed, "Aborted": backstop.Failed, "Cancelled": backstop.Failed, "Deleted": backstop.Failed,
			"Expired": backstop.Failed,
		},
		Failed:        "Failed",
		Batches:       true,
		HasTimes:      true,
		CodePrefix:    "sinch.",
		StatusClasses: map[int]backstop.RejectClass{http.StatusUnauthorized: backstop.AccountFault},
	}
}

func sinchCodes() providertest.CodeTable {
	var table providertest.CodeTable
	table.AddWords(backstop.Rejected, backstop.AccountFault, 403, "410", "412", "413", "missing_callback_url")
	table.AddWords(backstop.Rejected, backstop.TemplateFault, 400, "405", "411")
	table.AddWords(backstop.Rejected, backstop.Expired, 400, "406")
	table.AddWords(backstop.Rejected, "", 400, "402", "syntax_invalid_json") // in no table: their meaning is not certain
	return table
}

func checkSinch(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "/xms/v1/plan-1/batches", r.URL.RequestURI())
	require.Equal(t, "Bearer "+token, r.Header.Get("Authorization"))
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.JSONEq(t, `{"from":"Backstop","to":["+447400123456"],"body":"Grüße & 4711+1","delivery_report":"per_recipient",`+
		`"client_reference":"`+providertest.Ref.String()+`","callback_url":"`+receiptURL()+`"}`, string(body))
}

func sinchHook(reports ...providertest.Report) providertest.Hook {
	list := []map[string]any{}
	for _, r := range reports {
		at := r.At
		if seconds, err := strconv.ParseInt(r.At, 10, 64); err == nil && seconds > 0 && seconds < 1<<33 {
			at = time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05.000Z")
		}
		fields := map[string]any{
			"type": "recipient_delivery_report_sms", "batch_id": r.ID, "client_reference": r.Ref, "recipient": "447400123456",
			"status": r.Status, "at": at, "operator_status_at": at, "new_field": []int{1},
		}
		if code, err := strconv.Atoi(r.Code); err == nil {
			fields["code"] = code
		} else if r.Code != "" {
			fields["code"] = r.Code
		}
		list = append(list, fields)
	}
	var body any = list[0]
	if len(list) > 1 {
		body = list
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps of texts can be encoded
	}
	return providertest.Hook{Target: hookPath, Body: encoded}
}

// kannel is a gateway that is asked by GET, has no ids and reports by GET: the reference is in the address of the receipt.
func kannel() providertest.Driver {
	return providertest.Driver{
		Of:           httpsms.Driver(),
		Channel:      backstop.SMS,
		Values:       map[string]string{"recipe": "kannel", "username": username, "password": password},
		Secrets:      []string{password},
		SMS:          message(),
		CheckRequest: checkKannel,
		Accepted: func(string) providertest.Reply {
			return providertest.Reply{Status: http.StatusAccepted, Body: "0: Accepted for delivery"}
		},
		Refused: func(status int, _, text string) providertest.Reply {
			return providertest.Reply{Status: status, Body: "Sending failed. " + text}
		},
		Hook: kannelHook,
		Sign: unsigned,
		Statuses: map[string]backstop.Status{
			"1": backstop.Delivered, "2": backstop.Failed, "4": "", "8": backstop.Sent, "16": backstop.Failed, "0": "",
		},
		Failed:         "16",
		OwnID:          true,
		OwnConnections: true,
		CodePrefix:     "kannel.",
	}
}

func checkKannel(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	require.Equal(t, http.MethodGet, r.Method)
	require.Empty(t, body)
	require.Equal(t, "/cgi-bin/sendsms", r.URL.Path)
	require.Equal(t, url.Values{
		"username": {username}, "password": {password}, "from": {"Backstop"}, "to": {providertest.To}, "text": {"Grüße & 4711+1"},
		"charset": {"UTF-8"}, "dlr-mask": {"27"}, "dlr-url": {receiptURL() + "&status=%d&answer=%A"},
	}, r.URL.Query())
}

func kannelHook(reports ...providertest.Report) providertest.Hook {
	r := reports[0]
	answer := "id:7 sub:001 dlvrd:000 submit date:2611260800 done date:2611260801 stat:UNDELIV err:000 text:the text"
	if r.Code != "" {
		answer = "NACK/" + r.Code + "/" + r.Text
	}
	query := url.Values{"ref": {r.Ref}, "status": {r.Status}, "answer": {answer}}
	return providertest.Hook{Method: http.MethodGet, Target: hookPath + "?" + query.Encode()}
}

func TestClient_sinch(t *testing.T) {
	t.Parallel()
	providertest.Run(t, sinch())
}

func TestClient_kannel(t *testing.T) {
	t.Parallel()
	providertest.Run(t, kannel())
}

func FuzzReceipts_sinch(f *testing.F)  { providertest.Fuzz(f, sinch()) }
func FuzzReceipts_kannel(f *testing.F) { providertest.Fuzz(f, kannel()) }
func FuzzAnswers_sinch(f *testing.F)   { providertest.FuzzAnswers(f, sinch()) }
func FuzzAnswers_kannel(f *testing.F)  { providertest.FuzzAnswers(f, kannel()) }
