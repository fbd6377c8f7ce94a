package alibaba_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

func receive(t *testing.T, d providertest.Driver, body string) ([]backstop.Receipt, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/alibaba/main/secret", http.NoBody)
	require.NoError(t, err)
	return newClient(t, d.Settings("http://127.0.0.1:1", 0)).Receipts(r, []byte(body))
}

// The bodies are the examples of the manual, "SMS webhook" and "ChatAppStatus".
func TestClient_Receipts_manual(t *testing.T) {
	t.Parallel()
	receipts, err := receive(t, smsDriver(), `[{"To":"85212340000","SendDate":"Thu, 25 Nov 2021 10:27:00 +0800","ReceiveDate":"Thu, 25 Nov 2021 10:27:33 +0800",
		"Status":"1","SmsSize":"1","ErrorCode":"success","ErrorDescription":"success","TaskId":"123456","MessageId":"1234567890000"},
		{"To":"85212340000","ReceiveDate":"Thu, 25 Nov 2021 10:27:33 +0800","Status":"6","ErrorCode":"EXPIRED","MessageId":"1234567890001"}]`)
	require.NoError(t, err)
	require.Len(t, receipts, 2)
	at := time.Date(2021, 11, 25, 2, 27, 33, 0, time.UTC)
	require.Equal(t, backstop.Receipt{
		Provider: "alibaba", Account: providertest.AccountName, Channel: backstop.SMS, MessageID: "1234567890000", Status: backstop.Delivered, At: at,
	}, receipts[0])
	require.EqualError(t, receipts[1].Failure, "rejected (expired) EXPIRED: reported as failed")

	receipts, err = receive(t, whatsAppDriver(), `[{"Status":"Failed","ErrorDescription":"131026:Receiver is incapable of receiving this message(Message Undeliverable.)",
		"MsgFrameType":"template","TaskId":"`+providertest.Ref.String()+`","From":"8613100000008","Timestamp":1691043638000,"OriginPhoneNumber":"`+sender+`",
		"TemplateCode":"820561547132813184","Type":"TEMPLATE","Language":"id","TemplateName":"wa_otp_v_0_0_3","To":"8613800000008","ErrorCode":"131026",
		"MessageId":"2023078469463703"}]`)
	require.NoError(t, err)
	require.Len(t, receipts, 1)
	require.Equal(t, time.UnixMilli(1_691_043_638_000).UTC(), receipts[0].At)
	require.Equal(t, providertest.Ref, receipts[0].Ref)
	require.EqualError(t, receipts[0].Failure,
		"rejected (recipient) 131026: 131026:Receiver is incapable of receiving this message(Message Undeliverable.)")
}

// A receipt of another number is ignored, unless it has a reference of ours. It then belongs to no account.
func TestClient_Receipts_otherNumber(t *testing.T) {
	t.Parallel()
	receipts, err := receive(t, whatsAppDriver(), `[{"MessageId":"theirs","Status":"Sent","From":"8613999999999"},
		{"MessageId":"moved","Status":"Sent","From":"+8613999999999","TaskId":"`+providertest.Ref.String()+`"},
		{"MessageId":"ours","Status":"Sent","From":"+`+sender+`"},{"MessageId":"of no number","Status":"Sent"}]`)
	require.NoError(t, err)
	require.Len(t, receipts, 3)
	require.Equal(t, []string{"moved", "ours", "of no number"}, []string{receipts[0].MessageID, receipts[1].MessageID, receipts[2].MessageID})
	require.Empty(t, receipts[0].Account)
	require.Equal(t, providertest.AccountName, receipts[1].Account)
}

// inboundBodies are messages of persons, as the manual prints them ("ChatAppInbound").
func inboundBodies() map[string]string {
	message := func(kind, message string) string {
		return `[{"MessageId":"in-1","CustSpaceId":"cams-8c8x","From":"+447400123456","DisplayName":"Mr Liu","NoticeType":"inbound","To":"+` + sender +
			`","Type":"` + kind + `","Message":` + message + `,"Timestamp":1662104191973,"Name":"jack","WabaId":"95271863"}]`
	}
	return map[string]string{
		"text":         message("TEXT", `"hello, it's me"`),
		"stop":         message("TEXT", `"STOP"`),
		"reply":        message("REPLY", `"{\"text\":\"Not me\",\"payload\":\"NO\"}"`),
		"reply object": message("REPLY", `{"text":"Not me","payload":"NO"}`),
		"odd reply":    message("REPLY", `"Not me"`),
		"audio":        message("AUDIO", `"{\"filename\":\"File.ogg\",\"id\":\"1\"}"`),
		"system":       message("SYSTEM", `"{}"`),
		"without a plus": `[{"MessageId":"in-1","From":"447400123456","To":"` + sender + `","DisplayName":"Mr Liu","Type":"TEXT","Message":"hello, it's me",` +
			`"Timestamp":1662104191973,"Name":"jack"}]`,
		"to another number": `[{"MessageId":"in-1","From":"447400123456","To":"8613999999999","Type":"TEXT","Message":"hello"}]`,
		"by a user name":    `[{"MessageId":"in-1","FromUserId":"GB.1349","To":"` + sender + `","Type":"TEXT","Message":"hello"}]`,
	}
}

func TestClient_Receipts_inbound(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]*backstop.Inbound{
		"text": {Text: "hello, it's me"}, "stop": {Text: "STOP", Keyword: backstop.StopKeyword}, "reply": {Text: "Not me"},
		"reply object": {Text: "Not me"}, "odd reply": {}, "audio": {}, "without a plus": {Text: "hello, it's me"},
		"system": nil, "to another number": nil, "by a user name": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receipts, err := receive(t, whatsAppDriver(), inboundBodies()[name])
			require.NoError(t, err)
			if want == nil {
				require.Empty(t, receipts)
				return
			}
			require.Len(t, receipts, 1)
			want.From, want.To = "+447400123456", receipts[0].Inbound.To
			require.Contains(t, []string{sender, "+" + sender}, want.To)
			require.Equal(t, backstop.Receipt{
				Provider: "alibaba", Account: providertest.AccountName, Channel: backstop.WhatsApp, MessageID: "in-1",
				At: time.UnixMilli(1_662_104_191_973).UTC(), Inbound: want,
			}, receipts[0])
		})
	}
}

// One odd report does not cost the reports beside it. An SMS account has no inbound messages.
func TestClient_Receipts_odd(t *testing.T) {
	t.Parallel()
	const good = `{"MessageId":"id-1","Status":"Read","From":"` + sender + `"}`
	for _, odd := range []string{`null`, `7`, `"text"`, `[]`, `{}`, `{"MessageId":"id-2"}`, `{"MessageId":{},"Message":"hi"}`, `{"Status":"Read"}`} {
		receipts, err := receive(t, whatsAppDriver(), "["+odd+","+good+"]")
		require.Equal(t, backstop.Invalid, backstop.CodeOf(err), odd)
		require.Len(t, receipts, 1, odd)
	}
	for _, odd := range []string{`"Timestamp":{}`, `"TaskId":7`, `"ErrorCode":[]`, `"OriginPhoneNumber":{}`, `"Type":1`} {
		receipts, err := receive(t, whatsAppDriver(), `[{"MessageId":"id-1","Status":"Read",`+odd+`}]`)
		require.NoError(t, err, odd)
		require.Len(t, receipts, 1, odd)
	}
	receipts, err := receive(t, whatsAppDriver(), good)
	require.NoError(t, err, "a report without a list around it")
	require.Len(t, receipts, 1)
	_, err = receive(t, smsDriver(), `[{"MessageId":"in-1","From":"447400123456","Message":"hi"}]`)
	require.Equal(t, backstop.Invalid, backstop.CodeOf(err))
}

func TestClient_WebhookAnswer(t *testing.T) {
	t.Parallel()
	kind, body := newClient(t, smsDriver().Settings("http://127.0.0.1:1", 0)).WebhookAnswer()
	require.Equal(t, "application/json", kind)
	require.JSONEq(t, `{"code":0,"msg":"ok"}`, string(body))
}
