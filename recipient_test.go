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

func TestCountryOf(t *testing.T) {
	t.Parallel()
	countries := map[string]string{
		"+447400123456": "GB", "+447781123456": "GG", // one calling code, two countries
		"+12125550123": "US", "+16715550123": "GU", "+15005550006": "US", // the last is Twilio's number for tests
		"+74951234567": "RU", "+77011234567": "KZ",
		"+393331234567": "IT", "+491511234567": "DE", "+49151123456789": "DE", "+97144440000": "AE", "+5491123456789": "AR",
		"+80012345678": "", "+881612345678": "", "+883510000000000": "", "+870773111632": "", // of no country
		"+14365550143": "US", "+18615550143": "US", // of area codes that the library does not list
		"+554784178525": "BR", "+541158749895": "AR", // as WhatsApp has them
		"+390612345678": "IT", "+3780549886377": "SM", "+2250701234567": "CI", "+24106031234": "GA", // the 0 belongs to them
		"+78001234567": "RU", "+3758109851550": "BY", // and so do the 8 of these
	}
	for number, want := range countries {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			country, err := backstop.CountryOf(number)
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
			country, err := backstop.CountryOf(number)
			require.Equal(t, []string{"to"}, invalid(t, err))
			require.Empty(t, country)
			require.NotRegexp(t, "7911|1212555|9991234", err.Error(), "no number in an error")
		})
	}
}

// A rule can be limited to the country of every number that can be sent to.
func TestCountryOf_countries(t *testing.T) {
	t.Parallel()
	for region := range phonenumbers.GetSupportedRegions() {
		example := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if example == nil { // nowhere but on Tristan da Cunha and the like
			example = phonenumbers.GetExampleNumber(region)
		}
		number := phonenumbers.Format(example, phonenumbers.E164)
		country, err := backstop.CountryOf(number)
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

// A trunk digit after the calling code is refused, with the number that was probably meant.
func TestCountryOf_trunkDigit(t *testing.T) {
	t.Parallel()
	for number, meant := range map[string]string{
		"+4407400123402": "+447400123402", "+4401481960194": "+441481960194", "+330612345678": "+33612345678",
		"+4901511234567": "+491511234567", "+610412345678": "+61412345678", "+8860912345678": "+886912345678",
		"+86013812345678": "+8613812345678", "+9109876543210": "+919876543210", "+23408012345678": "+2348012345678",
		"+112125550143": "+12125550143", "+114365550143": "+14365550143", // of a listed and of a new area code
		"+789161234567": "+79161234567", "+370869012345": "+37069012345", "+3606301234567": "+36301234567",
		"+54111523456789": "+5491123456789", "+5703211234567": "+573211234567", "+550151112345678": "+551112345678",
		"+5215512345678": "+525512345678",
	} {
		t.Run(number, func(t *testing.T) {
			t.Parallel()
			country, err := backstop.CountryOf(number)
			require.Empty(t, country)
			require.Equal(t, []string{"to"}, invalid(t, err))
			var e *backstop.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, meant, e.Fields[0].Meant)
			require.NotRegexp(t, "[0-9]{2}", err.Error(), "no number in an error")
			_, err = backstop.CountryOf(meant)
			require.NoError(t, err, "what was meant can be sent to")
		})
	}
}

// A number that is refused itself is no suggestion.
func TestCountryOf_trunkDigit_noneMeant(t *testing.T) {
	t.Parallel()
	_, err := backstop.CountryOf("+2410774123456") // of Gabon's former numbering plan
	var e *backstop.Error
	require.ErrorAs(t, err, &e)
	require.Empty(t, e.Fields[0].Meant)
}

// No number that the library has an example of is taken for one with a trunk digit, and with one it is refused.
func TestCountryOf_examples(t *testing.T) {
	t.Parallel()
	for region := range phonenumbers.GetSupportedRegions() {
		trunk := phonenumbers.GetNddPrefixForRegion(region, true)
		if region == "CA" {
			trunk = "1" // its example of a special type has 7 digits
		}
		for kind := range phonenumbers.UNKNOWN {
			example := phonenumbers.GetExampleNumberForType(region, kind)
			if example == nil {
				continue
			}
			number := phonenumbers.Format(example, phonenumbers.E164)
			if _, err := backstop.CountryOf(number); err != nil {
				require.Regexp(t, "E.164|possible", err.Error(), number) // too short
				continue
			}
			require.True(t, backstop.IsListed(number), number)
			code := "+" + strconv.Itoa(int(example.GetCountryCode()))
			written := code + trunk + strings.TrimPrefix(number, code)
			if trunk == "" || len(written) > 16 {
				continue
			}
			_, err := backstop.CountryOf(written)
			var e *backstop.Error
			require.ErrorAs(t, err, &e, "%s %s", region, written)
			require.Equal(t, number, e.Fields[0].Meant, "%s %s", region, written)
		}
	}
}

func TestIsListed(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]bool{
		"+12165550143": true, "+447400123456": true, "+80012345678": true, "+15005550006": true, "+390612345678": true,
		"+14365550143": false, "+18615550143": false, "+49151123456789": false, "+6391712345678": false, "+3903331234567": false,
		"": false, "x": false, "+999123456789": false,
	} {
		require.Equal(t, want, backstop.IsListed(number), number)
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

func FuzzCountryOf(f *testing.F) {
	for _, s := range []string{"+447400123456", "+80012345678", "+44123456", "447400123456", "+999123456789", "+1800FLOWERS", "+\xff"} {
		f.Add(s)
	}
	shape := regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	f.Fuzz(func(t *testing.T, number string) {
		country, err := backstop.CountryOf(number)
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
