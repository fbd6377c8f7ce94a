package httpsms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxFaults is how many faults of a document are named at once.
const maxFaults = 5

// faults collects what is wrong with a document.
type faults struct{ list []string }

func (f *faults) addf(path, format string, args ...any) {
	f.list = append(f.list, strings.TrimPrefix(path+" ", " ")+fmt.Sprintf(format, args...))
}

// err returns an error with the first faults, or nil.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	shown := f.list[:min(len(f.list), maxFaults)]
	return errors.New(strings.Join(shown, "; "))
}

// node is a part of a document, and the path to it.
type node struct {
	path   string // like "request.headers"
	value  any    // as encoding/json decodes it, with numbers as json.Number; nil if the part is missing
	faults *faults
}

// decodeJSON parses one JSON value. Numbers keep the form in which they are written.
func decodeJSON(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err //nolint:wrapcheck // the callers have their own words
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is text after the end of the JSON")
	}
	return value, nil
}

func (n node) isMissing() bool { return n.value == nil }

func (n node) faultf(format string, args ...any) { n.faults.addf(n.path, format, args...) }

func (n node) at(name string, value any) node {
	path := name
	if n.path != "" {
		path = n.path + "." + name
	}
	return node{path: path, value: value, faults: n.faults}
}

// object returns the fields of an object. Every field must be one of these names.
func (n node) object(names ...string) map[string]node {
	found := make(map[string]node, len(names))
	for _, name := range names {
		found[name] = n.at(name, nil)
	}
	for name, field := range n.entries() {
		if !slices.Contains(names, name) {
			field.faultf("is unknown; known are %s", strings.Join(names, ", "))
			continue
		}
		found[name] = field
	}
	return found
}

// entries returns the fields of an object with any names, in the order of the names, so that a document with several faults
// always gets the same error.
func (n node) entries() iter.Seq2[string, node] {
	return func(yield func(string, node) bool) {
		if n.isMissing() {
			return
		}
		fields, ok := n.value.(map[string]any)
		if !ok {
			n.faultf("must be an object")
			return
		}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if !yield(name, n.at(name, fields[name])) {
				return
			}
		}
	}
}

// items returns the parts of a list.
func (n node) items() []node {
	if n.isMissing() {
		return nil
	}
	list, ok := n.value.([]any)
	if !ok {
		n.faultf("must be a list")
		return nil
	}
	items := make([]node, len(list))
	for i, value := range list {
		items[i] = n.at(strconv.Itoa(i), value)
	}
	return items
}

func (n node) text() string {
	if n.isMissing() {
		return ""
	}
	text, ok := n.value.(string)
	if !ok {
		n.faultf("must be a text")
	}
	return text
}

func (n node) required() string {
	text := n.text()
	if text == "" {
		n.faultf("is required")
	}
	return text
}

// choice returns a text that must be one of these, or the first of them if it is missing.
func (n node) choice(choices ...string) string {
	text := n.text()
	switch {
	case n.isMissing():
		return choices[0]
	case !slices.Contains(choices, text):
		n.faultf("must be one of %s", strings.Join(choices, ", "))
		return choices[0]
	}
	return text
}

// texts returns a list of texts. A single text or number counts as a list.
func (n node) texts() []string {
	if text, ok := scalar(n.value); ok {
		return []string{text}
	}
	items := n.items()
	list := make([]string, len(items))
	for i, item := range items {
		text, ok := scalar(item.value)
		if !ok {
			item.faultf("must be a text or a number")
		}
		list[i] = text
	}
	return list
}

// whole returns a whole number between these bounds, or 0 if it is missing.
func (n node) whole(least, most int64) int64 {
	if n.isMissing() {
		return 0
	}
	number, _ := n.value.(json.Number)
	value, err := number.Int64()
	if err != nil || value < least || value > most {
		n.faultf("must be a whole number between %d and %d", least, most)
		return 0
	}
	return value
}

func (n node) isTrue() bool {
	if n.isMissing() {
		return false
	}
	value, ok := n.value.(bool)
	if !ok {
		n.faultf("must be true or false")
	}
	return value
}

// pattern returns a compiled pattern, or nil if it is missing. groups is how many groups it needs at least.
func (n node) pattern(groups int) *regexp.Regexp {
	text := n.text()
	if text == "" {
		return nil
	}
	compiled, err := regexp.Compile(text)
	switch {
	case err != nil:
		n.faultf("is not a pattern: %v", err)
		return nil
	case compiled.NumSubexp() < groups:
		n.faultf("needs a group in parentheses")
		return nil
	}
	return compiled
}

// scalar returns a JSON text, number or truth value as text.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}
