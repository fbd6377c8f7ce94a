package sandbox

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Telnyx is a simulated Telnyx account, below the path /telnyx. Its messages have the address of their webhooks with them.
//
// Sources: Telnyx's manual (send a message, receiving webhooks for messaging, messaging error codes) and its API description, by
// way of its Go SDK.
type Telnyx struct {
	APIKey    string
	ProfileID string // the messaging profile
	Seed      string // of the key that signs the webhooks: 32 bytes
}

// PublicKey returns the key that verifies the webhooks, as Telnyx's portal shows it.
func (t Telnyx) PublicKey() string {
	public, _ := t.key().Public().(ed25519.PublicKey)
	return base64.StdEncoding.EncodeToString(public)
}

func (t Telnyx) key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(t.Seed)) }

const (
	providerTelnyx = "telnyx"
	maxTelnyxText  = 10 * gsmPart // an SMS has at most ten parts
	telnyxTime     = "2006-01-02T15:04:05.000-07:00"
)

func (t Telnyx) check() error {
	if t.APIKey == "" || t.ProfileID == "" || len(t.Seed) != ed25519.SeedSize {
		return errors.New("option Telnyx.APIKey or Telnyx.ProfileID is empty, or Telnyx.Seed has not 32 bytes")
	}
	return nil
}

func (t Telnyx) mount(s *Server) {
	face := &telnyxFace{Server: s, options: t, kept: newKept[telnyxMessage](s.calls.limit)}
	s.mux.HandleFunc("POST /telnyx/v2/messages", face.post)
	s.mux.HandleFunc("GET /telnyx/v2/messages/{id}", face.get)
	s.mux.HandleFunc("GET /telnyx/v2/messaging_profiles", face.listProfiles)
	s.mux.HandleFunc("GET /telnyx/v2/messaging_profiles/{id}", face.getProfile)
}

func (t Telnyx) accounts(address string) []Account {
	return []Account{{providerTelnyx, channelSMS, map[string]string{
		"base_url": address + "/telnyx", "api_key": t.APIKey, "public_key": t.PublicKey(),
		"messaging_profile_id": t.ProfileID,
	}}}
}

// telnyxFace is the requests of the account.
type telnyxFace struct {
	*Server

	options Telnyx
	kept    *kept[telnyxMessage]
}

// telnyxRequest is the body of a send, with the fields that the sandbox uses.
type telnyxRequest struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Text    string `json:"text"`
	Profile string `json:"messaging_profile_id"`
	Webhook string `json:"webhook_url"`
	Type    string `json:"type"`
}

// telnyxMessage is an accepted message with its receipts.
type telnyxMessage struct {
	request telnyxRequest
	id      string
	created time.Time
	posts   []post
}

func (f *telnyxFace) post(w http.ResponseWriter, r *http.Request) {
	var req telnyxRequest
	malformed := json.Unmarshal(readBody(w, r), &req) != nil
	m := Message{
		Time: time.Now(), Provider: providerTelnyx, Channel: channelSMS, To: internationalNumber(req.To), From: req.From,
		Text: req.Text, Correlation: req.Webhook,
	}
	if refusal := f.problem(r, req, malformed); refusal != nil {
		f.refuseCall(w, m, refusal, writeTelnyxError)
		return
	}
	sc := f.scenarioOf(digitsOf(req.To))
	m.Scenario, m.ID = sc.Name, randomID()
	made := telnyxMessage{request: req, id: m.ID, created: m.Time}
	c := call{
		message: m,
		plan:    sc.sms,
		status:  http.StatusOK,
		refuse:  func(w http.ResponseWriter, fl *fault) { writeTelnyxError(w, telnyxRefusal(fl)) },
		accept: func(w http.ResponseWriter) {
			writeJSON(w, http.StatusOK, map[string]any{"data": made.resource("queued", nil)})
		},
		retries: telnyxRetries{},
		changePosts: func(posts []post) []post {
			made.posts = splitPosts(posts)
			f.kept.add(m.ID, made)
			return made.posts
		},
	}
	if req.Webhook != "" {
		c.webhook = func(ctx context.Context, p post, accepted time.Time) (*http.Request, error) {
			r := p.receipts[0] // a webhook has one status
			return f.event(ctx, made, r, accepted.Add(scaleDelay(r.at, f.speed)))
		}
	}
	f.runScenario(w, r, c)
}

var (
	// telnyxNumber matches a phone number.
	telnyxNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	// telnyxName matches an alphanumeric sender.
	telnyxName = regexp.MustCompile(`^[0-9A-Za-z ]{1,11}$`)
)

// problem returns Telnyx's error for a request that is not valid, or nil.
func (f *telnyxFace) problem(r *http.Request, m telnyxRequest, malformed bool) *fault {
	if !equalSecrets(r.Header.Get("Authorization"), "Bearer "+f.options.APIKey) {
		return telnyxFault(http.StatusUnauthorized, 10009, "Authentication failed")
	}
	bad := func(code int, title string) *fault { return telnyxFault(http.StatusBadRequest, code, title) }
	isNumber := telnyxNumber.MatchString(m.From)
	switch {
	case malformed || m.Type != "" && m.Type != "SMS":
		return bad(10015, "Bad Request")
	case !telnyxNumber.MatchString(m.To):
		return bad(40310, "Invalid 'to' address")
	case !isNumber && !telnyxName.MatchString(m.From):
		return bad(40305, "Invalid 'from' address")
	case !isNumber && m.Profile != f.options.ProfileID, m.Profile != "" && m.Profile != f.options.ProfileID:
		return bad(10004, "Missing required parameter")
	case m.Text == "":
		return bad(40316, "No content provided for message")
	case utf8.RuneCountInString(m.Text) > maxTelnyxText:
		return bad(40302, "Message too large")
	case m.Webhook != "" && !absoluteHTTP(m.Webhook):
		return bad(10003, "Invalid URL")
	}
	return nil
}

// get answers with one message, as far as it has come.
func (f *telnyxFace) get(w http.ResponseWriter, r *http.Request) {
	if !f.isAuthentic(w, r) {
		return
	}
	m, found := f.kept.find(r.PathValue("id"))
	if !found {
		writeTelnyxError(w, telnyxFault(http.StatusNotFound, 10005, "Resource not found"))
		return
	}
	status, cause := "queued", (*fault)(nil)
	for _, p := range m.posts {
		for _, due := range p.receipts {
			if !m.created.Add(scaleDelay(due.at, f.speed)).After(time.Now()) {
				status, cause = telnyxStatus(due)
			}
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": m.resource(status, cause)})
}

func (f *telnyxFace) listProfiles(w http.ResponseWriter, r *http.Request) {
	if f.isAuthentic(w, r) {
		writeJSON(w, http.StatusOK, map[string]any{
			"data": []any{f.profile()},
			"meta": map[string]int{"total_pages": 1, "total_results": 1, "page_number": 1, "page_size": 1},
		})
	}
}

func (f *telnyxFace) getProfile(w http.ResponseWriter, r *http.Request) {
	switch {
	case !f.isAuthentic(w, r):
	case r.PathValue("id") != f.options.ProfileID:
		writeTelnyxError(w, telnyxFault(http.StatusNotFound, 10005, "Resource not found"))
	default:
		writeJSON(w, http.StatusOK, map[string]any{"data": f.profile()})
	}
}

func (f *telnyxFace) profile() map[string]any {
	return map[string]any{
		"record_type": "messaging_profile", "id": f.options.ProfileID, "name": "Sandbox", "enabled": true,
		"webhook_api_version": "2",
	}
}

// isAuthentic verifies the API key of a GET, and answers if it is wrong.
func (f *telnyxFace) isAuthentic(w http.ResponseWriter, r *http.Request) bool {
	if equalSecrets(r.Header.Get("Authorization"), "Bearer "+f.options.APIKey) {
		return true
	}
	writeTelnyxError(w, telnyxFault(http.StatusUnauthorized, 10009, "Authentication failed"))
	return false
}

// resource returns the JSON of a message.
func (m telnyxMessage) resource(status string, cause *fault) map[string]any {
	list := []any{}
	if cause != nil {
		list = []any{map[string]string{"code": strconv.Itoa(cause.code), "title": cause.title, "detail": cause.title + "."}}
	}
	return map[string]any{
		"record_type": "message", "direction": "outbound", "id": m.id, "type": "SMS", "messaging_profile_id": m.request.Profile,
		"from": map[string]string{"phone_number": m.request.From, "carrier": "", "line_type": ""},
		"to":   []any{map[string]string{"phone_number": m.request.To, "status": status, "carrier": "", "line_type": "Wireless"}},
		"text": m.request.Text, "parts": countSegments(m.request.Text), "webhook_url": m.request.Webhook, "errors": list,
		"cost": map[string]string{"amount": "0.0051", "currency": "USD"}, "received_at": m.created.UTC().Format(telnyxTime),
	}
}

// event makes a webhook, and signs its timestamp and its body.
func (f *telnyxFace) event(ctx context.Context, m telnyxMessage, r receipt, at time.Time) (*http.Request, error) {
	status, cause := telnyxStatus(r)
	kind := "message.finalized"
	if status == "sent" {
		kind = "message.sent"
	}
	body, err := json.Marshal(map[string]any{
		"data": map[string]any{
			"event_type": kind, "id": randomID(), "occurred_at": at.UTC().Format(telnyxTime), "record_type": "event",
			"payload": m.resource(status, cause),
		},
		"meta": map[string]any{"attempt": 1, "delivered_to": m.request.Webhook},
	})
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.request.Webhook, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make event: %w", withoutURL(err))
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	signature := ed25519.Sign(f.options.key(), []byte(stamp+"|"+string(body)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Telnyx-Timestamp", stamp)
	req.Header.Set("Telnyx-Signature-Ed25519", base64.StdEncoding.EncodeToString(signature))
	return req, nil
}

// telnyxStatus returns Telnyx's word for a receipt, and its error.
func telnyxStatus(r receipt) (word string, cause *fault) {
	switch {
	case r.fault != nil:
		return "delivery_failed", telnyxRefusal(r.fault)
	case r.status == statusSent:
		return "sent", nil
	default:
		return "delivered", nil
	}
}

func telnyxFault(status, code int, title string) *fault {
	return &fault{status: status, code: code, title: title}
}

// telnyxRefusal returns Telnyx's error for a fault of the scenarios, which has Twilio's code.
func telnyxRefusal(f *fault) *fault {
	switch f.code {
	case 20003:
		return telnyxFault(http.StatusUnauthorized, 10009, "Authentication failed")
	case 21610:
		return telnyxFault(http.StatusBadRequest, 40300, "Blocked due to STOP message")
	case 21612:
		return telnyxFault(http.StatusBadRequest, 40310, "Invalid 'to' address")
	case 30003:
		return telnyxFault(http.StatusBadRequest, 40006, "Recipient server unavailable")
	default:
		return telnyxFault(http.StatusBadRequest, 40008, "Undeliverable")
	}
}

func writeTelnyxError(w http.ResponseWriter, f *fault) {
	code := strconv.Itoa(f.code)
	writeJSON(w, f.status, map[string]any{"errors": []any{map[string]any{
		"code": code, "title": f.title, "detail": strings.TrimSuffix(f.title, ".") + ".",
		"meta": map[string]string{"url": "https://developers.telnyx.com/docs/overview/errors/" + code},
	}}})
}

// telnyxRetries tries a webhook three times. The manual does not give the pauses.
type telnyxRetries struct{}

func (telnyxRetries) nextPause(attempt int, _ time.Duration, _ error) (time.Duration, bool) {
	const pause, most = 2 * time.Second, 2
	return pause, attempt < most
}
