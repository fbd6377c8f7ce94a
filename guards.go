package backstop

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Guard is a check that a send must pass before it is accepted.
type Guard string

// The guards.
const (
	GuardCountries    Guard = "countries"     // the lists of allowed, blocked and watched countries
	GuardRecipientCap Guard = "recipient_cap" // the sends per hour to one number
	GuardPrefixCap    Guard = "prefix_cap"    // the sends per hour to the numbers that begin alike
	GuardCountryCap   Guard = "country_cap"   // the sends per hour to one country
	GuardSameText     Guard = "same_text"     // the same content to the same number
)

// AllGuards returns all guards, in the order in which they check.
func AllGuards() []Guard {
	return []Guard{GuardCountries, GuardSameText, GuardRecipientCap, GuardPrefixCap, GuardCountryCap}
}

// GuardWindow is the time that a cap looks back.
const GuardWindow = time.Hour

// Bounds of the settings.
const (
	MaxGuardCap        = 10_000_000
	MaxPrefixDigits    = 10
	MaxSameTextSeconds = 24 * 60 * 60
)

// SameTextAnswer is what the caller gets for the same content to the same number.
type SameTextAnswer string

// The answers.
const (
	AnswerFirst  SameTextAnswer = "first"  // the answer of the first send
	AnswerRefuse SameTextAnswer = "refuse" // an error
)

// SameTextAnswers returns all answers.
func SameTextAnswers() []SameTextAnswer { return []SameTextAnswer{AnswerFirst, AnswerRefuse} }

// Guards are the settings of all guards of an installation. The zero value turns them off.
type Guards struct {
	Allow []string // ISO 3166-1 alpha-2; empty: every country
	Block []string
	Watch []string // accepted, counted and logged

	RecipientCap int // 0: none; so are the next two
	PrefixCap    int
	PrefixDigits int // of the national number; 0 without a PrefixCap
	CountryCap   int
	CountryCaps  []CountryCap // in place of CountryCap

	SameTextSeconds int // 0: off
	SameTextAnswer  SameTextAnswer

	Version   int
	UpdatedAt time.Time // zero if they were never changed
}

// CountryCap is the cap of one country.
type CountryCap struct {
	Country string
	Cap     int // 0: none
}

// Validate returns an Error of code Invalid that names every wrong field, or nil.
func (g Guards) Validate() error {
	var f fields
	for _, list := range []struct {
		name      string
		countries []string
	}{{"allow", g.Allow}, {"block", g.Block}, {"watch", g.Watch}} {
		validateCountries(&f, list.name, list.countries)
	}
	g.validateLists(&f)
	validateCap(&f, "recipient_cap", g.RecipientCap)
	validateCap(&f, "prefix_cap", g.PrefixCap)
	validateCap(&f, "country_cap", g.CountryCap)
	g.validateCountryCaps(&f)
	switch {
	case g.PrefixDigits == 0 && g.PrefixCap > 0:
		f.add("prefix_digits", FieldRequired, "is required with prefix_cap")
	case g.PrefixDigits < 0 || g.PrefixDigits > MaxPrefixDigits:
		f.addBetween("prefix_digits", FieldValueBetween, "must be between %d and %d", 1, MaxPrefixDigits)
	}
	if g.SameTextSeconds < 0 || g.SameTextSeconds > MaxSameTextSeconds {
		f.addBetween("same_text_seconds", FieldValueBetween, "must be between %d and %d", 0, MaxSameTextSeconds)
	}
	if g.SameTextAnswer != "" && !slices.Contains(SameTextAnswers(), g.SameTextAnswer) {
		f.add("same_text_answer", FieldOneOf, "must be one of first refuse", "values", "first refuse")
	}
	return f.err("the guards are not valid")
}

// validateLists refuses a country that is in two lists that contradict each other.
func (g Guards) validateLists(f *fields) {
	const reason = "has a country that is blocked too: "
	for _, list := range []struct {
		name      string
		countries []string
	}{{"allow", g.Allow}, {"watch", g.Watch}} {
		for i, country := range list.countries {
			if slices.Contains(g.Block, country) {
				f.add(fmt.Sprintf("%s.%d", list.name, i), FieldBlockedToo, reason+country, "country", country)
			}
		}
	}
}

func (g Guards) validateCountryCaps(f *fields) {
	if len(g.CountryCaps) > MaxCountries {
		f.addMax("country_caps", FieldItemsMax, "must have at most %d countries", MaxCountries)
		return
	}
	seen := map[string]bool{}
	for i, c := range g.CountryCaps {
		at := fmt.Sprintf("country_caps.%d", i)
		switch {
		case !knownCountry(c.Country):
			f.add(at+".country", FieldCountryCode, countryCodeReason)
		case seen[c.Country]:
			f.add(at+".country", FieldGivenTwice, "is given twice")
		}
		seen[c.Country] = true
		validateCap(f, at+".cap", c.Cap)
	}
}

func validateCap(f *fields, name string, most int) {
	if most < 0 || most > MaxGuardCap {
		f.addBetween(name, FieldValueBetween, "must be between %d and %d", 0, MaxGuardCap)
	}
}

// CheckCountry returns an Error if the guards refuse sends to a country, and otherwise whether they watch it. A number of no
// country passes unless there is a list of allowed countries.
func (g Guards) CheckCountry(country string) (isWatched bool, err error) {
	if slices.Contains(g.Block, country) || len(g.Allow) > 0 && !slices.Contains(g.Allow, country) {
		return false, RefuseCountry(country)
	}
	return slices.Contains(g.Watch, country), nil
}

// GuardChecks are the checks that the store makes while it stores a send. The zero value has none.
type GuardChecks struct {
	Caps []CapCheck

	// Digest is that of the send's content and number; empty: no check. The window is how long the same digest is refused.
	Digest     []byte
	TextWindow time.Duration
}

// CapCheck is a cap and what it counts.
type CapCheck struct {
	Guard Guard
	Key   string // a number, a prefix of numbers, or a country
	Cap   int    // at least 1
}

// IsEmpty reports whether there is nothing to check.
func (c GuardChecks) IsEmpty() bool { return len(c.Caps) == 0 && len(c.Digest) == 0 }

// ChecksOf returns the checks of a send whose Country is set. A send that a person repeats may have the same content as another.
func (g Guards) ChecksOf(send Send, isRepeat bool) GuardChecks {
	var checks GuardChecks
	add := func(guard Guard, key string, most int) {
		if most > 0 && key != "" {
			checks.Caps = append(checks.Caps, CapCheck{Guard: guard, Key: key, Cap: most})
		}
	}
	number := Notations(send.To)[0]
	add(GuardRecipientCap, number, g.RecipientCap)
	if g.PrefixCap > 0 {
		add(GuardPrefixCap, PrefixOf(number, g.PrefixDigits), g.PrefixCap)
	}
	add(GuardCountryCap, send.Country, g.capOf(send.Country))
	if g.SameTextSeconds > 0 && !isRepeat {
		checks.Digest, checks.TextWindow = send.contentDigest(), time.Duration(g.SameTextSeconds)*time.Second
	}
	return checks
}

func (g Guards) capOf(country string) int {
	i := slices.IndexFunc(g.CountryCaps, func(c CountryCap) bool { return c.Country == country })
	if i >= 0 {
		return g.CountryCaps[i].Cap
	}
	return g.CountryCap
}

// GuardResult is what a guard did with a send.
type GuardResult string

// The results.
const (
	GuardWatched  GuardResult = "watched"  // accepted, to a watched country
	GuardRefused  GuardResult = "refused"  // not accepted
	GuardAnswered GuardResult = "answered" // not accepted: the caller got the answer of the first send
)

// GuardResults returns all results.
func GuardResults() []GuardResult { return []GuardResult{GuardWatched, GuardRefused, GuardAnswered} }

// GuardError is the cause of an Error of a guard.
type GuardError struct {
	Guard   Guard
	Check   CapCheck      // of a cap
	Country string        // of GuardCountries
	After   time.Duration // of a cap: until a place may be free
	First   *Send         // of GuardSameText: the send with the same content
}

// Error does not have the number.
func (r *GuardError) Error() string { return "refused by guard " + string(r.Guard) }

// RefuseCountry returns the Error for a country to which no send is accepted.
func RefuseCountry(country string) error {
	reason := "is a number of a country to which no send is accepted"
	if country == "" {
		reason = "is a number of no country, and only certain countries are allowed"
	}
	return refuse(Invalid, reason, FieldCountryRefused, &GuardError{Guard: GuardCountries, Country: country},
		"country", country)
}

// RefuseCap returns the Error for a cap that is reached. A place is free after a time at the earliest.
func RefuseCap(check CapCheck, after time.Duration) error {
	what := map[Guard]string{
		GuardRecipientCap: "number", GuardPrefixCap: "range of numbers", GuardCountryCap: "country",
	}[check.Guard]
	reason := fmt.Sprintf("has reached the cap of %d sends per hour to its %s", check.Cap, what)
	return refuse(Limited, reason, FieldCapReached, &GuardError{Guard: check.Guard, Check: check, After: after},
		"limit", strconv.Itoa(check.Cap), "window_seconds", seconds(GuardWindow))
}

// RefuseSameText returns the Error for a send with the content of an earlier one.
func RefuseSameText(first Send, window time.Duration) error {
	return refuse(Duplicate, "got a send with the same content a moment ago", FieldSameText,
		&GuardError{Guard: GuardSameText, First: &first}, "send", first.ID, "window_seconds", seconds(window))
}

func refuse(code Code, reason string, field FieldCode, cause *GuardError, params ...string) error {
	params = append([]string{"guard", string(cause.Guard)}, params...)
	return &Error{
		Code: code, Message: "a guard refuses the send", Cause: cause, RetryAfter: cause.After,
		Fields: []Field{NewField("to", field, reason, params...)},
	}
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// GuardCount is how often a guard had a result in an hour.
type GuardCount struct {
	Guard   Guard
	Result  GuardResult
	Country string // of the recipient; empty for a number of none
	Count   int
	LastAt  time.Time
}
