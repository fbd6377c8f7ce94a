package backstop

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Provider describes a driver: what an account of it needs, and what it can do.
type Provider struct {
	Name     string         `json:"name"`  // like "meta"; in attempts, receipts and the paths of webhooks
	Title    string         `json:"title"` // for people
	Channels []Channel      `json:"channels"`
	Fields   []AccountField `json:"fields"` // in the order of the form

	SignsWebhooks    bool      `json:"signs_webhooks"`    // false: the address of an account's webhook holds a secret
	RefusesRepeats   bool      `json:"refuses_repeats"`   // a repeated message is refused, so a call of unknown end is repeated
	AnswersInquiries bool      `json:"answers_inquiries"` // it is asked for the status of a message whose receipt is missing
	ChecksAccounts   bool      `json:"checks_accounts"`   // credentials are checked before an account is stored
	OnUnknown        OnUnknown `json:"on_unknown"`        // of an account that sets none
}

// AccountField is one setting of an account.
type AccountField struct {
	Name     string    `json:"name"`
	Kind     FieldKind `json:"kind"`
	Required bool      `json:"required"`
	Channels []Channel `json:"channels"` // of which accounts; empty: of all
	Pattern  string    `json:"pattern"`  // of the whole value; valid for Go and for browsers
	Default  string    `json:"default"`
	Choices  []string  `json:"choices"` // of a ChoiceField

	// Verifies is true for a secret that verifies webhooks. After it changes, its former value verifies them until a date.
	Verifies bool `json:"verifies"`

	// Directs is true for a field that, besides those of kind URLField, says to whom the secrets go.
	Directs bool `json:"directs"`

	Label map[string]string `json:"label"` // by language: "en" and "zh-CN"
	Help  map[string]string `json:"help"`  // where the value is found
}

// FieldKind is how a field of an account is shown and kept.
type FieldKind string

// The kinds of field.
const (
	TextField   FieldKind = "text"
	SecretField FieldKind = "secret" // sealed at rest and never returned; it may have several lines, as a private key has
	URLField    FieldKind = "url"
	ChoiceField FieldKind = "choice"
	LongField   FieldKind = "long" // a text of several lines, such as JSON
)

// Redirected returns the name of the first field whose change sends the calls of an account, and the secrets with them, to
// somebody else; "" if there is none.
func (p Provider) Redirected(channel Channel, was, is map[string]string) string {
	was, is = p.WithDefaults(channel, was), p.WithDefaults(channel, is)
	for _, f := range p.Fields {
		if (f.Kind == URLField || f.Directs) && was[f.Name] != is[f.Name] {
			return f.Name
		}
	}
	return ""
}

// Takes reports whether an account of this channel has the field.
func (a AccountField) Takes(channel Channel) bool {
	return len(a.Channels) == 0 || slices.Contains(a.Channels, channel)
}

// Field returns the field of this name, or false.
func (p Provider) Field(name string) (AccountField, bool) {
	i := slices.IndexFunc(p.Fields, func(f AccountField) bool { return f.Name == name })
	if i < 0 {
		return AccountField{}, false
	}
	return p.Fields[i], true
}

// WithDefaults returns the settings of an account with the defaults of the fields that it leaves empty.
func (p Provider) WithDefaults(channel Channel, settings map[string]string) map[string]string {
	all := maps.Clone(settings)
	if all == nil {
		all = map[string]string{}
	}
	for _, field := range p.Fields {
		if field.Takes(channel) && field.Default != "" && all[field.Name] == "" {
			all[field.Name] = field.Default
		}
	}
	return all
}

// OnUnknown is what follows a call of unknown end if no receipt comes.
type OnUnknown string

// The values of OnUnknown.
const (
	ResendUnknown OnUnknown = "resend" // send once more: the message may arrive twice
	HoldUnknown   OnUnknown = "hold"   // do not send again: the message may not arrive
)

// WhenUnhealthy is what a send does whose WhatsApp account is unhealthy.
type WhenUnhealthy string

// The values of WhenUnhealthy.
const (
	FallBackUnhealthy WhenUnhealthy = "fall_back" // by SMS at once
	HoldUnhealthy     WhenUnhealthy = "hold"      // wait until the account is well, as long as the rules allow
)

// Bounds of an account.
const (
	MaxSetting         = 16 << 10 // bytes of one setting; a private key of 4096 bits has about 3,300
	MinCallsPerSecond  = 0.01     // one call in 100 s; a smaller limit stops the account
	MaxCallsPerSecond  = 10_000
	MaxCallsAtOnce     = 10_000
	DefaultCallTimeout = 10 * time.Second
	MaxCallTimeout     = 20 * time.Second // less than CallTimeout, so there is time for the writes
)

// Account is a configured account of a provider: a WhatsApp number, or an SMS sender account.
type Account struct {
	Name     string // its identity: rules, sends and webhooks name it, and it does not change
	Provider string // the driver's name
	Channel  Channel
	Settings map[string]string // by field; the secrets are among them only where the account is opened

	OnUnknown      OnUnknown
	WhenUnhealthy  WhenUnhealthy // of a WhatsApp account
	CallTimeout    time.Duration // of one call
	CallsPerSecond float64       // over all processes; 0: no limit
	CallsAtOnce    int           // of one process; 0: no limit of its own
	Countries      []string      // ISO 3166-1 alpha-2; empty: every country
	IsDisabled     bool          // no new message goes out by it; receipts are still read

	// WebhookKey is the secret in the address of the webhook. Drivers that verify signatures accept addresses without it.
	WebhookKey string

	// Former are the secrets that verified webhooks before they were changed.
	Former []FormerSetting

	IsFromEnvironment bool // given by the environment: it cannot be changed by the API
	Version           int
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// String names the account, without its settings, of which some are secrets.
func (a Account) String() string { return fmt.Sprintf("%s (%s, %s)", a.Name, a.Provider, a.Channel) }

// GoString is String, for %#v.
func (a Account) GoString() string { return a.String() }

// MarshalText is String, for JSON and for logs.
func (a Account) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// FormerSetting is an earlier value of a setting that verifies webhooks.
type FormerSetting struct {
	Field      string    `json:"field"`
	Value      string    `json:"value"`
	ValidUntil time.Time `json:"valid_until"`
}

// Serves reports whether messages to a country may go out by the account.
func (a Account) Serves(country string) bool {
	return len(a.Countries) == 0 || slices.Contains(a.Countries, country)
}

// HasLimits reports whether the account's calls need a task queue of their own.
func (a Account) HasLimits() bool { return a.CallsPerSecond > 0 || a.CallsAtOnce > 0 }

// WebhookPath returns the path of the account's webhook, without its key.
func (a Account) WebhookPath() string { return "/webhooks/" + a.Provider + "/" + a.Name }

// ValidateAccount returns an Error of code Invalid that names every wrong field of an account of the provider, or nil.
func (p Provider) ValidateAccount(a Account) error {
	var f fields
	if !accountName.MatchString(a.Name) {
		f.add("name", FieldAccountName, "must be 1 to 64 small letters, digits, - and _, and begin with a letter or digit")
	}
	if !slices.Contains(p.Channels, a.Channel) {
		channels := joinWords(p.Channels)
		f.add("channel", FieldOneOf, "must be one of "+channels, "values", channels)
	} else {
		p.validateSettings(&f, a)
	}
	validateChoice(&f, "on_unknown", a.OnUnknown, ResendUnknown, HoldUnknown)
	validateChoice(&f, "when_unhealthy", a.WhenUnhealthy, FallBackUnhealthy, HoldUnhealthy)
	if a.CallTimeout < time.Second || a.CallTimeout > MaxCallTimeout {
		f.addBetween("call_timeout_seconds", FieldValueBetween, "must be between %d and %d", 1, int(MaxCallTimeout/time.Second))
	}
	validateCallsPerSecond(&f, a.CallsPerSecond)
	if a.CallsAtOnce < 0 || a.CallsAtOnce > MaxCallsAtOnce {
		f.addBetween("calls_at_once", FieldValueBetween, "must be between %d and %d", 0, MaxCallsAtOnce)
	}
	validateCountries(&f, "countries", a.Countries)
	return f.err("the account is not valid")
}

func validateCallsPerSecond(f *fields, n float64) {
	switch {
	case !(n >= 0 && n <= MaxCallsPerSecond): // written so that NaN fails too
		f.addBetween("calls_per_second", FieldValueBetween, "must be between %d and %d", 0, MaxCallsPerSecond)
	case n > 0 && n < MinCallsPerSecond:
		least := strconv.FormatFloat(MinCallsPerSecond, 'f', -1, 64)
		f.add("calls_per_second", FieldValueMin, "must be at least "+least+", or 0 for no limit", "min", least)
	}
}

// accountName is the form of an account's name.
var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func (p Provider) validateSettings(f *fields, a Account) {
	for _, name := range slices.Sorted(maps.Keys(a.Settings)) {
		if field, known := p.Field(name); !known || !field.Takes(a.Channel) {
			f.add("settings."+name, FieldUnknown, "is not a setting of this provider and channel")
		}
	}
	for _, field := range p.Fields {
		if field.Takes(a.Channel) {
			field.validate(f, a.Settings[field.Name])
		}
	}
}

// validate checks one setting. Its reasons never repeat the value.
func (a AccountField) validate(f *fields, value string) {
	name := "settings." + a.Name
	isLong := a.Kind == LongField || a.Kind == SecretField
	switch {
	case value == "" && a.Required && a.Default == "":
		f.add(name, FieldRequired, "is required")
	case value == "":
	case len(value) > MaxSetting:
		f.addMax(name, FieldBytesMax, "must have at most %d bytes", MaxSetting)
	case !isLong && strings.ContainsFunc(value, isControl), strings.TrimSpace(value) != value && !isLong:
		f.add(name, FieldControlCharacters, "must not have control characters, or spaces at its ends")
	case a.Kind == SecretField && strings.ContainsFunc(value, isControl) && !strings.Contains(value, "-----BEGIN "):
		f.add(name, FieldControlCharacters, "must not have control characters or line ends, unless it is a key in PEM form")
	case a.Kind == ChoiceField && !slices.Contains(a.Choices, value):
		choices := strings.Join(a.Choices, " ")
		f.add(name, FieldOneOf, "must be one of "+choices, "values", choices)
	case !a.matches(value):
		f.add(name, FieldPattern, "must match "+a.Pattern, "pattern", a.Pattern)
	}
}

func (a AccountField) matches(value string) bool {
	if a.Pattern == "" {
		return true
	}
	matched, err := regexp.MatchString(`^(?:`+a.Pattern+`)$`, value)
	return err == nil && matched
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func validateChoice[T ~string](f *fields, name string, value T, choices ...T) {
	if !slices.Contains(choices, value) {
		all := joinWords(choices)
		f.add(name, FieldOneOf, "must be one of "+all, "values", all)
	}
}

func joinWords[T ~string](words []T) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = string(word)
	}
	return strings.Join(all, " ")
}

const countryCodeReason = "must be an ISO 3166-1 alpha-2 country code in capitals, like GB"

// validateCountries checks a list of countries in the field of a name.
func validateCountries(f *fields, name string, countries []string) {
	if len(countries) > MaxCountries {
		f.addMax(name, FieldItemsMax, "must have at most %d countries", MaxCountries)
	}
	for i, c := range countries {
		switch {
		case !knownCountry(c):
			f.add(fmt.Sprintf("%s.%d", name, i), FieldCountryCode, countryCodeReason)
		case slices.Contains(countries[:i], c):
			f.add(fmt.Sprintf("%s.%d", name, i), FieldGivenTwice, "is given twice")
		}
	}
}
