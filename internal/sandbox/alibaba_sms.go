package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

const smsServiceVersion = "2018-05-01"

// The words for the status of an SMS (manual, "SMS webhook" and QueryMessage).
const (
	alibabaDelivered = "1"
	alibabaFailed    = "2"
	alibabaUnderWay  = "3"
	alibabaExpired   = "6"
)

var alibabaSenderID = regexp.MustCompile(`^([0-9]{1,15}|[A-Za-z0-9 ]{1,11})$`)

func (f *alibabaFace) serveSMS(w http.ResponseWriter, r *http.Request) {
	if !f.authenticate(w, r, smsServiceVersion) {
		return
	}
	switch action := r.Header.Get("X-Acs-Action"); action {
	case "SendMessageToGlobe":
		f.sendSMS(w, r)
	case "QueryMessage":
		f.querySMS(w, r)
	default:
		f.refuse(w, http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found: "+action)
	}
}

func (f *alibabaFace) sendSMS(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	m := Message{
		Time: time.Now(), Provider: providerAlibaba, Channel: channelSMS, To: internationalNumber(query.Get("To")),
		From: query.Get("From"), Text: query.Get("Message"), Correlation: query.Get("TaskId"),
	}
	if code := smsProblem(m, query.Get("To")); code != "" {
		refuse := func(w http.ResponseWriter, _ *fault) { answerSMS(w, code, "") }
		f.server.refuseCall(w, m, &fault{status: http.StatusOK}, refuse)
		return
	}
	sc := f.server.scenarioOf(digitsOf(m.To))
	m.Scenario, m.ID = sc.Name, newAlibabaID()
	c := call{
		message: m,
		plan:    sc.sms,
		status:  http.StatusOK,
		refuse:  f.refuseSMS,
		accept:  func(w http.ResponseWriter) { answerSMS(w, "OK", m.ID) },
		retries: alibabaRetries{f.server.speed},
		changePosts: func(posts []post) []post {
			return f.keepSMS(m, posts, query.Get("ValidityPeriod"))
		},
	}
	if f.SMSWebhookURL != "" {
		c.webhook = f.smsReceipt(m)
	}
	f.server.runScenario(w, r, c)
}

// refuseSMS writes a fault of the scenarios, which has Twilio's code, with Alibaba Cloud's. The manual has no code for a
// recipient who has opted out.
func (f *alibabaFace) refuseSMS(w http.ResponseWriter, refused *fault) {
	if refused.status == http.StatusUnauthorized {
		f.refuseCredentials(w)
		return
	}
	answerSMS(w, "MOBILE_NUMBER_ILLEGAL", "")
}

// smsProblem returns the code of a parameter that is wrong, or "".
func smsProblem(m Message, to string) string {
	switch {
	case to != digitsOf(to) || len(to) < minDigits || len(to) > maxDigits:
		return "MOBILE_NUMBER_ILLEGAL"
	case m.From != "" && !alibabaSenderID.MatchString(m.From):
		return "INVALID_SENDERID"
	case m.Text == "":
		return "INVALID_PARAMETERS"
	}
	return ""
}

// answerSMS writes an answer of the SMS service. A refusal has HTTP 200 too.
func answerSMS(w http.ResponseWriter, code, id string) {
	answer := map[string]any{
		"ResponseCode": code, "ResponseDescription": "The SMS Send Request was accepted", "RequestId": requestID(),
	}
	if code != "OK" {
		answer["ResponseDescription"] = "refused: " + code
	} else {
		answer["MessageId"], answer["Segments"] = id, "1"
	}
	writeJSON(w, http.StatusOK, answer)
}

// keepSMS stores an accepted SMS and returns its posts. Receipts tell the end only: an SMS that is sent has none.
func (f *alibabaFace) keepSMS(m Message, posts []post, validity string) []post {
	if seconds, err := strconv.Atoi(validity); err == nil {
		posts = applyValidity(posts, time.Duration(seconds)*time.Second, f.server.speed)
	}
	var ends []post
	for _, p := range singlePosts(posts, func(f *fault) *fault { return f }) {
		if p.receipts[0].status != statusSent {
			ends = append(ends, p)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.messages) >= f.server.log.limit {
		clear(f.messages)
	}
	f.messages[m.ID] = alibabaMessage{to: digitsOf(m.To), text: m.Text, created: m.Time, posts: ends}
	return ends
}

// smsEnd returns the word, the error code and the description of a receipt. For a failure the code is the one of the manual's
// example.
func smsEnd(r receipt) (word, code, text string) {
	switch {
	case r.fault == nil:
		return alibabaDelivered, "DELIVERED", "success"
	case r.fault.code == validityExpired().code:
		return alibabaExpired, "EXPIRED", r.fault.title
	default:
		return alibabaFailed, "SP_UNKNOW_ERROR", r.fault.title
	}
}

// smsReceipt returns the function that makes the receipts of an SMS.
func (f *alibabaFace) smsReceipt(m Message) webhook {
	return func(ctx context.Context, p post, accepted time.Time) (*http.Request, error) {
		const layout = "Mon, 02 Jan 2006 15:04:05 -0700"
		china := time.FixedZone("CST", 8*60*60)
		word, code, text := smsEnd(p.receipts[0])
		return postJSON(ctx, f.SMSWebhookURL, []map[string]string{{
			"To": digitsOf(m.To), "Status": word, "MessageId": m.ID, "SmsSize": "1", "TaskId": withDefault(m.Correlation, m.ID),
			"SendDate": accepted.In(china).Format(layout), "ErrorCode": code, "ErrorDescription": text,
			"ReceiveDate": accepted.Add(scaleDelay(p.receipts[0].at, f.server.speed)).In(china).Format(layout),
		}})
	}
}

// postJSON makes the request of a webhook.
func postJSON(ctx context.Context, target string, content any) (*http.Request, error) {
	body, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("encode webhook: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make webhook: %w", withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	return req, nil
}

// querySMS answers with the status of one SMS.
func (f *alibabaFace) querySMS(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("MessageId")
	f.mu.Lock()
	m, known := f.messages[id]
	f.mu.Unlock()
	if !known {
		answerSMS(w, "DATA_NOT_EXIST", "")
		return
	}
	answer := map[string]any{
		"ResponseCode": "OK", "ResponseDescription": "OK", "RequestId": requestID(),
		"MessageId": id, "To": m.to, "Message": m.text,
		"Status": alibabaUnderWay, "NumberDetail": map[string]string{"Country": "Germany"},
	}
	for _, p := range m.posts {
		if time.Now().Before(m.created.Add(scaleDelay(p.receipts[0].at, f.server.speed))) {
			continue
		}
		word, code, text := smsEnd(p.receipts[0])
		if word == alibabaExpired { // look-ups have no word for it
			word = alibabaFailed
		}
		answer["Status"], answer["ErrorCode"], answer["ErrorDescription"] = word, code, text
	}
	writeJSON(w, http.StatusOK, answer)
}
