package provider

import (
	"net/url"
	"strings"
)

// CheckText validates a required setting that becomes part of a header or a path. Its error is a *FieldError and never repeats
// the value.
func CheckText(field, value string) error {
	if value == "" {
		return &FieldError{field, "is required"}
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &FieldError{field, "must not contain spaces, control characters or anything beyond ASCII"}
	}
	return nil
}

// ParseURL parses a setting that is a base URL, and removes a slash at its end. Its error is a *FieldError and never repeats the
// value.
func ParseURL(field, value string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(value, "/"))
	switch {
	case value == "":
		return nil, &FieldError{field, "is required"}
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, &FieldError{field, "must be an address like https://example.com"}
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, &FieldError{field, "must not contain a user, a query or a fragment"}
	}
	return u, nil
}
