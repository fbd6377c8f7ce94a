package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Infobip is a simulated Infobip account, below the path /infobip. Its SMS and its WhatsApp messages have the addresses of their
// reports with them.
//
// Sources: Infobip's published API descriptions (SMS and WhatsApp, 3.210.0) and its list of statuses and errors.
type Infobip struct {
	APIKey string
	Sender string // the registered WhatsApp number, in digits
}

const providerInfobip = "infobip"

// Limits of the API descriptions.
const (
	maxInfobipID       = 200
	maxInfobipCallback = 4000
	maxInfobipText     = 4000 // of an SMS, in characters; the status REJECTED_MESSAGE_TOO_LONG counts bytes and parts
)

func (i Infobip) check() error {
	if i.APIKey == "" || i.Sender == "" {
		return errors.New("option Infobip.APIKey or Infobip.Sender is empty")
	}
	return nil
}

func (i Infobip) mount(s *Server) {
	face := &infobipFace{Server: s, options: i, kept: newKept[infobipMessage](s.calls.limit)}
	s.mux.HandleFunc("POST /infobip/sms/3/messages", face.authenticated(channelSMS, face.postSMS))
	s.mux.HandleFunc("GET /infobip/sms/3/logs", face.authenticated(channelSMS, face.listLogs))
	s.mux.HandleFunc("POST /infobip/whatsapp/1/message/text", face.authenticated(channelWhatsApp, face.postText))
	s.mux.HandleFunc("POST /infobip/whatsapp/1/message/template", face.authenticated(channelWhatsApp, face.postTemplate))
	s.mux.HandleFunc("GET /infobip/whatsapp/1/senders/quality", face.authenticated(channelWhatsApp, face.listSenders))
}

func (i Infobip) accounts(address string) []Account {
	return []Account{
		{providerInfobip, channelSMS, map[string]string{"base_url": address + "/infobip", "api_key": i.APIKey}},
		{providerInfobip, channelWhatsApp, map[string]string{
			"base_url": address + "/infobip", "api_key": i.APIKey, "sender": i.Sender,
		}},
	}
}

// infobipFace is the requests of the account.
type infobipFace struct {
	*Server

	options Infobip
	kept    *kept[infobipMessage]
}

// infobipCall is a message of a request.
type infobipCall struct {
	id, to, from, text, template, callbackData, notifyURL string
	validity                                              time.Duration
	countParts                                            bool
}

func (f *infobipFace) authenticated(channel string, handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, found := strings.CutPrefix(r.Header.Get("Authorization"), "App ")
		if !found || !equalSecrets(key, f.options.APIKey) {
			readBody(w, r)
			m := Message{Time: time.Now(), Provider: providerInfobip, Channel: channel}
			refusal := infobipHTTP(http.StatusUnauthorized, "The request lacks valid authentication credentials.")
			f.refuseCall(w, m, refusal, refuseInfobip(channel))
			return
		}
		handle(w, r)
	}
}

func (f *infobipFace) postSMS(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Messages []struct {
			Sender       string `json:"sender"`
			Destinations []struct {
				To        string `json:"to"`
				MessageID string `json:"messageId"`
			} `json:"destinations"`
			Content struct {
				Text string `json:"text"`
			} `json:"content"`
			Options struct {
				Validity struct {
					Amount *int   `json:"amount"`
					Unit   string `json:"timeUnit"`
				} `json:"validityPeriod"`
			} `json:"options"`
			Webhooks struct {
				Delivery struct {
					URL string `json:"url"`
				} `json:"delivery"`
				CallbackData string `json:"callbackData"`
			} `json:"webhooks"`
		} `json:"messages"`
		Options struct {
			CountParts bool `json:"includeSmsCountInResponse"`
		} `json:"options"`
	}
	malformed := json.Unmarshal(readBody(w, r), &req) != nil
	if malformed || len(req.Messages) != 1 || len(req.Messages[0].Destinations) != 1 { // the sandbox takes one message at a time
		f.refuseCall(w, Message{Time: time.Now(), Provider: providerInfobip, Channel: channelSMS},
			infobipHTTP(http.StatusBadRequest, "Request cannot be processed."), refuseInfobip(channelSMS))
		return
	}
	m := req.Messages[0]
	c := infobipCall{
		id: m.Destinations[0].MessageID, to: m.Destinations[0].To, from: m.Sender, text: m.Content.Text,
		callbackData: m.Webhooks.CallbackData, notifyURL: m.Webhooks.Delivery.URL, countParts: req.Options.CountParts,
	}
	problem := c.problem()
	switch amount := m.Options.Validity.Amount; {
	case amount != nil && *amount < 1:
		problem = "options.validityPeriod.amount: must be positive"
	case amount != nil:
		c.validity = time.Duration(*amount) * infobipUnit(m.Options.Validity.Unit)
	}
	if utf8.RuneCountInString(m.Content.Text) > maxInfobipText {
		f.refuse(w, c, channelSMS, infobipStatus(25))
		return
	}
	f.accept(w, r, c, channelSMS, problem)
}

// infobipUnit returns the unit of a validity period. The default is minutes.
func infobipUnit(unit string) time.Duration {
	switch unit {
	case "SECONDS":
		return time.Second
	case "HOURS":
		return time.Hour
	default:
		return time.Minute
	}
}

// infobipEnvelope is the fields that each WhatsApp message has.
type infobipEnvelope struct {
	From         string `json:"from"`
	To           string `json:"to"`
	MessageID    string `json:"messageId"`
	CallbackData string `json:"callbackData"`
	NotifyURL    string `json:"notifyUrl"`
}

func (e infobipEnvelope) call() infobipCall {
	return infobipCall{id: e.MessageID, to: e.To, from: e.From, callbackData: e.CallbackData, notifyURL: e.NotifyURL}
}

func (f *infobipFace) postText(w http.ResponseWriter, r *http.Request) {
	var req struct {
		infobipEnvelope

		Content struct {
			Text string `json:"text"`
		} `json:"content"`
	}
	problem := ""
	if json.Unmarshal(readBody(w, r), &req) != nil {
		problem = "Bad request"
	}
	c := req.call()
	c.text = req.Content.Text
	if length := utf8.RuneCountInString(c.text); problem == "" && length > maxTextBody {
		problem = fmt.Sprintf("content.text: size must be between 1 and %d", maxTextBody)
	}
	f.accept(w, r, c, channelWhatsApp, withDefault(problem, f.whatsAppProblem(c)))
}

func (f *infobipFace) postTemplate(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Messages []struct {
			infobipEnvelope

			Content struct {
				Name string `json:"templateName"`
				Data struct {
					Body struct {
						Placeholders *[]string `json:"placeholders"`
					} `json:"body"`
				} `json:"templateData"`
				Language string `json:"language"`
			} `json:"content"`
		} `json:"messages"`
	}
	if json.Unmarshal(readBody(w, r), &req) != nil || len(req.Messages) != 1 {
		f.accept(w, r, infobipCall{}, channelWhatsApp, "Bad request")
		return
	}
	m := req.Messages[0]
	c := m.call()
	c.template = m.Content.Name
	problem := ""
	switch {
	case c.template == "":
		problem = "messages[0].content.templateName: must not be blank"
	case m.Content.Language == "":
		problem = "messages[0].content.language: must not be blank"
	case m.Content.Data.Body.Placeholders == nil:
		problem = "messages[0].content.templateData.body.placeholders: must not be null"
	}
	f.accept(w, r, c, channelWhatsApp, withDefault(problem, f.whatsAppProblem(c)))
}

func (f *infobipFace) whatsAppProblem(c infobipCall) string {
	if c.from != f.options.Sender {
		return "from: is not a registered sender"
	}
	return c.problem()
}

// infobipNumber matches a recipient: digits without a plus.
var infobipNumber = regexp.MustCompile(`^[1-9][0-9]{6,14}$`)

// problem returns what is wrong with a message of any channel, or "".
func (c infobipCall) problem() string {
	switch {
	case !infobipNumber.MatchString(c.to):
		return "to: must be a phone number"
	case c.from == "":
		return "sender: must not be blank"
	case c.text == "" && c.template == "":
		return "content.text: must not be blank"
	case len(c.id) > maxInfobipID:
		return fmt.Sprintf("messageId: size must be between 0 and %d", maxInfobipID)
	case len(c.callbackData) > maxInfobipCallback:
		return fmt.Sprintf("callbackData: size must be between 0 and %d", maxInfobipCallback)
	case c.notifyURL != "" && !absoluteHTTP(c.notifyURL):
		return "url: must be a valid URL"
	}
	return ""
}

// listSenders answers with those of the asked senders that the account has.
func (f *infobipFace) listSenders(w http.ResponseWriter, r *http.Request) {
	results := []map[string]any{}
	for asked := range strings.SplitSeq(strings.Join(r.URL.Query()["senders"], ","), ",") {
		if asked == f.options.Sender {
			results = append(results, map[string]any{
				"sender": asked, "qualityRating": "HIGH", "status": "CONNECTED", "currentLimit": "LIMIT_100K",
				"lastUpdated": time.Now().UTC().Format(time.RFC3339),
			})
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"results": results})
}
