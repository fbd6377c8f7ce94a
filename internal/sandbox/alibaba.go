package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	providerAlibaba = "alibaba"
	alibabaClock    = 15 * time.Minute // how far the time of a call may be from the sandbox's
)

// Alibaba is the simulated account of Alibaba Cloud. Its SMS service is at /alibaba/sms, its Chat App Message Service at
// /alibaba/whatsapp.
type Alibaba struct {
	AccessKeyID     string
	AccessKeySecret string
	WhatsAppSender  string // the number of the WhatsApp account, without a plus

	// The addresses that get the receipts, as the console has them. If one is empty, its channel has no receipts.
	SMSWebhookURL, WhatsAppWebhookURL string
}

func (a Alibaba) check() error {
	var problems []error
	for name, value := range map[string]string{
		"AccessKeyID": a.AccessKeyID, "AccessKeySecret": a.AccessKeySecret, "WhatsAppSender": a.WhatsAppSender,
	} {
		if value == "" {
			problems = append(problems, errors.New("option Alibaba."+name+" is empty"))
		}
	}
	for name, address := range map[string]string{"SMSWebhookURL": a.SMSWebhookURL, "WhatsAppWebhookURL": a.WhatsAppWebhookURL} {
		if address != "" && !absoluteHTTP(address) {
			problems = append(problems, errors.New("option Alibaba."+name+" is not an absolute http or https URL"))
		}
	}
	return errors.Join(problems...)
}

func (a Alibaba) mount(s *Server) {
	face := &alibabaFace{Alibaba: a, server: s, messages: map[string]alibabaMessage{}}
	s.mux.HandleFunc("POST /alibaba/sms/{$}", face.serveSMS)
	s.mux.HandleFunc("POST /alibaba/whatsapp/{$}", face.serveWhatsApp)
}

func (a Alibaba) accounts(address string) []Account {
	return []Account{
		{providerAlibaba, channelSMS, map[string]string{
			"sms_endpoint": address + "/alibaba/sms", "access_key_id": a.AccessKeyID, "access_key_secret": a.AccessKeySecret,
		}},
		{providerAlibaba, channelWhatsApp, map[string]string{
			"whatsapp_endpoint": address + "/alibaba/whatsapp", "access_key_id": a.AccessKeyID,
			"access_key_secret": a.AccessKeySecret, "whatsapp_sender": a.WhatsAppSender,
		}},
	}
}

// alibabaFace answers the calls of both services.
type alibabaFace struct {
	Alibaba

	server *Server

	mu       sync.Mutex
	messages map[string]alibabaMessage // the accepted SMS by id, for QueryMessage
}

// alibabaMessage is an accepted SMS with its receipts.
type alibabaMessage struct {
	to, text string
	created  time.Time
	posts    []post
}

// refuse writes an error of the gateway that stands before all services.
func (f *alibabaFace) refuse(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]string{
		"RequestId": requestID(), "HostId": "sandbox", "Code": code, "Message": message,
		"Recommend": "https://api.aliyun.com/troubleshoot?q=" + url.QueryEscape(code),
	})
}

// refuseCredentials refuses a call whose AccessKey was withdrawn.
func (f *alibabaFace) refuseCredentials(w http.ResponseWriter) {
	f.refuse(w, http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
}

func requestID() string {
	raw := strings.ToUpper(hex.EncodeToString(randomBytes(16)))
	return strings.Join([]string{raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]}, "-")
}

// authenticate verifies the signature of a call (manual, "V3 request body and signature mechanism"). If it is wrong, it answers
// and returns false.
func (f *alibabaFace) authenticate(w http.ResponseWriter, r *http.Request, version string) bool {
	body := readBody(w, r)
	parts := credentialParts(r.Header.Get("Authorization"))
	at, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("X-Acs-Date"))
	switch {
	case parts["Credential"] == "":
		f.refuse(w, http.StatusBadRequest, "MissingSecurityToken", "The signature is missing.")
	case parts["Credential"] != f.AccessKeyID:
		f.refuseCredentials(w)
	case err != nil:
		f.refuse(w, http.StatusBadRequest, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
	case time.Since(at).Abs() > alibabaClock:
		f.refuse(w, http.StatusBadRequest, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
	case r.Header.Get("X-Acs-Signature-Nonce") == "",
		!equalSecrets(f.signature(r, body, parts["SignedHeaders"]), parts["Signature"]):
		f.refuse(w, http.StatusBadRequest, "SignatureDoesNotMatch", "Specified signature does not match our calculation.")
	case r.Header.Get("X-Acs-Version") != version:
		f.refuse(w, http.StatusBadRequest, "InvalidVersion", "Specified parameter Version is not valid.")
	default:
		return true
	}
	return false
}

// credentialParts splits an Authorization header into its parts, or returns none if its algorithm is another one.
func credentialParts(header string) map[string]string {
	list, found := strings.CutPrefix(header, "ACS3-HMAC-SHA256 ")
	if !found {
		return nil
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(list, ",") {
		key, value, _ := strings.Cut(part, "=")
		parts[key] = value
	}
	return parts
}

// signature computes the signature of a request, over the headers that it names. It is empty if one of the headers that must be
// signed is not.
func (f *alibabaFace) signature(r *http.Request, body []byte, signed string) string {
	names := strings.Split(signed, ";")
	for _, needed := range []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-version"} {
		if !slices.Contains(names, needed) {
			return ""
		}
	}
	payload := sha256.Sum256(body)
	if r.Header.Get("X-Acs-Content-Sha256") != hex.EncodeToString(payload[:]) {
		return ""
	}
	var canonical strings.Builder
	canonical.WriteString(r.Method + "\n" + r.URL.Path + "\n" + canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		canonical.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	canonical.WriteString("\n" + signed + "\n" + hex.EncodeToString(payload[:]))
	digest := sha256.Sum256([]byte(canonical.String()))
	mac := hmac.New(sha256.New, []byte(f.AccessKeySecret))
	_, _ = mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(digest[:])))
	return hex.EncodeToString(mac.Sum(nil))
}

// canonicalQuery writes the parameters in the order of their names, with every byte but the unreserved ones of RFC 3986 escaped.
func canonicalQuery(query url.Values) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
	escape := func(text string) string {
		var escaped strings.Builder
		for _, b := range []byte(text) {
			if strings.IndexByte(unreserved, b) >= 0 {
				escaped.WriteByte(b)
				continue
			}
			escaped.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{b})))
		}
		return escaped.String()
	}
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// alibabaRetries repeats receipts after 1, 5 and 10 minutes at speed 1. The manual has these pauses for SMS within China.
type alibabaRetries struct{ speed float64 }

func (p alibabaRetries) nextPause(attempt int, _ time.Duration, _ error) (time.Duration, bool) {
	pauses := []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute}
	if attempt >= len(pauses) {
		return 0, false
	}
	return max(scaleDelay(pauses[attempt], p.speed), minFirstBackoff), true
}

// newAlibabaID makes a message id of digits, as those of both services look in the manual.
func newAlibabaID() string {
	var id strings.Builder
	for _, b := range randomBytes(8) {
		id.WriteString(strconv.Itoa(100 + int(b)))
	}
	return id.String()
}
