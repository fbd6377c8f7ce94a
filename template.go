package backstop

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// MessageTemplate is a WhatsApp template in one language, as the provider of an account reports it. The account, the name and the
// language identify it.
type MessageTemplate struct {
	Account  string
	Name     string
	Language string // like en_US

	Status           TemplateStatus
	Reason           string   // why the provider rejected it; empty if it gives no reason
	Category         Category // it decides the price
	PreviousCategory Category // before the provider changed it; empty if the provider did not
	Quality          Quality  // empty if it is not reported

	Format TemplateFormat
	TTL    time.Duration // how long the provider tries to deliver; 0: the default of the category

	Parameters TemplateParameters
	Components json.RawMessage // the content, a JSON array in Meta's form

	UpdatedAt time.Time // when this state was stored
}

// TemplateStatus is the state of a template, in small letters. A provider may have states that are not listed here.
type TemplateStatus string

// The states. Only an approved template can be sent (Meta, Cloud API, "Templates").
const (
	TemplateApproved      TemplateStatus = "approved"
	TemplateArchived      TemplateStatus = "archived"
	TemplateDeleted       TemplateStatus = "deleted"
	TemplateDisabled      TemplateStatus = "disabled"
	TemplateInAppeal      TemplateStatus = "in_appeal"
	TemplateLimitExceeded TemplateStatus = "limit_exceeded"
	TemplatePaused        TemplateStatus = "paused"
	TemplatePending       TemplateStatus = "pending"
	TemplatePendingDelete TemplateStatus = "pending_deletion"
	TemplateRejected      TemplateStatus = "rejected"
)

// TemplateStatuses returns the known states.
func TemplateStatuses() []TemplateStatus {
	return []TemplateStatus{
		TemplateApproved, TemplateArchived, TemplateDeleted, TemplateDisabled, TemplateInAppeal, TemplateLimitExceeded,
		TemplatePaused, TemplatePending, TemplatePendingDelete, TemplateRejected,
	}
}

// Quality is what recipients think of a template or a number, as the provider reports it, in small letters.
type Quality string

// The qualities. A provider may have others.
const (
	QualityGreen  Quality = "green"
	QualityYellow Quality = "yellow"
	QualityRed    Quality = "red" // the provider limits or pauses what has it
)

// TemplateFormat is how the parameters of a template are named.
type TemplateFormat string

// The formats.
const (
	PositionalTemplate TemplateFormat = "positional" // {{1}}, {{2}}
	NamedTemplate      TemplateFormat = "named"      // {{first_name}}
)

// How long WhatsApp tries to deliver a message of a template that sets no time (Meta, Cloud API, "Time-to-live").
const (
	DefaultTemplateTTL       = 30 * 24 * time.Hour
	AuthenticationMessageTTL = 10 * time.Minute
)

// TimeToLive returns how long WhatsApp tries to deliver a message of the category. The template may set a time, else ttl is 0.
func TimeToLive(category Category, ttl time.Duration) time.Duration {
	byDefault := DefaultTemplateTTL
	if category == Authentication {
		byDefault = AuthenticationMessageTTL
	}
	return cmp.Or(ttl, byDefault)
}

// TimeToLive returns how long WhatsApp tries to deliver the template.
func (t MessageTemplate) TimeToLive() time.Duration { return TimeToLive(t.Category, t.TTL) }

// Is reports whether the template has this name and language.
func (t MessageTemplate) Is(name, language string) bool {
	return t.Name == name && t.Language == language
}

// FindTemplate returns the template that a message names, or false. The templates are those of one account.
func FindTemplate(t Template, known []MessageTemplate) (MessageTemplate, bool) {
	i := slices.IndexFunc(known, func(k MessageTemplate) bool { return k.Is(t.Name, t.Language) })
	if i < 0 {
		return MessageTemplate{}, false
	}
	return known[i], true
}

// TemplateFilter selects templates of a list. A zero field selects all.
type TemplateFilter struct {
	Accounts []string // only of these accounts; never all
	Name     string   // a part of the name
	Status   TemplateStatus
	Language string
}

// TemplatePage selects a part of a list of templates, which is ordered by account, name and language.
type TemplatePage struct {
	Account, Name, Language string // of the last template of the page before; empty: the first page
	Limit                   int
}

// SyncedTemplates are what is known of the templates of an account.
type SyncedTemplates struct {
	IsSynced  bool // they were read at least once
	Templates []MessageTemplate
}
