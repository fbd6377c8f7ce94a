package provider

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Loose is a JSON text, or a number as it is written. A value of any other type is empty: a field of an odd type must not
// cost the object that it is in.
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

// Int reads a whole number, also one that is written as a text or as a float (131031.0). It returns false for anything else.
func (l Loose) Int() (int, bool) {
	whole, fraction, _ := strings.Cut(strings.TrimSpace(string(l)), ".")
	n, err := strconv.Atoi(whole)
	return n, err == nil && strings.Trim(fraction, "0") == ""
}
