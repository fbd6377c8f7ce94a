package backstop_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// origin is when the send of a test was accepted.
var origin = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)

// validRule is any rule that passes Validate.
func validRule() *rapid.Generator[backstop.Rule] {
	return rapid.Custom(func(t *rapid.T) backstop.Rule {
		r := backstop.Rule{
			Name:   rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "name"),
			Type:   rapid.SampledFrom(backstop.RuleTypes()).Draw(t, "type"),
			SendID: rapid.SampledFrom([]string{"ACME", "12345", "+12025550143"}).Draw(t, "send id"),
		}
		if r.Type == backstop.Unread || rapid.Bool().Draw(t, "waits") {
			r.WaitSeconds = rapid.IntRange(1, 2592000).Draw(t, "wait")
		}
		return r
	})
}

// moment is any time near a deadline of a rule or far from all.
func moment(t *rapid.T, rules ...backstop.Rule) time.Time {
	at := origin.Add(time.Duration(rapid.Int64Range(0, int64(backstop.MaxWait)+int64(time.Hour)).Draw(t, "moment")))
	if len(rules) > 0 && rapid.Bool().Draw(t, "near a deadline") {
		deadline, _ := rapid.SampledFrom(rules).Draw(t, "deadline of").Deadline(origin)
		at = deadline.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "nanoseconds off")))
	}
	return at
}

// TestRule_Fires is the table of "When a rule fires".
func TestRule_Fires(t *testing.T) {
	t.Parallel()
	const (
		queued, submitted, sent = backstop.Queued, backstop.Submitted, backstop.Sent
		failed, delivered, read = backstop.Failed, backstop.Delivered, backstop.Read
	)
	const wait = 5 * time.Minute
	tests := map[backstop.RuleType]map[backstop.Status]bool{ // whether it fires once the wait has ended
		backstop.SendFailed:  {"": true, queued: true, submitted: true, sent: false, failed: true, delivered: false, read: false},
		backstop.Undelivered: {"": true, queued: true, submitted: true, sent: true, failed: true, delivered: false, read: false},
		backstop.Unread:      {"": true, queued: true, submitted: true, sent: true, failed: true, delivered: true, read: false},
	}
	for ruleType, firesLate := range tests {
		require.Len(t, firesLate, len(statuses))
		for status, late := range firesLate {
			t.Run(fmt.Sprintf("%s/%s", ruleType, status), func(t *testing.T) {
				t.Parallel()
				atOnce := status == failed
				waiting := backstop.Rule{Type: ruleType, WaitSeconds: int(wait.Seconds())}
				require.Equal(t, atOnce, waiting.IsDue(status, origin, origin), "when accepted")
				require.Equal(t, atOnce, waiting.IsDue(status, origin, origin.Add(wait-1)), "just before the deadline")
				require.Equal(t, late, waiting.IsDue(status, origin, origin.Add(wait)), "at the deadline")
				require.Equal(t, late, waiting.IsDue(status, origin, origin.Add(wait+1)), "just after it")
				require.Equal(t, late, waiting.IsDue(status, origin, origin.Add(backstop.MaxWait+wait)), "long after it")

				without := backstop.Rule{Type: ruleType}
				require.Equal(t, atOnce, without.IsDue(status, origin, origin), "no wait, when accepted")
				require.Equal(t, atOnce, without.IsDue(status, origin, origin.Add(backstop.MaxWait)), "no wait, long after")
			})
		}
	}
	t.Run("an unknown type never fires by time", func(t *testing.T) {
		t.Parallel()
		r := backstop.Rule{Type: "unopened", WaitSeconds: 1}
		require.False(t, r.IsDue(backstop.Queued, origin, origin.Add(time.Hour)))
	})
}

func TestRule_Over(t *testing.T) {
	t.Parallel()
	t.Run("per type", func(t *testing.T) {
		t.Parallel()
		over := map[backstop.RuleType]backstop.Status{ // from which status on
			backstop.SendFailed: backstop.Delivered, backstop.Undelivered: backstop.Delivered, backstop.Unread: backstop.Read,
		}
		for ruleType, from := range over {
			for _, s := range statuses {
				require.Equal(t, rank(s) >= rank(from), backstop.Rule{Type: ruleType}.IsSatisfied(s), "%s, %q", ruleType, s)
			}
		}
	})
	t.Run("exactly when nothing that may still be reported fires it", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			r, s := validRule().Draw(t, "rule"), reported().Draw(t, "status")
			late, _ := r.Deadline(origin)
			mayFire := false
			for _, next := range statuses {
				mayFire = mayFire || r.IsDue(s.Advance(next), origin, late)
			}
			require.Equal(t, !mayFire, r.IsSatisfied(s))
		})
	})
}

func TestRule_Deadline(t *testing.T) {
	t.Parallel()
	_, waits := backstop.Rule{}.Deadline(origin)
	require.False(t, waits)

	deadline, waits := backstop.Rule{WaitSeconds: 1}.Deadline(origin)
	require.True(t, waits)
	require.Equal(t, origin.Add(time.Second), deadline)

	longest := backstop.Rule{WaitSeconds: 2592000}
	require.Equal(t, backstop.MaxWait, longest.Wait())
	deadline, _ = longest.Deadline(origin)
	require.Equal(t, time.Date(2026, time.June, 3, 12, 0, 0, 0, time.UTC), deadline)
}

func TestRuleType_Goal(t *testing.T) {
	t.Parallel()
	require.Equal(t, backstop.Sent, backstop.SendFailed.Goal())
	require.Equal(t, backstop.Delivered, backstop.Undelivered.Goal())
	require.Equal(t, backstop.Read, backstop.Unread.Goal())
	require.Empty(t, backstop.RuleType("").Goal())
}

func TestRule_Applies(t *testing.T) {
	t.Parallel()
	require.True(t, backstop.Rule{}.Applies("GB"))
	require.True(t, backstop.Rule{}.Applies(""), "a number of no country")
	limited := backstop.Rule{Countries: []string{"GB", "IE"}}
	require.True(t, limited.Applies("IE"))
	require.False(t, limited.Applies("US"))
	require.False(t, limited.Applies(""))
}

func TestRule_Validate(t *testing.T) {
	t.Parallel()
	valid := backstop.Rule{Name: "Unread 1 h", Type: backstop.Unread, WaitSeconds: 3600, SendID: "ACME", Countries: []string{"GB"}}
	require.NoError(t, valid.Validate())

	allCountries := make([]string, 251)
	for i := range allCountries {
		allCountries[i] = "GB"
	}
	wait := func(seconds int) func(*backstop.Rule) {
		return func(r *backstop.Rule) { r.WaitSeconds = seconds }
	}
	name := func(s string) func(*backstop.Rule) {
		return func(r *backstop.Rule) { r.Name = s }
	}
	countries := func(c ...string) func(*backstop.Rule) {
		return func(r *backstop.Rule) { r.Countries = c }
	}
	tests := map[string]struct {
		change func(*backstop.Rule)
		fields []string // nil: it is valid
	}{
		"name of 64 characters":        {change: name(strings.Repeat("é", 64))},
		"name of 65 characters":        {change: name(strings.Repeat("é", 65)), fields: []string{"name"}},
		"name in another script":       {change: name("未読 1時間")},
		"no name":                      {change: name(""), fields: []string{"name"}},
		"name of spaces":               {change: name("   "), fields: []string{"name"}},
		"name with a space before":     {change: name(" a"), fields: []string{"name"}},
		"name with a tab after":        {change: name("a\t"), fields: []string{"name"}},
		"name with a no-break space":   {change: name("a\u00a0"), fields: []string{"name"}},
		"name of two lines":            {change: name("a\nb"), fields: []string{"name"}},
		"name with NUL":                {change: name("a\x00b"), fields: []string{"name"}},
		"name that is not UTF-8":       {change: name("a\xffb"), fields: []string{"name"}},
		"no type":                      {change: func(r *backstop.Rule) { r.Type = "" }, fields: []string{"type"}},
		"unknown type":                 {change: func(r *backstop.Rule) { r.Type = "UNREAD" }, fields: []string{"type"}},
		"shortest wait":                {change: wait(1)},
		"longest wait":                 {change: wait(2592000)},
		"wait too long":                {change: wait(2592001), fields: []string{"wait_seconds"}},
		"negative wait":                {change: wait(-1), fields: []string{"wait_seconds"}},
		"wait that overflows to 3 s":   {change: wait(18446744077), fields: []string{"wait_seconds"}},
		"largest wait":                 {change: wait(math.MaxInt), fields: []string{"wait_seconds"}},
		"smallest wait":                {change: wait(math.MinInt), fields: []string{"wait_seconds"}},
		"unread without wait":          {change: wait(0), fields: []string{"wait_seconds"}},
		"undelivered without wait":     {change: func(r *backstop.Rule) { r.Type, r.WaitSeconds = backstop.Undelivered, 0 }},
		"send_failed without wait":     {change: func(r *backstop.Rule) { r.Type, r.WaitSeconds = backstop.SendFailed, 0 }},
		"no send id":                   {change: func(r *backstop.Rule) { r.SendID = "" }, fields: []string{"send_id"}},
		"every country":                {change: countries()},
		"two countries":                {change: countries("GB", "US")},
		"country in small letters":     {change: countries("GB", "us"), fields: []string{"countries.1"}},
		"country of three letters":     {change: countries("GBR"), fields: []string{"countries.0"}},
		"empty country":                {change: countries(""), fields: []string{"countries.0"}},
		"the country of freephone":     {change: countries("001"), fields: []string{"countries.0"}},
		"country that does not exist":  {change: countries("ZZ"), fields: []string{"countries.0"}},
		"country given twice":          {change: countries("GB", "US", "GB"), fields: []string{"countries.2"}},
		"unknown country, given twice": {change: countries("ZZ", "ZZ"), fields: []string{"countries.0", "countries.1"}},
		"everything at once": {
			change: func(r *backstop.Rule) { *r = backstop.Rule{WaitSeconds: -1, Countries: []string{"X"}} },
			fields: []string{"name", "type", "wait_seconds", "send_id", "countries.0"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := valid
			tc.change(&r)
			require.Equal(t, tc.fields, invalid(t, r.Validate()))
		})
	}
	t.Run("too many countries", func(t *testing.T) {
		t.Parallel()
		r := valid
		r.Countries = allCountries
		require.Contains(t, invalid(t, r.Validate()), "countries")
		r.Countries = allCountries[:250]
		require.NotContains(t, invalid(t, r.Validate()), "countries")
	})
}

func TestRule_Validate_sendID(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"A": true, "ACME": true, "acme": true, "Acme Ltd": true, "A1": true, "1A": true, "A&B_c-d.e+f": true,
		"ABCDEFGHIJK": true, "ABCDEFGHIJKL": false, // 11 and 12 characters
		"123": true, "12345678": true, // short codes
		"1": false, "12": false, "123456789": false, "12345678901": false, // of digits, and none of them
		"+12025550143": true, "+1234567": true, "+123456789012345": true, // E.164
		"+123456": false, "+1234567890123456": false, "+02025550143": false, "+1 202 5550143": false, "00442071234567": false,
		"": false, " ": false, "...": false, "1 2": false, "-": false,
		" ACME": false, "ACME ": false, "AC\tME": false, "ACME\n": false, "AC\x00ME": false,
		"ACMÉ": false, "АСМЕ": false, "ACME™": false, "１２３４５": false, "AC\xffME": false,
	}
	for id, ok := range tests {
		t.Run(fmt.Sprintf("%q", id), func(t *testing.T) {
			t.Parallel()
			r := backstop.Rule{Name: "r", Type: backstop.Undelivered, SendID: id}
			want := []string{"send_id"}
			if ok {
				want = nil
			}
			require.Equal(t, want, invalid(t, r.Validate()))
		})
	}
}

func TestRule_Validate_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		require.NoError(t, validRule().Draw(t, "rule").Validate())
	})
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int().Draw(t, "seconds")
		err := backstop.Rule{Name: "r", Type: backstop.Unread, WaitSeconds: seconds, SendID: "A"}.Validate()
		require.Equal(t, seconds >= 1 && seconds <= 2592000, err == nil)
	})
}
