package console_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"
)

// The form offers the countries that the API accepts in a rule.
func TestCountries(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("src/rules/countries.ts")
	require.NoError(t, err)
	list := regexp.MustCompile(`"([A-Z]{2}( [A-Z]{2})+)"`).FindSubmatch(source)
	require.NotNil(t, list)
	var want []string
	for code := range phonenumbers.GetSupportedRegions() {
		want = append(want, code)
	}
	slices.Sort(want)
	require.Equal(t, want, strings.Fields(string(list[1])))
}
