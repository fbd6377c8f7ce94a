package sandbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with HMAC-SHA1
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

const (
	twilioVersion = "2010-04-01"
	maxSMSBody    = 1600  // UTF-16 code units; the manual, "Message resource"
	maxValidity   = 36000 // seconds
	poolNumber    = "+15550783882"
)

// twilioForm is the body of a send, with the fields that the sandbox uses.
type twilioForm struct {
	to, from, service, body, callback, validity string

	content, variables string // of a template on WhatsApp
}

// sender returns the sender in the request: From or the messaging service.
func (f twilioForm) sender() string { return withDefault(f.from, f.service) }

func parseTwilioForm(contentType string, body []byte) twilioForm {
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/x-www-form-urlencoded" {
		return twilioForm{} // Twilio reads no parameters from a body of another type
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return twilioForm{}
	}
	return twilioForm{
		to:       values.Get("To"),
		from:     values.Get("From"),
		service:  values.Get("MessagingServiceSid"),
		body:     values.Get("Body"),
		callback: values.Get("StatusCallback"),
		validity: values.Get("ValidityPeriod"),

		content:   values.Get("ContentSid"),
		variables: values.Get("ContentVariables"),
	}
}

func (s *Server) postTwilio(w http.ResponseWriter, r *http.Request) {
	form := parseTwilioForm(r.Header.Get("Content-Type"), readBody(w, r))
	if form.isWhatsApp() {
		s.postTwilioWhatsApp(w, r, form)
		return
	}
	m := Message{
		Time:        time.Now(),
		Provider:    providerTwilio,
		Channel:     channelSMS,
		To:          internationalNumber(form.to),
		From:        form.sender(),
		Text:        form.body,
		Correlation: form.callback,
	}
	if f := s.checkTwilio(r, form); f != nil {
		s.refuseCall(w, m, f, refuseTwilio)
		return
	}
	sc := s.scenarioOf(digitsOf(form.to))
	m.Scenario, m.ID = sc.Name, "SM"+hex.EncodeToString(randomBytes(16))
	c := call{
		message:     m,
		plan:        sc.sms,
		status:      http.StatusCreated,
		refuse:      refuseTwilio,
		accept:      func(w http.ResponseWriter) { s.acceptTwilio(w, form, m) },
		retries:     readOverrides(form.callback),
		changePosts: func(posts []post) []post { return s.keepTwilio(form, m, posts) },
	}
	if form.callback != "" {
		c.webhook = s.twilioCallback(form, m.ID)
	}
	s.runScenario(w, r, c)
}

// checkTwilio returns Twilio's error for an invalid request, or nil. Codes and texts are from Twilio's "Error and warning
// dictionary".
func (s *Server) checkTwilio(r *http.Request, form twilioForm) *fault {
	if f := s.authenticateTwilio(r); f != nil {
		return f
	}
	switch {
	case form.to == "":
		return badSMS(21604, "A 'To' phone number is required.")
	case form.sender() == "":
		return badSMS(21603, "A 'From' phone number is required.")
	case form.body == "":
		return badSMS(21602, "Message body is required.")
	case len(utf16.Encode([]rune(form.body))) > maxSMSBody:
		return badSMS(21617, fmt.Sprintf("The concatenated message body exceeds the %d character limit.", maxSMSBody))
	case !e164.MatchString(form.to):
		return badSMS(21211, "Invalid 'To' Phone Number")
	case form.from != "" && !validSender(form.from):
		return badSMS(21212, "Invalid 'From' Phone Number")
	case form.callback != "" && !absoluteHTTP(form.callback):
		return badSMS(21609, "The 'StatusCallback' URL is not a valid URL.")
	}
	return form.validityProblem()
}

func (s *Server) authenticateTwilio(r *http.Request) *fault {
	user, password, _ := r.BasicAuth()
	isAccount := withDefault(r.PathValue("sid"), strings.TrimSuffix(r.PathValue("account"), ".json")) == s.twilio.AccountSID
	if !equalSecrets(user, s.twilio.AccountSID) || !equalSecrets(password, s.twilio.AuthToken) || !isAccount {
		return &fault{status: http.StatusUnauthorized, code: 20003, title: "Authenticate"}
	}
	return nil
}

func (f twilioForm) validityProblem() *fault {
	if f.validity == "" {
		return nil
	}
	seconds, err := strconv.Atoi(f.validity)
	switch {
	case err != nil || seconds < 1:
		return badSMS(90014, "Validity Period should be positive integer")
	case seconds > maxValidity:
		return badSMS(90007, "Invalid validity period value")
	}
	return nil
}

func badSMS(code int, title string) *fault {
	return &fault{status: http.StatusBadRequest, code: code, title: title}
}

var (
	e164         = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	shortCode    = regexp.MustCompile(`^[0-9]{3,8}$`)
	alphanumeric = regexp.MustCompile(`^[A-Za-z0-9 +_&-]{1,11}$`) // manual, "Alphanumeric Sender ID"
	letter       = regexp.MustCompile(`[A-Za-z]`)
)

func validSender(from string) bool {
	return e164.MatchString(from) || shortCode.MatchString(from) || (alphanumeric.MatchString(from) && letter.MatchString(from))
}

func refuseTwilio(w http.ResponseWriter, f *fault) {
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
	}
	writeJSON(w, f.status, struct {
		Code     int    `json:"code"`
		Message  string `json:"message"`
		MoreInfo string `json:"more_info"`
		Status   int    `json:"status"`
	}{f.code, f.title, "https://www.twilio.com/docs/errors/" + strconv.Itoa(f.code), f.status})
}

func (s *Server) acceptTwilio(w http.ResponseWriter, form twilioForm, m Message) {
	writeJSON(w, http.StatusCreated, s.messageResource(twilioMessage{form: form, id: m.ID, created: m.Time}, m.Time))
}

// twilioCallback returns the function that makes the callbacks of one message.
func (s *Server) twilioCallback(form twilioForm, id string) webhook {
	return func(ctx context.Context, p post, accepted time.Time) (*http.Request, error) {
		r := p.receipts[0] // a callback has one status
		values := url.Values{
			"SmsSid": {id}, "MessageSid": {id}, "SmsStatus": {r.status}, "MessageStatus": {r.status},
			"AccountSid": {s.twilio.AccountSID}, "ApiVersion": {twilioVersion},
			"To": {form.to}, "From": {withDefault(form.from, poolNumber)},
		}
		if form.service != "" {
			values.Set("MessagingServiceSid", form.service)
		}
		if r.fault != nil {
			values.Set("ErrorCode", strconv.Itoa(r.fault.code))
		}
		if r.status == statusDelivered || r.status == statusUndelivered { // the carrier's own time: YYMMDDhhmm
			values.Set("RawDlrDoneDate", accepted.Add(scaleDelay(r.at, s.speed)).UTC().Format("0601021504"))
		}
		// The fragment is neither sent nor signed (manual, "Connection Overrides").
		target, _, _ := strings.Cut(form.callback, "#")
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(values.Encode()))
		if err != nil {
			return nil, fmt.Errorf("make callback: %w", withoutURL(err))
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		req.Header.Set("User-Agent", "TwilioProxy/1.1")
		req.Header.Set("I-Twilio-Idempotency-Token", id+"-"+r.status) // the same on every try (same manual page)
		req.Header.Set("X-Twilio-Signature", s.signTwilio(target, values))
		return req, nil
	}
}

// signTwilio returns the signature of a callback (manual, "Validating signatures from Twilio"): the URL, then the name and the
// value of each parameter in the order of the names, HMAC-SHA1 with the auth token, base64.
func (s *Server) signTwilio(target string, values url.Values) string {
	mac := hmac.New(sha1.New, []byte(s.twilio.AuthToken))
	_, _ = mac.Write([]byte(target))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		_, _ = mac.Write([]byte(name + values.Get(name)))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
