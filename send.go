package backstop

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a send's content.
const (
	MaxWhatsAppText       = 4096 // characters; Meta's limit for a text body
	MaxSMSText            = 1600 // characters; Twilio's limit for a body
	MaxTemplateComponents = 32 << 10
)

// Category is what a message is for.
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
	To         string // E.164
	Country    string // ISO 3166-1 alpha-2, from To
	Text       string // the WhatsApp text, unless Template is set
	Template   *Template
	SMSText    string
	Category   Category   // empty when the caller did not say
	ExpiresAt  *time.Time // past it nothing is sent
	Plan       Plan
	AcceptedAt time.Time // the origin of every deadline

	WhatsAppStatus    Status
	SMSStatus         Status // empty until a rule fired and an SMS was attempted
	Fired             string // the name of the newest rule that fired
	FiredReason       string
	FallbackReason    FallbackReason // why the first of the rules fired
	DeliveredAt       *time.Time     // when the first receipt of an arrival came, by our clock
	DeliveredBy       Channel        // which it was about; empty until then
	DuplicateDelivery bool           // it arrived by WhatsApp after an SMS had gone out
	Expired           bool           // ExpiresAt came before the send was done
	FinishedAt        *time.Time
	Outcome           Outcome

	// ReceiptBy is set while only the SMS's receipt is waited for, and no workflow does: the send ends with it, or then.
	ReceiptBy *time.Time
}

// Outcome is where a send ended, as far as is known. A late receipt may still better it.
type Outcome string

// The outcomes.
const (
	OutcomePending     Outcome = "pending"     // still deciding, or waiting for the SMS's receipt
	OutcomeWhatsApp    Outcome = "whatsapp"    // it arrived by WhatsApp
	OutcomeSMS         Outcome = "sms"         // it arrived by SMS
	OutcomeUnconfirmed Outcome = "unconfirmed" // a provider has it; neither an arrival nor a failure was reported
	OutcomeExpired     Outcome = "expired"     // ExpiresAt came and no provider had it
	OutcomeFailed      Outcome = "failed"      // it arrived by neither channel
)

// Decide works out the outcome from the statuses, the flags and FinishedAt.
func (s Send) Decide() Outcome {
	switch {
	case s.FinishedAt == nil:
		return OutcomePending
	case s.SMSStatus.Reached(Delivered):
		return OutcomeSMS
	case s.WhatsAppStatus.Reached(Delivered):
		return OutcomeWhatsApp
	case s.SMSStatus.open(), s.SMSStatus == "" && (s.WhatsAppStatus == Submitted || s.WhatsAppStatus == Sent):
		return OutcomeUnconfirmed
	case s.Expired:
		return OutcomeExpired
	case s.SMSStatus == "" && s.WhatsAppStatus == Queued:
		return OutcomeUnconfirmed
	default:
		return OutcomeFailed
	}
}

// open reports whether a provider may have the message and said nothing final of it. Queued counts: at the end of a
// send it is the status of a call whose outcome never became known.
func (s Status) open() bool { return s == Queued || s == Submitted || s == Sent }

// Absorb merges a receipt into the send: the channel's status, the flag of a duplicate delivery, the outcome.
// Current is false for a receipt about a message that a newer one on the same channel has replaced; such a message
// may still arrive, but its failure says nothing of the newer one. The flag supposes that an SMS with a status went
// out; whoever knows the attempts takes it back if none did.
func (s Send) Absorb(channel Channel, status Status, current bool) Send {
	if !current && !status.Reached(Delivered) {
		return s
	}
	switch channel {
	case WhatsApp:
		arrived := !s.WhatsAppStatus.Reached(Delivered) && status.Reached(Delivered)
		s.WhatsAppStatus = s.WhatsAppStatus.Advance(status)
		s.DuplicateDelivery = s.DuplicateDelivery || (arrived && s.SMSStatus != "")
	case SMS:
		s.SMSStatus = s.SMSStatus.Advance(status)
	}
	s.Outcome = s.Decide()
	return s
}

// Waits reports whether the workflow of the send must hear that a channel's status went from one to another. While
// an SMS is under way no WhatsApp receipt changes what follows: the last look of the next SMS sees it. After a failed
// one that look may have averted the next, and then the rules that are left are watched again.
func (s Send) Waits(channel Channel, from, to Status) bool {
	switch {
	case s.FinishedAt != nil || s.ReceiptBy != nil || from == to:
		return false
	case from == Queued:
		return true // the workflow may be waiting to learn whether a call of unknown end went out
	case channel == SMS:
		return to == Failed || crosses(from, to, Delivered)
	default:
		return (s.SMSStatus == "" || s.SMSStatus == Failed) && s.Plan.Waits(from, to)
	}
}

// Settled reports whether no SMS can be due any more, whatever is reported from now on, and nothing is waited for: one has
// arrived, or the last one failed, or none was asked for and no rule can fire. Such a send may end.
func (s Send) Settled() bool {
	unspent := func(int) bool { return false }
	return s.SMSStatus.Reached(Delivered) || (s.SMSStatus == Failed && s.ReceiptBy != nil) ||
		(s.SMSStatus == "" && s.Plan.Over(s.WhatsAppStatus, unspent))
}

// ChasesOptOut reports whether an SMS may follow a WhatsApp message whose recipient opted out. Only a caller who said
// that the message is not marketing may: Meta reports an opt-out for marketing messages.
func (c Category) ChasesOptOut() bool { return c == Authentication || c == Utility }

// Validate returns an Error of code Invalid that names every wrong field of what a caller gives, or nil. It sets
// nothing; Country and Plan are worked out by the accepting side.
func (s Send) Validate(now time.Time) error {
	var f fields
	s.validateWhatsApp(&f)
	validateText(&f, "fallback.text", s.SMSText, MaxSMSText)
	switch s.Category {
	case "", Authentication, Utility, Marketing:
	default:
		f.add("category", "must be authentication, utility or marketing")
	}
	switch {
	case s.ExpiresAt == nil:
	case !s.ExpiresAt.After(now):
		f.add("expires_at", "must be in the future")
	case !ValidTime(*s.ExpiresAt):
		f.add("expires_at", badTime)
	}
	return f.err("the send is not valid")
}

// templateName is Meta's rule for the name of a template.
var (
	templateName     = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	templateLanguage = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2,3})?$`)
)

func (s Send) validateWhatsApp(f *fields) {
	if (s.Text == "") == (s.Template == nil) {
		f.add("whatsapp", "must have either text or template")
		return
	}
	if s.Template == nil {
		validateText(f, "whatsapp.text", s.Text, MaxWhatsAppText)
		return
	}
	if !templateName.MatchString(s.Template.Name) {
		f.add("whatsapp.template.name", "must be 1 to 512 lower-case letters, digits and underscores")
	}
	if !templateLanguage.MatchString(s.Template.Language) {
		f.add("whatsapp.template.language", "must be a language code like en or en_US")
	}
	if len(s.Template.Components) > MaxTemplateComponents {
		f.add("whatsapp.template.components", fmt.Sprintf("must have at most %d bytes", MaxTemplateComponents))
	}
}

func validateText(f *fields, name, text string, limit int) {
	switch {
	case text == "":
		f.add(name, "is required")
	case !utf8.ValidString(text):
		f.add(name, "must be valid UTF-8")
	case strings.ContainsRune(text, 0):
		f.add(name, "must not contain the NUL character")
	case utf8.RuneCountInString(text) > limit:
		f.add(name, fmt.Sprintf("must have at most %d characters", limit))
	}
}
