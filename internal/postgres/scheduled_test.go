package postgres_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

const quick = 1000 // a rate that does not matter

// insertScheduled stores a send that starts some time after its acceptance.
func insertScheduled(t *testing.T, db *postgres.DB, after time.Duration) backstop.Send {
	t.Helper()
	send := newSend(t)
	send.SendAt = new(send.AcceptedAt.Add(after))
	send, created, err := db.InsertSend(t.Context(), send, nil)
	require.NoError(t, err)
	require.True(t, created)
	return send
}

func claimScheduled(t *testing.T, db *postgres.DB, at time.Time, limit, rate int) []handoff.SendClaim {
	t.Helper()
	claims, err := db.ClaimScheduled(t.Context(), at, lease, limit, rate)
	require.NoError(t, err)
	return claims
}

func TestDB_ClaimScheduled(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	last, first := insertScheduled(t, db, 3*time.Hour), insertScheduled(t, db, time.Hour)
	ordinary := insertSend(t, db)
	year := time.Now().Add(365 * 24 * time.Hour)
	require.Equal(t, []string{ordinary.ID}, sendIDs(claimSends(t, db, year, 9)), "a scheduled send is not claimed with the others")

	require.Empty(t, claimScheduled(t, db, first.SendAt.Add(-time.Microsecond), 9, quick))
	claims := claimScheduled(t, db, *first.SendAt, 9, quick)
	require.Equal(t, []string{first.ID}, sendIDs(claims), "it is due")
	claim := claims[0].Send
	require.Equal(t, plan(), claim.Plan)
	require.Equal(t, first.SendAt, claim.SendAt)
	require.Equal(t, first.SendAt, claim.StartedAt)
	require.Equal(t, first.AcceptedAt, claim.AcceptedAt)
	require.Empty(t, claim.To)
	require.Empty(t, claim.Text)
	stored := getSend(t, db, first.ID)
	require.Equal(t, claim.StartedAt, stored.StartedAt)
	revision, err := db.Revision(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, 2, revision, "who watches the send sees that it has started")

	late := last.SendAt.Add(time.Hour)
	require.Equal(t, []string{last.ID}, sendIDs(claimScheduled(t, db, late, 9, quick)))
	require.Equal(t, late, *getSend(t, db, last.ID).StartedAt, "its turn came late")
	require.Empty(t, claimScheduled(t, db, year, 9, quick), "each is started once")
	require.NoError(t, db.MarkSent(t.Context(), []string{ordinary.ID, last.ID}))
	require.Equal(t, []string{first.ID}, sendIDs(claimSends(t, db, year, 9)), "the process that started it has died")
}

// A scheduled send that has ended is never started.
func TestDB_ClaimScheduled_ended(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	ended, given := insertScheduled(t, db, time.Hour), insertScheduled(t, db, time.Hour)
	finish(t, db, ended.ID)
	require.NoError(t, db.Abandon(t.Context(), given.ID, "a test"))
	year := time.Now().Add(365 * 24 * time.Hour)
	require.Empty(t, claimScheduled(t, db, year, 9, quick))
	require.Empty(t, claimSends(t, db, year, 9))
	require.False(t, getSend(t, db, ended.ID).IsScheduled())
}

// A check compares a send with its workflow. A scheduled send has none.
func TestDB_ClaimChecks_scheduled(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send := insertScheduled(t, db, time.Hour)
	checks := func(at time.Time) []string {
		claims, err := db.ClaimChecks(t.Context(), at, lease, 9)
		require.NoError(t, err)
		return sendIDs(claims)
	}
	require.Empty(t, checks(send.SendAt.Add(365*24*time.Hour)))
	claimScheduled(t, db, *send.SendAt, 9, quick)
	require.NoError(t, db.MarkSent(t.Context(), []string{send.ID}))
	require.Empty(t, checks(send.CheckAt().Add(-time.Second)))
	require.Equal(t, send.SendAt.Add(15*time.Minute), send.CheckAt(), "it counts from the time of its start")
	require.Equal(t, []string{send.ID}, checks(send.CheckAt()))
}

// All processes together start as many sends as the rate allows.
func TestDB_ClaimScheduled_rate(t *testing.T) {
	t.Parallel()
	const due, rate, most = 60, 5, 100
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	for range due {
		insertScheduled(t, db, time.Minute)
	}
	at := time.Now().Add(time.Hour)
	left := due
	claim := func(limit int) int {
		n := len(claimScheduled(t, db, at, limit, rate))
		left -= n
		return n
	}
	require.Equal(t, 5, claim(most), "a pause saves up one second")
	require.Zero(t, claim(most))
	at = at.Add(199 * time.Millisecond)
	require.Zero(t, claim(most))
	at = at.Add(time.Millisecond)
	require.Equal(t, 1, claim(most), "one each 200 ms")
	at = at.Add(time.Second)
	require.Equal(t, 2, claim(2), "the limit")
	require.Equal(t, 3, claim(most), "the rest of the second")
	at = at.Add(time.Hour)
	require.Equal(t, 5, claim(most))

	const seconds = 6
	for range seconds {
		at = at.Add(time.Second)
		var mu sync.Mutex
		started := 0
		var processes sync.WaitGroup
		for range 3 {
			process := postgrestest.Open(t, address)
			processes.Go(func() {
				for range 4 {
					claims, err := process.ClaimScheduled(t.Context(), at, lease, 2, rate)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					started += len(claims)
					mu.Unlock()
				}
			})
		}
		processes.Wait()
		require.Equal(t, rate, started)
		left -= started
	}
	require.Len(t, claimScheduled(t, db, at.Add(time.Second), most, 10_000), left, "each was started once")
}

// A database's clock that was set back stops the scheduled sends for no longer than a minute.
func TestDB_ClaimScheduled_clockSetBack(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for range 3 {
		insertScheduled(t, db, time.Minute)
	}
	at := time.Now().Add(time.Hour)
	require.Len(t, claimScheduled(t, db, at, 9, 1), 1)
	require.Empty(t, claimScheduled(t, db, at.Add(-time.Second), 9, 1))
	require.Empty(t, claimScheduled(t, db, at.Add(-time.Minute), 9, 1))
	require.Len(t, claimScheduled(t, db, at.Add(-2*time.Minute), 9, 1), 1)
}

// A claim reads the sends that it gets and no others, however many are due or wait.
func TestDB_ClaimScheduled_reads(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	insertAhead := func(n int, ahead string) {
		p.exec(`INSERT INTO sends (id, recipient, country, text, sms_text, category, policy_id, plan, accepted_at, send_at, sweep_at,
    whatsapp_status, sms_status, duplicate_delivery, fired, fired_reason, expired, outcome, changed_at, check_at)
SELECT overlay(gen_random_uuid()::text PLACING '7' FROM 15)::uuid, '+447400123456', 'GB', 'x', 'x', '', $1::uuid,
    jsonb_build_object('policy_id', $1::uuid), now() - interval '1 day', now() + $3::interval, 'infinity',
    'queued', '', false, '', '', false, 'pending', now(), now()
FROM generate_series(1, $2)`, policyID, n, ahead)
	}
	insertAhead(3000, "-1 hour")
	insertAhead(3000, "1 hour")
	p.exec(`ANALYZE sends`)
	found := p.explain("(ANALYZE) "+postgres.ClaimScheduled, time.Now(), time.Now().Add(lease), 9, quick)
	require.Contains(t, found, "Scan using sends_scheduled on sends")
	require.NotContains(t, found, "Rows Removed by Filter")
	require.NotContains(t, found, "Seq Scan on sends")
	found = p.explain("(ANALYZE) "+postgres.ClaimSends, time.Now(), time.Now().Add(lease), 9)
	require.NotContains(t, found, "Rows Removed by Filter")
	require.NotContains(t, found, "Seq Scan on sends")
}

func TestDB_Stats_scheduled(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	insertSend(t, db)
	insertScheduled(t, db, time.Hour)
	started := insertScheduled(t, db, time.Minute)
	claimScheduled(t, db, *started.SendAt, 9, quick)
	s := stats(t, db, everything())
	require.Equal(t, int64(1), s.Totals.Scheduled)
	require.Equal(t, int64(2), s.Totals.Sends, "a scheduled send counts when it has started")
	require.Equal(t, int64(2), s.Totals.Outcomes[backstop.OutcomePending])
	require.Equal(t, int64(2), s.ByPolicy[0].Sends)
	require.Equal(t, int64(2), s.ByCountry[0].Sends)
	require.Equal(t, int64(2), s.ByRule[0].Sends)
	changes, err := db.StatsChanges(t.Context(), everything())
	require.NoError(t, err)
	require.Equal(t, int64(2), changes.After.Sends)
}

// The time to delivery counts from the start.
func TestDB_Stats_scheduled_times(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	counted(t, db, func(s *backstop.Send) {
		s.SendAt, s.StartedAt = new(s.AcceptedAt.Add(time.Hour)), new(s.AcceptedAt.Add(2*time.Hour))
		s.DeliveredAt, s.DeliveredBy = new(s.StartedAt.Add(3*time.Second)), backstop.WhatsApp
	})
	require.Equal(t, 3*time.Second, stats(t, db, everything()).TimeToWhatsApp.P50)
}
