package backstop

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Removable is what is removed of old sends.
type Removable string

// The kinds of removal. The records are the sends themselves, with attempts, receipts, events and callbacks.
const (
	RemoveContent Removable = "content" // texts, parameters of templates, metadata
	RemoveNumbers Removable = "numbers" // phone numbers, and what may contain them
	RemoveRecords Removable = "records"
)

// MinKeep is the shortest time that anything is kept. The recipients of an account's last 24 hours are counted, and a late
// receipt may end a send.
const MinKeep = 48 * time.Hour

// keptCategories returns the categories of sends: none, and all others.
func keptCategories() []Category { return []Category{"", Authentication, Utility, Marketing} }

// Keep says how long something is kept after the acceptance of a send, by the category of the send. A category without an age has
// that of the empty one; 0 is for ever.
type Keep map[Category]time.Duration

// Age is how long something is kept; 0 is for ever.
type Age time.Duration

// UnmarshalText reads a text such as "90d" or "72h".
func (a *Age) UnmarshalText(text []byte) error {
	*a = 0
	if len(text) == 0 {
		return nil
	}
	age, err := parseAge(string(text))
	*a = Age(age)
	return err
}

// UnmarshalText reads a text such as "90d" or "90d,authentication=7d". Besides the units of Go, an age may have days.
func (k *Keep) UnmarshalText(text []byte) error {
	*k = Keep{}
	if len(text) == 0 {
		return nil
	}
	for part := range strings.SplitSeq(string(text), ",") {
		category, age, isNamed := strings.Cut(strings.TrimSpace(part), "=")
		if !isNamed {
			category, age = "", category
		}
		if isNamed && !slices.Contains(keptCategories()[1:], Category(category)) {
			return fmt.Errorf("%q is not a category: use authentication, utility or marketing", category)
		}
		length, err := parseAge(age)
		if err != nil {
			return err
		}
		if _, isTwice := (*k)[Category(category)]; isTwice {
			return fmt.Errorf("there are two ages for %q", part)
		}
		(*k)[Category(category)] = length
	}
	return nil
}

func parseAge(text string) (time.Duration, error) {
	const most = 100 * 365 // days
	age, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n int
		n, err = strconv.Atoi(days)
		age = time.Duration(min(n, most)) * 24 * time.Hour
	}
	if err != nil {
		return 0, fmt.Errorf("%q is not an age such as 90d or 72h", text)
	}
	if age != 0 && age < MinKeep {
		return 0, fmt.Errorf("%q is less than %d hours", text, int(MinKeep.Hours()))
	}
	return age, nil
}

// Retention says how long the parts of sends, and the entries of the audit, are kept. The zero value keeps all for ever.
type Retention struct {
	Content, Numbers, Records Keep

	Audit Age
}

// Removal is one kind of removal, of the sends of some categories that were accepted before a time.
type Removal struct {
	What       Removable
	Categories []Category
	Age        time.Duration
}

// Name identifies the removal. Its progress is stored by the name.
func (r Removal) Name() string {
	names := make([]string, len(r.Categories))
	for i, c := range r.Categories {
		names[i] = string(c)
	}
	return string(r.What) + ":" + strings.Join(names, ",")
}

// Removals returns what is to be removed, the records first: what they contain need not be removed before. Categories of one age
// are removed together.
func (r Retention) Removals() (list []Removal) {
	for _, of := range []struct {
		what Removable
		keep Keep
	}{{RemoveRecords, r.Records}, {RemoveNumbers, r.Numbers}, {RemoveContent, r.Content}} {
		byAge := map[time.Duration][]Category{}
		for _, c := range keptCategories() {
			age, isSet := of.keep[c]
			if !isSet {
				age = of.keep[""]
			}
			if age > 0 {
				byAge[age] = append(byAge[age], c)
			}
		}
		for _, age := range slices.Sorted(maps.Keys(byAge)) {
			list = append(list, Removal{What: of.what, Categories: byAge[age], Age: age})
		}
	}
	return list
}

// RemovalState is the progress of a removal.
type RemovalState struct {
	Removal

	Removed int64     // sends, since the settings are these
	Later   int       // sends that could not be removed yet
	Through time.Time // of acceptance: all older ones are done; zero: none is
	RanAt   time.Time // zero: never
}

// removedSign is in each mask of a number that was removed.
const removedSign = "•"

// HasNumber reports whether the number of the recipient is stored. If it was removed, a mask is in its place.
func (s Send) HasNumber() bool { return !strings.Contains(s.To, removedSign) }

// withoutPerson returns a receipt of a send whose number was removed, without what may contain the number. The digest of the
// message id still recognises a repeated receipt.
func (r Receipt) withoutPerson() Receipt {
	digest := sha256.Sum256([]byte(r.MessageID))
	r.MessageID = removedPrefix + hex.EncodeToString(digest[:])
	if r.Failure != nil {
		bare := *r.Failure
		bare.Reason = ""
		r.Failure = &bare
	}
	return r
}

// removedPrefix is the beginning of the message ids that were removed.
const removedPrefix = "removed-"
