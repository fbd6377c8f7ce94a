package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// postKannel is Kannel's smsbox, by GET (gw/smsbox.c). Its answers have no id; it fills %d and %A in dlr-url in.
func (f *gatewayFace) postKannel(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	send := gatewaySend{
		to: q.Get("to"), from: q.Get("from"), text: q.Get("text"), correlation: q.Get("dlr-url"),
		validity: wholeNumber(q.Get("validity"), time.Minute), status: http.StatusAccepted,
		accept: func(w http.ResponseWriter) { writeText(w, http.StatusAccepted, "0: Accepted for delivery") },
		refuse: refuseKannel,
	}
	switch {
	case !equalSecrets(q.Get("username"), f.Username) || !equalSecrets(q.Get("password"), f.Password):
		f.refuse(w, send, wrongCredentials())
		return
	case send.to == "" || q.Get("charset") != "UTF-8":
		f.refuse(w, send, missingPart())
		return
	}
	if send.correlation != "" {
		send.receipt = func(r receipt, _ time.Time) gatewayReceipt {
			state := wordFor(r, "ENROUTE", "DELIVRD", "UNDELIV", "EXPIRED")
			answer := "id:1 sub:001 dlvrd:001 stat:" + state + " err:000 text:" + send.text
			if r.status == statusSent {
				answer = "ACK/"
			}
			filled := strings.ReplaceAll(send.correlation, "%d", wordFor(r, "8", "1", "2", "2"))
			return gatewayReceipt{method: http.MethodGet, target: strings.ReplaceAll(filled, "%A", url.QueryEscape(answer))}
		}
	}
	f.run(w, r, send)
}

func refuseKannel(w http.ResponseWriter, f *fault) {
	switch f.code {
	case http.StatusUnauthorized:
		writeText(w, http.StatusForbidden, "Authorization failed for sendsms")
	case http.StatusBadRequest:
		writeText(w, http.StatusBadRequest, "Missing receiver number, rejected")
	case faultUnsubscribed:
		writeText(w, http.StatusBadRequest, "Number(s) has/have been denied by white- and/or black-lists.")
	default:
		writeText(w, http.StatusForbidden, "Not routable. Do not try again.")
	}
}

// postJasmin is Jasmin's HTTP API (its manual, "HTTP API"). It repeats a receipt until the answer is ACK/Jasmin.
func (f *gatewayFace) postJasmin(w http.ResponseWriter, r *http.Request) {
	form, _ := url.ParseQuery(string(readBody(w, r))) // what cannot be read is missing
	send := gatewaySend{
		to: form.Get("to"), from: form.Get("from"), text: form.Get("content") + form.Get("hex-content"),
		id: randomID(), correlation: form.Get("dlr-url"), validity: wholeNumber(form.Get("validity-period"), time.Minute),
		status: http.StatusOK, expected: "ACK/Jasmin", refuse: refuseJasmin,
	}
	send.accept = func(w http.ResponseWriter) { writeText(w, http.StatusOK, `Success "`+send.id+`"`) }
	switch {
	case !equalSecrets(form.Get("username"), f.Username) || !equalSecrets(form.Get("password"), f.Password):
		f.refuse(w, send, wrongCredentials())
		return
	case send.to == "", form.Has("content") == form.Has("hex-content"), form.Has("hex-content") != (form.Get("coding") == "8"):
		f.refuse(w, send, missingPart())
		return
	}
	if form.Get("dlr") == "yes" && form.Get("dlr-method") == http.MethodPost && form.Get("dlr-level") == "3" {
		send.receipt = func(r receipt, at time.Time) gatewayReceipt {
			report := url.Values{
				"id": {send.id}, "level": {"1"}, "connector": {"smsc-1"},
				"message_status": {wordFor(r, "ESME_ROK", "DELIVRD", "UNDELIV", "EXPIRED")},
			}
			if r.status != statusSent {
				report.Set("level", "3")
				report.Set("err", wordFor(r, "000", "000", "034", "000"))
				report.Set("donedate", at.UTC().Format("0601021504"))
			}
			return gatewayReceipt{method: http.MethodPost, target: send.correlation, contentType: formType, body: report.Encode()}
		}
	}
	f.run(w, r, send)
}

func refuseJasmin(w http.ResponseWriter, f *fault) {
	switch f.code {
	case http.StatusUnauthorized:
		writeText(w, http.StatusForbidden, `Error "Authentication failure for username:user"`)
	case http.StatusBadRequest:
		writeText(w, http.StatusBadRequest, `Error "Mandatory argument [to] is not found."`)
	default:
		writeText(w, http.StatusPreconditionFailed, `Error "No route found"`)
	}
}
