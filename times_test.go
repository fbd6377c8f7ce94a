package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestValidTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"2000-01-01T00:00:00Z":           true,
		"1999-12-31T23:59:59.999999999Z": false,
		"1999-12-31T19:00:00-05:00":      true,  // 2000 in UTC
		"2000-01-01T00:59:59+01:00":      false, // 1999 in UTC
		"9999-12-31T23:59:59.999999999Z": true,
		"9999-12-31T23:59:59-05:00":      false, // 10000 in UTC
		"0001-01-01T00:00:00Z":           false,
	} {
		at, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		require.Equal(t, want, backstop.ValidTime(at), text)
	}
	early, late := time.Time{}, time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, backstop.ValidateRange(nil, nil))
	require.Equal(t, backstop.Invalid, backstop.CodeOf(backstop.ValidateRange(&early, &late)))
}
