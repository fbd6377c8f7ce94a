package backstop

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// NumberProfile is what a provider reports of the number of an account, in small letters. A field that the provider does not
// report is empty.
type NumberProfile struct {
	DisplayNumber  string  `json:"display_number,omitempty"`
	VerifiedName   string  `json:"verified_name,omitempty"`
	Status         string  `json:"status,omitempty"`      // see NumberConnected
	NameStatus     string  `json:"name_status,omitempty"` // of the review of the name
	Quality        Quality `json:"quality,omitempty"`
	Throughput     string  `json:"throughput,omitempty"`
	MessagingLimit string  `json:"messaging_limit,omitempty"`
}

// RecipientLimit is the number of different recipients in RecipientWindow that the messaging limit allows. 0 means no limit or an
// unknown word. Meta's words are tier_50, tier_250, tier_1k, tier_2k, tier_10k, tier_100k, tier_unlimited, tier_not_set and
// untiered (webhook phone_number_quality_update, and the field of the number).
func (p NumberProfile) RecipientLimit() int {
	digits, isTier := strings.CutPrefix(p.MessagingLimit, "tier_")
	digits, isThousands := strings.CutSuffix(digits, "k")
	most, err := strconv.Atoi(digits)
	switch {
	case !isTier || err != nil || most < 0 || most > maxRecipientLimit:
		return 0
	case isThousands:
		return 1000 * most
	}
	return most
}

// RecipientWindow is the time that ends now, in which a messaging limit counts recipients.
const RecipientWindow = 24 * time.Hour

// maxRecipientLimit is a number above all limits that still fits a column after a factor of 1000.
const maxRecipientLimit = 1_000_000

// NumberConnected is the status of a number that sends (Meta, Cloud API, "Phone numbers").
const NumberConnected = "connected"

// AccountProfile is what the provider of an account reported last.
type AccountProfile struct {
	NumberProfile

	ReadAt          time.Time // when the number was read; zero: never
	TemplatesReadAt time.Time // when the templates were read; zero: never
	Fault           string    // why the newest reading failed; empty if it did not

	Recipients *int // different ones in RecipientWindow; nil: the number has no messaging limit, or they were not counted yet
}

// Notice is what a provider reports about an account by a webhook, besides receipts.
type Notice struct {
	Kind NoticeKind

	Template string // of notices about a template
	Language string

	Status           TemplateStatus // of TemplateStatusNotice
	Quality          Quality        // of TemplateQualityNotice
	Category         Category       // of TemplateCategoryNotice: the present one
	PreviousCategory Category       // the same, after a change; empty if the change is only announced

	// Detail is in the provider's words, such as the reason of a status.
	Detail string
	// IsRestriction is true for an AccountNotice after which the account sends less, or nothing.
	IsRestriction bool
}

// NoticeKind is what a notice is about.
type NoticeKind string

// The kinds.
const (
	TemplateStatusNotice   NoticeKind = "template_status"
	TemplateQualityNotice  NoticeKind = "template_quality"
	TemplateCategoryNotice NoticeKind = "template_category"
	NumberNotice           NoticeKind = "number"  // the profile of a number has changed
	AccountNotice          NoticeKind = "account" // the provider has restricted the account, or lifted that
)

// ApplyTo returns the template after the notice. A status that says nothing about sending, such as flagged, changes nothing.
func (n Notice) ApplyTo(t MessageTemplate) MessageTemplate {
	switch n.Kind {
	case TemplateStatusNotice:
		if n.IsKnownStatus() {
			t.Status, t.Reason = n.Status, n.Detail
		}
	case TemplateQualityNotice:
		t.Quality = n.Quality
	case TemplateCategoryNotice:
		if n.PreviousCategory != "" && n.Category != t.Category {
			t.PreviousCategory, t.Category = n.PreviousCategory, n.Category
			t.TTL = 0 // Meta resets it to the default of the category (Cloud API, "Time-to-live")
		}
	case NumberNotice, AccountNotice:
	}
	return t
}

// IsKnownStatus reports whether a notice of a status says what can be stored. After another one the templates must be read.
func (n Notice) IsKnownStatus() bool { return slices.Contains(TemplateStatuses(), n.Status) }
