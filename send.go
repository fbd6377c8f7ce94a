package backstop

import (
	"regexp"
	"time"
	"unicode/utf8"
)

// Bounds of a send's content.
const (
	MaxWhatsAppText       = 4096 // characters; Meta's limit for a text body
	MaxSMSText            = 1600 // UTF-16 code units, of which an emoji has two; Twilio's limit for a body
	MaxTemplateComponents = 32 << 10
)

// Category is the purpose of a message.
type Category string

// The categories, as Meta and the carriers divide messages.
const (
	Authentication Category = "authentication"
	Utility        Category = "utility"
	Marketing      Category = "marketing"
)

// Send is one message to one recipient.
type Send struct {
	ID         string // UUIDv7
	To         string // E.164; a mask if the number was removed, see HasNumber
	Country    string // ISO 3166-1 alpha-2, from To
	Text       string // the WhatsApp text, unless Template is set
	Template   *Template
	SMSText    string
	Category   Category     // empty if the caller gave none
	ExpiresAt  *time.Time   // nothing is sent after it
	Message    *UsedMessage // that the content was made of; nil: the caller gave the content
	Plan       Plan
	AcceptedAt time.Time
	SendAt     *time.Time // when a scheduled send starts; nil: at once
	StartedAt  *time.Time // when the turn of a send with SendAt came; nil until then
	Callback   *Callback  // nil: no callbacks
	IsTest     bool       // made with a test key: it goes to the sandbox, and no statistics count it

	ContentRemovedAt *time.Time // when the texts were removed; nil: they are stored

	// Unreadable is why the stored texts, parameters of the template and metadata cannot be decrypted; empty: they can. The send
	// is without them then.
	Unreadable string

	// What the caller adds for its own use. It is personal data, as the texts are: in no log and no history.
	CorrelationID     string            // may be empty
	CorrelationUnique bool              // no other send with this flag has the CorrelationID
	Metadata          map[string]string // nil if empty; it is never changed

	Traceparent string // the W3C trace context of the request, which the calls of the send continue; empty: it is not traced

	Status            Statuses
	Fired             string         // the name of the newest rule that fired
	FiredReason       string         // why it fired, as a text
	FiredCause        FallbackReason // the same as a code
	FallbackReason    FallbackReason // why the first of the rules fired
	DeliveredAt       *time.Time     // when the first receipt of a delivery came, by our clock
	DeliveredBy       Channel        // the channel of that receipt; empty until then
	DuplicateDelivery bool           // the message arrived by WhatsApp too, after an SMS that did not fail
	Expired           bool           // ExpiresAt came before all steps were tried
	FinishedAt        *time.Time
	ConfirmedAt       *time.Time // when the caller confirmed that the recipient has acted
	Outcome           Outcome

	// ReceiptBy is set while the store, and not the workflow, waits for the SMS's receipt. The send ends with the receipt, or at
	// ReceiptBy.
	ReceiptBy *time.Time
}

// Outcome is the result of a send, as far as it is known. A late receipt may improve it, unless the caller decided it.
type Outcome string

// The outcomes.
const (
	OutcomePending     Outcome = "pending"     // the send has not ended, or waits for the receipt of its SMS
	OutcomeWhatsApp    Outcome = "whatsapp"    // the message arrived by WhatsApp
	OutcomeSMS         Outcome = "sms"         // the message arrived by SMS
	OutcomeUnconfirmed Outcome = "unconfirmed" // a provider has the message, or may have it, and the message can still arrive
	OutcomeExpired     Outcome = "expired"     // ExpiresAt came before any provider had the message
	OutcomeFailed      Outcome = "failed"      // the message arrived by neither channel
	OutcomeCancelled   Outcome = "cancelled"   // the caller cancelled the send before an SMS went out
	OutcomeConfirmed   Outcome = "confirmed"   // the caller confirmed that the recipient has acted, before the send ended
)

// Outcomes returns all outcomes.
func Outcomes() []Outcome {
	return []Outcome{
		OutcomePending, OutcomeWhatsApp, OutcomeSMS, OutcomeUnconfirmed, OutcomeExpired, OutcomeFailed, OutcomeCancelled,
		OutcomeConfirmed,
	}
}

// IsOfCaller reports whether the caller decided the outcome. No receipt changes it.
func (o Outcome) IsOfCaller() bool { return o == OutcomeCancelled || o == OutcomeConfirmed }

// ChasesOptOut reports whether an SMS may follow a WhatsApp message whose recipient opted out. It may if the
// caller said that the message is not marketing: Meta reports an opt-out for marketing messages.
func (c Category) ChasesOptOut() bool { return c == Authentication || c == Utility }

// Validate returns an Error of code Invalid that names every wrong field of a caller's send, or nil. It does not
// check Country and Plan, which the accepting side sets.
func (s Send) Validate(now time.Time) error {
	var f fields
	s.validateContent(&f)
	if s.Callback != nil {
		s.Callback.validate(&f, "callback.")
	}
	s.validateTimes(&f, now)
	s.validateCorrelation(&f)
	s.validateMetadata(&f)
	return f.err("the send is not valid")
}

// validateContent checks the texts and the category.
func (s Send) validateContent(f *fields) {
	s.validateWhatsApp(f)
	validateSMSText(f, "fallback.text", s.SMSText)
	switch s.Category {
	case "", Authentication, Utility, Marketing:
	default:
		f.add("category", FieldOneOf,
			"must be authentication, utility or marketing", "values", "authentication utility marketing")
	}
}

// templateName is Meta's rule for the name of a template.
var (
	templateName     = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	templateLanguage = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2,3})?$`)
)

func (s Send) validateWhatsApp(f *fields) {
	if (s.Text == "") == (s.Template == nil) {
		f.add("whatsapp", FieldTextOrTemplate, "must have either text or template")
		return
	}
	if s.Template == nil {
		validateText(f, "whatsapp.text", s.Text)
		if utf8.RuneCountInString(s.Text) > MaxWhatsAppText {
			f.addMax("whatsapp.text", FieldLengthMax, "must have at most %d characters", MaxWhatsAppText)
		}
		return
	}
	if !templateName.MatchString(s.Template.Name) {
		f.add("whatsapp.template.name", FieldTemplateName, "must be 1 to 512 lower-case letters, digits and underscores")
	}
	if !templateLanguage.MatchString(s.Template.Language) {
		f.add("whatsapp.template.language", FieldLanguageCode, "must be a language code like en or en_US")
	}
	if len(s.Template.Components) > MaxTemplateComponents {
		f.addMax("whatsapp.template.components", FieldBytesMax, "must have at most %d bytes", MaxTemplateComponents)
		return
	}
	if !s.Template.IsSimple { // Content.Render has checked the others
		validateParameters(f, s.Template.Components)
	}
}
