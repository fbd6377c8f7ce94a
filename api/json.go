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

// decode reads a JSON document more strictly than encoding/json does: one document and nothing after it, in UTF-8,
// no name twice in an object, no NUL character, which Postgres cannot store. Numbers are kept as they are written.
func decode(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, &backstop.Error{Code: malformed, Message: "the body is not in UTF-8"}
	}
	if depth(data) > maxDepth {
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
	d := decoder{json.NewDecoder(bytes.NewReader(data))}
	d.tokens.UseNumber()
	return d.value("")
}

// maxDepth is how many arrays and objects may be inside each other. The template of a message has about six.
const maxDepth = 100

// depth returns how deep arrays and objects are nested in valid JSON. Of other text it may say anything.
func depth(data []byte) (deepest int) {
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

// decoder walks a document that is known to be valid JSON.
type decoder struct{ tokens *json.Decoder }

func (d decoder) value(path string) (any, error) {
	token, err := d.tokens.Token()
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return d.object(path)
		}
		return d.array(path)
	case string:
		if strings.ContainsRune(t, 0) {
			return nil, badField(path, "must not contain the NUL character")
		}
	}
	return token, nil
}

func (d decoder) object(path string) (any, error) {
	members := map[string]any{}
	for d.tokens.More() {
		token, err := d.tokens.Token()
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		name, _ := token.(string)
		at := join(path, name)
		if strings.ContainsRune(name, 0) {
			return nil, badField(path, "must not have names with the NUL character")
		}
		if _, twice := members[name]; twice {
			return nil, badField(at, "is given twice")
		}
		if members[name], err = d.value(at); err != nil {
			return nil, err
		}
	}
	return members, d.end()
}

func (d decoder) array(path string) (any, error) {
	items := []any{}
	for d.tokens.More() {
		item, err := d.value(join(path, strconv.Itoa(len(items))))
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, d.end()
}

// end takes the bracket that closes an object or array.
func (d decoder) end() error {
	if _, err := d.tokens.Token(); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return nil
}
