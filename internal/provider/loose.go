package provider

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Loose is a JSON string, or a JSON number as it is written. A value of any other type becomes empty, so one field of an
// unexpected type does not make the whole object unreadable.
type Loose string

// UnmarshalJSON never fails.
func (l *Loose) UnmarshalJSON(raw []byte) error {
	var text string
	var number json.Number
	switch {
	case json.Unmarshal(raw, &text) == nil:
		*l = Loose(text)
	case json.Unmarshal(raw, &number) == nil:
		*l = Loose(number)
	default:
		*l = ""
	}
	return nil
}

// Int reads a whole number, also if it is written as a string or as a float (131031.0). It returns false for anything else.
func (l Loose) Int() (int, bool) {
	whole, fraction, _ := strings.Cut(strings.TrimSpace(string(l)), ".")
	n, err := strconv.Atoi(whole)
	return n, err == nil && strings.Trim(fraction, "0") == ""
}
