package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	wabaID        = "102290129340398" // the id of the simulated WhatsApp Business Account
	appID         = "670843887433847" // of the app that is subscribed to its webhooks
	displayNumber = "15550783881"
	errorCodesURL = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"

	conversationLength = 24 * time.Hour

	lastWithConversation = 23 // from v24.0, statuses have no conversation (manual, "Status messages webhook")
)

type metaWebhook struct {
	Object string      `json:"object"`
	Entry  []metaEntry `json:"entry"`
}

type metaEntry struct {
	ID      string       `json:"id"`
	Changes []metaChange `json:"changes"`
}

type metaChange struct {
	Value metaValue `json:"value"`
	Field string    `json:"field"`
}

type metaValue struct {
	MessagingProduct string       `json:"messaging_product"`
	Metadata         metaMetadata `json:"metadata"`
	Statuses         []metaStatus `json:"statuses"`
}

type metaMetadata struct {
	DisplayPhoneNumber string `json:"display_phone_number"`
	PhoneNumberID      string `json:"phone_number_id"`
}

type metaStatus struct {
	ID           string            `json:"id"`
	Status       string            `json:"status"`
	Timestamp    string            `json:"timestamp"`
	RecipientID  string            `json:"recipient_id"`
	Opaque       string            `json:"biz_opaque_callback_data,omitempty"`
	Conversation *metaConversation `json:"conversation,omitempty"`
	Pricing      *metaPricing      `json:"pricing,omitempty"`
	Errors       []metaStatusError `json:"errors,omitempty"`
}

type metaConversation struct {
	ID         string     `json:"id"`
	Expiration string     `json:"expiration_timestamp,omitempty"`
	Origin     metaOrigin `json:"origin"`
}

type metaOrigin struct {
	Type string `json:"type"`
}

type metaPricing struct {
	Billable bool   `json:"billable"`
	Model    string `json:"pricing_model"`
	Category string `json:"category"`
	Type     string `json:"type"`
}

type metaStatusError struct {
	Code      int           `json:"code"`
	Title     string        `json:"title"`
	Message   string        `json:"message"`
	ErrorData metaErrorData `json:"error_data"`
	Href      string        `json:"href"`
}

// statusSource has the values that are the same in all statuses of one message.
type statusSource struct {
	number                string // the id of the number that sends
	id, recipient, opaque string
	conversation          string // if empty, statuses have no conversation
	pricing               metaPricing
}

func newStatusSource(m Message, version string) statusSource {
	src := statusSource{id: m.ID, number: m.From, recipient: digitsOf(m.To), opaque: m.Correlation}
	src.pricing = metaPricing{Billable: false, Model: "PMP", Category: "service", Type: "free_customer_service"}
	if m.Template != "" {
		src.pricing = metaPricing{Billable: true, Model: "PMP", Category: "utility", Type: "regular"}
	}
	if hasConversations(version) {
		src.conversation = hex.EncodeToString(randomBytes(16))
	}
	return src
}

// hasConversations reports whether the statuses of a version have a conversation.
func hasConversations(version string) bool {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(major)
	return err == nil && n <= lastWithConversation
}

// metaWebhook returns the function that makes the webhooks of one message.
func (s *Server) metaWebhook(src statusSource) webhook {
	return func(ctx context.Context, p post, accepted time.Time) (*http.Request, error) {
		statuses := make([]metaStatus, 0, len(p.receipts))
		for _, r := range p.receipts {
			statuses = append(statuses, src.status(r, accepted.Add(scaleDelay(r.at, s.speed))))
		}
		body, err := json.Marshal(metaWebhook{Object: "whatsapp_business_account", Entry: metaEntries(src.number, statuses)})
		if err != nil {
			return nil, fmt.Errorf("encode webhook: %w", err)
		}
		return s.signedMetaWebhook(ctx, body)
	}
}

// signedMetaWebhook returns the request with a webhook, signed with the app secret.
func (s *Server) signedMetaWebhook(ctx context.Context, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.meta.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make webhook: %w", withoutURL(err))
	}
	mac := hmac.New(sha256.New, []byte(s.meta.AppSecret))
	_, _ = mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "facebookexternalua")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return req, nil
}

// status returns the status for one receipt. The statuses sent and delivered have the conversation and the pricing (manual,
// "Status messages webhook": sent, and either delivered or read). Only sent has the end of the conversation.
func (src statusSource) status(r receipt, at time.Time) metaStatus {
	st := metaStatus{
		ID:          src.id,
		Status:      r.status,
		Timestamp:   strconv.FormatInt(at.Unix(), 10),
		RecipientID: src.recipient,
		Opaque:      src.opaque,
	}
	if r.fault != nil {
		st.Errors = []metaStatusError{{
			Code:      r.fault.code,
			Title:     r.fault.title,
			Message:   r.fault.title,
			ErrorData: metaErrorData{Details: r.fault.details},
			Href:      errorCodesURL,
		}}
		return st
	}
	if r.status != statusSent && r.status != statusDelivered {
		return st
	}
	st.Pricing = &src.pricing
	if src.conversation == "" {
		return st
	}
	st.Conversation = &metaConversation{ID: src.conversation, Origin: metaOrigin{Type: src.pricing.Category}}
	if r.status == statusSent {
		st.Conversation.Expiration = strconv.FormatInt(at.Add(conversationLength).Unix(), 10)
	}
	return st
}

// metaEntries distributes the statuses of a webhook as Meta may do it: two in the first change, one in a second change, the rest
// in a second entry.
func metaEntries(number string, statuses []metaStatus) []metaEntry {
	change := func(statuses []metaStatus) metaChange {
		return metaChange{Field: "messages", Value: metaValue{
			MessagingProduct: "whatsapp",
			Metadata:         metaMetadata{DisplayPhoneNumber: displayNumber, PhoneNumberID: number},
			Statuses:         statuses,
		}}
	}
	const inFirst, inSecond = 2, 3
	entry := metaEntry{ID: wabaID, Changes: []metaChange{change(statuses[:min(inFirst, len(statuses))])}}
	if len(statuses) > inFirst {
		entry.Changes = append(entry.Changes, change(statuses[inFirst:inSecond]))
	}
	if len(statuses) <= inSecond {
		return []metaEntry{entry}
	}
	return []metaEntry{entry, {ID: wabaID, Changes: []metaChange{change(statuses[inSecond:])}}}
}

// Verify sends the request with which Meta verifies a new webhook URL. It fails unless the receiver answers 200 with exactly
// the challenge, as plain text.
func (s *Server) Verify(ctx context.Context) error {
	if s.meta.WebhookURL == "" {
		return errors.New("verify webhook: Meta.WebhookURL is empty")
	}
	challenge := digitsOf(hex.EncodeToString(randomBytes(32))) + "7"
	req, err := s.verificationRequest(ctx, challenge)
	if err != nil {
		return fmt.Errorf("verify webhook: %w", err)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return fmt.Errorf("verify webhook: %w", withoutURL(err)) // the URL contains the token
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return fmt.Errorf("verify webhook: read answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("verify webhook: HTTP %d, want 200", res.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return fmt.Errorf("verify webhook: answer is %q, want text/plain", res.Header.Get("Content-Type"))
	}
	if string(body) != challenge {
		return errors.New("verify webhook: answer is not the challenge")
	}
	return nil
}

func (s *Server) verificationRequest(ctx context.Context, challenge string) (*http.Request, error) {
	u, err := url.Parse(s.meta.WebhookURL)
	if err != nil {
		return nil, fmt.Errorf("parse Meta.WebhookURL: %w", withoutURL(err))
	}
	query := u.Query()
	query.Set("hub.mode", "subscribe")
	query.Set("hub.verify_token", s.meta.VerifyToken)
	query.Set("hub.challenge", challenge)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", withoutURL(err))
	}
	return req, nil
}
