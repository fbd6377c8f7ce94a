package sandbox

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of the Cloud API, in characters: manual, "Text messages"; business-messaging API v23.0,
// biz_opaque_callback_data; E.164.
const (
	maxTextBody = 4096
	maxOpaque   = 512
	minDigits   = 7
	maxDigits   = 15
)

// metaMessage is the body of a send, with the fields that the sandbox uses.
type metaMessage struct {
	MessagingProduct string `json:"messaging_product"`
	RecipientType    string `json:"recipient_type"`
	To               string `json:"to"`
	Type             string `json:"type"`
	Opaque           string `json:"biz_opaque_callback_data"`
	Text             struct {
		Body string `json:"body"`
	} `json:"text"`
	Template struct {
		Name     string `json:"name"`
		Language struct {
			Code string `json:"code"`
		} `json:"language"`
		Components []metaComponent `json:"components"`
	} `json:"template"`
}

type metaComponent struct {
	Type       string `json:"type"`
	Parameters []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"parameters"`
}

func (s *Server) postMeta(w http.ResponseWriter, r *http.Request) {
	var req metaMessage
	malformed := json.Unmarshal(readBody(w, r), &req) != nil
	m := Message{
		Time:        time.Now(),
		Provider:    providerMeta,
		Channel:     channelWhatsApp,
		To:          internationalNumber(req.To),
		From:        r.PathValue("phone"),
		Text:        req.Text.Body,
		Template:    req.Template.Name,
		Correlation: req.Opaque,
	}
	if f := s.checkMeta(r, req, malformed); f != nil {
		s.refuseCall(w, m, f, refuseMeta)
		return
	}
	sc := s.scenarioOf(digitsOf(req.To))
	m.Scenario, m.ID = sc.Name, newWAMID(digitsOf(req.To))
	c := call{
		message: m,
		plan:    sc.whatsApp,
		status:  http.StatusOK,
		refuse:  refuseMeta,
		accept:  func(w http.ResponseWriter) { acceptMeta(w, req, m.ID) },
		retries: metaRetries{s.speed},
	}
	if s.meta.WebhookURL != "" {
		c.webhook = s.metaWebhook(newStatusSource(m, r.PathValue("version")))
	}
	s.runScenario(w, r, c)
}

// checkMeta returns the error of the Cloud API for an invalid request, or nil. It checks in the order of the Cloud API.
func (s *Server) checkMeta(r *http.Request, req metaMessage, malformed bool) *fault {
	if f := s.checkMetaNumber(r, "post"); f != nil {
		return f
	}
	if malformed {
		return invalidParameter("The request body is not the JSON of a message.")
	}
	if wrong := req.parameterProblem(); wrong != "" {
		return invalidParameter(wrong)
	}
	return nil
}

// checkMetaNumber returns the error for a request with a wrong version, token or number, or nil.
func (s *Server) checkMetaNumber(r *http.Request, method string) *fault {
	return s.checkMetaObject(r, method, r.PathValue("phone"), append([]string{s.meta.PhoneNumberID}, s.meta.MoreNumbers...)...)
}

// checkMetaObject returns the error for a request with a wrong version or token, or an object that is none of the known ones, or
// nil.
func (s *Server) checkMetaObject(r *http.Request, method, id string, known ...string) *fault {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !metaVersion.MatchString(r.PathValue("version")):
		return &fault{status: http.StatusBadRequest, code: 2500, title: "Unknown path components: " + r.URL.Path}
	case !found || !equalSecrets(token, s.meta.AccessToken):
		return &fault{status: http.StatusUnauthorized, code: 190, title: "Invalid OAuth access token - Cannot parse access token"}
	case !slices.Contains(known, id):
		return &fault{
			status: http.StatusBadRequest, code: 100, subcode: 33, kind: "GraphMethodException",
			title: "Unsupported " + method + " request. Object with ID '" + id +
				"' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
		}
	}
	return nil
}

// getMetaNumber answers with the business phone number, as the Cloud API does (business-messaging API v23.0).
func (s *Server) getMetaNumber(w http.ResponseWriter, r *http.Request) {
	if f := s.checkMetaNumber(r, "get"); f != nil {
		refuseMeta(w, f)
		return
	}
	status, quality, limit := s.number.get()
	number := map[string]any{
		"id": r.PathValue("phone"), "verified_name": "Sandbox", "display_phone_number": displayNumber,
		"quality_rating": quality, "status": status, "name_status": "APPROVED",
		"throughput":               map[string]string{"level": "STANDARD"},
		"code_verification_status": "VERIFIED", "platform_type": "CLOUD_API",
	}
	if hasConversations(r.PathValue("version")) { // in the same versions (manual, "Phone numbers")
		number["messaging_limit_tier"] = limit
	} else {
		number["whatsapp_business_manager_messaging_limit"] = limit
	}
	answer, unknown := selectFields(number, r.URL.Query().Get("fields"), "verified_name,display_phone_number")
	if unknown != "" {
		refuseMeta(w, nonexistingField(unknown))
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

var metaVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)

// parameterProblem returns what is wrong with the parameters, or "".
func (m metaMessage) parameterProblem() string {
	switch {
	case m.MessagingProduct != "whatsapp":
		return "The parameter messaging_product is required and must be 'whatsapp'."
	case m.RecipientType != "" && m.RecipientType != "individual":
		return "Param recipient_type must be one of {INDIVIDUAL}."
	case m.To == "":
		return "The parameter to is required."
	case !metaRecipient.MatchString(m.To) || len(digitsOf(m.To)) < minDigits || len(digitsOf(m.To)) > maxDigits:
		return "Param to is not a valid phone number."
	case utf8.RuneCountInString(m.Opaque) > maxOpaque:
		return fmt.Sprintf("Param biz_opaque_callback_data must be at most %d characters long.", maxOpaque)
	}
	switch m.Type {
	case "":
		return "The parameter type is required."
	case "text":
		return m.textProblem()
	case "template":
		return m.templateProblem()
	default:
		return "Param type must be one of {TEXT, TEMPLATE}." // the Cloud API has more types than the sandbox
	}
}

// metaRecipient matches the notations of a number that the manual allows ("Phone number formats").
var metaRecipient = regexp.MustCompile(`^\+?[0-9][0-9 ()-]*$`)

func (m metaMessage) textProblem() string {
	switch length := utf8.RuneCountInString(m.Text.Body); {
	case length == 0:
		return "The parameter text['body'] is required."
	case length > maxTextBody:
		return fmt.Sprintf("Param text['body'] must be at most %d characters long.", maxTextBody)
	}
	return ""
}

func (m metaMessage) templateProblem() string {
	switch {
	case m.Template.Name == "":
		return "The parameter template['name'] is required."
	case m.Template.Language.Code == "":
		return "The parameter template['language']['code'] is required."
	}
	for _, component := range m.Template.Components {
		if component.Type == "" {
			return "The parameter template['components']['type'] is required."
		}
		for _, p := range component.Parameters {
			if p.Type == "" {
				return "The parameter template['components']['parameters']['type'] is required."
			}
			if p.Type == "text" && p.Text == "" {
				return "Parameter 'text' is mandatory for component parameter type 'text'"
			}
		}
	}
	return ""
}

func invalidParameter(details string) *fault {
	return &fault{status: http.StatusBadRequest, code: 100, title: "Invalid parameter", details: details}
}

type metaError struct {
	Message   string         `json:"message"`
	Type      string         `json:"type"`
	Code      int            `json:"code"`
	Subcode   int            `json:"error_subcode,omitempty"`
	ErrorData *metaErrorData `json:"error_data,omitempty"`
	TraceID   string         `json:"fbtrace_id"`
}

type metaErrorData struct {
	MessagingProduct string `json:"messaging_product,omitempty"` // in answers, not in webhooks
	Details          string `json:"details"`
}

func refuseMeta(w http.ResponseWriter, f *fault) {
	body := metaError{
		Message: f.title,
		Type:    withDefault(f.kind, "OAuthException"),
		Code:    f.code,
		Subcode: f.subcode,
		TraceID: "A" + base64.RawURLEncoding.EncodeToString(randomBytes(16)),
	}
	if f.details != "" { // only errors of the Cloud API have details, errors of the Graph API have none
		body.Message = fmt.Sprintf("(#%d) %s", f.code, f.title)
		body.ErrorData = &metaErrorData{MessagingProduct: "whatsapp", Details: f.details}
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `OAuth "Facebook Platform" "invalid_token" "`+f.title+`"`)
	}
	writeJSON(w, f.status, map[string]metaError{"error": body})
}

func acceptMeta(w http.ResponseWriter, req metaMessage, id string) {
	type contact struct {
		Input string `json:"input"`
		WAID  string `json:"wa_id"`
	}
	type message struct {
		ID     string `json:"id"`
		Status string `json:"message_status,omitempty"`
	}
	sent := message{ID: id}
	if req.Type == "template" { // only the answers for templates have a message_status
		sent.Status = "accepted"
	}
	writeJSON(w, http.StatusOK, struct {
		MessagingProduct string    `json:"messaging_product"`
		Contacts         []contact `json:"contacts"`
		Messages         []message `json:"messages"`
	}{"whatsapp", []contact{{Input: req.To, WAID: digitsOf(req.To)}}, []message{sent}})
}

// newWAMID makes a message id in the format of Meta's ids: base64 of a few tags, the recipient and a random part.
func newWAMID(digits string) string {
	const random = 9
	raw := append([]byte{0x1c, 0x18, byte(len(digits) & 0x7f)}, digits...)
	raw = append(raw, 0x15, 0x02, 0x00, 0x11, 0x18, 2*random)
	raw = append(raw, strings.ToUpper(hex.EncodeToString(randomBytes(random)))...)
	return "wamid." + base64.StdEncoding.EncodeToString(append(raw, 0x00))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails
	return b
}

// equalSecrets compares secrets in constant time.
func equalSecrets(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
