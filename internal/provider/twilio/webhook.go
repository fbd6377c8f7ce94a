package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs with HMAC-SHA1
	"encoding/base64"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// Receipts checks the signature of a status callback and returns its status, or nothing when the message has not left
// Twilio yet or is another account's. An Error of code Forged or Invalid says what is wrong.
//
// Twilio does not say when the status changed, so the receipt carries the time at which it came in.
func (c *Client) Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !c.signed(r, form) { // the signature covers the parsed form
		return nil, provider.Forged("the signature is missing or wrong")
	}
	id, word := form.Get("MessageSid"), form.Get("MessageStatus")
	if word == "" || !provider.ValidMessageID(id) {
		return nil, provider.Invalid("MessageSid or MessageStatus is missing or too long", nil)
	}
	status := statusOf(word)
	if status == "" {
		return nil, nil
	}
	ref := provider.Ref(r.URL.Query().Get("ref"))
	if account := form.Get("AccountSid"); account != "" && account != c.account && ref == (backstop.Ref{}) {
		return nil, nil // of another account, and not of ours by its reference
	}
	receipt := backstop.Receipt{
		Provider:  c.Name(),
		Channel:   backstop.SMS,
		MessageID: id,
		Ref:       ref,
		Status:    status,
		At:        time.Now().UTC(),
	}
	if status == backstop.Failed {
		receipt.Failure = c.undelivered(word, provider.Loose(form.Get("ErrorCode")), form.Get("ErrorMessage"))
	}
	return []backstop.Receipt{receipt}, nil
}

// statusOf is empty for a message that has not left Twilio (accepted, scheduled, queued, sending), for one of several
// recipients (partially_delivered), and for words that are not known here.
func statusOf(word string) backstop.Status {
	switch word {
	case "sent":
		return backstop.Sent
	case "delivered":
		return backstop.Delivered
	case "read":
		return backstop.Read
	case "undelivered", "failed", "canceled":
		return backstop.Failed
	default:
		return ""
	}
}

// undelivered is the failure of a message that ended with this status word. The code and the text may be empty.
func (c *Client) undelivered(word string, code provider.Loose, text string) *backstop.Failure {
	refusal := provider.Refusal{Text: "reported as " + word}
	if text != "" {
		refusal.Text += ": " + text
	}
	if n, ok := code.Int(); ok && n > 0 {
		refusal.Code, refusal.Meaning = strconv.Itoa(n), meaningOf(n)
	}
	return c.poster.Undelivered(refusal)
}

// signed compares X-Twilio-Signature in constant time: base64 of HMAC-SHA1 over the address that Twilio called and the
// form, sorted by name. The address comes from the configuration, because behind a proxy the request does not have it. It
// excludes the fragment of the StatusCallback, which Twilio does not sign.
// As Twilio's own libraries do, it takes the address with its port and without ("sig generation on the back end is
// inconsistent"), and of a parameter that comes more than once each distinct value, sorted.
func (c *Client) signed(r *http.Request, form url.Values) bool {
	signature, err := base64.StdEncoding.Strict().DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil {
		return false
	}
	var params strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			params.WriteString(name + value)
		}
	}
	genuine := false
	for _, base := range addresses(c.public) {
		mac := hmac.New(sha1.New, c.authToken)
		mac.Write([]byte(base + r.URL.RequestURI() + params.String()))
		genuine = hmac.Equal(signature, mac.Sum(nil)) || genuine
	}
	return genuine
}

// addresses returns an address without its port and with it, the scheme's own if it names none.
func addresses(public *url.URL) []string {
	without, with := *public, *public
	without.Host = public.Hostname()
	if strings.Contains(without.Host, ":") {
		without.Host = "[" + without.Host + "]"
	}
	if public.Port() == "" {
		port := "443"
		if public.Scheme == "http" {
			port = "80"
		}
		with.Host = net.JoinHostPort(public.Hostname(), port)
	}
	return []string{without.String(), with.String()}
}
