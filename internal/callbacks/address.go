package callbacks

import "net/netip"

// addressRange is a range of addresses that are not public.
type addressRange struct{ prefix, kind string }

// The kinds that have rules of their own.
const (
	kindMetadata = "a metadata address of a cloud"
	kindMapped   = "an IPv4-mapped address"
	kindNAT64    = "a NAT64 address"
)

// metadataAddresses are the addresses by which clouds give credentials and settings to a machine. They are link-local, private
// or, as Azure's, public.
func metadataAddresses() []string {
	return []string{
		"169.254.169.254",    // AWS, Azure, Google, Oracle and most others
		"169.254.170.2",      // AWS ECS: the credentials of a task
		"169.254.170.23",     // AWS EKS: the credentials of a pod
		"169.254.0.23",       // Tencent
		"169.254.42.42",      // Scaleway
		"100.100.100.200",    // Alibaba
		"168.63.129.16",      // Azure: WireServer
		"192.0.0.192",        // Oracle Classic
		"fd00:ec2::254",      // AWS
		"fd00:ec2::23",       // AWS EKS
		"fd20:ce::254",       // Google
		"fd00:c1::a9fe:a9fe", // Oracle
		"fd00:42::42",        // Scaleway
		"fe80::a9fe:a9fe",    // Akamai
	}
}

// specialRanges are the ranges of IANA's registries of special-purpose addresses (RFC 6890) and of IPv6 (RFC 4291) that lead to
// no public server. The first that contains an address counts.
func specialRanges() []addressRange {
	return []addressRange{
		{"0.0.0.0/8", "an unspecified address"},
		{"10.0.0.0/8", "a private address"},
		{"100.64.0.0/10", "a shared address of a carrier (CGNAT)"},
		{"127.0.0.0/8", "a loopback address"},
		{"169.254.0.0/16", "a link-local address"},
		{"172.16.0.0/12", "a private address"},
		{"192.0.0.0/24", "an address of IETF protocols"},
		{"192.0.2.0/24", "a documentation address"},
		{"192.88.99.0/24", "a 6to4 relay"},
		{"192.168.0.0/16", "a private address"},
		{"198.18.0.0/15", "a benchmarking address"},
		{"198.51.100.0/24", "a documentation address"},
		{"203.0.113.0/24", "a documentation address"},
		{"224.0.0.0/4", "a multicast address"},
		{"255.255.255.255/32", "a broadcast address"},
		{"240.0.0.0/4", "a reserved address"},
		{"::/128", "an unspecified address"},
		{"::1/128", "a loopback address"},
		{"64:ff9b::/96", kindNAT64},
		{"64:ff9b:1::/48", kindNAT64},
		{"100::/64", "a discard address"},
		{"2001:db8::/32", "a documentation address"},
		{"2001::/23", "an address of IETF protocols"}, // with Teredo and ORCHID
		{"2002::/16", "a 6to4 address"},
		{"3fff::/20", "a documentation address"},
		{"fc00::/7", "a unique local address"},
		{"fe80::/10", "a link-local address"},
		{"fec0::/10", "a site-local address"},
		{"ff00::/8", "a multicast address"},
	}
}

// globalIPv6 is the only range of IPv6 from which public addresses are given out.
const globalIPv6 = "2000::/3"

// kindOf says what is special about an address, or "" if it is an ordinary public one.
func kindOf(address netip.Addr) string {
	switch {
	case !address.IsValid():
		return "no address"
	case address.Is4In6():
		return kindMapped
	}
	address = address.WithZone("")
	if isMetadata(address) {
		return kindMetadata
	}
	for _, r := range specialRanges() {
		if netip.MustParsePrefix(r.prefix).Contains(address) {
			return r.kind
		}
	}
	if address.Is6() && !netip.MustParsePrefix(globalIPv6).Contains(address) {
		return "a reserved address"
	}
	return ""
}

func isMetadata(address netip.Addr) bool {
	for _, text := range metadataAddresses() {
		if netip.MustParseAddr(text) == address {
			return true
		}
	}
	return false
}

// embeddedIPv4 returns the IPv4 address to which a NAT64 gateway translates an address of the well-known prefix (RFC 6052).
func embeddedIPv4(address netip.Addr) (netip.Addr, bool) {
	if !netip.MustParsePrefix("64:ff9b::/96").Contains(address) {
		return netip.Addr{}, false
	}
	bytes := address.As16()
	return netip.AddrFrom4([4]byte(bytes[12:])), true
}
