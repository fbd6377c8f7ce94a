package callbacks

import (
	"fmt"
	"net/netip"
	"strings"
)

// Policy says to which addresses callbacks may go. Public addresses are always allowed. The zero value allows no others.
type Policy struct {
	ranges []netip.Prefix // that are allowed besides
}

// ParsePolicy parses a list of addresses and CIDR ranges, separated by commas, such as "10.1.0.0/16,::1".
func ParsePolicy(text string) (Policy, error) {
	var p Policy
	if strings.TrimSpace(text) == "" {
		return p, nil
	}
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.TrimSpace(entry)
		allowed, err := parseRange(entry)
		if err != nil {
			return Policy{}, err
		}
		p.ranges = append(p.ranges, allowed)
	}
	return p, nil
}

func parseRange(entry string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(entry); err == nil && address.Zone() == "" && !address.Is4In6() {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	allowed, err := netip.ParsePrefix(entry)
	if err != nil || allowed.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a range like 10.1.0.0/16", entry)
	}
	if allowed.Masked() != allowed {
		return netip.Prefix{}, fmt.Errorf("%q is not the beginning of a range: did you mean %s?", entry, allowed.Masked())
	}
	return allowed, nil
}

// UnmarshalText parses a policy as ParsePolicy does.
func (p *Policy) UnmarshalText(text []byte) error {
	parsed, err := ParsePolicy(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// String returns the ranges in the form that ParsePolicy reads.
func (p Policy) String() string {
	texts := make([]string, 0, len(p.ranges))
	for _, allowed := range p.ranges {
		texts = append(texts, allowed.String())
	}
	return strings.Join(texts, ",")
}

// ForbiddenError is the error for an address to which callbacks do not go. Its text has the kind of the address, not the address:
// a caller shall not learn the addresses of a private network.
type ForbiddenError struct {
	Kind string // such as "a private address"
}

func (e *ForbiddenError) Error() string { return "callbacks do not go to " + e.Kind }

// Check returns a *ForbiddenError if callbacks may not go to an address.
func (p Policy) Check(address netip.Addr) error {
	kind := kindOf(address)
	if kind == "" {
		return nil
	}
	plain := address.Unmap().WithZone("")
	if !p.allows(plain) {
		return &ForbiddenError{kind}
	}
	if embedded, ok := embeddedIPv4(plain); ok {
		return p.Check(embedded)
	}
	return nil
}

// allows reports whether a range contains an address. A metadata address must stand in the list itself: a wider range, such as
// that of a private network, does not allow it.
func (p Policy) allows(address netip.Addr) bool {
	for _, allowed := range p.ranges {
		if allowed.Contains(address) && (allowed.IsSingleIP() || !isMetadata(address)) {
			return true
		}
	}
	return false
}

// allowsLoopback reports whether the name localhost can be reached.
func (p Policy) allowsLoopback() bool {
	return p.Check(netip.AddrFrom4([4]byte{127, 0, 0, 1})) == nil || p.Check(netip.IPv6Loopback()) == nil
}
