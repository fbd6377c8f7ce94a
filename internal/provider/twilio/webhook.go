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

// Receipts verifies the signature of a callback and returns its receipt: of a status, or of an inbound message. It returns no
// receipt if the message has not left Twilio yet or belongs to another account. An Error with code Forged or Invalid says what
// is wrong.
//
// A callback has no time of the status change, so the receipt has the time at which the callback arrived.
func (c *Client) Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !c.isSigned(r, form) { // the signature covers the parsed form
		return nil, provider.Forged("the signature is missing or wrong")
	}
	if isInbound(form) {
		return c.readInbound(form)
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
	if c.isOfAnother(form) && ref == (backstop.Ref{}) {
		return nil, nil // the account is another one, and there is no reference of ours
	}
	receipt := c.newReceipt(id)
	receipt.Ref, receipt.Status = ref, status
	if status == backstop.Failed {
		receipt.Failure = c.undeliveredFailure(word, provider.Loose(form.Get("ErrorCode")), form.Get("ErrorMessage"))
	}
	return []backstop.Receipt{receipt}, nil
}

// isOfAnother reports whether a callback is about a message of another Twilio account.
func (c *Client) isOfAnother(form url.Values) bool {
	account := form.Get("AccountSid")
	return account != "" && account != c.sid
}

func (c *Client) newReceipt(id string) backstop.Receipt {
	return backstop.Receipt{Provider: name, Account: c.account, Channel: c.channel, MessageID: id, At: time.Now().UTC()}
}

// statusOf returns the status for a word of Twilio's. It returns "" for a message that has not left Twilio (accepted,
// scheduled, queued, sending), for a message to several recipients (partially_delivered), and for unknown words.
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

// undeliveredFailure returns the failure of a message whose last status is this word. The code and the text may be empty.
func (c *Client) undeliveredFailure(word string, code provider.Loose, text string) *backstop.Failure {
	refusal := provider.Refusal{Text: "reported as " + word}
	if text != "" {
		refusal.Text += ": " + text
	}
	if n, ok := code.Int(); ok && n > 0 {
		refusal.Code, refusal.Meaning = strconv.Itoa(n), codeMeaning(n)
	}
	return c.poster.Undelivered(refusal)
}

// isSigned verifies X-Twilio-Signature in constant time: base64 of HMAC-SHA1 over the URL that Twilio called and the form,
// sorted by name. The base URL comes from the configuration, because behind a proxy the request does not contain it. The
// fragment of the StatusCallback is not part of it, because Twilio does not sign the fragment.
//
// As Twilio's own libraries do, isSigned accepts the URL with its port and without ("sig generation on the back end is
// inconsistent"). A parameter that comes more than once counts with each distinct value, sorted.
func (c *Client) isSigned(r *http.Request, form url.Values) bool {
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
	for _, public := range c.publicURLs {
		for _, base := range portVariants(public) {
			for _, token := range c.authTokens {
				mac := hmac.New(sha1.New, []byte(token))
				mac.Write([]byte(base + r.URL.RequestURI() + params.String()))
				genuine = hmac.Equal(signature, mac.Sum(nil)) || genuine
			}
		}
	}
	return genuine
}

// portVariants returns a URL without its port and with its port. If the URL has no port, the second variant has the
// scheme's default port.
func portVariants(public *url.URL) []string {
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
