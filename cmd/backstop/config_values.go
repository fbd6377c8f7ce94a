package main

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// databaseFault describes the fault of a database URL. It never repeats the URL, which holds the password.
func databaseFault(dsn string) string {
	u, err := url.Parse(dsn)
	switch {
	case dsn == "": // describeErrors reports a missing variable
		return ""
	case !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://"):
		return "must begin with postgres://"
	case err != nil || u.Fragment != "" || strings.Contains(u.Host, "@"):
		return "is not a URL; special characters of the password, such as # / @ and spaces, must be percent-encoded"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "must have a port from 1 to 65535"
		}
	}
	return ""
}

func isHTTPURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// isNotInHeader reports whether a character cannot be in a key that comes in the header Authorization.
func isNotInHeader(r rune) bool { return r <= ' ' || r > '~' }

// isAddressRange reports whether a text is an IP address without a zone, or a CIDR range that leaves addresses out.
func isAddressRange(s string) bool {
	if address, err := netip.ParseAddr(s); err == nil {
		return address.Zone() == ""
	}
	prefix, err := netip.ParsePrefix(s)
	return err == nil && prefix.Bits() > 0
}
