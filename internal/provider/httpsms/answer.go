package httpsms

import (
	"cmp"
	"net/http"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// sourceOf makes an answer readable.
func sourceOf(a provider.Answer) source {
	s := source{status: a.Status, header: a.Header, body: string(a.Body)}
	if value, err := decodeJSON(a.Body); err == nil {
		s.json = value
	}
	return s
}

// submission returns what an answer says of the message with this reference. Its error is a *backstop.Failure.
func (c *Client) submission(a provider.Answer, ref backstop.Ref) (backstop.Submission, error) {
	g, s := c.gateway, sourceOf(a)
	if g.repeat != nil && g.repeat.fits(s) {
		// The gateway has the message from an earlier call. Such an answer need not have the gateway's id.
		if id := g.id.find(s); provider.ValidMessageID(id) {
			return backstop.Submission{MessageID: id}, nil
		}
		return backstop.Submission{MessageID: c.ownID(ref)}, nil
	}
	if !g.accepts(a, s) {
		return backstop.Submission{}, c.refusal(a, s)
	}
	if g.id == nil {
		return backstop.Submission{MessageID: c.ownID(ref)}, nil
	}
	id := g.id.find(s)
	if !provider.ValidMessageID(id) {
		return backstop.Submission{}, c.poster.Unconfirmed(a)
	}
	return backstop.Submission{MessageID: id}, nil
}

func (g *gateway) accepts(a provider.Answer, s source) bool {
	if len(g.accepted.statuses) == 0 && !a.Accepted() {
		return false
	}
	return g.accepted.fits(s)
}

// refusal returns the failure of an answer that does not accept the message. A code in the document's table decides first, then
// the first rule that fits, then the HTTP status.
func (c *Client) refusal(a provider.Answer, s source) *backstop.Failure {
	g := c.gateway
	code, text := g.code.find(s), g.text.find(s)
	means := g.codes[code]
	for i := 0; i < len(g.refused) && means == 0; i++ {
		if g.refused[i].fits(s) {
			means = g.refused[i].means
		}
	}
	// The gateway itself wrote the answer, and no proxy before it, if all parts of its errors are there.
	isOwn := (g.code != nil || g.text != nil) && (g.code == nil || code != "") && (g.text == nil || text != "")
	switch {
	case means == 0 && a.Accepted():
		return c.poster.Unconfirmed(a)
	case means == 0 && !isOwn && a.Status >= http.StatusInternalServerError, means == 0 && code == "" && text == "":
		return c.poster.Refused(a, nil)
	}
	return c.poster.Refused(a, &provider.Refusal{
		Code: c.codeName(code), Text: cmp.Or(text, "an error without a text"), Meaning: means,
	})
}

// maxCode is the most characters of an error code.
const maxCode = 64

// codeName returns an error code as failures name it: those of a recipe begin with its name, because two gateways may have the
// same code for different things.
func (c *Client) codeName(code string) string {
	if code == "" {
		return ""
	}
	if runes := []rune(code); len(runes) > maxCode {
		code = string(runes[:maxCode])
	}
	return c.codePrefix + c.poster.Text(code)
}
