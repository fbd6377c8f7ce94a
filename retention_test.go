package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

const aDay = 24 * time.Hour

func TestKeep_UnmarshalText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]backstop.Keep{
		"":                          {},
		"90d":                       {"": 90 * aDay},
		"72h":                       {"": 72 * time.Hour},
		"0":                         {"": 0},
		"90d, authentication=7d":    {"": 90 * aDay, backstop.Authentication: 7 * aDay},
		"marketing=30d,utility=60d": {backstop.Marketing: 30 * aDay, backstop.Utility: 60 * aDay},
	} {
		var k backstop.Keep
		require.NoError(t, k.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, k, text)
	}
	for _, text := range []string{"90", "d", "1d", "47h", "-90d", "90d,60d", "news=90d", "=90d", "90d,", "1e9d", "utility=2d,utility=3d"} {
		var k backstop.Keep
		require.Error(t, k.UnmarshalText([]byte(text)), text)
	}
}

func TestRetention_Removals(t *testing.T) {
	t.Parallel()
	require.Empty(t, backstop.Retention{}.Removals(), "everything is kept for ever")
	require.Empty(t, backstop.Retention{Content: backstop.Keep{"": 0}}.Removals())
	all := []backstop.Category{"", backstop.Authentication, backstop.Utility, backstop.Marketing}
	require.Equal(t, []backstop.Removal{
		{What: backstop.RemoveRecords, Categories: all, Age: 90 * aDay},
		{What: backstop.RemoveNumbers, Categories: []backstop.Category{backstop.Marketing}, Age: 30 * aDay},
		{What: backstop.RemoveContent, Categories: []backstop.Category{backstop.Authentication}, Age: 2 * aDay},
		{What: backstop.RemoveContent, Categories: []backstop.Category{"", backstop.Utility}, Age: 7 * aDay},
	}, backstop.Retention{
		Records: backstop.Keep{"": 90 * aDay}, Numbers: backstop.Keep{backstop.Marketing: 30 * aDay},
		Content: backstop.Keep{"": 7 * aDay, backstop.Authentication: 2 * aDay, backstop.Marketing: 0},
	}.Removals())
	require.Equal(t, "content:,utility", backstop.Removal{What: "content", Categories: []backstop.Category{"", "utility"}}.Name())
}

func TestAge(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 0, "0": 0, "90d": 90 * 24 * time.Hour, "48h": 48 * time.Hour} {
		var age backstop.Age
		require.NoError(t, age.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, time.Duration(age), text)
	}
	for _, text := range []string{"47h", "1d", "-90d", "90", "90d,utility=7d", "x"} {
		var age backstop.Age
		require.Error(t, age.UnmarshalText([]byte(text)), text)
	}
}
