package backstop_test

import (
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestReadNumber(t *testing.T) {
	t.Parallel()
	whole := backstop.NumberQuery{To: "+447400123456"}
	ends := func(digits ...string) backstop.NumberQuery { return backstop.NumberQuery{ToEnds: digits} }
	for text, want := range map[string]backstop.NumberQuery{
		"+447400123456":       whole,
		" +44 7400 123-456 ":  whole,
		"00447400123456":      whole,
		"+44 (0)7400 123456":  whole,
		"+4407400123456":      whole, // with a trunk zero
		"＋44 ７４００ 123456":     whole, // full-width
		"\u202a+447400123456": whole, // as some phones copy a number
		"+٤٤٧٤٠٠١٢٣٤٥٦":       whole,
		"+४४७४००१२३४५६":       whole,
		"+𝟜𝟜𝟟𝟜𝟘𝟘𝟙𝟚𝟛𝟜𝟝𝟞":       whole,
		"447400123456":        ends("447400123456"),
		"07400 123456":        ends("7400123456"),
		"(07400) 123.456":     ends("7400123456"),
		"3456":                ends("3456"),
		"0001":                ends("0001"),
		"8 912 345-67-89":     ends("89123456789", "9123456789"), // Russia
		"345":                 {},
		"":                    {},
		"+":                   {},
		"1234567890123456":    {},
		"order 3456":          {},
		"a3456":               {},
	} {
		require.Equal(t, want, backstop.ReadNumber(text), "%q", text)
	}
}

// A number of any country is found as people write it within the country. In Argentina they write a 15 within a mobile number: there
// the last eight digits find it.
func TestReadNumber_national(t *testing.T) {
	t.Parallel()
	tried := 0
	for region := range phonenumbers.GetSupportedRegions() {
		number := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if number == nil || region == "AR" {
			continue
		}
		tried++
		written, whole := phonenumbers.Format(number, phonenumbers.NATIONAL), phonenumbers.Format(number, phonenumbers.E164)
		found := false
		for _, ends := range backstop.ReadNumber(written).ToEnds {
			found = found || strings.HasSuffix(whole, ends)
		}
		require.True(t, found, "%s: %s of %s", region, written, whole)
	}
	require.Greater(t, tried, 200)
}
