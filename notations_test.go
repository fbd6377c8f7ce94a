package backstop_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

func TestNotations(t *testing.T) {
	t.Parallel()
	for _, row := range [][]string{
		{"+525512345678", "+5215512345678"},
		{"+5511987654321", "+551187654321"},
		{"+5547984178525", "+554784178525"},
		{"+5511998765432", "+551198765432"},
		{"+5491158749895", "+541158749895"},
		{"+554532782153"},   // a fixed line
		{"+5511945678901"},  // of a block that never had 8 digits
		{"+52551234567"},    // too short
		{"+447400123456"},   //
		{"+5215512345"},     //
		{"+54911587498955"}, // too long
		{""}, {"+"}, {"5215512345678"},
	} {
		for _, number := range row {
			require.Equal(t, row, backstop.Notations(number))
		}
	}
}

// Each notation of a number has the same notations, and they are different numbers in E.164 form.
func TestNotations_sameForAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`\+(52|521|55|54|549|44)[0-9]{8,11}`).Draw(t, "number")
		list := backstop.Notations(number)
		if !slices.Contains(list, number) {
			t.Fatalf("%v has not the number", list)
		}
		for _, other := range list {
			if !slices.Equal(backstop.Notations(other), list) || !backstop.IsE164(other) {
				t.Fatalf("%s: %v, and not %v", other, backstop.Notations(other), list)
			}
		}
	})
}
