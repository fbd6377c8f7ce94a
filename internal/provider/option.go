package provider

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// CheckText validates a required option that becomes part of a header or a path. Its error never repeats the value.
func CheckText(name, value string) error {
	if value == "" {
		return fmt.Errorf("%s is required", name)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s must not contain spaces, control characters or anything beyond ASCII", name)
	}
	return nil
}

// ParseURL parses an option that is a base URL, and removes a slash at its end. Its error never repeats the value.
func ParseURL(name, value string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(value, "/"))
	switch {
	case value == "":
		return nil, fmt.Errorf("%s is required", name)
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, fmt.Errorf("%s must be an address like https://example.com", name)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("%s must not contain a user, a query or a fragment", name)
	}
	return u, nil
}

// CheckTimeout validates the timeout of a call: 0 to 1 minute. Zero means DefaultTimeout.
func CheckTimeout(name string, d time.Duration) error {
	if d < 0 || d > time.Minute {
		return fmt.Errorf("%s must be between 0 and 1 minute", name)
	}
	return nil
}
