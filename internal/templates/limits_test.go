package templates_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/templates"
)

func (s *store) ListLimits(_ context.Context, names []string) (limits []templates.Limit, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(slices.Values(names)) {
		l := templates.Limit{Account: name, IsDue: s.isCountDue}
		if p := s.stored[name].Profile; p != nil {
			l.Most = p.RecipientLimit()
		}
		if of, counted := s.countedFor[name]; counted {
			l.HasCount, l.CountedFor, l.CountedGroup = true, of.Most, of.Group
		}
		limits = append(limits, l)
	}
	return limits, s.away
}

func (s *store) ClaimCount(_ context.Context, l templates.Limit, _ time.Duration) (templates.CountClaim, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isCountTaken {
		return templates.CountClaim{}, false, nil
	}
	if s.countedFor == nil {
		s.countedFor, s.counts = map[string]templates.Limit{}, map[string]templates.Count{}
	}
	s.countedFor[l.Account] = l
	return templates.CountClaim{Account: l.Account, Most: l.Most, Before: s.counts[l.Account].Mark}, true, s.away
}

func (s *store) CountRecipients(_ context.Context, names []string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countedBy = append(s.countedBy, names)
	return s.recipients, s.away
}

func (s *store) SaveCount(_ context.Context, claim templates.CountClaim, c templates.Count) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isLost {
		return false, nil
	}
	s.counts[claim.Account] = c
	if claim.Most == 0 {
		delete(s.counts, claim.Account)
		delete(s.countedFor, claim.Account)
	}
	return true, s.away
}

// limited returns a rig of a number with a messaging limit, whose count is always due.
func limited(t *testing.T, word string, more ...accounts.Open) *rig {
	t.Helper()
	r := newRig(t, more...)
	r.client.profile.MessagingLimit = word
	r.store.isCountDue = true
	return r
}

// counts sets how many recipients there are, and returns what the next reading and count log.
func (r *rig) counts(t *testing.T, recipients int) string {
	t.Helper()
	r.store.recipients = recipients
	logged := r.sync(t)
	r.log.Reset()
	require.NoError(t, r.syncer.CountDue(t.Context()))
	return logged + r.log.String()
}

const (
	near    = `level=WARN msg="messaging limit is near: it is 80 % used" account=main`
	reached = `level=ERROR msg="messaging limit is reached: no messages go out by the account" account=main`
	over    = `level=ERROR msg="messaging limit is not reached any more: messages go out by the account again" account=main`
)

// A limit that is near or reached is logged once, also if the count goes up and down.
func TestSyncer_countLogs(t *testing.T) {
	t.Parallel()
	r := limited(t, "tier_250")
	require.Contains(t, r.counts(t, 199), "templates of an account are read")
	for _, step := range []struct {
		recipients int
		want       string
		isReached  bool
	}{
		{199, "", false},
		{200, near + " recipients=200 limit=250", false},
		{249, "", false}, {195, "", false}, {200, "", false},
		{189, "", false}, {201, near, false},
		{250, reached + " recipients=250 limit=250", true},
		{260, "", true}, {249, "", true}, {238, "", true}, {250, "", true},
		{237, over + " recipients=237 limit=250", false},
		{0, "", false},
		{300, reached, true},
		{0, over, false},
	} {
		logged := r.counts(t, step.recipients)
		require.Contains(t, logged, step.want, step)
		require.Equal(t, step.want != "", logged != "", step)
		require.LessOrEqual(t, strings.Count(logged, "\n"), 1)
		require.Equal(t, step.isReached, r.store.counts["main"].IsReached, step)
	}
}

// A limit that Meta raises or lifts ends at the next look, although the next count is not due.
func TestSyncer_countRaised(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"tier_2k": "limit=2000", "tier_unlimited": "limit=0", "of later": "limit=0"} {
		r := limited(t, "tier_250")
		require.Contains(t, r.counts(t, 250), reached)
		r.store.isCountDue = false
		require.Empty(t, r.counts(t, 0), "it is not due")
		r.client.profile.MessagingLimit = word
		logged := r.counts(t, 250)
		require.Contains(t, logged, over, word)
		require.Contains(t, logged, want)
		require.False(t, r.store.counts["main"].IsReached)
		counted := len(r.store.countedBy)
		r.store.isCountDue = true
		require.Empty(t, r.counts(t, 250))
		require.Equal(t, word == "tier_2k", len(r.store.countedBy) > counted, "nothing is counted without a limit")
	}
}

// Without a limit, or with one that is not known, nothing is counted.
func TestSyncer_countUnlimited(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"", "tier_unlimited", "tier_not_set", "untiered"} {
		r := limited(t, word)
		r.counts(t, 1_000_000)
		require.Empty(t, r.store.countedFor, word)
		require.Empty(t, r.store.countedBy, word)
	}
}

// sharer is a client whose limit others share.
type sharer struct {
	*client

	group string
}

func (s sharer) LimitGroup() string { return s.group }

var _ provider.LimitSharer = sharer{}

// The accounts of a provider and group are counted together, also those that are disabled.
func TestSyncer_countShared(t *testing.T) {
	t.Parallel()
	of := func(name, group string, change ...func(*accounts.Open)) accounts.Open {
		c := sharer{&client{}, group}
		c.profile = backstop.NumberProfile{Status: backstop.NumberConnected, MessagingLimit: "tier_50"}
		return open(name, c, change...)
	}
	disabled := func(o *accounts.Open) { o.IsDisabled = true }
	r := newRig(t, of("a", "1"), of("b", "2"), of("c", "1"), of("d", "1", disabled),
		of("e", "1", func(o *accounts.Open) { o.Provider = "infobip" }), open("plain", plain{}), open("broken", nil))
	r.store.due = []string{"a", "b"}
	logged := r.counts(t, 50)
	require.ElementsMatch(t, [][]string{{"a", "c", "d"}, {"b"}}, r.store.countedBy)
	require.Equal(t, "1", r.store.countedFor["a"].Group)
	require.Contains(t, logged, "limit is reached: no messages go out by the account\" account=a")
	require.Contains(t, logged, "limit is reached: no messages go out by the account\" account=b")
}

// A process whose claim was lost, or that finds another one counting, logs nothing. If the store is away, the next look counts.
func TestSyncer_countLost(t *testing.T) {
	t.Parallel()
	r := limited(t, "tier_250")
	r.counts(t, 0)
	r.store.due = nil
	r.store.isCountTaken = true
	require.Empty(t, r.counts(t, 250))
	require.Len(t, r.store.countedBy, 1)
	r.store.isCountTaken, r.store.isLost = false, true
	require.Empty(t, r.counts(t, 250))
	r.store.isLost, r.store.away = false, &backstop.Error{Code: backstop.TryLater, Message: "away"}
	require.Equal(t, backstop.TryLater, backstop.CodeOf(r.syncer.CountDue(t.Context())))
	r.store.away = nil
	require.Contains(t, r.counts(t, 250), reached)
}

// The pause before the next count is half of the time that a number of 80 messages a second needs to reach the limit, unless that
// costs too much.
func TestSyncer_countPause(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		word       string
		recipients int
		want       time.Duration
	}{
		{"tier_250", 0, 5 * time.Second},
		{"tier_2k", 0, 12500 * time.Millisecond},
		{"tier_2k", 1600, 5 * time.Second},
		{"tier_10k", 8000, 12500 * time.Millisecond},
		{"tier_10k", 9999, 5 * time.Second},
		{"tier_100k", 0, 10 * time.Minute},
		{"tier_100k", 80_000, 125 * time.Second},
		{"tier_100k", 120_000, 24 * time.Second},
	} {
		r := limited(t, tc.word)
		r.counts(t, tc.recipients)
		require.Equal(t, tc.want, r.store.counts["main"].Next, tc)
	}
}

// silent is a client whose provider does not answer.
type silent struct{ *client }

func (silent) Profile(ctx context.Context) (backstop.NumberProfile, error) {
	<-ctx.Done()
	return backstop.NumberProfile{}, errDown
}

// A provider that does not answer delays no count.
func TestSyncer_Run_silent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := limited(t, "tier_250", open("silent", silent{&client{}}))
		r.store.due = append(r.store.due, "silent")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.syncer.Run(ctx)
		}()
		time.Sleep(30 * time.Second)
		cancel()
		<-ended
		require.Len(t, r.store.readings, 1, "it still reads")
		require.Greater(t, len(r.store.countedBy), 3)
	})
}
