package postgres_test

import (
	"database/sql"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// numbersOf are all statistics of a range.
type numbersOf struct {
	all, ofPolicy backstop.Stats
	messages      backstop.MessageStats
	changes       backstop.Changes
}

// oldWorld has random sends of some days, the newest of which ended five days ago.
type oldWorld struct {
	world

	raw  *sql.DB
	days backstop.StatsFilter // from midnight to midnight
}

const aDay = 24 * time.Hour

func newOldWorld(t *testing.T, n int) oldWorld {
	t.Helper()
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	w := oldWorld{world: newWorld(t), raw: postgrestest.Raw(t, address)}
	w.db = db
	today := time.Now().UTC().Truncate(aDay)
	w.days = backstop.StatsFilter{From: today.Add(-12 * aDay), Until: today.Add(-4 * aDay)}
	for range n {
		send := w.send()
		send.AcceptedAt = w.days.From.Add(time.Duration(w.IntN(int(8*aDay/time.Second))) * time.Second)
		send.ID, send.ExpiresAt, send.SendAt, send.StartedAt = idOf(t, send.AcceptedAt), nil, nil, nil
		_, _, err := db.InsertSend(t.Context(), send, nil)
		require.NoError(t, err)
		for range w.IntN(12) {
			w.step(send)
			w.forgetOptOuts()
		}
		if w.IntN(10) > 0 {
			_, err := db.Finish(t.Context(), send.ID, false)
			require.NoError(t, err)
		}
	}
	w.exec(`UPDATE receipts SET needs_signal = false`) // the sweeper has signalled them
	return w
}

// numbers returns the statistics of the second half of the days, and of all.
func (w oldWorld) numbers() (n numbersOf) {
	w.t.Helper()
	half, of := w.days, w.days
	half.From = half.From.Add(4 * aDay)
	of.PolicyID = policyID
	var err error
	n.all, n.ofPolicy = stats(w.t, w.db, w.days), stats(w.t, w.db, of)
	n.messages, err = w.db.MessageStats(w.t.Context(), w.days)
	require.NoError(w.t, err)
	n.changes, err = w.db.StatsChanges(w.t.Context(), half)
	require.NoError(w.t, err)
	return n
}

func (w oldWorld) count(query string) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.raw.QueryRowContext(w.t.Context(), query).Scan(&n))
	return n
}

func (w oldWorld) exec(statement string) {
	w.t.Helper()
	_, err := w.raw.ExecContext(w.t.Context(), statement)
	require.NoError(w.t, err)
}

func (w oldWorld) countDays() {
	w.t.Helper()
	for {
		n, err := w.db.CountDays(w.t.Context(), 3)
		require.NoError(w.t, err)
		if n == 0 {
			return
		}
	}
}

func records() backstop.Removal {
	return backstop.Removal{
		What: backstop.RemoveRecords, Age: 4 * aDay,
		Categories: []backstop.Category{"", backstop.Authentication, backstop.Utility, backstop.Marketing},
	}
}

func removeOld(t *testing.T, db *postgres.DB, r backstop.Removal, limit int) int {
	t.Helper()
	n, err := db.RemoveOld(t.Context(), r, limit)
	require.NoError(t, err)
	return n
}

// removeAll removes one batch after the other, until none is left.
func removeAll(t *testing.T, db *postgres.DB, r backstop.Removal, limit int) {
	t.Helper()
	for seen := limit; seen > 0; {
		seen = removeOld(t, db, r, limit)
	}
}

// The statistics are the same by rows, by the counters of days, while sends are removed, and by the counters of removed sends.
func TestDB_CountDays(t *testing.T) {
	t.Parallel()
	w := newOldWorld(t, 60)
	want := w.numbers()
	require.Equal(t, int64(60), want.all.Totals.Sends)
	require.NotZero(t, want.changes.After.Fallbacks)
	require.NotEmpty(t, want.messages.ByCode)

	w.countDays()
	require.Equal(t, want, w.numbers())
	w.exec(`CREATE TABLE was AS SELECT id, country FROM sends`)
	w.exec(`UPDATE sends SET country = 'FR'`)
	require.Equal(t, want, w.numbers(), "the rows are not read")
	part := w.days
	require.NoError(t, w.raw.QueryRowContext(t.Context(),
		`SELECT min(accepted_at) FROM sends WHERE accepted_at > date_trunc('day', accepted_at, 'UTC')`).Scan(&part.From))
	require.True(t, slices.ContainsFunc(stats(t, w.db, part).ByCountry, func(c backstop.CountsOfCountry) bool { return c.Country == "FR" }),
		"but those of a part of a day are")
	w.exec(`UPDATE sends SET country = was.country FROM was WHERE was.id = sends.id`)

	open := w.count(`SELECT count(*) FROM sends WHERE finished_at IS NULL`)
	for i := 0; removeOld(t, w.db, records(), 7) > 0; i++ {
		require.Equal(t, want, w.numbers(), "batch %d", i)
		if i%5 == 0 {
			w.countDays()
			require.Equal(t, want, w.numbers(), "counted anew after batch %d", i)
		}
	}
	require.Equal(t, open, w.count(`SELECT count(*) FROM sends`), "only sends that have not ended are left")
	w.countDays()
	require.Equal(t, want, w.numbers())
	w.exec(`DELETE FROM events; DELETE FROM receipts; DELETE FROM attempts; DELETE FROM sends`)
	require.Equal(t, want, w.numbers(), "no row is needed")
}

// A day is counted anew once a day while receipts may come, and as long as it has sends that have not ended.
func TestDB_CountDays_again(t *testing.T) {
	t.Parallel()
	w := newOldWorld(t, 20)
	w.exec(`UPDATE sends SET finished_at = NULL, outcome = 'pending'`)
	w.countDays()
	require.Equal(t, int64(20), w.numbers().all.Totals.Outcomes[backstop.OutcomePending])
	w.exec(`UPDATE sends SET finished_at = now(), outcome = 'expired'`)
	w.countDays()
	require.Equal(t, int64(20), w.numbers().all.Totals.Outcomes[backstop.OutcomePending], "counted a moment ago")
	w.exec(`UPDATE stats_days SET counted_at = counted_at - interval '25 hours'`)
	w.countDays()
	require.Equal(t, int64(20), w.numbers().all.Totals.Outcomes[backstop.OutcomeExpired])

	w.exec(`UPDATE stats_days SET counted_at = day + interval '37 days'`)
	counted := `SELECT count(*) FROM stats_days WHERE counted_at > now() + interval '20 days'`
	before := w.count(counted)
	w.countDays()
	require.Equal(t, before, w.count(counted), "no receipt changes these days any more")
}

// A batch that fails between the counters and the deletion changes nothing.
func TestDB_RemoveOld_dies(t *testing.T) {
	t.Parallel()
	w := newOldWorld(t, 30)
	want := w.numbers()
	w.countDays()
	w.exec(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'died'; END $$`)
	w.exec(`CREATE TRIGGER die BEFORE DELETE ON sends FOR EACH ROW EXECUTE FUNCTION die()`)
	_, err := w.db.RemoveOld(t.Context(), records(), 10)
	require.Error(t, err)
	require.Equal(t, want, w.numbers())
	require.Zero(t, w.count(`SELECT count(*) FROM stats_counts WHERE is_gone`))
	w.exec(`DROP TRIGGER die ON sends`)
	removeAll(t, w.db, records(), 10)
	require.Equal(t, want, w.numbers())
}

// Processes that count and remove at the same time count each send once.
func TestDB_RemoveOld_concurrent(t *testing.T) {
	t.Parallel()
	w := newOldWorld(t, 60)
	want := w.numbers()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for range 40 {
				if _, err := w.db.RemoveOld(t.Context(), records(), 3); err != nil {
					t.Errorf("remove: %v", err)
				}
				if _, err := w.db.CountDays(t.Context(), 2); err != nil {
					t.Errorf("count: %v", err)
				}
			}
		})
	}
	group.Wait()
	removeAll(t, w.db, records(), 10)
	require.Zero(t, w.count(`SELECT count(*) FROM sends WHERE finished_at IS NOT NULL`))
	require.Equal(t, want, w.numbers())
}
