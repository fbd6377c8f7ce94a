package meta

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// noticeMark is in each webhook with a notice: the names of all their fields end with it. Most webhooks have receipts alone, and
// are not parsed a second time.
const noticeMark = `_update"`

// Notices returns what a webhook reports about the WhatsApp Business account of this client and its templates. Meta posts all of
// that to the app's own address, and gives no number with it.
func (c *Client) Notices(r *http.Request, body []byte) []backstop.Notice {
	if c.wabaID == "" || !bytes.Contains(body, []byte(noticeMark)) {
		return nil
	}
	var post struct {
		Object string `json:"object"`
		Entry  []struct {
			ID      provider.Loose    `json:"id"`
			Changes []json.RawMessage `json:"changes"`
		} `json:"entry"`
	}
	if json.Unmarshal(body, &post) != nil || post.Object != businessAccount {
		return nil
	}
	var notices []backstop.Notice
	for _, entry := range post.Entry {
		if string(entry.ID) != c.wabaID {
			continue
		}
		for _, raw := range entry.Changes {
			if n, ok := c.readNotice(raw); ok {
				notices = append(notices, n)
			}
		}
	}
	if len(notices) == 0 || !c.isSigned(r.Header.Get("X-Hub-Signature-256"), body) {
		return nil
	}
	return notices
}

// businessAccount is the object of the webhooks of a WhatsApp Business account.
const businessAccount = "whatsapp_business_account"

// noticeValue has the fields of all kinds of notices. Words are in small letters.
type noticeValue struct {
	Template provider.Loose `json:"message_template_name"`
	Language provider.Loose `json:"message_template_language"`
	Event    word           `json:"event"`
	Reason   word           `json:"reason"`
	Other    nested         `json:"other_info"`     // title, description
	Rejected nested         `json:"rejection_info"` // reason
	Ban      nested         `json:"ban_info"`       // waba_ban_state

	NewQuality word `json:"new_quality_score"`

	Category         word `json:"new_category"` // the present one
	PreviousCategory word `json:"previous_category"`
	CorrectCategory  word `json:"correct_category"` // that the template gets in 24 hours

	Restrictions nestedList `json:"restriction_info"` // restriction_type
	Violation    nested     `json:"violation_info"`   // violation_type
}

// readNotice reads a change. It returns false for a field that is not about templates or the account, and for an event that is
// not known.
func (c *Client) readNotice(raw json.RawMessage) (backstop.Notice, bool) {
	var change struct {
		Field string      `json:"field"`
		Value noticeValue `json:"value"`
	}
	if json.Unmarshal(raw, &change) != nil {
		return backstop.Notice{}, false
	}
	v := change.Value
	n := backstop.Notice{Template: string(v.Template), Language: languageOf(string(v.Language))}
	switch change.Field {
	case "message_template_status_update":
		n.Kind, n.Status = backstop.TemplateStatusNotice, backstop.TemplateStatus(v.Event)
		reason := cmp.Or(v.Rejected.word("reason"), v.noneOr(v.Reason))
		n.Detail = c.detail(reason, v.Other.word("title"), v.Other.word("description"))
	case "message_template_quality_update":
		n.Kind, n.Quality = backstop.TemplateQualityNotice, backstop.Quality(v.NewQuality)
	case "template_category_update":
		n.Kind, n.Category = backstop.TemplateCategoryNotice, backstop.Category(v.Category)
		n.PreviousCategory = backstop.Category(v.PreviousCategory)
		if v.CorrectCategory != "" && v.CorrectCategory != v.Category {
			n.Detail = fmt.Sprintf("becomes %s", v.CorrectCategory)
		}
	case "phone_number_quality_update":
		return backstop.Notice{Kind: backstop.NumberNotice, Detail: c.detail(string(v.Event))}, true
	case "account_update":
		return c.readAccountNotice(v)
	default:
		return backstop.Notice{}, false
	}
	isComplete := n.Status != "" || n.Quality != "" || n.Category != ""
	return n, isComplete && isTemplateName(n.Template) && isLanguage(n.Language)
}

// noneOr returns a reason, or an empty text for the reason "none".
func (noticeValue) noneOr(reason word) string {
	if reason == "none" {
		return ""
	}
	return string(reason)
}

// readAccountNotice reads a change of the account. Events that change nothing for messages are unknown to it.
func (c *Client) readAccountNotice(v noticeValue) (backstop.Notice, bool) {
	n := backstop.Notice{Kind: backstop.AccountNotice, IsRestriction: true}
	state := v.Ban.word("waba_ban_state")
	switch v.Event {
	case "account_restriction", "account_violation", "account_deleted", "account_offboarded":
	case "disabled_update":
		n.IsRestriction = state != "reinstate"
	case "account_reconnected":
		n.IsRestriction = false
	default:
		return backstop.Notice{}, false
	}
	words := []string{string(v.Event), state, v.Violation.word("violation_type")}
	for _, restriction := range v.Restrictions {
		words = append(words, restriction.word("restriction_type"))
	}
	n.Detail = c.detail(words...)
	return n, true
}

// detail joins the words of a notice for people.
func (c *Client) detail(words ...string) string {
	var said []string
	for _, w := range words {
		if w != "" {
			said = append(said, w)
		}
	}
	return c.poster.Text(strings.Join(said, ": "))
}

// nested is an object of texts. Anything else is empty.
type nested map[string]json.RawMessage

// UnmarshalJSON never fails.
func (n *nested) UnmarshalJSON(raw []byte) error {
	object := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &object) != nil {
		object = nil
	}
	*n = object
	return nil
}

// word returns a member in small letters.
func (n nested) word(name string) string {
	var text provider.Loose
	if raw, found := n[name]; found {
		_ = text.UnmarshalJSON(raw) // it never fails
	}
	return strings.ToLower(string(text))
}

// nestedList is a list of objects. Anything else is empty.
type nestedList []nested

// UnmarshalJSON never fails.
func (l *nestedList) UnmarshalJSON(raw []byte) error {
	var list []nested
	if json.Unmarshal(raw, &list) != nil {
		list = nil
	}
	*l = list
	return nil
}
