package sandbox

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// accept answers a call as its scenario says. Infobip refuses an id that it has had before, also if it rejected that message.
func (f *infobipFace) accept(w http.ResponseWriter, r *http.Request, c infobipCall, channel, problem string) {
	if problem != "" {
		f.refuseCall(w, c.message(channel), infobipHTTP(http.StatusBadRequest, problem), refuseInfobip(channel))
		return
	}
	if c.id == "" {
		c.id = hex.EncodeToString(randomBytes(16))
	}
	if _, had := f.kept.find(c.id); had {
		f.refuse(w, c, channel, infobipStatus(23))
		return
	}
	sc := f.scenarioOf(c.to)
	m := c.message(channel)
	m.Scenario, m.ID = sc.Name, c.id
	plan := sc.sms
	if channel == channelWhatsApp {
		plan = sc.whatsApp
	}
	made := call{
		message: m,
		plan:    infobipPlan(plan),
		status:  http.StatusOK,
		refuse: func(w http.ResponseWriter, fl *fault) {
			if fl.isRefusedCredentials() {
				fl = infobipHTTP(http.StatusUnauthorized, "The request lacks valid authentication credentials.")
			}
			if fl.kind == "" {
				f.kept.add(c.id, infobipMessage{call: c, channel: channel, created: m.Time, rejected: fl})
			}
			writeInfobipRefusal(w, c, channel, fl)
		},
		accept:  func(w http.ResponseWriter) { writeInfobipStatus(w, c, channel, infobipStatus(26)) },
		retries: infobipRetries{f.speed},
		changePosts: func(posts []post) []post {
			if c.validity > 0 {
				posts = applyValidity(posts, c.validity, f.speed)
			}
			f.kept.add(c.id, infobipMessage{call: c, channel: channel, created: m.Time, posts: posts})
			return posts
		},
	}
	if c.notifyURL != "" {
		made.webhook = f.report(c)
	}
	f.runScenario(w, r, made)
}

func (c infobipCall) message(channel string) Message {
	return Message{
		Time: time.Now(), Provider: providerInfobip, Channel: channel, To: internationalNumber(c.to), From: c.from, Text: c.text,
		Template: c.template, Correlation: c.callbackData,
	}
}

// refuse answers with a status that refuses the message.
func (f *infobipFace) refuse(w http.ResponseWriter, c infobipCall, channel string, fl *fault) {
	f.refuseCall(w, c.message(channel), fl, func(w http.ResponseWriter, fl *fault) { writeInfobipRefusal(w, c, channel, fl) })
}

func writeInfobipRefusal(w http.ResponseWriter, c infobipCall, channel string, fl *fault) {
	if fl.kind != "" {
		refuseInfobip(channel)(w, fl)
		return
	}
	writeInfobipStatus(w, c, channel, fl)
}

// writeInfobipStatus answers with the status of a message: HTTP 200, also if the message is refused.
func writeInfobipStatus(w http.ResponseWriter, c infobipCall, channel string, fl *fault) {
	message := map[string]any{"messageId": c.id, "status": infobipStatusJSON(fl)}
	if channel == channelSMS {
		message["destination"] = c.to
		if c.countParts {
			message["details"] = map[string]any{"messageCount": countSegments(c.text)}
		}
		writeJSON(w, http.StatusOK, map[string]any{"bulkId": hex.EncodeToString(randomBytes(8)), "messages": []any{message}})
		return
	}
	message["to"], message["messageCount"] = c.to, 1
	if c.template != "" {
		writeJSON(w, http.StatusOK, map[string]any{"messages": []any{message}})
		return
	}
	writeJSON(w, http.StatusOK, message)
}

// report returns the function that makes the reports of one message.
func (f *infobipFace) report(c infobipCall) webhook {
	return func(ctx context.Context, p post, accepted time.Time) (*http.Request, error) {
		results := []map[string]any{}
		for _, r := range p.receipts {
			results = append(results, f.result(c, r, accepted))
		}
		body, err := json.Marshal(map[string]any{"results": results})
		if err != nil {
			return nil, fmt.Errorf("encode report: %w", err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.notifyURL, bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("make report: %w", withoutURL(err))
		}
		req.Header.Set("Content-Type", "application/json")
		return req, nil
	}
}

const infobipTime = "2006-01-02T15:04:05.000-0700"

// result returns the entry of a report. A seen report has no callbackData.
func (f *infobipFace) result(c infobipCall, r receipt, accepted time.Time) map[string]any {
	at := accepted.Add(scaleDelay(r.at, f.speed)).UTC().Format(infobipTime)
	sent := accepted.UTC().Format(infobipTime)
	if r.status == statusRead {
		return map[string]any{"messageId": c.id, "from": c.from, "to": c.to, "sentAt": sent, "seenAt": at}
	}
	status, cause := infobipOutcome(r)
	return map[string]any{
		"bulkId": "", "messageId": c.id, "to": c.to, "sender": c.from, "sentAt": sent, "doneAt": at,
		"messageCount": max(1, countSegments(c.text)), "callbackData": c.callbackData,
		"price":  map[string]any{"pricePerMessage": 0.01, "currency": "EUR"},
		"status": infobipStatusJSON(status), "error": infobipErrorJSON(cause),
	}
}

// infobipMessage is a message that the account keeps, with its receipts.
type infobipMessage struct {
	call     infobipCall
	channel  string
	created  time.Time
	posts    []post
	rejected *fault // nil if the message was accepted
}

// listLogs answers with the SMS of the asked ids, as far as they have come.
func (f *infobipFace) listLogs(w http.ResponseWriter, r *http.Request) {
	results := []map[string]any{}
	for id := range strings.SplitSeq(r.URL.Query().Get("messageId"), ",") {
		m, ok := f.kept.find(id)
		if !ok || m.channel != channelSMS {
			continue
		}
		status, cause, done := f.stateAt(m, time.Now())
		results = append(results, map[string]any{
			"sender": m.call.from, "destination": m.call.to, "bulkId": "", "messageId": id,
			"messageCount": countSegments(m.call.text),
			"sentAt":       m.created.UTC().Format(infobipTime), "doneAt": done.UTC().Format(infobipTime),
			"price":  map[string]any{"pricePerMessage": 0.01, "currency": "EUR"},
			"status": infobipStatusJSON(status), "error": infobipErrorJSON(cause), "content": map[string]any{"text": m.call.text},
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"results": results})
}

// stateAt returns the status of a message after all receipts that are due at now.
func (f *infobipFace) stateAt(m infobipMessage, now time.Time) (status, cause *fault, done time.Time) {
	if m.rejected != nil {
		return m.rejected, infobipError(0), m.created
	}
	status, cause, done = infobipStatus(26), infobipError(0), m.created
	for _, p := range m.posts {
		for _, r := range p.receipts {
			if at := m.created.Add(scaleDelay(r.at, f.speed)); !at.After(now) {
				status, cause = infobipOutcome(r)
				done = at
			}
		}
	}
	return status, cause, done
}

// infobipRetries repeats a failed report after 1 minute, then after 1 minute more for each square of the count.
type infobipRetries struct{ speed float64 }

func (p infobipRetries) nextPause(attempt int, _ time.Duration, _ error) (time.Duration, bool) {
	const most = 10
	pause := time.Duration(1+attempt*attempt) * time.Minute
	return max(scaleDelay(pause, p.speed), min(minFirstBackoff<<min(attempt, most), minMaxBackoff)), attempt < most
}

// infobipPlan returns the plan of a scenario as Infobip carries it out: what Infobip learns from the operator or from WhatsApp is
// not in the answer, but in a later report.
func infobipPlan(p plan) plan {
	steps := slices.Clone(p.steps)
	for i, st := range steps {
		if st.fault != nil && infobipRefusal(st.fault) == nil {
			steps[i] = step{posts: separatePosts(failedReceipt(st.fault))}
		} else if st.fault != nil {
			steps[i].fault = infobipRefusal(st.fault)
		}
	}
	p.steps = steps
	return p
}
