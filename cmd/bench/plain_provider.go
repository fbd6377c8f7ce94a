package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/activity"
)

// providerVariable is the environment variable with the URL of the provider, for the process of the hand-written workflows.
const providerVariable = "BENCH_PROVIDER_URL"

// plainProvider gives the hand-written workflows the same POST and the same webhooks as Backstop. It verifies no signature and
// stores nothing.
type plainProvider struct {
	url      string
	http     *http.Client
	listener net.Listener
	server   *http.Server
	receive  func(ctx context.Context, workflowID, status string) error
}

func newPlainProvider(
	ctx context.Context, url string, receive func(context.Context, string, string) error,
) (*plainProvider, error) {
	listener, err := listenLoopback(ctx)
	if err != nil {
		return nil, err
	}
	p := &plainProvider{url: url, http: newHTTPClient(), listener: listener, receive: receive}
	p.server = &http.Server{Handler: http.HandlerFunc(p.webhook), ReadHeaderTimeout: callTimeout}
	go func() { _ = p.server.Serve(listener) }() // until close
	return p, nil
}

func (p *plainProvider) close()             { _ = p.server.Close() } // an error does not matter: the process ends
func (p *plainProvider) webhookURL() string { return "http://" + p.listener.Addr().String() }

// submit posts the message as Backstop's driver does. The provider's webhooks contain the workflow's id.
func (p *plainProvider) submit(ctx context.Context, m message) (submission, error) {
	body, err := json.Marshal(map[string]any{
		"messaging_product": "whatsapp", "recipient_type": "individual", "to": m.To, "type": "text",
		"text":                     map[string]any{"body": m.Text, "preview_url": false},
		"biz_opaque_callback_data": activity.GetInfo(ctx).WorkflowExecution.ID,
	})
	if err != nil {
		return submission{}, fmt.Errorf("encode message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/v23.0/"+phoneNumberID+"/messages", bytes.NewReader(body))
	if err != nil {
		return submission{}, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+plainToken)
	res, err := p.http.Do(req)
	if err != nil {
		return submission{}, fmt.Errorf("post message: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || len(answer.Messages) != 1 {
		return submission{}, errors.Join(fmt.Errorf("post message: HTTP %d", res.StatusCode), err)
	}
	return submission{MessageID: answer.Messages[0].ID}, nil
}

// plainWebhook has the fields of Meta's webhook that a minimal handler needs.
type plainWebhook struct {
	Entry []struct {
		Changes []struct {
			Value struct {
				Statuses []struct {
					Status string `json:"status"`
					Ref    string `json:"biz_opaque_callback_data"`
				} `json:"statuses"`
			} `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

func (p *plainProvider) webhook(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	var hook plainWebhook
	if err := json.NewDecoder(r.Body).Decode(&hook); err != nil {
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	for _, entry := range hook.Entry {
		for _, change := range entry.Changes {
			for _, status := range change.Value.Statuses {
				if err := p.receive(ctx, status.Ref, status.Status); err != nil {
					http.Error(w, "try later", http.StatusServiceUnavailable)
					return
				}
			}
		}
	}
}
