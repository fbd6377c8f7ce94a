package httpsms

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/backstophq/backstop"
)

// valuesOf returns the values of a message. Those that do not apply are empty.
func (c *Client) valuesOf(m backstop.SMSMessage, now time.Time) values {
	v := values{
		"base_url":        c.baseURL,
		"username":        c.username,
		"password":        c.password,
		"token":           c.token,
		"to":              m.To,
		"to_without_plus": strings.TrimPrefix(m.To, "+"),
		"from":            m.SendID,
		"text":            m.Text,
		"ref":             m.Ref.String(),
		"ref_compact":     compactRef(m.Ref),
		"receipt_url":     c.webhookURL + "?ref=" + url.QueryEscape(m.Ref.String()),
	}
	if m.ValidFor > 0 {
		// Rounded down, because an expired code is worse than none. At least 1, because 0 often means no limit.
		v["ttl_seconds"] = strconv.FormatInt(max(int64(m.ValidFor/time.Second), 1), 10)
		v["ttl_minutes"] = strconv.FormatInt(max(int64(m.ValidFor/time.Minute), 1), 10)
		end := now.Add(m.ValidFor).UTC().Truncate(time.Second)
		v["expires_at"], v["expires_at_unix"] = end.Format(time.RFC3339), strconv.FormatInt(end.Unix(), 10)
	}
	if backstop.MeasureSMS(m.Text).Encoding == backstop.UCS2 {
		v["unicode"], v["text_utf16_hex"] = "1", utf16Hex(m.Text)
	} else {
		v["gsm"], v["text_gsm"] = "1", m.Text
	}
	return v
}

// utf16Hex returns a text as UTF-16BE in hexadecimal digits.
func utf16Hex(text string) string {
	var raw []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		raw = binary.BigEndian.AppendUint16(raw, unit)
	}
	return hex.EncodeToString(raw)
}

// jsonBody returns the body of a JSON request.
func jsonBody(tree any, v values) ([]byte, error) {
	rendered, _ := renderTree(tree, v)
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(rendered)
	return bytes.TrimSpace(body.Bytes()), err
}

// renderTree renders the templates of a JSON body. It returns false for a text whose values are all empty: the field that has it
// is left out. A text that is nothing but a number or a truth value is written as one.
func renderTree(tree any, v values) (any, bool) {
	switch part := tree.(type) {
	case template:
		text, ok := part.render(v, nil)
		switch part.alone() {
		case "ttl_seconds", "ttl_minutes", "expires_at_unix":
			return json.Number(text), ok
		case "unicode", "gsm":
			return true, ok
		}
		return text, ok
	case map[string]any:
		all := map[string]any{}
		for name, field := range part {
			if value, ok := renderTree(field, v); ok {
				all[name] = value
			}
		}
		return all, true
	case []any:
		list := []any{}
		for _, item := range part {
			if value, ok := renderTree(item, v); ok {
				list = append(list, value)
			}
		}
		return list, true
	default:
		return part, true
	}
}

// addParameters renders the parameters of a form or a query. It leaves out those whose values are all empty.
func addParameters(to url.Values, tree any, v values) {
	fields, ok := tree.(map[string]any)
	if !ok {
		return
	}
	add := func(name string, item any) {
		if t, isTemplate := item.(template); isTemplate {
			if text, ok := t.render(v, nil); ok {
				to.Add(name, text)
			}
			return
		}
		if text, ok := scalar(item); ok {
			to.Add(name, text)
		}
	}
	for name, field := range fields {
		if list, isList := field.([]any); isList {
			for _, item := range list {
				add(name, item)
			}
			continue
		}
		add(name, field)
	}
}
