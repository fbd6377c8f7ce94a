package httpsms

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// source is an answer of the gateway, or one report of a receipt: where a value is looked up.
type source struct {
	status int // of an answer
	header http.Header
	body   string
	json   any        // the body as JSON, or a report in it; nil if it is none
	form   url.Values // the parameters of a report, if it is no JSON
}

// lookup returns the text, number or truth value at a path like "data.messages.0.id".
func (s source) lookup(path string) (string, bool) {
	if s.form != nil {
		return s.form.Get(path), s.form.Has(path)
	}
	value, ok := descend(s.json, path)
	if !ok {
		return "", false
	}
	return scalar(value)
}

// descend follows a path into a JSON value. The empty path is the value itself.
func descend(value any, path string) (any, bool) {
	if path == "" {
		return value, value != nil
	}
	for step := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, value != nil
}

// extract is where a value is: at a path, in a header or in the whole body, and there in the group of a pattern.
type extract struct {
	path    string
	header  string
	pattern *regexp.Regexp
	others  []*extract // where else it may be, if it is not there
}

// extract reads where a value is. A text is a path, and a list has the places in the order in which they are tried. It returns
// nil if the part is missing.
func (n node) extract() *extract {
	if n.isMissing() {
		return nil
	}
	if list, ok := n.value.([]any); ok {
		places := make([]*extract, 0, len(list))
		for _, item := range n.items() {
			places = append(places, item.extract())
		}
		if len(places) == 0 || slices.Contains(places, nil) {
			n.faultf("must not be empty")
			return nil
		}
		places[0].others = places[1:]
		return places[0]
	}
	if path, ok := n.value.(string); ok {
		if path == "" {
			n.faultf("must not be empty")
		}
		return &extract{path: path}
	}
	fields := n.object("path", "header", "pattern")
	e := &extract{
		path:    fields["path"].text(),
		header:  fields["header"].text(),
		pattern: fields["pattern"].pattern(1),
	}
	switch {
	case e.path != "" && e.header != "":
		n.faultf("has both a path and a header")
	case e.path == "" && e.header == "" && e.pattern == nil:
		n.faultf("needs a path, a header or a pattern")
	}
	return e
}

// find returns the value, or "" if it is missing. It may be called on nil.
func (e *extract) find(s source) string {
	if e == nil {
		return ""
	}
	value := e.findHere(s)
	for i := 0; i < len(e.others) && value == ""; i++ {
		value = e.others[i].find(s)
	}
	return value
}

func (e *extract) findHere(s source) string {
	value := s.body
	switch {
	case e.path != "":
		value, _ = s.lookup(e.path)
	case e.header != "":
		value = s.header.Get(e.header)
	}
	if e.pattern == nil {
		return value
	}
	for _, group := range firstMatch(e.pattern, value) {
		if group != "" {
			return group
		}
	}
	return ""
}

// firstMatch returns the groups of the first match.
func firstMatch(pattern *regexp.Regexp, text string) []string {
	groups := pattern.FindStringSubmatch(text)
	if groups == nil {
		return nil
	}
	return groups[1:]
}

// match is a condition: the HTTP status is one of these, and the value at the path is one of these or matches the pattern.
// Without a path, the pattern is for the whole body.
type match struct {
	statuses []int
	path     string
	values   []string
	pattern  *regexp.Regexp
}

func matchFields() []string { return []string{"status", "path", "value", "pattern"} }

// match reads a condition from the fields of an object, which may have more fields.
func (n node) match(fields map[string]node) match {
	m := match{
		path:    fields["path"].text(),
		values:  fields["value"].texts(),
		pattern: fields["pattern"].pattern(0),
	}
	for _, status := range fields["status"].texts() {
		code, err := strconv.Atoi(status)
		if err != nil || code < 100 || code > 599 {
			fields["status"].faultf("must be a HTTP status, or a list of them")
		}
		m.statuses = append(m.statuses, code)
	}
	switch {
	case len(m.values) > 0 && m.path == "":
		n.faultf("has a value without a path")
	case len(m.statuses) == 0 && m.path == "" && m.pattern == nil:
		n.faultf("needs a status, a path or a pattern")
	}
	return m
}

func (m match) fits(s source) bool {
	if len(m.statuses) > 0 && !slices.Contains(m.statuses, s.status) {
		return false
	}
	return m.fitsContent(s)
}

func (m match) fitsContent(s source) bool {
	text := s.body
	if m.path != "" {
		value, found := s.lookup(m.path)
		if !found || len(m.values) > 0 && !slices.Contains(m.values, value) {
			return false
		}
		text = value
	}
	return m.pattern == nil || m.pattern.MatchString(text)
}
