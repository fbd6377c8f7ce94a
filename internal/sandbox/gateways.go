package sandbox

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Gateways is SMS gateways that speak HTTP, one below each path: /gateways/kannel, jasmin, capcom6, httpsms, 46elks, sinch,
// africastalking and telnyx. They are written from the gateways' manuals and sources, which docs/gateways.md names.
type Gateways struct {
	Username, Password string // of Kannel, Jasmin, capcom6 and 46elks; the user name also of Sinch and Africa's Talking
	Token              string // of httpSMS, Sinch, Africa's Talking and Telnyx
	ReceiptSecret      string // signs the receipts of capcom6 and httpSMS
	WebhookURL         string // of the gateways whose requests have no address for receipts; empty: they send none
}

const providerHTTP = "http"

func (g Gateways) check() error {
	var problems []error
	for _, option := range []struct{ name, value string }{
		{"Username", g.Username}, {"Password", g.Password}, {"Token", g.Token}, {"ReceiptSecret", g.ReceiptSecret},
	} {
		if option.value == "" {
			problems = append(problems, fmt.Errorf("option Gateways.%s is empty", option.name))
		}
	}
	if g.WebhookURL != "" && !absoluteHTTP(g.WebhookURL) {
		problems = append(problems, errors.New("option Gateways.WebhookURL is not an absolute http or https URL"))
	}
	return errors.Join(problems...)
}

func (g Gateways) mount(s *Server) {
	f := &gatewayFace{Gateways: g, server: s, known: map[string]bool{}}
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /gateways/kannel/cgi-bin/sendsms":             f.postKannel,
		"POST /gateways/jasmin/send":                       f.postJasmin,
		"POST /gateways/capcom6/messages":                  f.postCapcom6,
		"POST /gateways/httpsms/v1/messages/send":          f.postHTTPSMS,
		"POST /gateways/46elks/a1/sms":                     f.postElks,
		"POST /gateways/sinch/xms/v1/{plan}/batches":       f.postSinch,
		"POST /gateways/africastalking/version1/messaging": f.postAfricasTalking,
		"POST /gateways/telnyx/v2/messages":                f.postTelnyx,
	} {
		s.mux.HandleFunc(pattern, handle)
	}
}

func (g Gateways) accounts(address string) []Account {
	var accounts []Account
	for _, recipe := range []string{"46elks", "africastalking", "capcom6", "httpsms", "jasmin", "kannel", "sinch", "telnyx"} {
		accounts = append(accounts, Account{providerHTTP, channelSMS, map[string]string{
			"recipe": recipe, "base_url": address + "/gateways/" + recipe, "username": g.Username, "password": g.Password,
			"token": g.Token, "receipt_secret": g.ReceiptSecret,
		}})
	}
	return accounts
}

// gatewayFace is the mounted gateways.
type gatewayFace struct {
	Gateways

	server *Server
	mu     sync.Mutex
	known  map[string]bool // the ids of capcom6's messages
}

// gatewaySend is a request to one of the gateways.
type gatewaySend struct {
	to, from, text string
	id             string // of the message, if it is accepted
	correlation    string
	validity       time.Duration // 0: none
	status         int           // of the answer to an accepted message
	expected       string        // the answer that the gateway wants to a receipt
	accept         func(w http.ResponseWriter)
	refuse         func(w http.ResponseWriter, f *fault)
	accepted       func()                                       // is called when the message is accepted; may be nil
	receipt        func(r receipt, at time.Time) gatewayReceipt // nil: no receipts
}

// run answers a valid request, as the scenario of its recipient says.
func (f *gatewayFace) run(w http.ResponseWriter, r *http.Request, send gatewaySend) {
	s := f.server
	m := f.message(send)
	sc := s.scenarioOf(digitsOf(send.to))
	m.Scenario, m.ID = sc.Name, send.id
	c := call{
		message: m, plan: sc.sms, status: send.status, refuse: send.refuseScenario, accept: send.accept, expected: send.expected,
		retries: metaRetries{speed: s.speed},
		changePosts: func(posts []post) []post {
			if send.accepted != nil {
				send.accepted()
			}
			if send.validity > 0 {
				return applyValidity(posts, send.validity, s.speed)
			}
			return posts
		},
	}
	if send.receipt != nil {
		c.webhook = func(ctx context.Context, p post, accepted time.Time) (*http.Request, error) {
			first := p.receipts[0] // a webhook has one report
			return send.receipt(first, accepted.Add(scaleDelay(first.at, s.speed))).request(ctx)
		}
	}
	s.runScenario(w, r, c)
}

// refuseScenario writes a fault of the scenarios. The credentials have a code of their own there.
func (g gatewaySend) refuseScenario(w http.ResponseWriter, problem *fault) {
	if problem.isRefusedCredentials() {
		problem = wrongCredentials()
	}
	g.refuse(w, problem)
}

// refuse answers an invalid request.
func (f *gatewayFace) refuse(w http.ResponseWriter, send gatewaySend, problem *fault) {
	f.server.refuseCall(w, f.message(send), problem, send.refuse)
}

func (f *gatewayFace) message(send gatewaySend) Message {
	return Message{
		Time: time.Now(), Provider: providerHTTP, Channel: channelSMS, To: internationalNumber(send.to), From: send.from,
		Text: send.text, Correlation: send.correlation,
	}
}

// The faults of requests.
func wrongCredentials() *fault {
	return &fault{status: http.StatusUnauthorized, code: http.StatusUnauthorized}
}
func missingPart() *fault { return &fault{status: http.StatusBadRequest, code: http.StatusBadRequest} }

// The codes of the scenarios' faults, which are Twilio's: each gateway has its own words for them.
const (
	faultUnsubscribed = 21610
	faultExpired      = 30036
)

// gatewayReceipt is the request of a receipt.
type gatewayReceipt struct {
	method, target, contentType, body string
	header                            map[string]string // besides the content type
}

func (p gatewayReceipt) request(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, p.method, p.target, strings.NewReader(p.body))
	if err != nil {
		return nil, fmt.Errorf("make receipt: %w", withoutURL(err))
	}
	if p.contentType != "" {
		request.Header.Set("Content-Type", p.contentType)
	}
	for name, value := range p.header {
		request.Header.Set(name, value)
	}
	return request, nil
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// wordFor returns a gateway's word for the status of a receipt.
func wordFor(r receipt, sent, delivered, failed, expired string) string {
	switch {
	case r.fault != nil && r.fault.code == faultExpired:
		return expired
	case r.status == statusSent:
		return sent
	case r.status == statusDelivered:
		return delivered
	default:
		return failed
	}
}

func randomID() string {
	id := hex.EncodeToString(randomBytes(16))
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// wholeNumber reads a number of these units, or 0.
func wholeNumber(text string, unit time.Duration) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * unit
}

func quoteJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(text)
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // an error means that the client has disconnected
}

// basicAuth reports whether a request has the user name and the password.
func (g Gateways) basicAuth(r *http.Request) bool {
	username, password, _ := r.BasicAuth()
	return equalSecrets(username, g.Username) && equalSecrets(password, g.Password)
}

func (g Gateways) bearer(r *http.Request) bool {
	return equalSecrets(r.Header.Get("Authorization"), "Bearer "+g.Token)
}
