package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// postElks is 46elks (its manual, "Send SMS" and "SMS delivery reports").
func (f *gatewayFace) postElks(w http.ResponseWriter, r *http.Request) {
	form, _ := url.ParseQuery(string(readBody(w, r))) // what cannot be read is missing
	send := gatewaySend{
		to: form.Get("to"), from: form.Get("from"), text: form.Get("message"), id: "s" + randomID(),
		correlation: form.Get("whendelivered"), status: http.StatusOK,
		refuse: func(w http.ResponseWriter, f *fault) {
			if f.code == http.StatusUnauthorized {
				writeText(w, http.StatusUnauthorized, "API access requires Basic HTTP authentication")
				return
			}
			writeText(w, http.StatusBadRequest, "Invalid to number")
		},
	}
	send.accept = func(w http.ResponseWriter) {
		writeJSON(w, http.StatusOK, map[string]any{"id": send.id, "status": "created", "from": send.from, "to": send.to,
			"message": send.text, "direction": "outgoing", "cost": 5000})
	}
	switch {
	case !f.basicAuth(r):
		f.refuse(w, send, wrongCredentials())
		return
	case send.to == "" || send.from == "" || send.text == "":
		f.refuse(w, send, missingPart())
		return
	}
	if send.correlation != "" {
		send.receipt = func(r receipt, at time.Time) gatewayReceipt {
			report := url.Values{"id": {send.id}, "status": {wordFor(r, "sent", "delivered", "failed", "failed")}}
			if r.status == statusDelivered {
				report.Set("delivered", at.UTC().Format("2006-01-02T15:04:05.000000"))
			}
			return gatewayReceipt{method: http.MethodPost, target: send.correlation, contentType: formType, body: report.Encode()}
		}
	}
	f.run(w, r, send)
}

// postSinch is Sinch's SMS API (its manual, "Batches", "Delivery reports").
func (f *gatewayFace) postSinch(w http.ResponseWriter, r *http.Request) {
	var body struct {
		From      string    `json:"from"`
		To        []string  `json:"to"`
		Body      string    `json:"body"`
		Report    string    `json:"delivery_report"`
		Callback  string    `json:"callback_url"`
		Reference string    `json:"client_reference"`
		ExpireAt  time.Time `json:"expire_at"`
	}
	err := json.Unmarshal(readBody(w, r), &body)
	send := gatewaySend{
		from: body.From, text: body.Body, id: "01" + randomID()[:24], correlation: body.Reference, status: http.StatusCreated,
		refuse: refuseSinch,
	}
	if len(body.To) == 1 {
		send.to = body.To[0]
	}
	if !body.ExpireAt.IsZero() {
		send.validity = max(time.Until(body.ExpireAt), time.Millisecond)
	}
	send.accept = func(w http.ResponseWriter) {
		writeJSON(w, http.StatusCreated, map[string]any{"id": send.id, "to": body.To, "from": send.from, "canceled": false,
			"body": send.text, "type": "mt_text", "created_at": time.Now().UTC(), "delivery_report": body.Report})
	}
	switch {
	case !f.bearer(r) || r.PathValue("plan") != f.Username:
		f.refuse(w, send, wrongCredentials())
		return
	case err != nil || send.to == "" || send.text == "":
		f.refuse(w, send, missingPart())
		return
	}
	if body.Report == "per_recipient" && body.Callback != "" {
		send.receipt = func(r receipt, at time.Time) gatewayReceipt {
			report := map[string]any{
				"type": "recipient_delivery_report_sms", "batch_id": send.id, "client_reference": body.Reference,
				"recipient": digitsOf(send.to), "at": at.UTC().Format("2006-01-02T15:04:05.000Z"),
				"status": wordFor(r, "Dispatched", "Delivered", "Aborted", "Aborted"),
				"code":   json.Number(wordFor(r, "401", "0", "402", "406")),
			}
			return gatewayReceipt{method: http.MethodPost, target: body.Callback, contentType: jsonType, body: quoteJSON(report)}
		}
	}
	f.run(w, r, send)
}

func refuseSinch(w http.ResponseWriter, f *fault) {
	if f.code == http.StatusUnauthorized {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	writeJSON(w, http.StatusBadRequest, map[string]string{
		"code": "syntax_invalid_parameter_format", "text": "Expected an MSISDN",
	})
}

// postAfricasTalking is Africa's Talking (its manual, "Bulk SMS", "Delivery reports"). It refuses a recipient with HTTP 201.
func (f *gatewayFace) postAfricasTalking(w http.ResponseWriter, r *http.Request) {
	form, _ := url.ParseQuery(string(readBody(w, r))) // what cannot be read is missing
	send := gatewaySend{
		to: form.Get("to"), from: form.Get("from"), text: form.Get("message"), id: "ATXid_" + randomID(),
		status: http.StatusCreated,
	}
	answer := func(w http.ResponseWriter, code int, status, id string) {
		writeJSON(w, http.StatusCreated, map[string]any{"SMSMessageData": map[string]any{
			"Message": "Sent to 1/1", "Recipients": []any{map[string]any{
				"statusCode": code, "number": send.to, "status": status, "cost": "KES 0.8000", "messageId": id,
			}},
		}})
	}
	send.accept = func(w http.ResponseWriter) { answer(w, 101, "Success", send.id) }
	send.refuse = func(w http.ResponseWriter, f *fault) {
		switch f.code {
		case http.StatusUnauthorized:
			writeText(w, http.StatusUnauthorized, "The supplied authentication is invalid")
		case faultUnsubscribed:
			answer(w, 406, "UserInBlacklist", "None")
		default:
			answer(w, 403, "InvalidPhoneNumber", "None")
		}
	}
	switch {
	case !equalSecrets(r.Header.Get("Apikey"), f.Token) || form.Get("username") != f.Username:
		f.refuse(w, send, wrongCredentials())
		return
	case send.to == "" || send.text == "":
		f.refuse(w, send, missingPart())
		return
	}
	if f.WebhookURL != "" {
		send.receipt = func(r receipt, _ time.Time) gatewayReceipt {
			report := url.Values{
				"id": {send.id}, "status": {wordFor(r, "Sent", "Success", "Failed", "Failed")},
				"phoneNumber": {send.to}, "networkCode": {"63902"},
			}
			if r.fault != nil {
				report.Set("failureReason", "DeliveryFailure")
			}
			return gatewayReceipt{method: http.MethodPost, target: f.WebhookURL, contentType: formType, body: report.Encode()}
		}
	}
	f.run(w, r, send)
}

// postTelnyx is Telnyx (its manual, "Send a message", "Receiving webhooks for messaging").
func (f *gatewayFace) postTelnyx(w http.ResponseWriter, r *http.Request) {
	var body struct {
		From    string `json:"from"`
		To      string `json:"to"`
		Text    string `json:"text"`
		Webhook string `json:"webhook_url"`
	}
	err := json.Unmarshal(readBody(w, r), &body)
	send := gatewaySend{
		to: body.To, from: body.From, text: body.Text, id: randomID(), correlation: body.Webhook, status: http.StatusOK,
		refuse: refuseTelnyx,
	}
	state := func(status string) map[string]any {
		return map[string]any{
			"id": send.id, "record_type": "message", "type": "SMS", "from": map[string]string{"phone_number": send.from},
			"to": []any{map[string]string{"phone_number": send.to, "status": status}}, "text": send.text,
		}
	}
	send.accept = func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, map[string]any{"data": state("queued")}) }
	switch {
	case !f.bearer(r):
		f.refuse(w, send, wrongCredentials())
		return
	case err != nil || body.To == "" || body.Text == "":
		f.refuse(w, send, missingPart())
		return
	}
	if body.Webhook != "" {
		send.receipt = func(r receipt, at time.Time) gatewayReceipt {
			payload := state(wordFor(r, "sent", "delivered", "delivery_failed", "delivery_failed"))
			payload["errors"] = []any{}
			if r.fault != nil {
				payload["errors"] = []any{map[string]string{"code": "40008", "title": "Undeliverable"}}
			}
			event := map[string]any{
				"event_type": wordFor(r, "message.sent", "message.finalized", "message.finalized", "message.finalized"),
				"id":         randomID(), "occurred_at": at.UTC(), "record_type": "event", "payload": payload,
			}
			return gatewayReceipt{
				method: http.MethodPost, target: body.Webhook, contentType: jsonType,
				body: quoteJSON(map[string]any{"data": event}),
			}
		}
	}
	f.run(w, r, send)
}

func refuseTelnyx(w http.ResponseWriter, f *fault) {
	status, code, title := http.StatusBadRequest, "40310", "Invalid 'to' address"
	switch f.code {
	case http.StatusUnauthorized:
		status, code, title = http.StatusUnauthorized, "10009", "Authentication failed"
	case faultUnsubscribed:
		code, title = "40300", "Blocked due to STOP message"
	}
	writeJSON(w, status, map[string]any{"errors": []any{map[string]string{"code": code, "title": title, "detail": title + "."}}})
}
