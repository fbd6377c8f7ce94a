package httpsms

import (
	"regexp"
	"strings"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// compactRef returns a reference without the dashes of its UUID: 34 bytes for a step of one digit, where String has 38. Some
// gateways take ids of at most 36.
func compactRef(ref backstop.Ref) string { return strings.ReplaceAll(ref.String(), "-", "") }

var compactPattern = regexp.MustCompile(`^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12}\.[0-9]{1,4})$`)

// readRef parses a reference in either form. It returns the zero Ref if Backstop did not make it.
func readRef(text string) backstop.Ref {
	if parts := compactPattern.FindStringSubmatch(text); parts != nil {
		text = strings.Join(parts[1:], "-")
	}
	return provider.Ref(text)
}

// ownID is the id of a message if the gateway has none: the reference, as the request has it.
func (c *Client) ownID(ref backstop.Ref) string {
	switch {
	case ref == (backstop.Ref{}):
		return ""
	case c.gateway.request.uses()["ref_compact"]:
		return compactRef(ref)
	default:
		return ref.String()
	}
}
