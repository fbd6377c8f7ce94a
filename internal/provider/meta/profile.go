package meta

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// profileFields returns the fields of a number to ask for: all of the newest version, those of the versions up to v23, and those
// that every version has.
func profileFields() [][]string {
	base := []string{"display_phone_number", "verified_name", "quality_rating"}
	more := slices.Concat(base, []string{"status", "name_status", "throughput"})
	return [][]string{
		slices.Concat(more, []string{"whatsapp_business_manager_messaging_limit"}),
		slices.Concat(more, []string{"messaging_limit_tier"}),
		more,
		base,
	}
}

// Profile returns the state of the number.
func (c *Client) Profile(ctx context.Context) (backstop.NumberProfile, error) {
	var number struct {
		DisplayNumber provider.Loose `json:"display_phone_number"`
		VerifiedName  provider.Loose `json:"verified_name"`
		Status        word           `json:"status"`
		NameStatus    word           `json:"name_status"`
		Quality       word           `json:"quality_rating"`
		Throughput    throughput     `json:"throughput"`
		Limit         word           `json:"whatsapp_business_manager_messaging_limit"`
		LimitTier     word           `json:"messaging_limit_tier"` // up to v23
	}
	if _, err := c.read(ctx, c.numberURL, url.Values{}, profileFields(), &number); err != nil {
		return backstop.NumberProfile{}, err
	}
	p := backstop.NumberProfile{
		DisplayNumber: clean(string(number.DisplayNumber), maxWord), VerifiedName: clean(string(number.VerifiedName), 512),
		Status: string(number.Status), NameStatus: string(number.NameStatus), Quality: backstop.Quality(number.Quality),
		Throughput: string(number.Throughput), MessagingLimit: string(number.Limit),
	}
	if p.MessagingLimit == "" {
		p.MessagingLimit = string(number.LimitTier)
	}
	return p, nil
}

// LimitGroup returns the WhatsApp Business account, or the number of an account whose settings do not name it. All numbers of a
// business portfolio share a messaging limit (manual, "Messaging limits"), and a number does not name its portfolio.
func (c *Client) LimitGroup() string {
	if c.wabaID == "" {
		return "number " + c.phoneNumberID
	}
	return "waba " + c.wabaID
}

// throughput is the level in {"level": "STANDARD"}.
type throughput string

// UnmarshalJSON never fails.
func (t *throughput) UnmarshalJSON(raw []byte) error {
	var object struct {
		Level word `json:"level"`
	}
	*t = ""
	if json.Unmarshal(raw, &object) == nil {
		*t = throughput(object.Level)
	}
	return nil
}

// clean returns a text without control characters, or an empty one if it is too long.
func clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(text) > most {
		return ""
	}
	return text
}
