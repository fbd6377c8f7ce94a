package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// view is a send as GET /v1/sends/{id} shows it.
type view struct {
	ID         string        `json:"id"`
	To         string        `json:"to"`
	Outcome    string        `json:"outcome"`
	AcceptedAt time.Time     `json:"accepted_at"`
	ExpiresAt  *time.Time    `json:"expires_at"`
	FinishedAt *time.Time    `json:"finished_at"`
	Confirmed  *time.Time    `json:"confirmed_at"`
	WhatsApp   channelState  `json:"whatsapp"`
	SMS        *channelState `json:"sms"`
	Duplicate  bool          `json:"duplicate_delivery"`
	Attempts   []attempt     `json:"attempts"`
	Events     []event       `json:"events"`
}

type channelState struct {
	Status string `json:"status"`
}

type attempt struct {
	Step      int        `json:"step"`
	Number    int        `json:"number"`
	Channel   string     `json:"channel"`
	Provider  string     `json:"provider"`
	Account   string     `json:"account"`
	SendID    string     `json:"send_id"`
	State     string     `json:"state"`
	Status    string     `json:"status"`
	MessageID string     `json:"message_id"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

type event struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Channel string    `json:"channel"`
	Status  string    `json:"status"`
	Rule    string    `json:"rule"`
	Code    string    `json:"code"`
	Detail  string    `json:"detail"`
	Account string    `json:"account"`
	Reason  string    `json:"route_reason"`
}

// Values in a view that the checks compare.
const (
	whatsApp = "whatsapp"
	sms      = "sms"

	pending     = "pending"
	unconfirmed = "unconfirmed"
	expired     = "expired"

	calling  = "calling"
	accepted = "accepted"
	rejected = "rejected"
	unknown  = "unknown"

	eventAccepted  = "accepted"
	eventAttempt   = "attempt"
	eventReceipt   = "receipt"
	eventDuplicate = "duplicate_delivery"
	eventFinished  = "finished"
	eventFired     = "rule_fired"
	eventRouted    = "routed"
	eventExpired   = "expired"
	eventCancelled = "cancelled"
	eventConfirmed = "confirmed"
)

// smsStatus returns the status of the SMS; empty if there is none.
func (v *view) smsStatus() string {
	if v.SMS == nil {
		return ""
	}
	return v.SMS.Status
}

// api is a client of the API.
type api struct {
	url, key string
	client   *http.Client
}

const callTimeout = 5 * time.Second

func newAPI(address, key string) *api {
	const mostIdle = 64
	return &api{url: address, key: key, client: &http.Client{
		Timeout: callTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: mostIdle},
	}}
}

// refusal is an answer with an unexpected status.
type refusal struct {
	status int
	body   string
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("HTTP %d: %.300s", r.status, r.body) }

// call makes a request and decodes the answer, unless out is nil. If the status is not want, call returns a refusal.
func (a *api) call(ctx context.Context, method, path string, headers map[string]string, in any, want int, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.url+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+a.key)
	request.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode != want {
		return &refusal{status: response.StatusCode, body: string(answer)}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}

type identified struct {
	ID         string    `json:"id"`
	AcceptedAt time.Time `json:"accepted_at"`
}

// makePolicy creates the rules and the policy, and stores the id of the policy in p.
func (a *api) makePolicy(ctx context.Context, p *policy) error {
	var ids []string
	for _, r := range p.Rules {
		in := map[string]any{"name": p.Name + " " + r.SendID, "type": r.Type, "send_id": r.SendID}
		if r.Wait > 0 {
			in["wait_seconds"] = int(r.Wait.Seconds())
		}
		if len(r.Routes) > 0 {
			in["routes"] = r.Routes
		}
		var made identified
		if err := a.call(ctx, http.MethodPost, "/v1/rules", nil, in, http.StatusCreated, &made); err != nil {
			return fmt.Errorf("make rule: %w", err)
		}
		ids = append(ids, made.ID)
	}
	var made identified
	in := map[string]any{"name": p.Name, "rule_ids": ids}
	if err := a.call(ctx, http.MethodPost, "/v1/policies", nil, in, http.StatusCreated, &made); err != nil {
		return fmt.Errorf("make policy: %w", err)
	}
	p.ID = made.ID
	return nil
}

// post requests a send.
func (a *api) post(ctx context.Context, o order, sendAt, expiresAt *time.Time) (identified, error) {
	message := map[string]any{"text": o.Text}
	if o.Account != "" {
		message["account"] = o.Account
	}
	in := map[string]any{
		"to": o.Number, "whatsapp": message,
		"fallback": map[string]any{"policy_id": o.Policy.ID, "text": o.SMSText},
	}
	if o.Category != "" {
		in["category"] = o.Category
	}
	if sendAt != nil {
		in["send_at"] = sendAt.UTC()
	}
	if expiresAt != nil {
		in["expires_at"] = expiresAt.UTC()
	}
	var made identified
	err := a.call(ctx, http.MethodPost, "/v1/sends", map[string]string{"Idempotency-Key": o.Key}, in, http.StatusAccepted, &made)
	return made, err
}

func (a *api) get(ctx context.Context, id string) (*view, error) {
	var v view
	if err := a.call(ctx, http.MethodGet, "/v1/sends/"+id, nil, nil, http.StatusOK, &v); err != nil {
		return nil, fmt.Errorf("get send: %w", err)
	}
	return &v, nil
}

// list returns the ids and phone numbers of the sends with an outcome. If outcome is empty, it returns all sends.
func (a *api) list(ctx context.Context, outcome string) (map[string]string, error) {
	numbers := map[string]string{}
	query := url.Values{"limit": {"200"}}
	if outcome != "" {
		query.Set("outcome", outcome)
	}
	for {
		var page struct {
			Items []struct {
				ID string `json:"id"`
				To string `json:"to"`
			} `json:"items"`
			Next string `json:"next_cursor"`
		}
		if err := a.call(ctx, http.MethodGet, "/v1/sends?"+query.Encode(), nil, nil, http.StatusOK, &page); err != nil {
			return nil, fmt.Errorf("list sends: %w", err)
		}
		for _, item := range page.Items {
			numbers[item.ID] = item.To
		}
		if page.Next == "" {
			return numbers, nil
		}
		query.Set("cursor", page.Next)
	}
}
