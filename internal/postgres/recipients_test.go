package postgres_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/templates"
)

// recipients is a database with WhatsApp calls of several accounts.
type recipients struct {
	t   *testing.T
	db  *postgres.DB
	raw *postgrestest.SQL
}

func newRecipients(t *testing.T) *recipients {
	t.Helper()
	url := postgrestest.URL(t)
	r := &recipients{t: t, db: postgrestest.Open(t, url)}
	err := postgrestest.Migrate(t.Context(), r.db)
	require.NoError(t, err)
	r.raw = postgrestest.Past(t, url)
	return r
}

// call makes a WhatsApp call with a template by an account, which is under way.
func (r *recipients) call(account, to string, change ...func(*backstop.Send)) backstop.Attempt {
	r.t.Helper()
	send := newSend(r.t)
	send.To, send.Plan.Account = to, account
	send.Text, send.Template = "", &backstop.Template{Name: "order", Language: "en"}
	for _, f := range change {
		f(&send)
	}
	_, created, err := r.db.InsertSend(r.t.Context(), send, nil)
	require.NoError(r.t, err)
	require.True(r.t, created)
	c := whatsApp
	c.Candidates = append([]backstop.Candidate{{Account: account, Provider: "meta"}}, candidates...)
	return begin(r.t, r.db, send.ID, c)
}

// taken makes a call that the provider accepts.
func (r *recipients) taken(account, to string, change ...func(*backstop.Send)) backstop.Attempt {
	r.t.Helper()
	a := r.call(account, to, change...)
	accept(r.t, r.db, a)
	return a
}

// fails makes a call that fails.
func (r *recipients) fails(to string, kind backstop.FailureKind) {
	r.t.Helper()
	end(r.t, r.db, r.call("a", to), backstop.Ending{Failure: &backstop.Failure{Kind: kind}})
}

// age lets time pass for a call.
func (r *recipients) age(a backstop.Attempt, by time.Duration) {
	r.raw.Exec(`UPDATE attempts SET started_at = started_at - $3 * interval '1 second' WHERE send = $1 AND step = $2`,
		a.Ref.Send, a.Ref.Step, by.Seconds())
}

// wrote stores a message of a person to an account.
func (r *recipients) wrote(account, from string, ago time.Duration) {
	r.t.Helper()
	insertInbound(r.t, r.db, []backstop.Receipt{{
		Provider: "meta", Account: account, Channel: backstop.WhatsApp, MessageID: newID(r.t), At: r.db.Now().Add(-ago),
		Inbound: &backstop.Inbound{From: from, Text: "hello"},
	}})
}

func (r *recipients) require(want int, accounts ...string) {
	r.t.Helper()
	count, err := r.db.CountRecipients(r.t.Context(), accounts)
	require.NoError(r.t, err)
	require.Equal(r.t, want, count)
}

func person(n int) string { return fmt.Sprintf("+4474001234%02d", n) }

func TestDB_CountRecipients(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	r := newRecipients(t)
	r.require(0, "a")
	r.require(0)

	r.taken("a", person(1))
	r.taken("a", person(1))
	r.require(1, "a")
	first := r.taken("a", person(2))
	r.require(2, "a")

	r.taken("b", person(1))
	r.taken("b", person(3))
	r.require(2, "b")
	r.require(3, "a", "b")
	r.taken("other", person(4))
	r.require(3, "a", "b")

	// The window moves, also for a send that was accepted before it.
	r.age(first, day-time.Minute)
	r.require(2, "a")
	r.age(first, 2*time.Minute)
	r.require(1, "a")
	late := r.call("a", person(5))
	r.raw.Exec(`UPDATE sends SET accepted_at = accepted_at - interval '20 days' WHERE id = $1`, late.Ref.Send)
	r.require(2, "a")

	// A message that may have gone out counts. One that surely did not, or failed, does not.
	r.fails(person(6), backstop.Unknown)
	r.require(3, "a")
	for _, kind := range []backstop.FailureKind{backstop.Rejected, backstop.Throttled, backstop.Unavailable} {
		r.fails(person(7), kind)
	}
	r.require(3, "a")
	failed := r.taken("a", person(8))
	r.require(4, "a")
	report := receipt(failed.Ref.Send, failed.Ref.Step, backstop.Failed)
	report.Account = "a"
	insert(t, r.db, report)
	r.require(3, "a")

	// An SMS does not count.
	sms := begin(t, r.db, failed.Ref.Send, firstSMS)
	accept(t, r.db, sms)
	r.require(3, "a")
	r.require(0, "main")

	// Text is delivered only in a customer service window, and neither it nor a template in the window counts.
	r.taken("a", person(9), func(s *backstop.Send) { s.Text, s.Template = "hello", nil })
	r.require(3, "a")
	r.wrote("a", person(10), time.Hour)
	in := r.taken("a", person(10))
	r.require(3, "a")
	r.wrote("b", person(11), time.Hour)
	r.wrote("a", person(11), day+time.Minute)
	r.taken("a", person(11))
	r.wrote("a", person(11), -time.Minute)
	r.require(4, "a")
	r.age(in, 2*time.Hour)
	r.require(5, "a")
}

// limitOf stores what was read of the number of an account.
func (r *recipients) limitOf(account, word string) {
	r.t.Helper()
	saveSync(r.t, r.db, claimSync(r.t, r.db, account), templates.Reading{Profile: &backstop.NumberProfile{
		Status: backstop.NumberConnected, MessagingLimit: word,
	}})
}

func (r *recipients) limits(accounts ...string) []templates.Limit {
	r.t.Helper()
	limits, err := r.db.ListLimits(r.t.Context(), accounts)
	require.NoError(r.t, err)
	return limits
}

// claim claims the count of an account, which must be free.
func (r *recipients) claim(account, group string, most int) templates.CountClaim {
	r.t.Helper()
	claim, claimed, err := r.db.ClaimCount(r.t.Context(), templates.Limit{Account: account, Group: group, Most: most}, time.Minute)
	require.NoError(r.t, err)
	require.True(r.t, claimed)
	return claim
}

// requireTaken requires that the count of the account "a" cannot be claimed.
func (r *recipients) requireTaken(group string, most int) {
	r.t.Helper()
	_, claimed, err := r.db.ClaimCount(r.t.Context(), templates.Limit{Account: "a", Group: group, Most: most}, time.Minute)
	require.NoError(r.t, err)
	require.False(r.t, claimed)
}

// save stores a count whose claim must be valid. The next one is due at once.
func (r *recipients) save(claim templates.CountClaim, count int, mark templates.Mark) {
	r.t.Helper()
	saved, err := r.db.SaveCount(r.t.Context(), claim, templates.Count{Mark: mark, Recipients: count})
	require.NoError(r.t, err)
	require.True(r.t, saved)
}

func (r *recipients) reached() map[string]health.Limit {
	r.t.Helper()
	reached, err := r.db.ListReached(r.t.Context())
	require.NoError(r.t, err)
	return reached
}

func (r *recipients) shown(account string) *int {
	r.t.Helper()
	profiles, err := r.db.Profiles(r.t.Context(), []string{account})
	require.NoError(r.t, err)
	return profiles[account].Recipients
}

func TestDB_ListLimits(t *testing.T) {
	t.Parallel()
	r := newRecipients(t)
	for account, word := range map[string]string{"a": "tier_250", "b": "tier_unlimited", "c": ""} {
		r.limitOf(account, word)
	}
	readAll(t, r.db, "d")
	require.ElementsMatch(t, []templates.Limit{{Account: "a", Most: 250, IsDue: true}, {Account: "b", IsDue: true}},
		r.limits("a", "b", "c", "d", "e"))

	claim := r.claim("a", "waba 1", 250)
	require.Equal(t, []templates.Limit{{Account: "a", Most: 250, HasCount: true, CountedFor: 250, CountedGroup: "waba 1"}}, r.limits("a"))
	require.Nil(t, r.shown("a"), "it was not counted yet")
	r.save(claim, 3, templates.Mark{})
	require.Equal(t, []templates.Limit{
		{Account: "a", Most: 250, HasCount: true, CountedFor: 250, CountedGroup: "waba 1", IsDue: true},
	}, r.limits("a"))
	require.Equal(t, 3, *r.shown("a"))
	r.limitOf("a", "untiered")
	require.Zero(t, r.limits("a")[0].Most)
	require.Equal(t, 250, r.limits("a")[0].CountedFor)

	r.raw.Exec(`UPDATE account_recipients SET counted_at = counted_at - interval '16 minutes'`)
	require.Nil(t, r.shown("a"), "it is not valid any more")
}

// One process at a time counts. A process that dies loses its claim at the end of the lease, and its count is not stored.
func TestDB_ClaimCount(t *testing.T) {
	t.Parallel()
	r := newRecipients(t)
	var claims atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			l := templates.Limit{Account: "a", Group: "waba 1", Most: 250}
			if _, claimed, err := r.db.ClaimCount(t.Context(), l, time.Minute); claimed && err == nil {
				claims.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, claims.Load())

	r.raw.Exec(`UPDATE account_recipients SET due_at = due_at - interval '1 minute'`)
	dead := r.claim("a", "waba 1", 250)
	r.requireTaken("waba 1", 250)
	r.raw.Exec(`UPDATE account_recipients SET due_at = due_at - interval '1 minute'`)
	next := r.claim("a", "waba 1", 250)
	require.Equal(t, templates.Mark{}, next.Before)
	saved, err := r.db.SaveCount(t.Context(), dead, templates.Count{Recipients: 1})
	require.NoError(t, err)
	require.False(t, saved, "the claim is lost")
	r.save(next, 250, templates.Mark{IsNear: true, IsReached: true})
	again := r.claim("a", "waba 1", 250)
	require.Equal(t, templates.Mark{IsNear: true, IsReached: true}, again.Before)

	// A new limit or group is counted at once, by one process.
	raised := r.claim("a", "waba 1", 1000)
	r.requireTaken("waba 1", 1000)
	saved, err = r.db.SaveCount(t.Context(), again, templates.Count{})
	require.NoError(t, err)
	require.False(t, saved)
	r.save(raised, 250, templates.Mark{})
	r.raw.Exec(`UPDATE account_recipients SET due_at = due_at + interval '1 hour'`)
	r.requireTaken("waba 1", 1000)
	r.claim("a", "waba 2", 1000)
	r.requireTaken("waba 2", 1000)
}

// A reached limit has the time of its begin. It ends with a count, without a limit, with the account, and if no process counts.
func TestDB_ListReached(t *testing.T) {
	t.Parallel()
	r := newRecipients(t)
	mark := templates.Mark{IsNear: true, IsReached: true}
	r.save(r.claim("near", "g", 250), 249, templates.Mark{IsNear: true})
	r.save(r.claim("a", "g", 250), 250, mark)
	since := r.reached()["a"].Since
	require.WithinDuration(t, r.db.Now(), since, time.Minute)
	r.save(r.claim("a", "g", 250), 251, mark)
	require.Equal(t, map[string]health.Limit{"a": {Recipients: 250, Since: since}}, r.reached())

	r.save(r.claim("a", "g", 250), 100, templates.Mark{})
	require.Empty(t, r.reached())
	r.save(r.claim("a", "g", 250), 250, mark)
	require.True(t, r.reached()["a"].Since.After(since))

	r.raw.Exec(`UPDATE account_recipients SET counted_at = counted_at - interval '16 minutes'`)
	require.Empty(t, r.reached(), "no process counts any more")
	r.save(r.claim("a", "g", 250), 250, mark)
	require.Len(t, r.reached(), 1)
	claim := r.claim("a", "g", 0)
	require.True(t, claim.Before.IsReached)
	require.Empty(t, r.reached(), "there is no limit any more, also if the process dies now")
	r.save(claim, 0, templates.Mark{})
	var rows int
	r.raw.Row(`SELECT count(*) FROM account_recipients WHERE account = 'a'`, nil, &rows)
	require.Zero(t, rows)
}

// What an account sent by its former settings does not count for the limit of its present ones.
func TestDB_CountRecipients_otherBusiness(t *testing.T) {
	t.Parallel()
	r := newRecipients(t)
	r.taken("a", person(1))
	r.save(r.claim("a", "waba 1", 250), 1, templates.Mark{})
	r.require(1, "a")
	r.claim("a", "waba 2", 250)
	r.require(0, "a")
	r.taken("a", person(2))
	r.taken("b", person(1))
	r.require(1, "a")
	r.require(2, "a", "b")
}

// The count reads the newest calls of the accounts, and not the older ones.
func TestDB_CountRecipients_index(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	p.exec(copySends, policyID, 20_000, "whatsapp")
	p.exec(`INSERT INTO attempts (send, step, number, channel, provider, account, rule, reason, send_id, state, status, message_id,
    segments, started_at, ended_at)
SELECT id, 1, 1, 'whatsapp', 'meta', 'a', '', '', '', 'accepted', 'sent', 'm' || id, 0,
    now() - random() * interval '100 days', now() FROM sends`)
	p.exec(`ANALYZE sends, attempts`)
	plan := p.explain(postgres.CountRecipients, "{a,b}", time.Now().Add(-24*time.Hour), "0190a0a0-0000-7000-8000-000000000001")
	require.Contains(t, plan, "attempts_by_start")
	require.NotContains(t, plan, "Seq Scan on attempts")
}
