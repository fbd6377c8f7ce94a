package backstop_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
)

// statuses are all of them, in the order in which one beats another.
var statuses = []backstop.Status{
	"", backstop.Queued, backstop.Submitted, backstop.Sent, backstop.Failed, backstop.Delivered, backstop.Read,
}

// reported is any status that a receipt may carry. It is made anew for each test, as all generators here are, because
// rapid's are not safe for tests that run at once.
func reported() *rapid.Generator[backstop.Status] { return rapid.SampledFrom(statuses[1:]) }

// rank is a second, independent telling of which status beats which.
func rank(s backstop.Status) int { return slices.Index(statuses, s) }

func TestStatus_Advance(t *testing.T) {
	t.Parallel()
	t.Run("every pair, both ways round", func(t *testing.T) {
		t.Parallel()
		for i, weaker := range statuses {
			for _, stronger := range statuses[i:] {
				require.Equal(t, stronger, weaker.Advance(stronger), "%q then %q", weaker, stronger)
				require.Equal(t, stronger, stronger.Advance(weaker), "%q then %q", stronger, weaker)
			}
		}
	})
	t.Run("order and repetition do not matter", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			receipts := rapid.SliceOf(reported()).Draw(t, "receipts")
			again := rapid.Permutation(withRepeats(t, receipts)).Draw(t, "again")
			require.Equal(t, merge("", receipts), merge("", again))
		})
	})
	t.Run("it never goes back", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s := rapid.SampledFrom(statuses).Draw(t, "status")
			for _, next := range rapid.SliceOf(reported()).Draw(t, "receipts") {
				require.GreaterOrEqual(t, rank(s.Advance(next)), rank(s))
				s = s.Advance(next)
				require.Equal(t, s, s.Advance(next), "a second time changes nothing")
			}
		})
	})
	t.Run("what is no status changes nothing", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			s := rapid.SampledFrom(statuses).Draw(t, "status")
			next := backstop.Status(rapid.String().Filter(func(s string) bool {
				return !slices.Contains(statuses, backstop.Status(s))
			}).Draw(t, "next"))
			require.Equal(t, s, s.Advance(next))
			require.False(t, next.Valid())
		})
	})
}

func TestStatus_Reached(t *testing.T) {
	t.Parallel()
	reached := map[backstop.Status][]backstop.Status{ // the goals that each status has reached
		"":                 {},
		backstop.Queued:    {backstop.Queued},
		backstop.Submitted: {backstop.Queued, backstop.Submitted},
		backstop.Sent:      {backstop.Queued, backstop.Submitted, backstop.Sent},
		backstop.Failed:    {},
		backstop.Delivered: {backstop.Queued, backstop.Submitted, backstop.Sent, backstop.Delivered},
		backstop.Read:      {backstop.Queued, backstop.Submitted, backstop.Sent, backstop.Delivered, backstop.Read},
	}
	goals := []backstop.Status{backstop.Queued, backstop.Submitted, backstop.Sent, backstop.Delivered, backstop.Read}
	for s, want := range reached {
		for _, goal := range goals {
			require.Equal(t, slices.Contains(want, goal), s.Reached(goal), "%q reached %q", s, goal)
		}
	}
}

func TestStatus_Valid(t *testing.T) {
	t.Parallel()
	for _, s := range statuses[1:] {
		require.True(t, s.Valid(), s)
	}
	for _, s := range []backstop.Status{"", "SENT", "sent ", "undelivered"} {
		require.False(t, s.Valid(), s)
	}
}

func merge(s backstop.Status, receipts []backstop.Status) backstop.Status {
	for _, r := range receipts {
		s = s.Advance(r)
	}
	return s
}

// withRepeats returns the items, some of them more than once.
func withRepeats[T any](t *rapid.T, items []T) []T {
	repeated := slices.Clone(items)
	if len(items) > 0 {
		repeated = append(repeated, rapid.SliceOf(rapid.SampledFrom(items)).Draw(t, "repeats")...)
	}
	return repeated
}

func TestStatuses_Of(t *testing.T) {
	t.Parallel()
	s := backstop.Statuses{WhatsApp: backstop.Failed, SMS: backstop.Sent}
	require.Equal(t, backstop.Failed, s.Of(backstop.WhatsApp))
	require.Equal(t, backstop.Sent, s.Of(backstop.SMS))
	view, err := json.Marshal(backstop.View{Revision: 2, Statuses: s, SMSRule: 1})
	require.NoError(t, err)
	const recorded = `{"revision":2,"whatsapp":"failed","sms":"sent","sms_rule":1}`
	require.Equal(t, recorded, string(view)) //nolint:testifylint // histories have these bytes
}
