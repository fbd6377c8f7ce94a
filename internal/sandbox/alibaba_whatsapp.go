package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const chatAppVersion = "2020-06-06"

func (f *alibabaFace) serveWhatsApp(w http.ResponseWriter, r *http.Request) {
	if !f.authenticate(w, r, chatAppVersion) {
		return
	}
	switch action := r.Header.Get("X-Acs-Action"); action {
	case "SendChatappMessage":
		f.sendWhatsApp(w, r)
	case "QueryChatappPhoneNumbers":
		writeJSON(w, http.StatusOK, map[string]any{
			"Code": "OK", "Message": "SUCCESS", "RequestId": requestID(), "Success": true,
			"PhoneNumbers": []map[string]string{{
				"PhoneNumber": f.WhatsAppSender, "VerifiedName": "Sandbox", "Status": "CONNECTED", "QualityRating": "GREEN",
				"StatusCallbackUrl": f.WhatsAppWebhookURL, "UpCallbackUrl": f.WhatsAppWebhookURL,
			}},
		})
	default:
		f.refuse(w, http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found: "+action)
	}
}

func (f *alibabaFace) sendWhatsApp(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	m := Message{
		Time: time.Now(), Provider: providerAlibaba, Channel: channelWhatsApp, To: internationalNumber(query.Get("To")),
		From: query.Get("From"), Correlation: query.Get("TaskId"),
		Template: withDefault(query.Get("TemplateName"), query.Get("TemplateCode")),
	}
	var content struct {
		Text string `json:"text"`
	}
	isJSON := json.Unmarshal([]byte(withDefault(query.Get("Content"), "{}")), &content) == nil
	m.Text = content.Text
	if code := f.whatsAppProblem(query, m, isJSON); code != "" {
		refuse := func(w http.ResponseWriter, _ *fault) { answerChatApp(w, http.StatusOK, code, "") }
		f.server.refuseCall(w, m, &fault{status: http.StatusOK}, refuse)
		return
	}
	sc := f.server.scenarioOf(digitsOf(m.To))
	m.Scenario, m.ID = sc.Name, newAlibabaID()
	c := call{
		message: m,
		plan:    sc.whatsApp,
		status:  http.StatusOK,
		refuse:  f.refuseChatApp,
		accept:  func(w http.ResponseWriter) { answerChatApp(w, http.StatusOK, "OK", m.ID) },
		retries: alibabaRetries{f.server.speed},
	}
	if f.WhatsAppWebhookURL != "" {
		c.webhook = f.whatsAppReceipts(m)
	}
	f.server.runScenario(w, r, c)
}

// whatsAppProblem returns the code of a parameter that is wrong, or "" (manual, "API error codes").
func (f *alibabaFace) whatsAppProblem(query url.Values, m Message, isJSON bool) string {
	var parameters map[string]string
	to, from := query.Get("To"), query.Get("From")
	switch {
	case query.Get("ChannelType") != "whatsapp":
		return "InvalidParameter.ChannelTypeNotSupport"
	case from != digitsOf(from):
		return "InvalidParameter.FromOnlyNumeric"
	case from != f.WhatsAppSender:
		return "Authentication.NoAuth"
	case to != digitsOf(to) || len(to) < minDigits || len(to) > maxDigits:
		return "InvalidParameter.PhoneNumberError"
	case query.Get("Type") == "message" && query.Get("MessageType") != "text":
		return "InvalidParameter.MessageTypeNotSupport"
	case query.Get("Type") == "message" && !isJSON:
		return "InvalidParameter.ContentError"
	case query.Get("Type") == "message" && m.Text == "":
		return "InvalidParameter.TextNotEmpty"
	case query.Get("Type") == "message":
		return ""
	case m.Template == "":
		return "InvalidParameter.TemplateCodeNotEmpty"
	case query.Get("Language") == "":
		return "InvalidParameter.LanguageNotEmpty"
	case query.Has("TemplateParams") && json.Unmarshal([]byte(query.Get("TemplateParams")), &parameters) != nil:
		return "InvalidParameter.ContentError"
	}
	return ""
}

// answerChatApp writes an answer of Chat App Message Service.
func answerChatApp(w http.ResponseWriter, status int, code, id string) {
	answer := map[string]string{"Code": code, "Message": "OK", "RequestId": requestID()}
	if code != "OK" {
		answer["Message"] = "refused: " + code
	} else {
		answer["MessageId"] = id
	}
	writeJSON(w, status, answer)
}

// refuseChatApp writes a fault of the scenarios, which has Meta's code, with Alibaba Cloud's.
func (f *alibabaFace) refuseChatApp(w http.ResponseWriter, refused *fault) {
	if refused.status == http.StatusUnauthorized {
		f.refuseCredentials(w)
		return
	}
	codes := map[int]string{
		131026: "InvalidParameter.PhoneNumberError", 132001: "DetailError.TemplateNotExist", 130429: "Throttling.User",
		131000: "InternalError", 131016: "ServiceUnavailable",
	}
	code := withDefault(codes[refused.code], strconv.Itoa(refused.code))
	status := refused.status
	if status == http.StatusNotFound || status == http.StatusBadRequest {
		status = http.StatusOK // the service refuses with HTTP 200, the gateway does not
	}
	answerChatApp(w, status, code, "")
}

// whatsAppReceipts returns the function that makes the receipts of a WhatsApp message (manual, "ChatAppStatus").
func (f *alibabaFace) whatsAppReceipts(m Message) webhook {
	words := map[string]string{statusSent: "Sent", statusDelivered: "Delivered", statusRead: "Read", statusFailed: "Failed"}
	return func(ctx context.Context, p post, accepted time.Time) (*http.Request, error) {
		var list []map[string]any
		for _, r := range p.receipts {
			receipt := map[string]any{
				"Status": words[r.status], "MessageId": m.ID, "TaskId": withDefault(m.Correlation, m.ID),
				"From": f.WhatsAppSender, "OriginPhoneNumber": f.WhatsAppSender, "To": digitsOf(m.To),
				"Timestamp":    accepted.Add(scaleDelay(r.at, f.server.speed)).UnixMilli(),
				"MsgFrameType": "message", "Type": "TEXT",
			}
			if r.fault != nil {
				receipt["ErrorCode"] = strconv.Itoa(r.fault.code)
				receipt["ErrorDescription"] = strconv.Itoa(r.fault.code) + ":" + r.fault.title + "(" + r.fault.details + ")"
			}
			list = append(list, receipt)
		}
		return postJSON(ctx, f.WhatsAppWebhookURL, list)
	}
}
