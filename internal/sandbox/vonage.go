package sandbox

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

// Vonage is a simulated Vonage application, below the path /vonage. Its messages have the address of their webhook with them.
//
// Sources: Vonage's manual (Messages API, status callbacks, signed webhooks, API errors) and its Node SDK.
type Vonage struct {
	ApplicationID   string
	PublicKey       *rsa.PublicKey // verifies the tokens of calls; nil if only an API key is accepted
	APIKey          string
	APISecret       string
	SignatureSecret string // signs the webhooks
	Sender          string // the linked WhatsApp number, in digits
}

const (
	providerVonage  = "vonage"
	maxVonageText   = 1000 // characters of an SMS
	maxVonageRef    = 100
	vonageErrorPage = "https://developer.vonage.com/api-errors/messages#"
)

func (v Vonage) check() error {
	if v.SignatureSecret == "" || v.Sender == "" || v.PublicKey == nil && v.APISecret == "" {
		return errors.New("option Vonage.SignatureSecret or Vonage.Sender is empty, or there is neither PublicKey nor APISecret")
	}
	return nil
}

func (v Vonage) mount(s *Server) {
	face := &vonageFace{Server: s, options: v}
	s.mux.HandleFunc("POST /vonage/v1/messages", face.post)
}

func (v Vonage) accounts(address string) []Account {
	if v.APIKey == "" {
		return nil
	}
	settings := func() map[string]string {
		return map[string]string{
			"base_url": address + "/vonage", "api_key": v.APIKey, "api_secret": v.APISecret,
			"signature_secret": v.SignatureSecret,
		}
	}
	whatsApp := settings()
	whatsApp["sender"] = v.Sender
	return []Account{{providerVonage, channelSMS, settings()}, {providerVonage, channelWhatsApp, whatsApp}}
}

// vonageFace is the requests of the application.
type vonageFace struct {
	*Server

	options Vonage
}

// vonageMessage is the body of a send, with the fields that the sandbox uses.
type vonageMessage struct {
	Type    string `json:"message_type"`
	Channel string `json:"channel"`
	To      string `json:"to"`
	From    string `json:"from"`
	Text    string `json:"text"`
	Custom  struct {
		Type     string `json:"type"`
		Template struct {
			Name     string `json:"name"`
			Language struct {
				Code string `json:"code"`
			} `json:"language"`
		} `json:"template"`
	} `json:"custom"`
	TTL            *int   `json:"ttl"`
	ClientRef      string `json:"client_ref"`
	WebhookURL     string `json:"webhook_url"`
	WebhookVersion string `json:"webhook_version"`
}

func (f *vonageFace) post(w http.ResponseWriter, r *http.Request) {
	var req vonageMessage
	malformed := json.Unmarshal(readBody(w, r), &req) != nil
	m := Message{
		Time: time.Now(), Provider: providerVonage, Channel: req.Channel, To: internationalNumber(req.To), From: req.From,
		Text: req.Text, Template: req.Custom.Template.Name, Correlation: req.ClientRef,
	}
	if refusal := f.problem(r, req, malformed); refusal != nil {
		f.refuseCall(w, m, refusal, refuseVonage)
		return
	}
	sc := f.scenarioOf(req.To)
	m.Scenario, m.ID = sc.Name, newUUID()
	plan := sc.sms
	if req.Channel == channelWhatsApp {
		plan = sc.whatsApp
	}
	c := call{
		message: m,
		plan:    vonagePlan(plan),
		status:  http.StatusAccepted,
		refuse:  refuseVonage,
		accept: func(w http.ResponseWriter) {
			writeJSON(w, http.StatusAccepted, map[string]string{"message_uuid": m.ID})
		},
		retries: metaRetries{f.speed}, // the manual says only: for up to a day
		changePosts: func(posts []post) []post {
			if req.TTL == nil {
				return splitPosts(posts)
			}
			return splitPosts(applyValidity(posts, time.Duration(*req.TTL)*time.Second, f.speed))
		},
	}
	if req.WebhookURL != "" {
		c.webhook = f.status(req, m.ID)
	}
	f.runScenario(w, r, c)
}

// problem returns Vonage's error for a request that is not valid, or nil.
func (f *vonageFace) problem(r *http.Request, m vonageMessage, malformed bool) *fault {
	if !f.isAuthentic(r) {
		return vonageUnauthorized()
	}
	bad := func(code int, details string) *fault {
		return &fault{status: http.StatusUnprocessableEntity, code: code, title: "Invalid request", details: details}
	}
	longest := map[string]int{channelSMS: maxVonageText, channelWhatsApp: maxTextBody}[m.Channel]
	switch {
	case malformed:
		return bad(1020, "The request body is not the JSON of a message.")
	case longest == 0:
		return bad(1400, "channel: The channel is not supported.")
	case !vonageNumber.MatchString(m.To):
		return bad(1430, "to: The number is not valid.")
	case m.From == "" || m.Channel == channelWhatsApp && m.From != f.options.Sender:
		return bad(1420, "from: The sender is not valid for the given channel.")
	case len(m.ClientRef) > maxVonageRef:
		return bad(1450, "client_ref: must have at most 100 characters.")
	case m.TTL != nil && *m.TTL < 1:
		return bad(1130, "ttl: must be positive.")
	case m.WebhookURL != "" && (!absoluteHTTP(m.WebhookURL) || m.WebhookVersion != "v1"):
		return bad(1020, "webhook_url: must be an address, with webhook_version v1.")
	case m.Type == "text" && (m.Text == "" || utf8.RuneCountInString(m.Text) > longest):
		return bad(1020, "text: must have 1 to "+strconv.Itoa(longest)+" characters.")
	case m.Type == "custom" && (m.Channel != channelWhatsApp || m.Custom.Type != "template" || m.Custom.Template.Name == "" ||
		m.Custom.Template.Language.Code == ""):
		return bad(1022, "custom: The sandbox takes a template with a name and a language.")
	case m.Type != "text" && m.Type != "custom":
		return bad(1440, "message_type: is not supported.")
	}
	return nil
}

func vonageUnauthorized() *fault {
	return &fault{status: http.StatusUnauthorized, kind: "unauthorized", title: "You did not provide correct credentials."}
}

// vonageNumber matches a recipient: digits without a plus.
var vonageNumber = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)

// isAuthentic verifies the API key, or the token of the application: RS256, its id, and its times.
func (f *vonageFace) isAuthentic(r *http.Request) bool {
	if user, password, ok := r.BasicAuth(); ok {
		return f.options.APISecret != "" && equalSecrets(user, f.options.APIKey) && equalSecrets(password, f.options.APISecret)
	}
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if !found || len(parts) != 3 || f.options.PublicKey == nil {
		return false
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return false
		}
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(f.options.PublicKey, crypto.SHA256, digest[:], decoded[2]) != nil {
		return false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		ApplicationID string `json:"application_id"`
		Issued        int64  `json:"iat"`
		Expires       int64  `json:"exp"`
		ID            string `json:"jti"`
	}
	if json.Unmarshal(decoded[0], &header) != nil || json.Unmarshal(decoded[1], &claims) != nil {
		return false
	}
	now := time.Now().Unix()
	return header.Algorithm == "RS256" && claims.ApplicationID == f.options.ApplicationID && claims.ID != "" &&
		claims.Issued <= now && now < claims.Expires
}

func refuseVonage(w http.ResponseWriter, f *fault) {
	if f.isRefusedCredentials() {
		f = vonageUnauthorized()
	}
	writeJSON(w, f.status, map[string]string{
		"type": vonageErrorPage + withDefault(f.kind, strconv.Itoa(f.code)), "title": f.title, "detail": f.details,
		"instance": hex.EncodeToString(randomBytes(16)),
	})
}

// status returns the function that makes the webhooks of one message.
func (f *vonageFace) status(m vonageMessage, id string) webhook {
	return func(ctx context.Context, p post, accepted time.Time) (*http.Request, error) {
		r := p.receipts[0] // a webhook has one status
		words := map[string]string{statusSent: "submitted", statusDelivered: "delivered", statusRead: "read"}
		content := map[string]any{
			"message_uuid": id, "to": m.To, "from": m.From, "channel": m.Channel, "client_ref": m.ClientRef,
			"timestamp": accepted.Add(scaleDelay(r.at, f.speed)).UTC().Format(time.RFC3339),
			"status":    withDefault(words[r.status], "rejected"),
		}
		if r.fault != nil {
			code, detail := vonageCode(r.fault)
			content["error"] = map[string]string{
				"type": vonageErrorPage + strconv.Itoa(code), "title": strconv.Itoa(code), "detail": detail, "instance": id,
			}
		}
		body, err := json.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("encode status: %w", err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.WebhookURL, bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("make status: %w", withoutURL(err))
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+f.sign(body))
		return req, nil
	}
}

// sign returns the token of a webhook: HS256, with the hash of the body among its claims (manual, "Signed webhooks").
func (f *vonageFace) sign(body []byte) string {
	digest := sha256.Sum256(body)
	claims := fmt.Sprintf(`{"iat":%d,"jti":%q,"iss":"Vonage","payload_hash":%q,"api_key":%q,"application_id":%q}`,
		time.Now().Unix(), newUUID(), hex.EncodeToString(digest[:]), f.options.APIKey, f.options.ApplicationID)
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(f.options.SignatureSecret))
	_, _ = mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
