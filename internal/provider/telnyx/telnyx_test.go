package telnyx_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/providertest"
	"github.com/backstophq/backstop/internal/provider/telnyx"
)

const (
	apiKey  = "KEY0123-s3cret"
	profile = "4001b2c3-89ab-4def-8123-456789abcdef"
)

// keyOf returns the private key of a seed.
func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

// publicKey returns the public key of a seed, as Telnyx's portal shows it.
func publicKey(seed byte) string {
	public, _ := keyOf(seed).Public().(ed25519.PublicKey)
	return base64.StdEncoding.EncodeToString(public)
}

func driver() providertest.Driver {
	return providertest.Driver{
		Of:      telnyx.Driver(),
		Channel: backstop.SMS,
		Values:  map[string]string{"api_key": apiKey, "public_key": publicKey('a'), "messaging_profile_id": profile},
		Others:  map[string]string{"public_key": publicKey('b')},
		Secrets: []string{apiKey},
		SMS: backstop.SMSMessage{
			Ref: providertest.Ref, To: providertest.To, SendID: "Backstop", Text: "Grüße & <4711>", ValidFor: time.Minute,
		},
		CheckRequest: func(t *testing.T, r *http.Request, body []byte) {
			t.Helper()
			checkSend(t, r, body, `"from":"Backstop","messaging_profile_id":"`+profile+`"`)
		},
		Accepted: func(id string) providertest.Reply {
			return providertest.Reply{Status: http.StatusOK, Body: `{"data":{"record_type":"message","new_field":{"x":[1]},"id":"` + id +
				`","to":[{"phone_number":"+447400123456","status":"queued"}],"parts":2,"errors":[]}}`}
		},
		Refused:         refused,
		Codes:           codes(),
		Hook:            hook,
		Sign:            sign,
		SignatureHeader: "Telnyx-Signature-Ed25519",
		Statuses: map[string]backstop.Status{
			"queued": "", "sending": "", "sent": backstop.Sent, "delivery_unconfirmed": backstop.Sent, "delivered": backstop.Delivered,
			"delivery_failed": backstop.Failed, "sending_failed": backstop.Failed, "expired": backstop.Failed,
		},
		Failed:   "delivery_failed",
		HasTimes: true,
		Lookup:   lookup(),
	}
}

func TestSMS(t *testing.T) {
	t.Parallel()
	providertest.Run(t, driver())
}

func FuzzReceipts(f *testing.F) {
	for _, body := range []string{
		`{"data":{"event_type":"message.received","payload":{"id":"1","from":{"phone_number":"+447400123456"},"to":[{"phone_number":"7"}],"text":"STOP"}}}`,
		`{"data":{"event_type":"message.finalized","payload":{"id":7,"to":"odd","errors":{}}}}`, `{"data":[]}`,
	} {
		f.Add("", []byte(body), true)
	}
	providertest.Fuzz(f, driver())
}

func FuzzAnswers(f *testing.F) { providertest.FuzzAnswers(f, driver()) }

// codes is the table of the manual, with the HTTP statuses of its examples, or 400.
func codes() providertest.CodeTable {
	var table providertest.CodeTable
	table.Add(backstop.Throttled, "", 429, 10011, 40318)
	table.Add(backstop.Throttled, "", 400, 40011, 40018)
	table.Add(backstop.Unavailable, "", 500, 10007)
	table.Add(backstop.Rejected, backstop.OptedOut, 400, 40300)
	table.Add(backstop.Rejected, backstop.RecipientFault, 400, 40001, 40004, 40005, 40006, 40008, 40012, 40301, 40309, 40310, 40319)
	table.Add(backstop.Rejected, backstop.TemplateFault, 400, 10004, 10015, 40002, 40009, 40015, 40017, 40302, 40304, 40316, 40322, 40328)
	table.Add(backstop.Rejected, backstop.AccountFault, 401, 10009, 20002, 20006)
	table.Add(backstop.Rejected, backstop.AccountFault, 403, 10010, 20012, 20013, 20014, 20015, 20016, 20017, 20100, 10039, 40314)
	table.Add(backstop.Rejected, backstop.AccountFault, 404, 10005)
	table.Add(backstop.Rejected, backstop.AccountFault, 400, 10003, 10006, 10016, 10017, 40003, 40010, 40013, 40016, 40019, 40020)
	table.Add(backstop.Rejected, backstop.AccountFault, 400, 40100, 40150, 40151, 40155, 40305, 40306, 40307, 40311, 40312, 40313)
	table.Add(backstop.Rejected, backstop.AccountFault, 400, 40315, 40320, 40321, 40325, 40329, 40330, 40331)
	table.Add(backstop.Rejected, backstop.AccountFault, 429, 40333)
	table.Add(backstop.Rejected, backstop.Expired, 400, 40014)
	table.Add(backstop.Rejected, "", 400, 10001, 10002, 40317) // which number is meant, and MMS
	return table
}

// titleOf returns the title of an error. Code 40300 is the one whose title counts.
func titleOf(code string) string {
	if code == "40300" {
		return "Blocked due to STOP message"
	}
	return "Refused"
}

func refused(status int, code, text string) providertest.Reply {
	return providertest.Reply{Status: status, Body: `{"errors":[{"code":"` + code + `","title":"` + titleOf(code) + `","detail":` +
		providertest.Quote(text) + `,"meta":{"url":"https://developers.telnyx.com/docs/overview/errors/` + code + `"},"source":{"pointer":"/to"}}]}`}
}

func checkHeader(t *testing.T, r *http.Request) {
	t.Helper()
	require.Equal(t, "Bearer "+apiKey, r.Header.Get("Authorization"))
}

func checkSend(t *testing.T, r *http.Request, body []byte, sender string) {
	t.Helper()
	checkHeader(t, r)
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "/v2/messages", r.URL.RequestURI())
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.JSONEq(t, `{"to":"+447400123456","text":"Grüße & <4711>","type":"SMS",`+sender+
		`,"webhook_url":"https://backstop.example/webhooks/telnyx/main?ref=`+providertest.Ref.String()+`"}`, string(body))
}

// hook is a webhook as the manual shows it. The address that is called has another reference: it is not signed.
func hook(reports ...providertest.Report) providertest.Hook {
	r := reports[0]
	kind := "message.finalized"
	if r.Status == "sent" {
		kind = "message.sent"
	}
	at := r.At
	if seconds, err := strconv.ParseInt(at, 10, 64); err == nil && seconds < 1e12 {
		at = time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05.000-07:00")
	}
	body := `{"data":{"event_type":"` + kind + `","id":"4ee8c3a6-4995-4309-a3c6-38e3db9ea4be","occurred_at":` + providertest.Quote(at) +
		`,"record_type":"event","payload":` + payload(r.ID, r.Status, r.Code, r.Text, r.Ref) + `},"meta":{"attempt":1}}`
	other := backstop.Ref{Send: "0193a1b2-c3d4-7e5f-8a6b-ffffffffffff", Step: 1}
	return providertest.Hook{Target: "/webhooks/telnyx/main?ref=" + other.String(), Body: []byte(body)}
}

// payload is a message in a webhook, and in the answer to a look-up.
func payload(id, status, code, text, ref string) string {
	list := ""
	if code != "" {
		list = `{"code":"` + code + `","title":"` + titleOf(code) + `","detail":` + providertest.Quote(text) + `}`
	}
	return `{"id":` + providertest.Quote(id) + `,"direction":"outbound","type":"SMS","cost":{"amount":"0.0051","currency":"USD"},"parts":2,
		"from":{"phone_number":"Backstop"},"to":[{"carrier":"T-MOBILE","line_type":"Wireless","phone_number":"+447400123456","status":` +
		providertest.Quote(status) + `}],"cc":[],"errors":[` + list + `],"new_field":[null],"webhook_url":` +
		providertest.Quote("https://backstop.example/webhooks/telnyx/main?ref="+escape(ref)) + `}`
}

// escape escapes a reference for a query, as far as the suite's references need it.
func escape(ref string) string {
	return strings.NewReplacer("+", "%2B", " ", "%20", ";", "%3B", "\x00", "%00").Replace(ref)
}

func sign(r *http.Request, body []byte) { signAt(r, body, 'a', time.Now()) }

func signAt(r *http.Request, body []byte, seed byte, at time.Time) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signature := ed25519.Sign(keyOf(seed), append([]byte(stamp+"|"), body...))
	r.Header.Set("Telnyx-Timestamp", stamp)
	r.Header.Set("Telnyx-Signature-Ed25519", base64.StdEncoding.EncodeToString(signature))
}

func lookup() *providertest.Lookup {
	return &providertest.Lookup{
		ByID: true,
		CheckRequest: func(t *testing.T, r *http.Request, id string) {
			t.Helper()
			checkHeader(t, r)
			require.Equal(t, http.MethodGet, r.Method)
			require.Equal(t, "/v2/messages/"+id, r.URL.RequestURI())
		},
		Missing: refused(http.StatusNotFound, "10005", "The requested resource or URL could not be found."),
		One: func(m providertest.Listed) providertest.Reply {
			return providertest.Reply{
				Status: http.StatusOK, Body: `{"data":` + payload(m.ID, m.Status, m.Code, m.Reason, providertest.Ref.String()) + `}`,
			}
		},
	}
}
