package alibaba_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/alibaba"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/provider/providertest"
)

const (
	keyID   = "LTAI5tTestKeyId"
	secret  = "s3cret-access-key"
	sender  = "8613800000000"
	spaceID = "cams-8c8x"
)

func newClient(tb testing.TB, s provider.Settings) *alibaba.Client {
	tb.Helper()
	client, err := alibaba.New(s)
	require.NoError(tb, err)
	return client
}

// driver is what both services have in common.
func driver() providertest.Driver {
	return providertest.Driver{
		Of:      alibaba.Driver(),
		Values:  map[string]string{"access_key_id": keyID, "access_key_secret": secret},
		Secrets: []string{secret},
		Refused: refused,
		Sign:    func(*http.Request, []byte) {},
		Batches: true, HasTimes: true,
	}
}

// refused is an answer of the gateway, or with HTTP 200 an answer of a service.
func refused(status int, code, text string) providertest.Reply {
	quoted := providertest.Quote(text)
	body := `{"RequestId":"F655A8D5","HostId":"cams.aliyuncs.com","Code":"` + code + `","Message":` + quoted + `,"Recommend":"https://api.aliyun.com"}`
	if status == http.StatusOK {
		body = `{"RequestId":"F655A8D5","ResponseCode":"` + code + `","ResponseDescription":` + quoted + `,"new_field":[1]}`
	}
	return providertest.Reply{Status: status, Body: body}
}

// gatewayCodes are the codes that both services have.
func gatewayCodes() providertest.CodeTable {
	var table providertest.CodeTable
	table.AddWords(backstop.Throttled, "", 400, "Throttling", "Throttling.User", "Throttling.Api")
	table.AddWords(backstop.Unavailable, "", 503, "ServiceUnavailable")
	table.AddWords(backstop.Unavailable, "", 500, "InternalError")
	table.AddWords(backstop.Rejected, backstop.AccountFault, 404, "InvalidAccessKeyId.NotFound")
	table.AddWords(backstop.Rejected, backstop.AccountFault, 400, "InvalidAccessKeyId.Inactive", "SignatureDoesNotMatch", "IncompleteSignature",
		"SignatureNonceUsed", "InvalidTimeStamp.Expired", "InvalidTimeStamp.Format")
	table.AddWords(backstop.Rejected, backstop.AccountFault, 403, "Forbidden", "Forbidden.RAM", "NoPermission")
	return table
}

// checkCall fails the test unless the request is signed and calls this action. It returns the parameters.
func checkCall(t *testing.T, r *http.Request, action, version string) url.Values {
	t.Helper()
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "/", r.URL.Path)
	require.Equal(t, action, r.Header.Get("X-Acs-Action"))
	require.Equal(t, version, r.Header.Get("X-Acs-Version"))
	at, err := time.Parse(time.RFC3339, r.Header.Get("X-Acs-Date"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
	require.GreaterOrEqual(t, len(r.Header.Get("X-Acs-Signature-Nonce")), 16)
	require.Regexp(t, `^ACS3-HMAC-SHA256 Credential=`+keyID+`,SignedHeaders=host;[a-z0-9;-]+,Signature=[0-9a-f]{64}$`, r.Header.Get("Authorization"))
	parameters, err := url.ParseQuery(r.URL.RawQuery)
	require.NoError(t, err)
	return parameters
}

func smsDriver() providertest.Driver {
	d := driver()
	d.Channel, d.AddressField = backstop.SMS, "sms_endpoint"
	d.SMS = backstop.SMSMessage{Ref: providertest.Ref, To: providertest.To, SendID: "Backstop", Text: "Grüße & 4711+1 *~", ValidFor: 90 * time.Second}
	d.CheckRequest = func(t *testing.T, r *http.Request, body []byte) {
		t.Helper()
		require.Empty(t, body)
		require.Equal(t, url.Values{
			"To": {"447400123456"}, "From": {"Backstop"}, "Message": {"Grüße & 4711+1 *~"}, "TaskId": {providertest.Ref.String()},
			"ValidityPeriod": {"90"},
		}, checkCall(t, r, "SendMessageToGlobe", "2018-05-01"))
	}
	d.Accepted = func(id string) providertest.Reply {
		return providertest.Reply{Status: http.StatusOK, Body: `{"ResponseCode":"OK","ResponseDescription":"The SMS Send Request was accepted",` +
			`"RequestId":"F655A8D5","Segments":"1","To":"447400123456","From":"Backstop","NumberDetail":{"Country":"GB"},"MessageId":"` + id + `"}`}
	}
	d.Codes = gatewayCodes()
	d.Codes.AddWords(backstop.Throttled, "", 200, "QPS_LIMIT_CONTROL")
	d.Codes.AddWords(backstop.Unavailable, "", 200, "SYSTEM_ERROR", "ONLINE_BILLING_FAILED")
	d.Codes.AddWords(backstop.Rejected, backstop.RecipientFault, 200, "MOBILE_NUMBER_ILLEGAL", "MOBILE_COUNT_OVER_LIMIT",
		"NOT_SUPPORTED_COUNTRY", "COUNTRY_RESTRICTED")
	d.Codes.AddWords(backstop.Rejected, backstop.TemplateFault, 200, "SMS_CONTENT_CODE_ILLEGAL", "CONTENT_MISSING_PARAMETERS",
		"INVALID_PARAMETERS", "INVALID_JSON_PARAM", "PARAM_LENGTH_LIMIT", "SMS_CONTENT_ILLEGAL", "SMS_SECURITY_INTERCEPTED", "BLACK_KEY_CONTROL_LIMIT")
	d.Codes.AddWords(backstop.Rejected, backstop.AccountFault, 200, "INVALID_SENDERID", "SENDERID_ERROR", "SMS_SIGN_NAME_ILLEGAL",
		"FORBIDDEN_ACTION", "OUT_OF_SERVICE", "AMOUNT_NOT_ENOUGH", "ACCOUNT_NOT_EXISTS", "ACCOUNT_ABNORMAL", "ACCOUNT_ILLEGAL",
		"PRODUCT_NOT_SUBSCRIBED", "PRODUCT_UN_SUBSCRIPT", "RAM_PERMISSION_DENY")
	d.Codes.AddWords(backstop.Rejected, "", 200, "SP_UNKNOW_ERROR", "BUSINESS_LIMIT_CONTROL_PHONE") // in no table
	d.Hook = smsHook
	d.Statuses = map[string]backstop.Status{"1": backstop.Delivered, "2": backstop.Failed, "3": "", "6": backstop.Failed}
	d.Failed = "2"
	d.Lookup = smsLookup()
	return d
}

func smsHook(reports ...providertest.Report) providertest.Hook {
	list := make([]string, 0, len(reports))
	for _, r := range reports {
		at := r.At
		if seconds, err := strconv.ParseInt(at, 10, 64); err == nil {
			at = time.Unix(seconds, 0).In(time.FixedZone("", 8*60*60)).Format("Mon, 02 Jan 2006 15:04:05 -0700")
		}
		list = append(list, object(map[string]any{
			"To": "447400123456", "Status": r.Status, "MessageId": r.ID, "SmsSize": "1", "TaskId": r.Ref, "ReceiveDate": at,
			"SendDate": "Thu, 25 Nov 2021 10:27:00 +0800", "ErrorCode": r.Code, "ErrorDescription": r.Text, "NewField": []int{1},
		}))
	}
	return providertest.Hook{Target: "/webhooks/alibaba/main/secret", Body: []byte("[" + strings.Join(list, ",") + "]")}
}

func smsLookup() *providertest.Lookup {
	return &providertest.Lookup{
		ByID: true,
		CheckRequest: func(t *testing.T, r *http.Request, id string) {
			t.Helper()
			require.Equal(t, url.Values{"MessageId": {id}}, checkCall(t, r, "QueryMessage", "2018-05-01"))
		},
		Missing: refused(http.StatusOK, "DATA_NOT_EXIST", "the queried message does not exist"),
		One: func(m providertest.Listed) providertest.Reply {
			return providertest.Reply{Status: http.StatusOK, Body: object(map[string]any{
				"ResponseCode": "OK", "ResponseDescription": "OK", "RequestId": "F655A8D5", "MessageId": m.ID, "Status": m.Status,
				"ErrorCode": m.Code, "ErrorDescription": m.Reason, "Message": m.Text, "To": "447400123456",
				"NumberDetail": map[string]string{"Country": "GB"},
			})}
		},
	}
}

func whatsAppDriver() providertest.Driver {
	d := driver()
	d.Channel, d.AddressField = backstop.WhatsApp, "whatsapp_endpoint"
	d.Values["whatsapp_sender"], d.Values["cust_space_id"] = "+"+sender, spaceID
	d.Values["template_codes"] = `{"order_ready":"1119","order_ready/de":"1120"}`
	d.WhatsApp = backstop.WhatsAppMessage{Ref: providertest.Ref, To: providertest.To, Text: `Grüße & "4711" *~`}
	d.CheckRequest = func(t *testing.T, r *http.Request, body []byte) {
		t.Helper()
		require.Empty(t, body)
		parameters := checkCall(t, r, "SendChatappMessage", "2020-06-06")
		require.JSONEq(t, `{"text":"Grüße & \"4711\" *~"}`, parameters.Get("Content"))
		parameters.Del("Content")
		require.Equal(t, url.Values{
			"ChannelType": {"whatsapp"}, "Type": {"message"}, "MessageType": {"text"}, "To": {"447400123456"}, "From": {sender},
			"CustSpaceId": {spaceID}, "TaskId": {providertest.Ref.String()},
		}, parameters)
	}
	d.Accepted = func(id string) providertest.Reply {
		return providertest.Reply{Status: http.StatusOK, Body: `{"Code":"OK","Message":"OK","RequestId":"90E63D28","AccessDeniedDetail":"None","MessageId":"` + id + `"}`}
	}
	d.Codes = gatewayCodes()
	d.Codes.AddWords(backstop.Rejected, backstop.AccountFault, 400, "Authentication.NoAuth", "InvalidParameter.FromOnlyNumeric")
	d.Codes.AddWords(backstop.Rejected, backstop.RecipientFault, 200, "InvalidParameter.PhoneNumberError")
	d.Codes.AddWords(backstop.Rejected, backstop.TemplateFault, 200, "DetailError.TemplateNotExist", "InvalidParameter.LanguageNotSupport",
		"InvalidParameter.TemplateCodeNotEmpty", "InvalidParameter.MessageInvalid", "InvalidParameter.ContentError")
	// Meta's codes, in receipts.
	d.Codes.Add(backstop.Rejected, backstop.RecipientFault, 200, 131026, 131047)
	d.Codes.Add(backstop.Rejected, backstop.TemplateFault, 200, 132001)
	d.Codes.Add(backstop.Rejected, backstop.AccountFault, 200, 131042)
	d.Codes.Add(backstop.Rejected, backstop.OptedOut, 200, 131050)
	d.Codes.AddWords(backstop.Rejected, "", 200, "ERR-COMMON-001") // in no table
	d.Hook = whatsAppHook
	d.Statuses = map[string]backstop.Status{
		"Sent": backstop.Sent, "Delivered": backstop.Delivered, "Read": backstop.Read, "Failed": backstop.Failed, "Deleted": "",
	}
	d.Failed = "Failed"
	return d
}

// whatsAppHook has the reports as the manual prints them. The timestamp has milliseconds.
func whatsAppHook(reports ...providertest.Report) providertest.Hook {
	list := make([]string, 0, len(reports))
	for _, r := range reports {
		list = append(list, object(map[string]any{
			"Status": r.Status, "MessageId": r.ID, "TaskId": r.Ref, "Timestamp": r.At + "000", "ErrorCode": r.Code, "ErrorDescription": r.Text,
			"From": sender, "To": "447400123456", "MsgFrameType": "template", "Type": "TEMPLATE", "Language": "en", "NewField": map[string]int{"x": 1},
		}))
	}
	return providertest.Hook{Target: "/webhooks/alibaba/main/secret", Body: []byte("[" + strings.Join(list, ",") + "]")}
}

func object(fields map[string]any) string {
	encoded, err := json.Marshal(fields)
	if err != nil {
		panic(err) // the fields can always be encoded
	}
	return string(encoded)
}

func TestClient_sms(t *testing.T) {
	t.Parallel()
	providertest.Run(t, smsDriver())
}

func TestClient_whatsApp(t *testing.T) {
	t.Parallel()
	providertest.Run(t, whatsAppDriver())
}

func FuzzReceipts_sms(f *testing.F) { providertest.Fuzz(f, smsDriver()) }

func FuzzReceipts_whatsApp(f *testing.F) {
	for _, body := range inboundBodies() {
		f.Add("", []byte(body), true)
	}
	providertest.Fuzz(f, whatsAppDriver())
}

func FuzzAnswers_sms(f *testing.F)      { providertest.FuzzAnswers(f, smsDriver()) }
func FuzzAnswers_whatsApp(f *testing.F) { providertest.FuzzAnswers(f, whatsAppDriver()) }

// The codes of WhatsApp itself are explained as Meta's are.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	ofMeta, err := meta.ErrorCodes()
	require.NoError(t, err)
	all, err := alibaba.ErrorCodes()
	require.NoError(t, err)
	found := map[string]backstop.ErrorCode{}
	for _, code := range all {
		found[code.Code] = code
	}
	for _, code := range ofMeta {
		code.Provider = "alibaba"
		require.Equal(t, code, found[code.Code])
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, d := range []providertest.Driver{smsDriver(), whatsAppDriver()} {
		settings := d.Settings("", 0)
		settings.Values = map[string]string{"template_codes": `{"a":"1 2"}`}
		_, err := alibaba.New(settings)
		for _, field := range []string{"access_key_id is required", "access_key_secret is required", d.AddressField + " is required", "template_codes must have"} {
			require.ErrorContains(t, err, field)
		}
		settings.Values = map[string]string{"access_key_id": "a b", "access_key_secret": "hunter2\n", d.AddressField: "ftp://example.com", "template_codes": "[]"}
		_, err = alibaba.New(settings)
		for _, field := range []string{"access_key_id", "access_key_secret", d.AddressField, "template_codes must be"} {
			require.ErrorContains(t, err, field)
		}
		require.NotContains(t, err.Error(), "hunter2")
	}
	settings := whatsAppDriver().Settings("http://127.0.0.1:1", 0)
	settings.Values["whatsapp_sender"] = ""
	_, err := alibaba.New(settings)
	require.ErrorContains(t, err, "whatsapp_sender is required")
}
