package backstop

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of the variables of a send.
const (
	MaxVariables      = 50
	MaxVariableName   = 64
	MaxVariablesBytes = 16 << 10 // of all names and values

	// maxFilled bounds the texts of one send with their values, in bytes. Each text has a lower bound of its own, which is
	// checked when it is filled. A pattern that repeats a long value would take a lot of memory until then.
	maxFilled = 64 << 10
)

// variableName is the form of a variable's name.
var variableName = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

// Variables are the values of the variables in a pattern, by their names.
type Variables map[string]string

// pattern is a parsed text with variables: literals, and between them the names of variables. A literal follows each name, so
// there is one literal more than names.
type pattern struct {
	literals []string
	names    []string
}

// parsePattern parses a text with variables. {{name}} is a variable; spaces may surround the name. {{{{ is a literal {{. Of
// other braces, a single { and each } outside a variable are literals. If a {{ begins no variable, the result is false and its
// place: the number of characters before it.
func parsePattern(text string) (p pattern, at int, ok bool) {
	var literal strings.Builder
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "{")
		literal.WriteString(before)
		if !found {
			p.literals = append(p.literals, literal.String())
			return p, 0, true
		}
		start := len(text) - len(after) - 1
		rest = strings.TrimLeft(after, "{")
		braces := 1 + len(after) - len(rest)
		literal.WriteString(strings.Repeat("{{", braces/4)) // of each four braces
		if braces%2 == 1 {
			literal.WriteByte('{')
		}
		if braces%4 < 2 {
			continue
		}
		name, after, found := strings.Cut(rest, "}}")
		name = strings.Trim(name, " ")
		if !found || !variableName.MatchString(name) {
			return pattern{}, utf8.RuneCountInString(text[:start+braces-2]), false
		}
		p.literals, p.names = append(p.literals, literal.String()), append(p.names, name)
		literal.Reset()
		rest = after
	}
}

// size returns the number of bytes of the text that fill returns.
func (p pattern) size(values Variables) (n int) {
	for _, literal := range p.literals {
		n += len(literal)
	}
	for _, name := range p.names {
		if value, given := values[name]; given {
			n += len(value)
		} else {
			n += len("{{}}") + len(name)
		}
	}
	return n
}

// fill returns the text with the values in place of the variables. It does not parse a value. A variable without a value stays.
func (p pattern) fill(values Variables) string {
	var b strings.Builder
	for i, literal := range p.literals {
		if i > 0 {
			name := p.names[i-1]
			value, given := values[name]
			if !given {
				value = "{{" + name + "}}"
			}
			b.WriteString(value)
		}
		b.WriteString(literal)
	}
	return b.String()
}

// PatternVariables returns the names of the variables in a pattern, each once, in their order. A text that is no pattern has
// none.
func PatternVariables(text string) []string {
	p, _, _ := parsePattern(text)
	var names []string
	for _, name := range p.names {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// filler fills the patterns of one send. It collects what is wrong and which variables the patterns name.
type filler struct {
	isPattern bool // else each text stays as it is
	values    Variables
	isDraft   bool              // a variable without a value stays as it is
	names     []string          // of all variables, in the order of their first place
	users     map[string]string // the field that names a variable first, by the variable
	size      int               // of the texts, with their values
	fields    fields
}

// fill returns the text of a pattern; the pattern itself if it is not valid or lacks a value.
func (f *filler) fill(field, text string) string {
	if !f.isPattern {
		return text
	}
	p, at, ok := parsePattern(text)
	if !ok {
		f.fields.add(field, FieldVariableSyntax,
			fmt.Sprintf("has a {{ that begins no variable like {{name}}, after %d characters; write {{{{ for a literal {{", at),
			"at", strconv.Itoa(at))
		return text
	}
	isComplete := true
	for _, name := range p.names {
		if _, known := f.users[name]; !known {
			f.users[name] = field
			f.names = append(f.names, name)
		}
		_, given := f.values[name]
		isComplete = isComplete && given
	}
	if !isComplete && !f.isDraft {
		return text // err says so
	}
	before := f.size
	if f.size += p.size(f.values); f.size > maxFilled {
		if before <= maxFilled {
			f.fields.addMax(field, FieldBytesMax, "must have at most %d bytes, with the texts before it and values", maxFilled)
		}
		return text
	}
	return p.fill(f.values)
}

// err returns the faults of the patterns and of the variables: each that is missing, and each that no pattern names.
func (f *filler) err() fields {
	wrong := slices.Clone(f.fields)
	for _, name := range slices.Sorted(maps.Keys(f.users)) {
		if _, given := f.values[name]; !given {
			wrong.add("variables."+name, FieldVariableMissing, "is required: "+f.users[name]+" names it", "field", f.users[name])
		}
	}
	if len(f.fields) > 0 {
		return wrong // a pattern that is not valid may name the others
	}
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if _, used := f.users[name]; !used {
			wrong.add("variables."+clipName(name), FieldVariableUnused, "is named by no text: remove it, or check its spelling")
		}
	}
	return wrong
}

// validate checks the bounds of the variables.
func (v Variables) validate(f *fields) {
	size := 0
	for name, value := range v {
		size += len(name) + len(value)
	}
	if len(v) > MaxVariables {
		f.addMax("variables", FieldItemsMax, "must have at most %d items", MaxVariables)
	}
	if size > MaxVariablesBytes {
		f.addMax("variables", FieldBytesMax, "must have at most %d bytes", MaxVariablesBytes)
	}
}

// clipName cuts a name that a caller chose, for the path of a field.
func clipName(name string) string {
	runes := []rune(name)
	if len(runes) <= MaxVariableName {
		return name
	}
	return string(runes[:MaxVariableName]) + "…"
}
