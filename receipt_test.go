package backstop_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

const sendID = "0190a6f2-0000-7000-8000-000000000001"

func TestRef_String(t *testing.T) {
	t.Parallel()
	ref := backstop.Ref{Send: sendID, Step: 2}
	require.Equal(t, sendID+".2", ref.String())
	require.Len(t, ref.String(), 38)
}

func TestParseRef(t *testing.T) {
	t.Parallel()
	t.Run("reads what String wrote", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			ref := backstop.Ref{
				Send: rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`).Draw(t, "send"),
				Step: rapid.IntRange(1, math.MaxInt32).Draw(t, "step"),
			}
			parsed, err := backstop.ParseRef(ref.String())
			require.NoError(t, err)
			require.Equal(t, ref, parsed)
		})
	})
	refused := map[string]string{
		"nothing": "", "no dot": sendID, "only a dot": ".", "no send": ".1", "no step": sendID + ".",
		"step 0": "a.0", "negative": "a.-1", "minus nought": "a.-0", "plus sign": "a.+1", "leading zero": "a.01",
		"space before the step": "a. 1", "space after": "a.1 ", "line end": "a.1\n", "two dots": "a.1.2",
		"more than Postgres holds": "a.2147483648", "more than an int holds": "a.9223372036854775808",
		"hexadecimal": "a.0x1", "underscore": "a.1_0", "fraction": "a.1e1", "other digits": "a.１",
		"another program's": "order/5", "very long": strings.Repeat("x", 1<<20),
	}
	for name, s := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref, err := backstop.ParseRef(s)
			require.ErrorContains(t, err, "parse ref")
			require.Less(t, len(err.Error()), 200)
			require.Zero(t, ref)
		})
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{sendID + ".1", "a.2147483647", "a.+1", "a.01", ".1", "a.", "a.1.2", "\xff.1", "a.9999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := backstop.ParseRef(s)
		if err != nil {
			require.Zero(t, ref)
			return
		}
		require.Equal(t, s, ref.String(), "it reads only what String writes")
		require.NotEmpty(t, ref.Send)
		require.GreaterOrEqual(t, ref.Step, 1)
		require.LessOrEqual(t, ref.Step, math.MaxInt32)
	})
}
