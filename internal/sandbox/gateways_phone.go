package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

const maxCapcom6ID = 36 // client-go, smsgateway/domain_messages.go

// postCapcom6 is SMS Gateway for Android in cloud mode (docs-web; server, handlers/messages/3rdparty.go). It refuses an id that
// it has already, and signs its receipts.
func (f *gatewayFace) postCapcom6(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID      string   `json:"id"`
		Numbers []string `json:"phoneNumbers"`
		Message struct {
			Text string `json:"text"`
		} `json:"textMessage"`
		TTL json.Number `json:"ttl"`
	}
	err := json.Unmarshal(readBody(w, r), &body)
	send := gatewaySend{
		text: body.Message.Text, id: withDefault(body.ID, randomID()[:20]), correlation: body.ID, status: http.StatusAccepted,
		validity: wholeNumber(body.TTL.String(), time.Second), refuse: refuseCapcom6,
	}
	if len(body.Numbers) == 1 {
		send.to = body.Numbers[0]
	}
	send.accept = func(w http.ResponseWriter) {
		writeJSON(w, http.StatusAccepted, map[string]any{
			"id": send.id, "state": "Pending", "isHashed": false, "isEncrypted": false,
			"recipients": []any{map[string]any{"phoneNumber": send.to, "state": "Pending"}},
		})
	}
	send.accepted = func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.known[send.id] = true
	}
	switch {
	case !f.basicAuth(r):
		f.refuse(w, send, wrongCredentials())
		return
	case err != nil || send.to == "" || send.text == "" || len(body.ID) > maxCapcom6ID:
		f.refuse(w, send, missingPart())
		return
	case f.isKnown(send.id):
		f.refuse(w, send, &fault{status: http.StatusConflict, code: http.StatusConflict})
		return
	}
	if f.WebhookURL != "" {
		send.receipt = func(r receipt, at time.Time) gatewayReceipt { return f.capcom6Receipt(send, r, at) }
	}
	f.run(w, r, send)
}

func (f *gatewayFace) isKnown(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[id]
}

func (f *gatewayFace) capcom6Receipt(send gatewaySend, r receipt, at time.Time) gatewayReceipt {
	payload := map[string]any{"messageId": send.id, "sender": "+15550001111", "recipient": send.to, "simNumber": 1}
	when := at.Format("2006-01-02T15:04:05.000-07:00")
	payload[wordFor(r, "sentAt", "deliveredAt", "failedAt", "failedAt")] = when
	if r.fault != nil {
		payload["reason"] = wordFor(r, "", "", "RESULT_ERROR_GENERIC_FAILURE", "TTL expired")
	}
	body := quoteJSON(map[string]any{
		"event": wordFor(r, "sms:sent", "sms:delivered", "sms:failed", "sms:failed"), "id": randomID(), "payload": payload,
		"deviceId": "ffffffffceb0b1db0000018e937c815b", "webhookId": "LreFUt-Z3sSq0JufY9uWB",
	})
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(f.ReceiptSecret))
	_, _ = mac.Write([]byte(body + stamp))
	return gatewayReceipt{
		method: http.MethodPost, target: f.WebhookURL, contentType: jsonType, body: body,
		header: map[string]string{"X-Signature": hex.EncodeToString(mac.Sum(nil)), "X-Timestamp": stamp},
	}
}

func refuseCapcom6(w http.ResponseWriter, f *fault) {
	text := map[int]string{
		http.StatusUnauthorized: "Unauthorized", http.StatusConflict: "message with the same ID already exists",
	}[f.code]
	status := http.StatusBadRequest
	if text != "" {
		status = f.code
	}
	writeJSON(w, status, map[string]string{"message": withDefault(text, "failed to validate: phone number")})
}

// postHTTPSMS is httpSMS (api/pkg of its source). Its receipts are CloudEvents, with a token that the signing key signs.
func (f *gatewayFace) postHTTPSMS(w http.ResponseWriter, r *http.Request) {
	var body struct {
		From    string `json:"from"`
		To      string `json:"to"`
		Content string `json:"content"`
		Request string `json:"request_id"`
	}
	err := json.Unmarshal(readBody(w, r), &body)
	send := gatewaySend{
		to: body.To, from: body.From, text: body.Content, id: randomID(), correlation: body.Request, status: http.StatusOK,
		refuse: refuseHTTPSMS,
	}
	send.accept = func(w http.ResponseWriter) {
		message := map[string]any{
			"id": send.id, "request_id": body.Request, "contact": body.To, "owner": body.From, "status": "pending",
		}
		writeJSON(w, http.StatusOK, map[string]any{"status": "success", "message": "message added to queue", "data": message})
	}
	switch {
	case !equalSecrets(r.Header.Get("X-Api-Key"), f.Token):
		f.refuse(w, send, wrongCredentials())
		return
	case err != nil || body.To == "" || body.Content == "":
		f.refuse(w, send, missingPart())
		return
	}
	if f.WebhookURL != "" {
		send.receipt = func(r receipt, at time.Time) gatewayReceipt { return f.httpSMSReceipt(send, r, at) }
	}
	f.run(w, r, send)
}

func (f *gatewayFace) httpSMSReceipt(send gatewaySend, r receipt, at time.Time) gatewayReceipt {
	data := map[string]any{
		"id": send.id, "request_id": send.correlation, "owner": send.from, "contact": send.to, "timestamp": at.UTC(),
		"content": send.text, "sim": "SIM1",
	}
	word := wordFor(r, "message.phone.sent", "message.phone.delivered", "message.send.failed", "message.send.expired")
	switch word {
	case "message.send.failed":
		data["error_message"] = "GENERIC_FAILURE"
	case "message.send.expired":
		delete(data, "id")
		data["message_id"], data["is_final"] = send.id, true
	}
	body := quoteJSON(map[string]any{
		"specversion": "1.0", "id": randomID(), "source": "/v1/messages", "type": word, "datacontenttype": jsonType, "data": data,
	})
	return gatewayReceipt{
		method: http.MethodPost, target: f.WebhookURL, contentType: jsonType, body: body,
		header: map[string]string{"X-Event-Type": word, "Authorization": "Bearer " + f.httpSMSToken(time.Now())},
	}
}

func (f *gatewayFace) httpSMSToken(now time.Time) string {
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString([]byte(quoteJSON(v))) }
	signed := part(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." + part(map[string]any{
		"aud": []string{f.WebhookURL}, "exp": now.Add(10 * time.Minute).Unix(), "iat": now.Unix(), "iss": "api.httpsms.com",
		"nbf": now.Add(-10 * time.Minute).Unix(), "sub": "user",
	})
	mac := hmac.New(sha256.New, []byte(f.ReceiptSecret))
	_, _ = mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func refuseHTTPSMS(w http.ResponseWriter, f *fault) {
	if f.code == http.StatusUnauthorized {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"status": "error", "message": "You are not authorized."})
		return
	}
	writeJSON(w, http.StatusUnprocessableEntity, map[string]any{
		"status": "error", "message": "validation errors while sending message", "data": map[string][]string{"to": {"invalid"}},
	})
}
