package callbacks

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// MaxURL is the maximum length of an endpoint's URL, in bytes.
const MaxURL = 2048

// URLError is the error of CheckURL.
type URLError struct {
	Reason    string // a text for people, such as "must be an http or https URL"; it repeats no part of the URL
	Forbidden bool   // the URL is well-formed, and its address is not allowed
}

func (e *URLError) Error() string { return e.Reason }

const hostLabel = `[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?`

var (
	hostName      = regexp.MustCompile(`^(?i:` + hostLabel + `(\.` + hostLabel + `)*)$`)
	numericEnding = regexp.MustCompile(`^(.*\.)?([0-9]+|0[xX][0-9a-fA-F]*)$`)
)

const maxHostName = 253 // characters, RFC 1035

// CheckURL returns a *URLError if callbacks cannot go to a URL. It makes no DNS request: the Sender checks the addresses of a
// name when it connects.
func CheckURL(text string, allow Policy) error {
	u, reason := parseURL(text)
	if reason != "" {
		return &URLError{Reason: reason}
	}
	host := u.Hostname()
	if address, err := netip.ParseAddr(host); err == nil {
		if address.Zone() != "" {
			return &URLError{Reason: "must not have an IPv6 address with a zone", Forbidden: true}
		}
		return checkAddress(address, allow)
	}
	// Some resolvers read 2130706433, 0x7f.1 or 127.1 as 127.0.0.1. A name that ends in a number is an address for every browser
	// (WHATWG URL, 3.5).
	switch {
	case numericEnding.MatchString(strings.TrimSuffix(host, ".")):
		return &URLError{Reason: "must have an IPv4 address of four decimal numbers"}
	case len(host) > maxHostName || !hostName.MatchString(host):
		return &URLError{Reason: "must have a host name of ASCII letters, digits, dots and dashes, without a dot at its end"}
	case isLocalhost(host) && !allow.allowsLoopback():
		return checkAddress(netip.IPv6Loopback(), allow)
	}
	return nil
}

// parseURL parses a URL and checks everything but its host. The reason is empty if all is right.
func parseURL(text string) (u *url.URL, reason string) {
	if len(text) > MaxURL {
		return nil, "must have at most " + strconv.Itoa(MaxURL) + " bytes"
	}
	isOther := func(r rune) bool { return r <= ' ' || r > '~' }
	if strings.ContainsFunc(text, isOther) {
		return nil, "must have printable ASCII characters only; percent-encode others"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, "must be an http or https URL"
	case u.User != nil:
		return nil, "must not contain a user or a password"
	case strings.Contains(text, "#"):
		return nil, "must not contain a fragment"
	}
	if _, port, found := strings.Cut(u.Host[strings.LastIndexByte(u.Host, ']')+1:], ":"); found {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, "must have a port from 1 to 65535"
		}
	}
	return u, ""
}

func checkAddress(address netip.Addr, allow Policy) error {
	err := allow.Check(address)
	if forbidden, ok := errors.AsType[*ForbiddenError](err); ok {
		return &URLError{Reason: "must not be " + forbidden.Kind, Forbidden: true}
	}
	return err
}

// isLocalhost reports whether a name always means the own host (RFC 6761).
func isLocalhost(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "localhost.localdomain"
}
