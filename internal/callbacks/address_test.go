package callbacks_test

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/callbacks"
)

func policy(t testing.TB, text string) callbacks.Policy {
	t.Helper()
	p, err := callbacks.ParsePolicy(text)
	require.NoError(t, err)
	return p
}

// decoys are addresses that look public, or are written in another way, and lead into a private network.
func decoys() map[string]string {
	return map[string]string{
		"0.0.0.0": "unspecified", "0.1.2.3": "unspecified", "10.0.0.1": "private", "10.255.255.255": "private",
		"100.64.0.1": "CGNAT", "100.127.255.255": "CGNAT", "127.0.0.1": "loopback", "127.255.255.254": "loopback",
		"169.254.1.1": "link-local", "172.16.0.1": "private", "172.31.255.255": "private", "192.0.0.8": "IETF",
		"192.0.2.1": "documentation", "192.88.99.1": "6to4", "192.168.0.1": "private", "198.18.0.1": "benchmarking",
		"198.19.255.255": "benchmarking", "198.51.100.7": "documentation", "203.0.113.7": "documentation",
		"224.0.0.1": "multicast", "239.255.255.250": "multicast", "240.0.0.1": "reserved", "255.255.255.255": "broadcast",
		"169.254.169.254": "metadata", "169.254.170.2": "metadata", "169.254.170.23": "metadata", "169.254.0.23": "metadata",
		"100.100.100.200": "metadata", "168.63.129.16": "metadata", "192.0.0.192": "metadata", "169.254.42.42": "metadata",
		"fd00:ec2::254": "metadata", "fd00:ec2::23": "metadata", "fd20:ce::254": "metadata", "fd00:c1::a9fe:a9fe": "metadata",
		"fe80::a9fe:a9fe": "metadata", "fd00:42::42": "metadata",
		"::": "unspecified", "::1": "loopback", "::7f00:1": "reserved", "::127.0.0.1": "reserved", "::ffff:0:127.0.0.1": "reserved",
		"::ffff:127.0.0.1": "IPv4-mapped", "::ffff:a9fe:a9fe": "IPv4-mapped", "::ffff:8.8.8.8": "IPv4-mapped",
		"64:ff9b::7f00:1": "NAT64", "64:ff9b::10.0.0.1": "NAT64", "64:ff9b::8.8.8.8": "NAT64", "64:ff9b:1::a00:1": "NAT64",
		"100::1": "discard", "2001::1": "IETF", "2001:0:4136:e378:8000:63bf:3fff:fdd2": "IETF", "2001:20::1": "IETF",
		"2001:db8::1": "documentation", "2002:7f00:1::1": "6to4", "2002:a9fe:a9fe::1": "6to4", "3fff::1": "documentation",
		"5f00::1": "reserved", "4000::1": "reserved", "fc00::1": "unique local", "fd12:3456:789a::1": "unique local",
		"fe80::1": "link-local", "febf::1": "link-local", "fec0::1": "site-local", "ff02::1": "multicast", "ff0e::1": "multicast",
	}
}

// publicAddresses are ordinary ones, many directly beside a special range.
func publicAddresses() []string {
	return []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "126.255.255.255",
		"128.0.0.1", "168.63.129.15", "169.253.255.255", "169.255.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.0.3.1",
		"192.167.255.255", "192.169.0.1", "198.17.255.255", "198.20.0.1", "203.0.112.255", "203.0.114.1", "223.255.255.255",
		"2606:4700:4700::1111", "2001:4860:4860::8888", "2001:200::1", "2003::1", "2a00:1450:4001:81b::200e", "3ffe::1", "2001:db9::1",
	}
}

// bracketed is an address as a URL writes it.
func bracketed(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

func TestPolicy_Check(t *testing.T) {
	t.Parallel()
	var none callbacks.Policy
	for address, kind := range decoys() {
		var forbidden *callbacks.ForbiddenError
		require.ErrorAs(t, none.Check(netip.MustParseAddr(address)), &forbidden, address)
		require.Contains(t, forbidden.Kind, kind, address)
		require.NotContains(t, forbidden.Error(), address)
		var wrong *callbacks.URLError
		require.ErrorAs(t, callbacks.CheckURL("https://"+bracketed(address)+"/hook", none), &wrong, address)
		require.True(t, wrong.Forbidden, address)
		require.Contains(t, wrong.Reason, kind, address)
		// A policy with exactly this address, except where the form itself hides another address.
		if !strings.HasPrefix(address, "::ffff:") && !strings.HasPrefix(address, "64:ff9b::") {
			require.NoError(t, policy(t, address).Check(netip.MustParseAddr(address)), address)
		}
	}
	for _, address := range publicAddresses() {
		require.NoError(t, none.Check(netip.MustParseAddr(address)), address)
		require.NoError(t, callbacks.CheckURL("http://"+bracketed(address)+":8443/hook?a=b", none), address)
	}
	require.Error(t, none.Check(netip.Addr{}), "no address at all")
}

func TestPolicy_Check_allowed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		allow, address string
		ok             bool
	}{
		{"10.1.0.0/16", "10.1.2.3", true},
		{"10.1.0.0/16", "10.2.2.3", false},
		{"10.1.0.0/16", "127.0.0.1", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"127.0.0.1", "::1", false},
		{"127.0.0.1", "::ffff:127.0.0.1", true}, // the operating system connects to 127.0.0.1
		{"10.0.0.0/8,fd12::/16", "fd12::1", true},
		{"fe80::/10", "fe80::1%eth0", true},
		{"0.0.0.0/0", "192.168.1.1", true},
		// A wide range does not open the metadata service; its own address does.
		{"0.0.0.0/0", "169.254.169.254", false},
		{"169.254.0.0/16", "169.254.169.254", false},
		{"fc00::/7", "fd00:ec2::254", false},
		{"100.64.0.0/10", "100.100.100.200", false},
		{"169.254.169.254", "169.254.169.254", true},
		{"169.254.169.254/32", "169.254.169.254", true},
		{"fd00:ec2::254/128", "fd00:ec2::254", true},
		// NAT64: the address inside counts too.
		{"64:ff9b::/96", "64:ff9b::8.8.8.8", true},
		{"64:ff9b::/96", "64:ff9b::10.0.0.1", false},
		{"64:ff9b::/96", "64:ff9b::169.254.169.254", false},
		{"64:ff9b::/96,10.0.0.0/8", "64:ff9b::10.0.0.1", true},
		{"10.0.0.0/8", "64:ff9b::10.0.0.1", false},
	} {
		err := policy(t, row.allow).Check(netip.MustParseAddr(row.address))
		require.Equal(t, row.ok, err == nil, "%s allows %s: %v", row.allow, row.address, err)
	}
}

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	var p callbacks.Policy
	require.NoError(t, p.UnmarshalText([]byte(" 10.1.0.0/16, ::1 ,127.0.0.1")))
	require.Equal(t, "10.1.0.0/16,::1/128,127.0.0.1/32", p.String())
	for _, empty := range []string{"", "  "} {
		require.NoError(t, p.UnmarshalText([]byte(empty)))
		require.Equal(t, callbacks.Policy{}, p)
	}
	for wrong, reason := range map[string]string{
		"10.1.0.0/33":          "neither an address nor a range",
		"10.1.2.3/16":          "did you mean 10.1.0.0/16?",
		"localhost":            "neither",
		"10.1.0.0/16;::1":      "neither",
		"10.1.0.0/16,":         "neither",
		"fe80::1%eth0":         "neither",
		"::ffff:10.0.0.0/104":  "neither",
		"::ffff:10.0.0.1":      "neither",
		"010.0.0.1":            "neither",
		"10.1.0.0/255.255.0.0": "neither",
		"*":                    "neither",
	} {
		require.ErrorContains(t, p.UnmarshalText([]byte(wrong)), reason, wrong)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://example.com", "https://example.com/", "http://example.com:8080/a/b?c=d&e=%20f", "https://EXAMPLE.com./"[:19] + "/",
		"https://xn--bcher-kva.example/hook", "https://a_b.example.com/hook", "https://1.1.1.1/hook", "https://127.example.com/",
		"https://10.0.0.1.nip.io/", // its address is checked when it is dialled
		"https://example.com:65535/", "https://[2606:4700:4700::1111]:443/", "https://orders/hook",
	} {
		require.NoError(t, callbacks.CheckURL(good, callbacks.Policy{}), good)
	}
	for wrong, reason := range map[string]string{
		"":                                                     "http or https",
		"example.com/hook":                                     "http or https",
		"//example.com/hook":                                   "http or https",
		"ftp://example.com/":                                   "http or https",
		"file:///etc/passwd":                                   "http or https",
		"gopher://example.com/":                                "http or https",
		"https:example.com":                                    "http or https",
		"https:///hook":                                        "http or https",
		"https://:443/hook":                                    "http or https",
		"https://user@example.com/":                            "user or a password",
		"https://user:pw@example.com/":                         "user or a password",
		"https://@example.com/":                                "user or a password",
		"https://example.com@127.0.0.1/":                       "user or a password",
		"https://example.com/#a":                               "fragment",
		"https://example.com/#":                                "fragment",
		"https://example.com:0/":                               "port",
		"https://example.com:65536/":                           "port",
		"https://example.com:/":                                "port",
		"https://example.com:http/":                            "http or https", // url.Parse refuses it
		"https://exa mple.com/":                                "ASCII",
		"https://example.com/a b":                              "ASCII",
		"https://example.com/\r\nX: y":                         "ASCII",
		"https://example.com/\x00":                             "ASCII",
		"https://bücher.example/":                              "ASCII",
		"https://①②⑦.⓪.⓪.①/":                                   "ASCII",
		"https://127。0。0。1/":                                   "ASCII",
		"https://127%2e0%2e0%2e1/":                             "http or https",
		`https://example.com\@10.0.0.1/`:                       "http or https",
		"https://example.com./":                                "without a dot at its end",
		"https://-example.com/":                                "host name",
		"https://example..com/":                                "host name",
		"https://*.example.com/":                               "host name",
		"https://" + strings.Repeat("a", 64) + ".example.com/": "host name",
		"https://" + strings.Repeat("a.", 127) + "example/":    "host name",
		"https://example.com/" + strings.Repeat("a", callbacks.MaxURL): "at most 2048 bytes",
		// The same loopback address in other forms.
		"http://2130706433/":            "four decimal numbers",
		"http://0x7f000001/":            "four decimal numbers",
		"http://0X7F.1/":                "four decimal numbers",
		"http://017700000001/":          "four decimal numbers",
		"http://0177.0.0.1/":            "four decimal numbers",
		"http://127.1/":                 "four decimal numbers",
		"http://127.0.0.1./":            "four decimal numbers",
		"http://127.0.0.01/":            "four decimal numbers",
		"http://127.0.0.0x1/":           "four decimal numbers",
		"http://127.0.0.1.0x/":          "four decimal numbers",
		"http://0/":                     "four decimal numbers",
		"http://4294967295/":            "four decimal numbers",
		"http://256.256.256.256/":       "four decimal numbers",
		"http://1.1.1.1.1/":             "four decimal numbers",
		"http://example.com.80/":        "four decimal numbers",
		"http://[fe80::1%25eth0]/":      "zone",
		"http://[::1%25lo]/":            "zone",
		"http://[fe80::1%eth0]/":        "http or https",
		"http://[::ffff:127.0.0.1]/":    "IPv4-mapped",
		"http://[::ffff:7f00:1]/":       "IPv4-mapped",
		"http://[0:0:0:0:0:0:0:1]/":     "loopback",
		"http://localhost/":             "loopback",
		"http://LocalHost:8080/":        "loopback",
		"http://a.b.localhost/":         "loopback",
		"http://localhost.localdomain/": "loopback",
	} {
		var fault *callbacks.URLError
		require.ErrorAs(t, callbacks.CheckURL(wrong, callbacks.Policy{}), &fault, wrong)
		require.Contains(t, fault.Reason, reason, wrong)
		isAddress := regexp.MustCompile(`loopback|zone|mapped`).MatchString(reason)
		require.Equal(t, isAddress, fault.Forbidden, wrong)
	}
	// The forms stay refused where the address itself is allowed.
	allowed := policy(t, "127.0.0.0/8,::1,fe80::/10")
	for _, good := range []string{"http://127.0.0.1:8095/", "http://localhost:8095/", "http://[::1]:8095/", "http://[::ffff:127.0.0.1]/"} {
		require.NoError(t, callbacks.CheckURL(good, allowed), good)
	}
	for _, wrong := range []string{"http://2130706433/", "http://127.1/", "http://[fe80::1%25eth0]/", "http://10.0.0.1/"} {
		require.Error(t, callbacks.CheckURL(wrong, allowed), wrong)
	}
}

// FuzzCheckURL: an accepted URL is one that net/http reads in the same way, and none of them names an address that is not public.
func FuzzCheckURL(f *testing.F) {
	for address := range decoys() {
		f.Add("http://" + bracketed(address) + ":80/")
	}
	for _, seed := range []string{
		"https://example.com/a?b#c", "http://user@example.com", "http://0x7f.1/", "http://[fe80::1%25lo]/", "http://localhost.:1/",
		"http://2130706433", "HTTP://EXAMPLE.com:65535", `http:\\example.com`, "http://example.com:080/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if callbacks.CheckURL(text, callbacks.Policy{}) != nil {
			return
		}
		u, err := url.Parse(text)
		require.NoError(t, err)
		require.Contains(t, []string{"http", "https"}, u.Scheme)
		require.Nil(t, u.User)
		require.Empty(t, u.Fragment)
		require.NotEmpty(t, u.Hostname())
		if u.Port() != "" {
			port, err := strconv.Atoi(u.Port())
			require.NoError(t, err)
			require.True(t, port > 0 && port < 65536)
		}
		if address, err := netip.ParseAddr(u.Hostname()); err == nil {
			require.NoError(t, callbacks.Policy{}.Check(address))
			require.Empty(t, address.Zone())
			return
		}
		labels := strings.Split(strings.ToLower(u.Hostname()), ".")
		last := labels[len(labels)-1]
		require.NotRegexp(t, `^([0-9]+|0x[0-9a-f]*)$`, last)
		require.NotEqual(t, "localhost", last)
	})
}
