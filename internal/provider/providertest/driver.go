// Package providertest is the test suite that every driver passes. It checks the requests of the driver, the meaning of every
// kind of answer and of every failure of a connection, and the receipts from good, broken and forged webhooks. The suite
// uses real connections only.
package providertest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// To is the recipient of every message of the suite. No failure may repeat it.
const To = "+447400123456"

// otherSecret is a secret of another account of the same process. No failure may repeat it.
const otherSecret = "another-account-s3cret"

// Secrets returns the shared secrets that Driver.New must pass to its client. They contain a secret of another account.
func Secrets() *provider.Secrets {
	var s provider.Secrets
	s.Add(otherSecret)
	return &s
}

// Ref is the reference of every message of the suite.
var Ref = backstop.Ref{Send: "0193a1b2-c3d4-7e5f-8a6b-0123456789ab", Step: 2}

// Send sends a message to To with Ref.
type Send func(ctx context.Context) (backstop.Submission, error)

// AccountName is the name of the account under test.
const AccountName = "main"

// PublicURL is the address of the API as providers see it.
const PublicURL = "https://backstop.example"

// Driver is a driver under test, with the wire format of its provider.
type Driver struct {
	Of      provider.Driver
	Channel backstop.Channel
	Values  map[string]string // the account's settings, without the one that AddressField names
	Others  map[string]string // other valid values of the settings that verify webhooks; may be nil if any text is valid
	Secrets []string          // the secrets that go out with a request; no failure may repeat one

	// AddressField names the setting with the address of the provider's API; "base_url" if it is empty. AddressPath follows the
	// address of the simulated provider in it.
	AddressField, AddressPath string

	WhatsApp backstop.WhatsAppMessage // the message that is sent on WhatsApp, with To and Ref
	SMS      backstop.SMSMessage      // the message that is sent by SMS, with To and Ref

	// CheckRequest fails the test unless the request carries the credentials, the message and Ref.
	CheckRequest func(t *testing.T, r *http.Request, body []byte)
	// Accepted is the answer to an accepted message, with more fields than the driver needs.
	Accepted func(id string) Reply
	// Refused is an answer with the provider's own error body.
	Refused func(status int, code, text string) Reply
	Codes   CodeTable // all rows of the driver's table

	Hook            func(reports ...Report) Hook       // a webhook, with more fields than the driver needs
	Sign            func(r *http.Request, body []byte) // signs a webhook as the provider does
	SignatureHeader string                             // the header that has the signature; empty if nothing is signed
	Statuses        map[string]backstop.Status         // by the provider's word; empty if the driver must ignore the word
	Failed          string                             // the word for a message that failed
	Batches         bool                               // a webhook may carry several reports
	HasTimes        bool                               // a report has its time

	Lookup *Lookup // nil if the driver cannot look up messages

	OwnID          bool                         // the provider has no ids: Ref is the id of the message
	OwnConnections bool                         // each request has a connection of its own
	CodePrefix     string                       // before each code of the provider in a failure
	StatusClasses  map[int]backstop.RejectClass // the classes of HTTP statuses, whatever the code
}

// messageID returns the id of a message that has this id at a provider with ids.
func (d Driver) messageID(id string) string {
	if d.OwnID {
		return Ref.String()
	}
	return id
}

// Settings returns the settings of the account under test, for a provider at baseURL.
func (d Driver) Settings(baseURL string, timeout time.Duration) provider.Settings {
	values := maps.Clone(d.Values)
	values[cmp.Or(d.AddressField, "base_url")] = baseURL + d.AddressPath
	public, err := url.Parse(PublicURL)
	if err != nil {
		panic(err) // it is a constant
	}
	return provider.Settings{
		Account: AccountName, Channel: d.Channel, Values: d.Of.WithDefaults(d.Channel, values), Timeout: timeout,
		PublicURLs: []*url.URL{public}, WebhookPath: "/webhooks/" + d.Of.Name + "/" + AccountName, Secrets: Secrets(),
	}
}

// open opens the account under test. Its settings pass the checks that the API makes.
func (d Driver) open(tb testing.TB, baseURL string, timeout time.Duration) (provider.Client, Send) {
	tb.Helper()
	settings := d.Settings(baseURL, timeout)
	require.NoError(tb, d.Of.ValidateAccount(backstop.Account{
		Name: AccountName, Provider: d.Of.Name, Channel: d.Channel, Settings: settings.Values,
		OnUnknown: d.Of.OnUnknown, WhenUnhealthy: backstop.FallBackUnhealthy, CallTimeout: backstop.DefaultCallTimeout,
	}))
	client, err := d.Of.Open(settings)
	require.NoError(tb, err)
	if d.Channel == backstop.WhatsApp {
		whatsApp, ok := client.(provider.WhatsApp)
		require.True(tb, ok, "a WhatsApp account cannot send")
		return client, func(ctx context.Context) (backstop.Submission, error) { return whatsApp.SendWhatsApp(ctx, d.WhatsApp) }
	}
	sms, ok := client.(provider.SMS)
	require.True(tb, ok, "an SMS account cannot send")
	return client, func(ctx context.Context) (backstop.Submission, error) { return sms.SendSMS(ctx, d.SMS) }
}

// Code is an error code of the provider and what it means in an answer.
type Code struct {
	Code  string
	HTTP  int // the HTTP status of the answer with this code
	Kind  backstop.FailureKind
	Class backstop.RejectClass
}

// CodeTable is the expected meanings of a driver's codes.
type CodeTable []Code

// Add adds a row for each code. All rows have this kind, class and HTTP status.
func (c *CodeTable) Add(kind backstop.FailureKind, class backstop.RejectClass, status int, codes ...int) {
	for _, code := range codes {
		c.AddWords(kind, class, status, strconv.Itoa(code))
	}
}

// AddWords is Add for codes that are no numbers.
func (c *CodeTable) AddWords(kind backstop.FailureKind, class backstop.RejectClass, status int, codes ...string) {
	for _, code := range codes {
		*c = append(*c, Code{Code: code, HTTP: status, Kind: kind, Class: class})
	}
}

// Reply is an answer to a request.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Report is one status report of a webhook.
type Report struct {
	ID     string
	Ref    string
	Status string // the provider's word
	At     string // in the provider's format; empty without HasTimes
	Code   string // the error code; Text is its text
	Text   string
}

// Hook is a webhook's address, without the host, and its body.
type Hook struct {
	Method string // POST if it is empty
	Target string
	Body   []byte
}

// Quote returns s as JSON.
func Quote(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return string(quoted)
}

// UnknownCode is in no provider's table.
const UnknownCode = "987654"

// Run runs the whole suite.
func Run(t *testing.T, d Driver) {
	t.Helper()
	t.Run("Description", func(t *testing.T) { t.Parallel(); testDescription(t, d) })
	t.Run("Send", func(t *testing.T) { t.Parallel(); runAnswers(t, d) })
	t.Run("Faults", func(t *testing.T) { t.Parallel(); runFaults(t, d) })
	t.Run("Receipts", func(t *testing.T) { t.Parallel(); runReceipts(t, d) })
	if d.SignatureHeader != "" {
		t.Run("Signature", func(t *testing.T) { t.Parallel(); runSignature(t, d) })
	}
	if d.Lookup != nil {
		t.Run("Find", func(t *testing.T) { t.Parallel(); runFind(t, d) })
	}
}

// allSecrets returns the secrets of the driver and the secret of another account.
func (d Driver) allSecrets() []string { return append([]string{otherSecret}, d.Secrets...) }

// leakyText is a provider's text that contains everything that a failure must hide.
func (d Driver) leakyText() string {
	return "(#1) for " + To + " or 447400123456 or 44.7400  (１２３)456 with " + strings.Join(d.allSecrets(), " and ") + "\x00\n!"
}

// requireFailure requires a failure of this kind that hides all secrets, and returns it.
func (d Driver) requireFailure(t *testing.T, err error, kind backstop.FailureKind) *backstop.Failure {
	t.Helper()
	require.Error(t, err)
	failure, ok := errors.AsType[*backstop.Failure](err)
	require.True(t, ok, "%T is not a *backstop.Failure: %v", err, err)
	require.Equal(t, kind, failure.Kind, "%v", failure)
	d.checkNoLeak(t, failure)
	return failure
}

// checkFailure is requireFailure without a result.
func (d Driver) checkFailure(t *testing.T, err error, kind backstop.FailureKind) {
	t.Helper()
	_ = d.requireFailure(t, err, kind)
}

// checkNoLeak checks the form of a failure, and that it contains neither a secret nor the recipient's number.
func (d Driver) checkNoLeak(t *testing.T, failure *backstop.Failure) {
	t.Helper()
	require.True(t, failure.Kind == backstop.Rejected || failure.Class == "", "only a rejection has a class: %v", failure)
	require.NotEmpty(t, failure.Reason)
	require.NotRegexp(t, `(Post|Get) "`, failure.Reason, "an error of net/http contains the URL, and the URL contains the account's id")
	require.Zero(t, failure.Kind != backstop.Throttled && failure.RetryAfter != 0, "RetryAfter is for Throttled")
	stored, err := json.Marshal(failure)
	require.NoError(t, err)
	for _, shown := range []string{failure.Error(), string(stored)} {
		for _, secret := range d.allSecrets() {
			require.NotContains(t, shown, secret)
		}
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, shown)
		require.NotContains(t, digits, strings.TrimPrefix(To, "+"))
		require.NotContains(t, shown, "\x00")
		require.NotContains(t, shown, `\u0000`)
		require.Less(t, len(shown), 1000)
	}
}

// request returns the request of a webhook as a server behind a proxy receives it: its host is not the public host.
func (h Hook) request() *http.Request {
	target, err := url.ParseRequestURI(h.Target)
	if err != nil {
		panic(fmt.Sprintf("the webhook's target: %v", err))
	}
	return &http.Request{Method: cmp.Or(h.Method, http.MethodPost), URL: target, Host: "10.0.0.1:8080", Header: http.Header{}}
}
