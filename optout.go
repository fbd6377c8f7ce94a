package backstop

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// OptOutCategory says of which messages a person has opted out: those of a Category, or all.
type OptOutCategory string

// The categories of opt-outs.
const (
	OptOutAll            OptOutCategory = "all"
	OptOutAuthentication                = OptOutCategory(Authentication)
	OptOutUtility                       = OptOutCategory(Utility)
	OptOutMarketing                     = OptOutCategory(Marketing)
)

// OptOutCategories returns all categories of opt-outs.
func OptOutCategories() []OptOutCategory {
	return []OptOutCategory{OptOutAll, OptOutAuthentication, OptOutUtility, OptOutMarketing}
}

// OptOutsThatStop returns the opt-outs that stop a send of a category: those of its category, and those of all messages. A send
// without a category may be anything, so each opt-out stops it.
func OptOutsThatStop(c Category) []OptOutCategory {
	if c == "" {
		return OptOutCategories()
	}
	return []OptOutCategory{OptOutAll, OptOutCategory(c)}
}

// OptOutSource says how an opt-out, or its end, became known.
type OptOutSource string

// The sources.
const (
	ByMessage    OptOutSource = "message"    // the person wrote a stop word or a start word
	ByPreference OptOutSource = "preference" // the person changed a setting of WhatsApp
	ByProvider   OptOutSource = "provider"   // a provider refused a message, because the person has opted out
	ByAPI        OptOutSource = "api"        // a caller of the API
	ByConsole    OptOutSource = "console"    // a user of the web console
	ByImport     OptOutSource = "import"     // a file
)

// OptOut is an entry of the list of those who have opted out. There is at most one of a person and a category.
type OptOut struct {
	OptOutOrigin

	ID       string // UUIDv7, in the order in which the entries were stored
	To       string // the person's number, E.164
	Category OptOutCategory
	Since    time.Time // when the person opted out, as far as the source says
	StoredAt time.Time
}

// OptOutOrigin is where an opt-out, or its end, came from: the proof of it.
type OptOutOrigin struct {
	Source   OptOutSource
	Channel  Channel // of ByMessage, ByPreference and ByProvider
	Provider string  // the driver's name
	Account  string
	Code     string // the provider's error code, of ByProvider
	Send     string // the send that the provider refused; empty: none
	Inbound  string // the provider's id of the person's message
	Note     string // of a caller
}

// OptOutChange is a line of a person's history: the begin or the end of an opt-out.
type OptOutChange struct {
	OptOutOrigin

	ID       string // UUIDv7
	To       string
	Category OptOutCategory
	IsOut    bool      // false: the opt-out ended
	At       time.Time // as the source says
	StoredAt time.Time
}

// OptOutFilter selects opt-outs of a list. A zero field selects all.
type OptOutFilter struct {
	To       string
	ToEnds   string // the last digits of To
	Category OptOutCategory
	Source   OptOutSource
}

// MaxOptOutNote is the most characters of a note.
const MaxOptOutNote = 200

// Validate returns an Error of code Invalid that names every wrong field of a caller's entry, or nil.
func (o OptOut) Validate(now time.Time) error {
	var f fields
	if !slices.Contains(OptOutCategories(), o.Category) {
		f.add("category", FieldOneOf,
			"must be all, authentication, utility or marketing", "values", "all authentication utility marketing")
	}
	switch {
	case o.Since.IsZero():
	case o.Since.After(now):
		f.add("since", FieldMustBePast, "must not be in the future")
	case !ValidTime(o.Since):
		f.addTime("since")
	}
	switch {
	case utf8.RuneCountInString(o.Note) > MaxOptOutNote:
		f.addMax("note", FieldLengthMax, "must have at most %d characters", MaxOptOutNote)
	case !utf8.ValidString(o.Note):
		f.add("note", FieldNotText, "must be valid UTF-8")
	case strings.ContainsFunc(o.Note, unicode.IsControl):
		f.add("note", FieldControlCharacters, "must not contain control characters")
	}
	if _, err := CountryOf(o.To); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			f = append(slices.Clone(e.Fields), f...)
		}
	}
	return f.err("the opt-out is not valid")
}

// OptOutRules say what the word STOP means. The zero value has the defaults.
type OptOutRules struct {
	// Stop are the categories that a STOP opts out of. A provider does not say which messages a person means by it. Empty:
	// marketing and utility.
	Stop []OptOutCategory

	StopWords  []string // besides the common ones
	StartWords []string // the same
}

// stop returns the categories that a STOP opts out of.
func (r OptOutRules) stop() []OptOutCategory {
	if len(r.Stop) == 0 {
		return []OptOutCategory{OptOutMarketing, OptOutUtility}
	}
	return r.Stop
}

// Fault says what is wrong with the categories; empty: nothing.
func (r OptOutRules) Fault() string {
	for _, c := range r.Stop {
		if !slices.Contains(OptOutCategories(), c) {
			return "must be a list of marketing, utility and authentication, or all"
		}
	}
	if !slices.Contains(r.stop(), OptOutMarketing) && !slices.Contains(r.stop(), OptOutAll) {
		return "must have marketing or all: a STOP ends marketing in any case"
	}
	return ""
}

// ValidKeyword reports whether a text can be a word that people write to opt out or in.
func ValidKeyword(word string) bool {
	const most = 32 // characters
	word = strings.TrimSpace(word)
	isText := utf8.ValidString(word) && !strings.ContainsFunc(word, unicode.IsControl)
	return word != "" && isText && utf8.RuneCountInString(word) <= most
}

// CategoriesOf returns the categories that a provider's refusal means by its class OptedOut. On WhatsApp a person can opt out of
// marketing alone. A carrier or an SMS provider refuses because of a STOP.
func (r OptOutRules) CategoriesOf(channel Channel) []OptOutCategory {
	if channel == WhatsApp {
		return []OptOutCategory{OptOutMarketing}
	}
	return r.stop()
}

// Read returns the keyword of a person's message: that of the provider, or that of the text if the text is nothing but such a
// word. The word YES answers other questions too, so it counts in an SMS alone, and not in a reply to a message.
func (r OptOutRules) Read(channel Channel, in Inbound) Keyword {
	word := strings.ToUpper(strings.TrimSpace(in.Text))
	is := func(one string) bool { return word != "" && strings.ToUpper(strings.TrimSpace(one)) == word }
	switch {
	case in.Keyword != "":
		return in.Keyword
	case slices.ContainsFunc(r.StopWords, is):
		return StopKeyword
	case slices.ContainsFunc(r.StartWords, is), word == "YES" && channel == SMS && in.ReplyTo == "":
		return StartKeyword
	}
	return ""
}

// StoppedBy returns the categories that a person's message opts out of. A message about a certain category says so itself.
func (r OptOutRules) StoppedBy(in Inbound) []OptOutCategory {
	if in.Category != "" {
		return []OptOutCategory{OptOutCategory(in.Category)}
	}
	return r.stop()
}

// EndedBy returns the categories of the opt-outs that a person's START ends: all, unless the message is about a certain category.
func (OptOutRules) EndedBy(in Inbound) []OptOutCategory {
	if in.Category != "" {
		return []OptOutCategory{OptOutCategory(in.Category)}
	}
	return OptOutCategories()
}

// IfOptedOut is what follows if the recipient of a new send has opted out of such messages.
type IfOptedOut string

// The values of IfOptedOut.
const (
	RefuseOptedOut IfOptedOut = "refuse" // the send is not accepted
	SkipOptedOut   IfOptedOut = "skip"   // the send is accepted, and ends at once
)

// SkipsOptedOut reports whether the send is accepted even if its recipient has opted out.
func (s Send) SkipsOptedOut() bool {
	return s.Plan.Override != nil && s.Plan.Override.IfOptedOut == SkipOptedOut
}

// IsSkipped reports whether the send ended when it was accepted, because its recipient had opted out.
func (s Send) IsSkipped() bool { return s.FinishedAt != nil && s.FinishedAt.Equal(s.AcceptedAt) }

// ErrOptedOut returns the error of a send whose recipient has opted out.
func ErrOptedOut() error {
	return &Error{
		Code: Invalid, Message: "the recipient has opted out of such messages",
		Fields: []Field{NewField("to", FieldOptedOut,
			"has opted out of such messages: GET /v1/opt-outs says of which, since when, and how it became known")},
	}
}
