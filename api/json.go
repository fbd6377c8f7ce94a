package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/backstophq/backstop"
)

// decodeJSON reads a JSON document more strictly than encoding/json does. The body must be one document in UTF-8, without text
// after it. It refuses a name that occurs twice in an object, the NUL character, which Postgres cannot store, and half of a
// surrogate pair, which encoding/json would replace. It returns numbers as json.Number, and whole numbers without exponent and
// fraction: 1e2 as 100.
func decodeJSON(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, &backstop.Error{Code: malformed, Message: "the body is not in UTF-8: encode it in UTF-8"}
	}
	if nestingDepth(data) > maxDepth {
		return nil, &backstop.Error{Code: malformed, Message: fmt.Sprintf("the body is nested more than %d deep", maxDepth)}
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		message := "the body is not valid JSON"
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			message = fmt.Sprintf("%s: %v at byte %d", message, e, e.Offset)
		}
		return nil, &backstop.Error{Code: malformed, Message: message, Cause: err}
	}
	d := decoder{data: data, tokens: json.NewDecoder(bytes.NewReader(data))}
	d.tokens.UseNumber()
	return d.value("")
}

// maxDepth is the most levels of nested arrays and objects. The template of a message has about six.
const maxDepth = 100

// nestingDepth returns how many levels of arrays and objects are nested in valid JSON. For other text the result has no meaning.
func nestingDepth(data []byte) (deepest int) {
	level, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case b == '"':
			inText = !inText
		case b == '\\' && inText:
			i++ // the escaped character, which may be a quotation mark
		case inText:
		case b == '[' || b == '{':
			level++
			deepest = max(deepest, level)
		case b == ']' || b == '}':
			level--
		}
	}
	return deepest
}

// decoder walks a valid JSON document.
type decoder struct {
	data   []byte
	tokens *json.Decoder
}

// nextToken returns the next token. If it is a text with a forbidden character, flaw names that character.
func (d decoder) nextToken() (token json.Token, flaw string, err error) {
	start := d.tokens.InputOffset()
	if token, err = d.tokens.Token(); err != nil {
		return nil, "", fmt.Errorf("read the body: %w", err)
	}
	text, ok := token.(string)
	switch {
	case !ok:
	case strings.ContainsRune(text, 0):
		flaw = "the NUL character"
	case hasLoneSurrogate(d.data[start:d.tokens.InputOffset()]):
		flaw = `half of a surrogate pair, such as \ud83d alone: an emoji was cut in two`
	}
	return token, flaw, nil
}

func (d decoder) value(path string) (any, error) {
	token, flaw, err := d.nextToken()
	if err != nil {
		return nil, err
	}
	if flaw != "" {
		return nil, badField(path, backstop.FieldNotText, "must not contain "+flaw)
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return d.object(path)
		}
		return d.array(path)
	case json.Number:
		return plainNumber(t), nil
	}
	return token, nil
}

func (d decoder) object(path string) (any, error) {
	members := map[string]any{}
	for d.tokens.More() {
		token, flaw, err := d.nextToken()
		if err != nil {
			return nil, err
		}
		if flaw != "" {
			return nil, badField(path, backstop.FieldNotText, "must not have names with "+flaw)
		}
		name, _ := token.(string)
		at := joinPath(path, name)
		if _, twice := members[name]; twice {
			return nil, badField(at, backstop.FieldGivenTwice, "must be given only once")
		}
		if members[name], err = d.value(at); err != nil {
			return nil, err
		}
	}
	return members, d.closeDelim()
}

func (d decoder) array(path string) (any, error) {
	items := []any{}
	for d.tokens.More() {
		item, err := d.value(joinPath(path, strconv.Itoa(len(items))))
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, d.closeDelim()
}

// closeDelim reads the bracket that closes an object or array.
func (d decoder) closeDelim() error {
	if _, err := d.tokens.Token(); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return nil
}

// hasLoneSurrogate reports whether a JSON string has an escape \uD800 to \uDFFF that is not one of a pair.
func hasLoneSurrogate(raw []byte) bool {
	high := false // whether the previous escape is the first half of a pair
	for i := 0; i < len(raw); i++ {
		unit := rune(-1)
		if raw[i] == '\\' {
			i++ // to the escaped character
			if raw[i] == 'u' {
				n, _ := strconv.ParseUint(string(raw[i+1:i+5]), 16, 16) // valid JSON has four digits here
				unit, i = rune(n), i+4
			}
		}
		low := unit >= 0xDC00 && unit <= 0xDFFF
		if high != low {
			return true
		}
		high = unit >= 0xD800 && unit <= 0xDBFF
	}
	return false
}

// maxWholeDigits is the most digits of an int64.
const maxWholeDigits = 19

// plainNumber writes a whole number without fraction and exponent: 1e2 and 100.0 as 100. It does not change other numbers and
// numbers of more than maxWholeDigits digits. It works on the text, so 1e999999999 costs no memory.
func plainNumber(n json.Number) json.Number {
	text := n.String()
	if !strings.ContainsAny(text, ".eE") {
		return n
	}
	mantissa, power := text, 0
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		var err error
		if power, err = strconv.Atoi(text[at+1:]); err != nil {
			return n
		}
		mantissa = text[:at]
	}
	unsigned := strings.TrimPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(unsigned, ".")
	digits := strings.TrimRight(whole+fraction, "0")
	trimmed := strings.TrimLeft(digits, "0")
	size := len(whole) + power - (len(digits) - len(trimmed)) // the digits of the whole number
	switch {
	case trimmed == "":
		return "0"
	case size < len(trimmed) || size > maxWholeDigits:
		return n
	}
	return json.Number(mantissa[:len(mantissa)-len(unsigned)] + trimmed + strings.Repeat("0", size-len(trimmed)))
}
