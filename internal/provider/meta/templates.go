package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

const (
	templatesPerPage = 100
	// maxPages is the most pages that are read. A WhatsApp Business account has far fewer templates than they hold.
	maxPages = 200
	// maxComponents is the longest content of a template that is kept, in bytes. The texts of a template have a few thousand.
	maxComponents = 64 << 10
	// codeCursor is Meta's code for a cursor that is no longer valid.
	codeCursor = "131059"
)

// templateFields returns the fields of a template to ask for: all, and those that every version of the API has.
func templateFields() [][]string {
	base := []string{"name", "language", "status", "category", "components"}
	all := slices.Concat(base, []string{
		"parameter_format", "previous_category", "quality_score", "rejected_reason", "message_send_ttl_seconds",
	})
	return [][]string{all, base}
}

// Templates returns all templates of the WhatsApp Business account.
func (c *Client) Templates(ctx context.Context) ([]backstop.MessageTemplate, error) {
	if c.wabaID == "" {
		return nil, provider.ErrNoTemplates
	}
	templates, err := c.listTemplates(ctx)
	if failure, ok := errors.AsType[*backstop.Failure](err); ok && failure.Code == codeCursor {
		return c.listTemplates(ctx) // from the start, as the manual says
	}
	return templates, err
}

func (c *Client) listTemplates(ctx context.Context) ([]backstop.MessageTemplate, error) {
	var all []backstop.MessageTemplate
	fields := templateFields()
	query := url.Values{"limit": {strconv.Itoa(templatesPerPage)}}
	for range maxPages {
		var page struct {
			Data   []json.RawMessage `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"` // absent on the last page
			} `json:"paging"`
		}
		var err error
		if fields, err = c.read(ctx, c.templatesURL, query, fields, &page); err != nil {
			return nil, err
		}
		if page.Data == nil { // an empty list would make all templates unknown
			return nil, &backstop.Failure{Kind: backstop.Unavailable, Reason: "the answer has no list of templates"}
		}
		for _, raw := range page.Data {
			if t, ok := readTemplate(raw); ok {
				all = append(all, t)
			}
		}
		after := page.Paging.Cursors.After
		if page.Paging.Next == "" || after == "" || after == query.Get("after") {
			return all, nil
		}
		query.Set("after", after)
	}
	return nil, &backstop.Failure{Kind: backstop.Rejected, Reason: fmt.Sprintf("the list has more than %d pages", maxPages)}
}

// readTemplate reads a template of the list. It returns false if the template has no name, language or status: it then cannot be
// compared with a send. If the content cannot be read, sends are not checked for its parameters.
func readTemplate(raw json.RawMessage) (backstop.MessageTemplate, bool) {
	var read struct {
		Name             provider.Loose  `json:"name"`
		Language         provider.Loose  `json:"language"`
		Status           word            `json:"status"`
		Category         word            `json:"category"`
		PreviousCategory word            `json:"previous_category"`
		Format           word            `json:"parameter_format"`
		Rejected         word            `json:"rejected_reason"`
		Quality          qualityScore    `json:"quality_score"`
		TTL              provider.Loose  `json:"message_send_ttl_seconds"`
		Components       json.RawMessage `json:"components"`
	}
	if json.Unmarshal(raw, &read) != nil {
		return backstop.MessageTemplate{}, false
	}
	t := backstop.MessageTemplate{
		Name: string(read.Name), Language: languageOf(string(read.Language)),
		Status: backstop.TemplateStatus(read.Status), Category: backstop.Category(read.Category),
		PreviousCategory: backstop.Category(read.PreviousCategory), Quality: backstop.Quality(read.Quality),
		TTL: ttlOf(read.TTL), Components: compact(read.Components),
	}
	if !isTemplateName(t.Name) || !isLanguage(t.Language) || t.Status == "" {
		return backstop.MessageTemplate{}, false
	}
	if read.Rejected != "none" {
		t.Reason = string(read.Rejected)
	}
	if t.PreviousCategory == t.Category {
		t.PreviousCategory = ""
	}
	t.Parameters, t.Format = backstop.ReadTemplateParameters(t.Components)
	if t.Components == nil {
		t.Components = json.RawMessage("[]")
	}
	if read.Format == "named" {
		t.Format = backstop.NamedTemplate
	}
	return t, true
}

// compact returns a JSON array without white space, or nil if it is none, or too long.
func compact(components json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	isList := bytes.HasPrefix(bytes.TrimSpace(components), []byte("["))
	if !isList || json.Compact(&b, components) != nil || b.Len() > maxComponents {
		return nil
	}
	return b.Bytes()
}

// qualityScore is the score in {"score": "GREEN", "date": …}, or the score alone.
type qualityScore string

// UnmarshalJSON never fails.
func (q *qualityScore) UnmarshalJSON(raw []byte) error {
	var object struct {
		Score word `json:"score"`
	}
	if json.Unmarshal(raw, &object) == nil {
		*q = qualityScore(object.Score)
		return nil
	}
	var alone word
	_ = alone.UnmarshalJSON(raw) // it never fails
	*q = qualityScore(alone)
	return nil
}

// ttlOf reads a time-to-live in seconds. It is 0, the default of the category, if Meta gives none. -1 is 30 days.
func ttlOf(seconds provider.Loose) time.Duration {
	n, ok := seconds.Int()
	switch {
	case ok && n == -1:
		return backstop.DefaultTemplateTTL
	case !ok || n < 0 || n > int(backstop.DefaultTemplateTTL/time.Second):
		return 0
	}
	return time.Duration(n) * time.Second
}

// languageOf returns a language as the list of templates has it. Webhooks may have a hyphen in it.
func languageOf(language string) string { return strings.ReplaceAll(language, "-", "_") }

// maxTemplateName is Meta's limit.
const maxTemplateName = 512

func isTemplateName(name string) bool { return isPlain(name, maxTemplateName) }

func isLanguage(language string) bool { return isPlain(language, 32) }

// isPlain reports whether a text is not empty, is not longer than most bytes, and has only letters, digits and underscores.
func isPlain(text string, most int) bool {
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
}
