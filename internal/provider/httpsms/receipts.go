package httpsms

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// receipts is how the gateway reports what became of a message.
type receipts struct {
	method   string
	encoding string // json, form or query
	list     string // the path of the reports; empty: the body is a report or a list of them
	id       *extract
	ref      *extract // in the report; the URL may have it too
	status   *extract
	words    map[string]report
	skip     []match  // reports that say nothing of a message's end
	inbound  *inbound // nil: messages of people are not read
	code     *extract
	text     *extract
	time     *extract
	layout   string
	auth     receiptAuth

	answerType, answerBody string
}

// report is what a word of the gateway says of the message. An empty status changes nothing.
type report struct {
	status backstop.Status
	means  provider.Meaning
}

// reports returns the words for what a report says.
func reports() map[string]report {
	return map[string]report{
		"sent":      {status: backstop.Sent},
		"delivered": {status: backstop.Delivered},
		"failed":    {status: backstop.Failed},
		"expired":   {status: backstop.Failed, means: provider.Expired},
		"opted_out": {status: backstop.Failed, means: provider.OptedOut},
		"ignore":    {},
	}
}

func (n node) receipts() *receipts {
	if n.isMissing() {
		return nil
	}
	fields := n.object("method", "encoding", "list", "id", "ref", "status", "words", "skip", "inbound", "error", "time", "auth",
		"answer")
	parts := fields["error"].object("code", "text")
	when := fields["time"].object("path", "layout")
	answer := fields["answer"].object("type", "body")
	r := &receipts{
		method:     fields["method"].choice(http.MethodPost, http.MethodGet),
		encoding:   fields["encoding"].choice("json", "form", "query"),
		list:       fields["list"].text(),
		id:         fields["id"].extract(),
		ref:        fields["ref"].extract(),
		status:     fields["status"].extract(),
		words:      map[string]report{},
		inbound:    fields["inbound"].inbound(),
		code:       parts["code"].extract(),
		text:       parts["text"].extract(),
		time:       when["path"].extract(),
		layout:     when["layout"].layout(),
		auth:       fields["auth"].receiptAuth(),
		answerType: cmp.Or(answer["type"].text(), "text/plain; charset=utf-8"),
		answerBody: answer["body"].text(),
	}
	if r.method == http.MethodGet && r.encoding != "query" {
		fields["encoding"].faultf("must be query, because a GET has no body")
	}
	if r.encoding != "json" && r.list != "" {
		fields["list"].faultf("is for JSON only")
	}
	if r.status == nil {
		fields["status"].faultf("is required")
	}
	for _, item := range fields["skip"].items() {
		r.skip = append(r.skip, item.match(item.object("path", "value", "pattern")))
	}
	for name, word := range fields["words"].entries() {
		known, ok := reports()[word.text()]
		if !ok {
			word.faultf("must be one of %s", joined(reports()))
		}
		r.words[name] = known
	}
	if len(r.words) == 0 {
		fields["words"].faultf("must say what the words of the status mean")
	}
	return r
}

// Receipts verifies a webhook and returns what it reports. The API has checked the secret in the path.
func (c *Client) Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error) {
	how := c.gateway.receipts
	if how == nil {
		return nil, provider.Invalid("the account's gateway has no receipts", nil)
	}
	if !c.isAuthentic(r, body, time.Now()) {
		return nil, provider.Forged("the credentials or the signature are missing or wrong")
	}
	sources, err := how.sources(r, body)
	if err != nil {
		return nil, provider.Invalid("the body is not a receipt of the gateway", err)
	}
	var list []backstop.Receipt
	var errs []error
	for _, s := range sources {
		receipt, err := c.receipt(s, r.URL.Query().Get("ref"))
		switch {
		case err != nil:
			errs = append(errs, err)
		case receipt != nil:
			list = append(list, *receipt)
		}
	}
	if len(errs) > 0 {
		message := fmt.Sprintf("%d of %d reports cannot be read", len(errs), len(sources))
		return list, provider.Invalid(message, errors.Join(errs...))
	}
	return list, nil
}

// sources returns the reports of a webhook, at least one.
func (h *receipts) sources(r *http.Request, body []byte) ([]source, error) {
	if r.Method != h.method {
		return nil, fmt.Errorf("the method is %s", r.Method)
	}
	switch h.encoding {
	case "query":
		return []source{{form: r.URL.Query()}}, nil
	case "form":
		form, err := url.ParseQuery(string(body))
		return []source{{form: form}}, err //nolint:wrapcheck // Receipts has its own words
	}
	value, err := decodeJSON(body)
	if err != nil {
		return nil, err
	}
	if value, _ = descend(value, h.list); value == nil {
		return nil, errors.New("the reports are missing")
	}
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	sources := make([]source, len(list))
	for i, item := range list {
		if _, ok := item.(map[string]any); !ok {
			return nil, errors.New("a report is no object")
		}
		sources[i] = source{json: item}
	}
	if len(sources) == 0 {
		return nil, errors.New("there is no report")
	}
	return sources, nil
}

// receipt reads one report. It returns nil if the report changes nothing, or if another system sent the message.
func (c *Client) receipt(s source, refInURL string) (*backstop.Receipt, error) {
	how := c.gateway.receipts
	if how.inbound != nil && how.inbound.fitsContent(s) {
		return c.inboundReceipt(s)
	}
	for _, skip := range how.skip {
		if skip.fitsContent(s) {
			return nil, nil //nolint:nilnil // a report that changes nothing
		}
	}
	word := how.status.find(s)
	if word == "" {
		return nil, errors.New("read report: its status is missing")
	}
	means := how.meaningOf(word)
	if means.status == "" {
		return nil, nil //nolint:nilnil // a report that changes nothing
	}
	written := cmp.Or(how.ref.find(s), refInURL)
	receipt := &backstop.Receipt{
		Provider: name, Account: c.account, Channel: backstop.SMS, MessageID: how.id.find(s), Ref: readRef(written),
		Status: means.status, At: how.timeOf(s, time.Now()),
	}
	if how.id == nil {
		if receipt.Ref == (backstop.Ref{}) && written != "" {
			return nil, nil //nolint:nilnil // the reference is another system's
		}
		receipt.MessageID = c.ownID(receipt.Ref)
	}
	if !provider.ValidMessageID(receipt.MessageID) {
		return nil, errors.New("read report: its id is missing or too long")
	}
	if receipt.Status == backstop.Failed {
		receipt.Failure = c.undelivered(s, word, means.means)
	}
	return receipt, nil
}

// meaningOf returns what a word says. A word of the document that ends in * stands for all words that begin like it; the longest
// one counts. An unknown word changes nothing.
func (h *receipts) meaningOf(word string) report {
	if means, known := h.words[word]; known {
		return means
	}
	best, means := -1, report{}
	for pattern, of := range h.words {
		start, isPrefix := strings.CutSuffix(pattern, "*")
		if isPrefix && strings.HasPrefix(word, start) && len(start) > best {
			best, means = len(start), of
		}
	}
	return means
}

// undelivered returns the failure of a message that the gateway reports as failed with this word.
func (c *Client) undelivered(s source, word string, means provider.Meaning) *backstop.Failure {
	how := c.gateway.receipts
	code, text := how.code.find(s), how.text.find(s)
	refusal := provider.Refusal{
		Code: c.codeName(code), Text: "reported as " + word, Meaning: cmp.Or(c.gateway.codes[code], means),
	}
	if text != "" {
		refusal.Text += ": " + text
	}
	return c.poster.Undelivered(refusal)
}

// timeOf returns the time of a report. A time that is missing, unreadable or impossible becomes now.
func (h *receipts) timeOf(s source, now time.Time) time.Time {
	text := h.time.find(s)
	at, ok := parseTime(text, h.layout)
	if text == "" || !ok || at.Unix() <= 0 || at.After(now.Add(24*time.Hour)) {
		return now.UTC()
	}
	return at.UTC()
}

// layout returns the layout of a time. One that has no year is a mistake, such as YYYY.
func (n node) layout() string {
	layout := n.text()
	switch layout {
	case "", "unix", "unix_ms", "rfc3339":
		return layout
	}
	now := time.Now()
	if at, ok := parseTime(now.Format(layout), layout); !ok || at.Year() != now.Year() {
		n.faultf(`must be unix, unix_ms, rfc3339 or written as Go writes a time, such as "2006-01-02 15:04:05"`)
	}
	return layout
}

// parseTime reads a time. The layout is unix (seconds), unix_ms, rfc3339 (or empty), or written as Go writes the reference time
// Mon Jan 2 15:04:05 MST 2006.
func parseTime(text, layout string) (time.Time, bool) {
	switch layout {
	case "unix", "unix_ms":
		n, err := strconv.ParseInt(text, 10, 64)
		if layout == "unix_ms" {
			return time.UnixMilli(n), err == nil
		}
		return time.Unix(n, 0), err == nil
	case "", "rfc3339":
		layout = time.RFC3339
	}
	at, err := time.Parse(layout, text)
	return at, err == nil
}

// ReceivesGet reports whether the gateway sends its receipts by GET.
func (c *Client) ReceivesGet() bool {
	return c.gateway.receipts != nil && c.gateway.receipts.method == http.MethodGet
}

// WebhookAnswer returns the answer that the gateway expects to a receipt.
func (c *Client) WebhookAnswer() (string, []byte) {
	if c.gateway.receipts == nil {
		return "text/plain; charset=utf-8", nil
	}
	return c.gateway.receipts.answerType, []byte(c.gateway.receipts.answerBody)
}
