package sandbox

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// whatsAppAddress begins an address of WhatsApp at Twilio.
const whatsAppAddress = "whatsapp:"

var twilioContentSID = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)

// isWhatsApp reports whether a message goes out by WhatsApp.
func (f twilioForm) isWhatsApp() bool { return strings.HasPrefix(f.to, whatsAppAddress) }

// postTwilioWhatsApp takes a message that goes out by WhatsApp. It is a message as any other of Twilio's, with addresses of
// WhatsApp, with the statuses of WhatsApp, and with error codes of its own.
func (s *Server) postTwilioWhatsApp(w http.ResponseWriter, r *http.Request, form twilioForm) {
	m := Message{
		Time:        time.Now(),
		Provider:    providerTwilio,
		Channel:     channelWhatsApp,
		To:          internationalNumber(form.to),
		From:        form.sender(),
		Text:        form.body,
		Template:    form.content,
		Correlation: form.callback,
	}
	if f := s.checkTwilioWhatsApp(r, form); f != nil {
		s.refuseCall(w, m, f, refuseTwilio)
		return
	}
	sc := s.scenarioOf(digitsOf(form.to))
	m.Scenario, m.ID = sc.Name, "SM"+hex.EncodeToString(randomBytes(16))
	c := call{
		message: m,
		plan:    sc.whatsApp,
		status:  http.StatusCreated,
		refuse:  func(w http.ResponseWriter, f *fault) { refuseTwilio(w, twilioFault(f)) },
		accept:  func(w http.ResponseWriter) { s.acceptTwilio(w, form, m) },
		retries: readOverrides(form.callback),
		changePosts: func(posts []post) []post {
			return s.keepTwilio(form, m, singlePosts(posts, twilioFault))
		},
	}
	if form.callback != "" {
		c.webhook = s.twilioCallback(form, m.ID)
	}
	s.runScenario(w, r, c)
}

// checkTwilioWhatsApp returns Twilio's error for an invalid message on WhatsApp, or nil.
func (s *Server) checkTwilioWhatsApp(r *http.Request, form twilioForm) *fault {
	if f := s.authenticateTwilio(r); f != nil {
		return f
	}
	from, isWhatsApp := strings.CutPrefix(form.from, whatsAppAddress)
	var variables map[string]string
	switch {
	case !e164.MatchString(strings.TrimPrefix(form.to, whatsAppAddress)):
		return badSMS(21211, "Invalid 'To' Phone Number")
	case !isWhatsApp:
		return badSMS(21910, "Invalid From and To pair. From and To should be of the same channel")
	case !e164.MatchString(from):
		return badSMS(63007, "Twilio could not find a Channel with the specified From address")
	case form.body == "" && form.content == "":
		return badSMS(21619, "A text message body or media urls must be specified.")
	case form.content != "" && !twilioContentSID.MatchString(form.content):
		return badSMS(21655, "The ContentSid is Invalid")
	case form.variables != "" && json.Unmarshal([]byte(form.variables), &variables) != nil:
		return badSMS(21656, "The Content Variables Parameter is invalid")
	case utf8.RuneCountInString(form.body) > maxSMSBody:
		return badSMS(21617, fmt.Sprintf("The concatenated message body exceeds the %d character limit.", maxSMSBody))
	case form.callback != "" && !absoluteHTTP(form.callback):
		return badSMS(21609, "The 'StatusCallback' URL is not a valid URL.")
	}
	return nil
}

// twilioFault translates a fault of the scenarios, which has Meta's code, into Twilio's.
func twilioFault(f *fault) *fault {
	if f == nil {
		return nil
	}
	translated, known := map[int]fault{
		131026: {code: 63024, title: "Invalid message recipient"},
		131050: {code: 63014, title: "Channel message blocked by user action"},
		132001: {code: 63027, title: "Template does not exist for a language and locale"},
		130429: {code: 20429, title: "Too Many Requests"},
		131000: {code: 20500, title: "Internal Server Error"},
		131016: {code: 20503, title: "Service Unavailable"},
		190:    {code: 20003, title: "Authenticate"},
	}[f.code]
	if !known {
		return f
	}
	translated.status, translated.retryAfter = f.status, f.retryAfter
	if f.status == http.StatusNotFound {
		translated.status = http.StatusBadRequest // the message is wrong, not the address of the request
	}
	return &translated
}

// singlePosts returns posts with one receipt each, for providers whose webhooks have one, with the faults translated.
func singlePosts(posts []post, translate func(*fault) *fault) []post {
	var single []post
	for _, p := range posts {
		for _, r := range p.receipts {
			r.fault = translate(r.fault)
			single = append(single, newPost(p.after, r))
		}
	}
	return single
}

// getTwilioAccount answers with the account (twilio_api_v2010, api.v2010.account).
func (s *Server) getTwilioAccount(w http.ResponseWriter, r *http.Request) {
	if f := s.authenticateTwilio(r); f != nil {
		refuseTwilio(w, f)
		return
	}
	if !strings.HasSuffix(r.PathValue("account"), ".json") {
		refuseTwilio(w, notFound(r)) // without the suffix Twilio answers with XML
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"sid": s.twilio.AccountSID, "owner_account_sid": s.twilio.AccountSID, "friendly_name": "Sandbox",
		"status": "active", "type": "Full",
	})
}
