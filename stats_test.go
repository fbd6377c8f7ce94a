package backstop_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

func TestStatsFilter_Validate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		span  time.Duration
		field string
	}{
		"a moment":           {time.Nanosecond, ""},
		"the longest":        {backstop.MaxStatsRange, ""},
		"too long":           {backstop.MaxStatsRange + time.Nanosecond, "from"},
		"nothing":            {0, "until"},
		"until before from":  {-time.Hour, "until"},
		"all time there was": {1<<63 - 1, "from"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := backstop.StatsFilter{From: origin, Until: origin.Add(tc.span)}.Validate()
			if tc.field == "" {
				require.NoError(t, err)
				return
			}
			var e *backstop.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, backstop.Invalid, e.Code)
			require.Len(t, e.Fields, 1)
			require.Equal(t, tc.field, e.Fields[0].Name)
		})
	}
}

func TestStatsFilter_Bucket(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for span, want := range map[time.Duration]time.Duration{
		time.Second: time.Minute, 2 * time.Hour: time.Minute, 2*time.Hour + 1: 5 * time.Minute, 10 * time.Hour: 5 * time.Minute,
		day: 15 * time.Minute, 5 * day: time.Hour, 7 * day: 6 * time.Hour, 30 * day: 6 * time.Hour, 31 * day: day,
		backstop.MaxStatsRange: day,
	} {
		require.Equal(t, want, backstop.StatsFilter{From: origin, Until: origin.Add(span)}.Bucket(), span)
	}
}

// The buckets cover the range without gaps, begin at whole multiples of their length, and are few.
func TestStatsFilter_Buckets(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 5*60*60+30*60)
	rapid.Check(t, func(rt *rapid.T) {
		from := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(rt, "from")).In(zone)
		span := time.Duration(rapid.Int64Range(1, int64(backstop.MaxStatsRange)).Draw(rt, "span"))
		f := backstop.StatsFilter{From: from, Until: from.Add(span)}
		length, all := f.Bucket(), f.Buckets()
		require.NotEmpty(rt, all)
		require.LessOrEqual(rt, len(all), 121)
		require.False(rt, all[0].After(f.From))
		require.True(rt, all[0].Add(length).After(f.From))
		for i, at := range all {
			require.Equal(rt, time.UTC, at.Location())
			require.Zero(rt, at.UnixNano()%int64(length))
			require.Equal(rt, all[0].Add(time.Duration(i)*length), at)
			require.True(rt, at.Before(f.Until))
		}
		require.False(rt, all[len(all)-1].Add(length).Before(f.Until))
	})
}

func TestCounts_Plus(t *testing.T) {
	t.Parallel()
	a := backstop.Counts{Sends: 2, Outcomes: map[backstop.Outcome]int64{backstop.OutcomeSMS: 2}, Fallbacks: 2, Averted: 1}
	b := backstop.Counts{
		Sends: 3, Outcomes: map[backstop.Outcome]int64{backstop.OutcomeSMS: 1, backstop.OutcomeFailed: 2}, Duplicates: 1,
	}
	require.Equal(t, backstop.Counts{
		Sends: 5, Outcomes: map[backstop.Outcome]int64{backstop.OutcomeSMS: 3, backstop.OutcomeFailed: 2},
		Fallbacks: 2, Averted: 1, Duplicates: 1,
	}, a.Plus(b))
	require.Equal(t, int64(2), a.Outcomes[backstop.OutcomeSMS], "neither is changed")
}

// Each type of rule has a reason of its own, and a failure is none of them.
func TestRuleType_Missed(t *testing.T) {
	t.Parallel()
	var reasons []backstop.FallbackReason
	for _, of := range backstop.RuleTypes() {
		require.Equal(t, "not_"+string(of.Goal()), string(of.Missed()))
		reasons = append(reasons, of.Missed())
	}
	require.ElementsMatch(t, backstop.FallbackReasons(), append(reasons, backstop.ByFailure, backstop.TooLate))
	require.Empty(t, backstop.RuleType("").Missed())
}
