package infobip_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/infobip"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

const (
	apiKey = "003026bbc133714df1834b8638bb496e-8f4b3d9a"
	sender = "447860099299"
	ref    = "0193a1b2-c3d4-7e5f-8a6b-0123456789ab.2" // providertest.Ref
)

// base is what the drivers of both channels have in common.
func base(channel backstop.Channel) providertest.Driver {
	return providertest.Driver{
		Of:      infobip.Driver(),
		Channel: channel,
		Values:  map[string]string{"api_key": apiKey},
		Secrets: []string{apiKey},
		Refused: refused(channel),
		Codes:   codes(channel),
		Hook:    hook,
		Sign:    func(*http.Request, []byte) {}, // Infobip signs nothing
		Statuses: map[string]backstop.Status{
			"PENDING_ACCEPTED": "", "PENDING_ENROUTE": backstop.Sent, "PENDING_WAITING_DELIVERY": backstop.Sent,
			"DELIVERED_TO_OPERATOR": backstop.Sent, "DELIVERED_TO_HANDSET": backstop.Delivered, "DELIVERED_SOMEHOW": backstop.Delivered,
			"EXPIRED_DLR_UNKNOWN": backstop.Sent, "EXPIRED_EXPIRED": backstop.Failed, "UNDELIVERABLE_NOT_DELIVERED": backstop.Failed,
			"UNDELIVERABLE_NOT_SENT": backstop.Failed, "REJECTED_SOMEHOW": backstop.Failed,
		},
		Failed:   "UNDELIVERABLE_NOT_DELIVERED",
		Batches:  true,
		HasTimes: true,
	}
}

func smsDriver() providertest.Driver {
	d := base(backstop.SMS)
	d.SMS = backstop.SMSMessage{
		Ref: providertest.Ref, To: providertest.To, SendID: "Backstop", Text: "Grüße & <4711>", ValidFor: 90500 * time.Millisecond,
	}
	d.CheckRequest = checkSMS
	d.Accepted = func(id string) providertest.Reply {
		return providertest.Reply{Status: http.StatusOK, Body: `{"bulkId":"1","new_field":{"x":[1]},"messages":[{"messageId":"` + id +
			`","status":{"groupId":1,"groupName":"PENDING","id":26,"name":"PENDING_ACCEPTED","description":"Pending"},` +
			`"destination":"447400123456","details":{"messageCount":2}}]}`}
	}
	d.Lookup = lookup()
	return d
}

func whatsAppDriver() providertest.Driver {
	d := base(backstop.WhatsApp)
	d.Values["sender"] = "+" + sender
	d.Statuses["SEEN"] = backstop.Read
	d.WhatsApp = backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Text: "Grüße & <4711>"}
	d.CheckRequest = checkText
	d.Accepted = func(id string) providertest.Reply {
		return providertest.Reply{Status: http.StatusOK, Body: `{"to":"447400123456","messageCount":1,"messageId":"` + id +
			`","new_field":{"x":[1]},"status":{"groupId":1,"groupName":"PENDING","id":7,"name":"PENDING_ENROUTE","description":"Sent"}}`}
	}
	return d
}

func TestSMS(t *testing.T) {
	t.Parallel()
	providertest.Run(t, smsDriver())
}

func TestWhatsApp(t *testing.T) {
	t.Parallel()
	providertest.Run(t, whatsAppDriver())
}

func FuzzReceipts(f *testing.F) {
	for _, entry := range []string{
		`{"messageId":"1","seenAt":"2026-11-12T11:21:58.251+0000"}`,
		`{"messageId":"1","from":"447400123456","to":"12345","text":"STOP","receivedAt":"2026-11-09T16:00:00.000+0000"}`,
		`{"messageId":7,"status":{"id":"5"},"error":"odd","doneAt":[]}`, `"text"`, `{}`,
	} {
		f.Add("", []byte(`{"results":[`+entry+`]}`), true)
	}
	providertest.Fuzz(f, whatsAppDriver())
}

func FuzzAnswers(f *testing.F) { providertest.FuzzAnswers(f, whatsAppDriver()) }

func checkHeader(t *testing.T, r *http.Request, method string) {
	t.Helper()
	require.Equal(t, method, r.Method)
	require.Equal(t, "App "+apiKey, r.Header.Get("Authorization"))
	require.Equal(t, "application/json", r.Header.Get("Accept"))
}

func checkSMS(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	checkHeader(t, r, http.MethodPost)
	require.Equal(t, "/sms/3/messages", r.URL.RequestURI())
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.JSONEq(t, `{"messages":[{"sender":"Backstop","destinations":[{"to":"447400123456","messageId":"`+ref+`"}],
		"content":{"text":"Grüße & <4711>"},"options":{"validityPeriod":{"amount":90,"timeUnit":"SECONDS"}},
		"webhooks":{"delivery":{"url":"https://backstop.example/webhooks/infobip/main","intermediateReport":true,"notify":true},
		"contentType":"application/json","callbackData":"`+ref+`"}}],"options":{"includeSmsCountInResponse":true}}`, string(body))
}

func checkText(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	checkHeader(t, r, http.MethodPost)
	require.Equal(t, "/whatsapp/1/message/text", r.URL.RequestURI())
	require.JSONEq(t, `{"from":"`+sender+`","to":"447400123456","messageId":"`+ref+`","content":{"text":"Grüße & <4711>"},
		"callbackData":"`+ref+`","notifyUrl":"https://backstop.example/webhooks/infobip/main"}`, string(body))
}

// refused returns the answer to a refused call. If it is HTTP 200, the status of the message has the code.
func refused(channel backstop.Channel) func(status int, code, text string) providertest.Reply {
	return func(status int, code, text string) providertest.Reply {
		quoted, name := providertest.Quote(text), providertest.Quote(code)
		switch {
		case status == http.StatusOK:
			return providertest.Reply{Status: status, Body: `{"bulkId":"1","messages":[{"messageId":"` + ref + `","destination":"1",` +
				`"status":{"groupId":5,"groupName":"REJECTED","id":6,"name":` + name + `,"description":` + quoted + `,"action":"none"}}]}`}
		case channel == backstop.SMS:
			return providertest.Reply{Status: status, Body: `{"errorCode":` + name + `,"description":` + quoted + `,"action":"look",` +
				`"violations":[{"property":"messages[0].sender","violation":"must not be null"}],"resources":[]}`}
		default:
			return providertest.Reply{Status: status, Body: `{"requestError":{"serviceException":{"messageId":` + name + `,"text":` + quoted +
				`,"validationErrors":{"content.text":["must not be blank"]}}}}`}
		}
	}
}

// statusOf returns a status as Infobip writes it. The group follows from the name. A word without a group has no group.
func statusOf(word, text string) string {
	for group, name := range map[string]string{"1": "PENDING", "2": "UNDELIVERABLE", "3": "DELIVERED", "4": "EXPIRED", "5": "REJECTED"} {
		if strings.HasPrefix(word, name+"_") {
			return `{"groupId":` + group + `,"groupName":"` + name + `","id":1,"name":` + providertest.Quote(word) + `,"description":` +
				providertest.Quote(text) + `}`
		}
	}
	if word == "" {
		return `{}`
	}
	return `{"name":` + providertest.Quote(word) + `}`
}

func errorOf(code, text string) string {
	if code == "" {
		return `{"groupId":0,"groupName":"OK","id":0,"name":"NO_ERROR","description":"No Error","permanent":false}`
	}
	return `{"groupId":2,"groupName":"USER_ERRORS","id":1,"name":` + providertest.Quote(code) + `,"description":` + providertest.Quote(text) +
		`,"permanent":true}`
}

func hook(reports ...providertest.Report) providertest.Hook {
	var results []string
	for _, r := range reports {
		at := r.At
		if seconds, err := strconv.ParseInt(at, 10, 64); err == nil && seconds < 1e15 {
			at = time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05.000-0700")
		}
		fields := `"messageId":` + providertest.Quote(r.ID) + `,"callbackData":` + providertest.Quote(r.Ref) +
			`,"to":"447400123456","new_field":[null],"price":{"pricePerMessage":0.01,"currency":"EUR"}`
		if r.Status == "SEEN" {
			results = append(results, `{`+fields+`,"from":"1","sentAt":"2018-12-12T11:21:57.793+0000","seenAt":`+providertest.Quote(at)+`}`)
			continue
		}
		results = append(results, `{`+fields+`,"bulkId":"1","sender":"Backstop","doneAt":`+providertest.Quote(at)+`,"messageCount":1,`+
			`"status":`+statusOf(r.Status, r.Text)+`,"error":`+errorOf(r.Code, r.Text)+`}`)
	}
	return providertest.Hook{Target: "/webhooks/infobip/main/key", Body: []byte(`{"results":[` + strings.Join(results, ",") + `]}`)}
}

func lookup() *providertest.Lookup {
	entry := func(m providertest.Listed) string {
		return `{"sender":"Backstop","destination":"447400123456","bulkId":"1","messageId":` + providertest.Quote(m.ID) +
			`,"sentAt":"2026-11-09T16:00:00.000+0100","messageCount":2,"status":` + statusOf(m.Status, m.Reason) +
			`,"error":` + errorOf(m.Code, m.Reason) + `,"content":{"text":"x"},"mccMnc":"22801"}`
	}
	list := func(messages []providertest.Listed) providertest.Reply {
		entries := make([]string, 0, len(messages))
		for _, m := range messages {
			entries = append(entries, entry(m))
		}
		return providertest.Reply{Status: http.StatusOK, Body: `{"results":[` + strings.Join(entries, ",") + `],"cursor":{"limit":50}}`}
	}
	return &providertest.Lookup{
		ByRef: true,
		CheckRequest: func(t *testing.T, r *http.Request, id string) {
			t.Helper()
			checkHeader(t, r, http.MethodGet)
			require.Equal(t, "/sms/3/logs", r.URL.Path)
			require.Equal(t, id, r.URL.Query().Get("messageId"))
		},
		Missing: list(nil),
		One:     func(m providertest.Listed) providertest.Reply { return list([]providertest.Listed{m}) },
		List:    list,
	}
}

func open[T provider.Client](tb testing.TB, d providertest.Driver, baseURL string) T {
	tb.Helper()
	client, err := infobip.Open(d.Settings(baseURL, time.Minute))
	require.NoError(tb, err)
	typed, ok := client.(T)
	require.True(tb, ok, "%T", client)
	return typed
}
