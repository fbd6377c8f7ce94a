package backstop_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

func TestRecipient(t *testing.T) {
	t.Parallel()
	countries := map[string]string{
		"+447400123456": "GB", "+447781123456": "GG", // one calling code, two countries
		"+12125550123": "US", "+16715550123": "GU", "+15005550006": "US", // the last is Twilio's number for tests
		"+74951234567": "RU", "+77011234567": "KZ",
		"+393331234567": "IT", "+491511234567": "DE", "+49151123456789": "DE", "+97144440000": "AE", "+5491123456789": "AR",
		"+80012345678": "", "+881612345678": "", "+883510000000000": "", "+870773111632": "", // of no country
	}
	for number, want := range countries {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			country, err := backstop.Recipient(number)
			require.NoError(t, err)
			require.Equal(t, want, country)
		})
	}
	refused := map[string]string{
		"empty": "", "plus alone": "+", "no plus": "447911123456", "00 for plus": "00447911123456", "leading zero": "+07911123456",
		"spaces inside": "+44 7400 123456", "space before": " +447911123456", "line end": "+447911123456\n",
		"hyphens": "+44-7400-123456", "brackets": "+44(0)7911123456", "letters": "+1800FLOWERS", "extension": "+447911123456;ext=1",
		"other digits": "+４４7911123456", "two pluses": "++447911123456", "NUL": "+447911123456\x00", "not UTF-8": "+4479111234\xff",
		"6 digits": "+447911", "16 digits": "+4479111234567890", "very long": "+" + strings.Repeat("4", 1<<20),
		"too long for its country": "+4479111234567", "too short for its country": "+1212555012",
		"without an area code": "+44123456", "without an area code, US": "+15550123",
		"no such calling code": "+999123456789", "short freephone": "+8001234567",
	}
	for name, number := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			country, err := backstop.Recipient(number)
			require.Equal(t, []string{"to"}, invalid(t, err))
			require.Empty(t, country)
			require.NotRegexp(t, "7911|1212555|9991234", err.Error(), "no number in an error")
		})
	}
}

// A rule can be limited to the country of every number that can be sent to.
func TestRecipient_countries(t *testing.T) {
	t.Parallel()
	for region := range phonenumbers.GetSupportedRegions() {
		example := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if example == nil { // nowhere but on Tristan da Cunha and the like
			example = phonenumbers.GetExampleNumber(region)
		}
		number := phonenumbers.Format(example, phonenumbers.E164)
		country, err := backstop.Recipient(number)
		if len(number) < len("+1234567") { // Ascension and other islands: shorter than any number that we take
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, "%s %s", region, number)
		r := backstop.Rule{Name: "r", Type: backstop.Undelivered, SendID: "A", Countries: []string{country}}
		require.NoError(t, r.Validate(), "%s %s", region, number)
		require.True(t, r.Applies(country))
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"+447400123456": "+447*******56", "447400123456": "447*******56", "+1234567": "+123**67",
		"": "***", "+": "***", "12": "***", "12345": "***", "+12345": "***", "123456": "123*56", "+123456": "+123*56",
	}
	for number, want := range tests {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, backstop.Mask(number))
		})
	}
	t.Run("never shows more than three digits and two", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			digits := rapid.StringMatching(`[0-9]{0,20}`).Draw(t, "digits")
			masked := backstop.Mask(rapid.SampledFrom([]string{"", "+"}).Draw(t, "plus") + digits)
			head, tail, hidden := strings.Cut(strings.TrimPrefix(masked, "+"), "*")
			require.True(t, hidden)
			tail = strings.TrimLeft(tail, "*")
			require.LessOrEqual(t, len(head), 3)
			require.LessOrEqual(t, len(tail), 2)
			require.True(t, strings.HasPrefix(digits, head) && strings.HasSuffix(digits, tail))
		})
	})
}

func FuzzRecipient(f *testing.F) {
	for _, s := range []string{"+447400123456", "+80012345678", "+44123456", "447400123456", "+999123456789", "+1800FLOWERS", "+\xff"} {
		f.Add(s)
	}
	shape := regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	f.Fuzz(func(t *testing.T, number string) {
		country, err := backstop.Recipient(number)
		if err != nil {
			require.Equal(t, []string{"to"}, invalid(t, err))
			require.Empty(t, country)
			return
		}
		require.Regexp(t, shape, number)
		require.True(t, country == "" || phonenumbers.GetSupportedRegions()[country], strconv.Quote(country))
		require.Contains(t, backstop.Mask(number), "**")
	})
}
