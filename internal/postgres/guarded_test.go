package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// guarded is a database that two processes use.
type guarded struct {
	t         *testing.T
	url       string
	processes [2]*postgres.DB
	raw       *postgrestest.SQL
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	url := postgrestest.URL(t)
	g := &guarded{t: t, url: url}
	for i := range g.processes {
		g.processes[i] = postgrestest.Open(t, url)
	}
	_, err := g.processes[0].Migrate(t.Context())
	require.NoError(t, err)
	g.raw = postgrestest.Past(t, url)
	return g
}

func (g *guarded) db() *postgres.DB { return g.processes[0] }

func capOf(guard backstop.Guard, key string, most int) backstop.CapCheck {
	return backstop.CapCheck{Guard: guard, Key: key, Cap: most}
}

func capped(checks ...backstop.CapCheck) backstop.GuardChecks {
	return backstop.GuardChecks{Caps: checks}
}

func sameText(text string, window time.Duration) backstop.GuardChecks {
	digest := sha256.Sum256([]byte(text))
	return backstop.GuardChecks{Digest: digest[:], TextWindow: window}
}

// accepts stores a send at a time, and returns it with the refusal of a guard.
func (g *guarded) accepts(at time.Time, checks backstop.GuardChecks) (backstop.Send, *backstop.GuardError) {
	g.t.Helper()
	return insertAt(g.t, g.db(), at, checks)
}

func insertAt(
	t require.TestingT, db *postgres.DB, at time.Time, checks backstop.GuardChecks,
) (backstop.Send, *backstop.GuardError) {
	send, refusal, err := tryInsert(db, at, checks)
	require.NoError(t, err)
	return send, refusal
}

var errNotNew = errors.New("the send is not new")

// tryInsert is insertAt without assertions, for goroutines.
func tryInsert(
	db *postgres.DB, at time.Time, checks backstop.GuardChecks,
) (backstop.Send, *backstop.GuardError, error) {
	send := backstop.Send{
		To: to, Country: "GB", Text: "hello", SMSText: "hello by SMS", Plan: plan(), AcceptedAt: at,
		Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
	}
	var err error
	if send.ID, err = db.NewID(at); err != nil {
		return send, nil, err
	}
	stored, created, err := db.InsertGuarded(context.Background(), send, nil, checks)
	if refusal, ok := errors.AsType[*backstop.GuardError](err); ok && !created {
		return send, refusal, nil
	}
	if err == nil && !created {
		err = errNotNew
	}
	return stored, nil, err
}

// counted returns how many sends count for a cap, by the rows of all slots. Without a key it counts all keys.
func (g *guarded) counted(guard backstop.Guard, key ...string) (sum int) {
	g.t.Helper()
	const query = `SELECT coalesce(sum(n), 0) FROM guard_counts, unnest(counts) AS n WHERE guard = $1 AND ($2 = '' OR key = $2)`
	g.raw.Row(query, []any{string(guard), strings.Join(key, "")}, &sum)
	return sum
}

func (g *guarded) stored() (sends int) {
	g.t.Helper()
	g.raw.Row(`SELECT count(*) FROM sends`, nil, &sends)
	return sends
}

// race accepts n sends at the same time by both processes, and returns how many were accepted.
func (g *guarded) race(n int, checks func(i int) backstop.GuardChecks) (accepted int) {
	g.t.Helper()
	var count atomic.Int64
	errs := make([]error, n)
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			_, refusal, err := tryInsert(g.processes[i%2], g.db().Now(), checks(i))
			if errs[i] = err; refusal == nil {
				count.Add(1)
			}
		})
	}
	close(start)
	group.Wait()
	require.NoError(g.t, errors.Join(errs...))
	return int(count.Load())
}

// Two processes get 50 requests at the same time, of which a few reach the cap. Exactly as many as the cap are accepted, over all.
func TestDB_InsertGuarded_exact(t *testing.T) {
	t.Parallel()
	for guard, caps := range map[backstop.Guard][]int{
		backstop.GuardRecipientCap: {1, 20}, backstop.GuardPrefixCap: {7}, backstop.GuardCountryCap: {1, 3, 16, 17, 40},
	} {
		for _, most := range caps {
			t.Run(fmt.Sprintf("%s %d", guard, most), func(t *testing.T) {
				t.Parallel()
				g := newGuarded(t)
				checks := capped(capOf(guard, "x", most), capOf(backstop.GuardCountryCap, "large", 1000))
				require.Equal(t, most, g.race(50, func(int) backstop.GuardChecks { return checks }))
				require.Equal(t, most, g.stored(), "a refused send is not stored")
				require.Zero(t, g.race(4, func(int) backstop.GuardChecks { return checks }))
				require.Equal(t, most, g.counted(guard, "x"))
				require.Equal(t, most, g.counted(backstop.GuardCountryCap, "large"), "a refused send counts for no cap")
			})
		}
	}
}

// The recipients of 50 requests differ, and share a country and two prefixes. Each cap holds, and counts what was stored.
func TestDB_InsertGuarded_several(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	accepted := g.race(50, func(i int) backstop.GuardChecks {
		return capped(
			capOf(backstop.GuardRecipientCap, fmt.Sprint("+4474001234", i/2), 1), // 25 of them
			capOf(backstop.GuardPrefixCap, fmt.Sprint("prefix ", i%2), 9),
			capOf(backstop.GuardCountryCap, "GB", 30),
		)
	})
	require.LessOrEqual(t, accepted, 18)
	require.Positive(t, accepted)
	require.Equal(t, accepted, g.stored())
	for _, guard := range []backstop.Guard{backstop.GuardRecipientCap, backstop.GuardPrefixCap, backstop.GuardCountryCap} {
		require.Equal(t, accepted, g.counted(guard), guard)
	}
}

// Requests with one idempotency key are one send, and count once.
func TestDB_InsertGuarded_key(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	checks := capped(capOf(backstop.GuardRecipientCap, to, 1), capOf(backstop.GuardCountryCap, "GB", 1))
	key := handoff.Idempotency{Key: "order 1", Hash: []byte{1}}
	ids, created := make([]string, 50), make([]bool, 50)
	errs := make([]error, 50)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			var stored backstop.Send
			stored, created[i], errs[i] = g.processes[i%2].InsertGuarded(t.Context(), newSend(t), &key, checks)
			ids[i] = stored.ID
		})
	}
	group.Wait()
	var first string
	for i, id := range ids {
		if created[i] {
			require.Empty(t, first, "only one is new")
			first = id
		}
	}
	require.NotEmpty(t, first)
	for i, id := range ids {
		require.NoError(t, errs[i])
		require.Equal(t, first, id)
	}
	require.Equal(t, 1, g.counted(backstop.GuardRecipientCap, to))
	require.Equal(t, 1, g.counted(backstop.GuardCountryCap, "GB"))

	large := capped(capOf(backstop.GuardRecipientCap, to, 10))
	stored, isNew, err := g.db().InsertGuarded(t.Context(), newSend(t), &key, large)
	require.NoError(t, err)
	require.False(t, isNew)
	require.Equal(t, first, stored.ID)
	require.Equal(t, 1, g.counted(backstop.GuardRecipientCap, to), "a repeated request is not counted")
	_, _, err = g.db().InsertGuarded(t.Context(), newSend(t), &handoff.Idempotency{Key: key.Key, Hash: []byte{2}}, large)
	requireCode(t, backstop.Mismatch, err)
	require.Equal(t, 1, g.counted(backstop.GuardRecipientCap))
}

// The window moves by minutes: a place is free 60 to 61 minutes after its send, and the refusal says when.
func TestDB_InsertGuarded_window(t *testing.T) {
	t.Parallel()
	for _, guard := range []backstop.Guard{backstop.GuardRecipientCap, backstop.GuardCountryCap} {
		t.Run(string(guard), func(t *testing.T) {
			t.Parallel()
			g := newGuarded(t)
			checks := capped(capOf(guard, "x", 2))
			first := time.Date(2026, 3, 1, 12, 0, 59, 999999000, time.UTC)
			requirePassed := func(at time.Time) {
				t.Helper()
				_, refusal := g.accepts(at, checks)
				require.Nil(t, refusal)
			}
			requireRefused := func(at time.Time, after time.Duration) {
				t.Helper()
				_, refusal := g.accepts(at, checks)
				require.NotNil(t, refusal)
				require.Equal(t, after, refusal.After)
				require.Equal(t, checks.Caps[0], refusal.Check)
			}
			requirePassed(first)
			requirePassed(first.Add(10 * time.Minute))
			requireRefused(first.Add(10*time.Minute+time.Microsecond), 50*time.Minute)
			requireRefused(first.Add(time.Hour), time.Second) // the next minute begins within a microsecond
			requirePassed(first.Add(time.Hour + time.Microsecond))
			requireRefused(first.Add(time.Hour+time.Minute), 9*time.Minute+time.Microsecond)
			requireRefused(first, 70*time.Minute+time.Microsecond) // the clock of a process goes back
			requirePassed(first.Add(3 * time.Hour))
			require.Equal(t, 4, g.stored())
		})
	}
}

// In no 60 minutes are more sends accepted than the cap. No send is refused if fewer were accepted in the last 61 minutes.
func TestDB_InsertGuarded_anyHour(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		most := rapid.IntRange(1, 20).Draw(rt, "cap")
		guard := rapid.SampledFrom([]backstop.Guard{backstop.GuardPrefixCap, backstop.GuardCountryCap}).Draw(rt, "guard")
		checks := capped(capOf(guard, fmt.Sprint("run ", run), most))
		at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		var accepted []time.Time
		for range rapid.IntRange(1, 40).Draw(rt, "sends") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20*60).Draw(rt, "seconds")) * time.Second)
			within := func(window time.Duration) (n int) {
				for _, a := range accepted {
					if at.Sub(a) < window {
						n++
					}
				}
				return n
			}
			_, refusal := insertAt(rt, g.db(), at, checks)
			if refusal == nil {
				require.Less(rt, within(time.Hour), most, "a place that is taken")
				accepted = append(accepted, at)
			} else {
				require.GreaterOrEqual(rt, within(61*time.Minute), most, "a place that is free")
				later := at.Add(refusal.After)
				require.LessOrEqual(rt, later.Sub(accepted[len(accepted)-1]), 61*time.Minute)
			}
		}
	})
}

// A cap that is lowered admits no more than the former one did.
func TestDB_InsertGuarded_lowered(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	high, low := capped(capOf(backstop.GuardCountryCap, "GB", 20)), capped(capOf(backstop.GuardCountryCap, "GB", 5))
	require.Equal(t, 20, g.race(20, func(int) backstop.GuardChecks { return high }))
	require.Zero(t, g.race(10, func(int) backstop.GuardChecks { return low }))
	require.Equal(t, 10, g.race(20, func(int) backstop.GuardChecks { return capped(capOf(backstop.GuardCountryCap, "GB", 30)) }))
}

func TestDB_InsertGuarded_sameText(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	checks := sameText("hello", time.Minute)
	first, refusal := g.accepts(at, checks)
	require.Nil(t, refusal)
	_, refusal = g.accepts(at.Add(time.Minute-time.Microsecond), checks)
	require.Equal(t, first.ID, refusal.First.ID)
	_, refusal = g.accepts(at.Add(-time.Second), checks)
	require.Equal(t, first.ID, refusal.First.ID, "the clock of another process is behind")
	_, refusal = g.accepts(at, sameText("another", time.Minute))
	require.Nil(t, refusal)
	second, refusal := g.accepts(at.Add(time.Minute), checks)
	require.Nil(t, refusal)
	_, refusal = g.accepts(at.Add(2*time.Minute-time.Microsecond), checks)
	require.Equal(t, second.ID, refusal.First.ID)

	g.raw.Exec(`DELETE FROM events WHERE send = $1`, second.ID)
	g.raw.Exec(`DELETE FROM sends WHERE id = $1`, second.ID)
	_, refusal = g.accepts(at.Add(time.Minute+time.Second), checks)
	require.Nil(t, refusal, "the first send was deleted")

	// The digest of a send that a cap refuses is not kept.
	both := sameText("capped", time.Hour)
	both.Caps = []backstop.CapCheck{capOf(backstop.GuardRecipientCap, to, 1)}
	_, refusal = g.accepts(at, capped(both.Caps...))
	require.Nil(t, refusal)
	_, refusal = g.accepts(at, both)
	require.Equal(t, backstop.GuardRecipientCap, refusal.Guard)
	_, refusal = g.accepts(at, sameText("capped", time.Hour))
	require.Nil(t, refusal)
	// The same content is answered although the cap is reached, and does not count.
	_, refusal = g.accepts(at, both)
	require.Equal(t, backstop.GuardSameText, refusal.Guard)
	require.Equal(t, 1, g.counted(backstop.GuardRecipientCap))

	require.Equal(t, 1, g.race(50, func(int) backstop.GuardChecks { return sameText("raced", time.Minute) }))
}

// The answer of Postgres is lost. The send has the last place itself, so the repeated statement must not refuse it.
func TestDB_InsertGuarded_lostAnswer(t *testing.T) {
	t.Parallel()
	for kind, key := range map[string]*handoff.Idempotency{
		"without a key": nil, "with a key": {Key: "order 1", Hash: []byte{1}},
	} {
		for when, isAfter := range map[string]bool{"before the statement": false, "after the statement": true} {
			t.Run(kind+" "+when, func(t *testing.T) {
				t.Parallel()
				db, proxy := behindProxy(t)
				send, checks := newSend(t), sameText("x", time.Minute)
				checks.Caps = []backstop.CapCheck{capOf(backstop.GuardRecipientCap, to, 1), capOf(backstop.GuardCountryCap, "GB", 1)}
				proxy.On(cutproxy.Cut{Match: executes("INSERT INTO sends"), After: isAfter, How: cutproxy.Reset})
				stored, created, err := db.InsertGuarded(t.Context(), send, key, checks)
				require.NoError(t, err)
				require.True(t, created)
				require.Equal(t, send, stored)
				require.Equal(t, []string{"accepted"}, kinds(t, db, send.ID))
				_, refusal := insertAt(t, db, send.AcceptedAt, capped(checks.Caps...))
				require.NotNil(t, refusal)
			})
		}
	}
}

// A process crashes after it has counted and before it commits. Its place is free.
func TestDB_InsertGuarded_crash(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	crashing, err := postgrestest.Raw(t, g.url).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = crashing.ExecContext(t.Context(), `SELECT guard_refusal(gen_random_uuid(), now(), NULL, 0, '{recipient_cap}',
		ARRAY[$1::text], '{1}', '{1}')`, to)
	require.NoError(t, err)
	var pid int
	require.NoError(t, crashing.QueryRowContext(t.Context(), `SELECT pg_backend_pid()`).Scan(&pid))
	done := make(chan error)
	go func() {
		_, refusal, err := tryInsert(g.db(), g.db().Now(), capped(capOf(backstop.GuardRecipientCap, to, 1)))
		if refusal != nil {
			err = refusal
		}
		done <- err
	}()
	require.Eventually(t, func() bool {
		var waits bool
		g.raw.Row(`SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND $1 = ANY(pg_blocking_pids(pid)))`, []any{pid}, &waits)
		return waits
	}, 30*time.Second, 10*time.Millisecond, "the other send waits for the place")
	g.raw.Exec(`SELECT pg_terminate_backend($1)`, pid)
	require.NoError(t, <-done)
	require.Equal(t, 1, g.counted(backstop.GuardRecipientCap))
}

// A send costs one statement, with guards or without.
func TestDB_InsertGuarded_statements(t *testing.T) {
	t.Parallel()
	if postgrestest.BehindPooler() {
		return // each transaction begins with its settings there
	}
	db, proxy := behindProxy(t)
	checks := sameText("x", time.Minute)
	checks.Caps = []backstop.CapCheck{
		capOf(backstop.GuardRecipientCap, to, 9), capOf(backstop.GuardPrefixCap, "+44", 9), capOf(backstop.GuardCountryCap, "GB", 9),
	}
	insertSend(t, db) // prepares the statement
	insertAt(t, db, db.Now(), capped(checks.Caps...))
	before := proxy.Requests()
	insertSend(t, db)
	require.Equal(t, before+1, proxy.Requests())
	_, refusal := insertAt(t, db, db.Now(), checks)
	require.Nil(t, refusal)
	require.Equal(t, before+2, proxy.Requests())
}

// Old counts and digests are deleted, and those that still count are not.
func TestDB_Maintain_guards(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	db, now := g.db(), g.db().Now()
	check := capOf(backstop.GuardRecipientCap, "old", 1)
	for key, age := range map[string]time.Duration{"old": 65 * time.Minute, "full": 60 * time.Minute, "new": 0} {
		check.Key = key
		_, refusal := g.accepts(now.Add(-age), capped(check))
		require.Nil(t, refusal)
	}
	for text, age := range map[string]time.Duration{"old": 70 * time.Minute, "new": 59 * time.Minute} {
		_, refusal := g.accepts(now.Add(-age), sameText(text, time.Hour))
		require.Nil(t, refusal)
	}
	require.NoError(t, db.AddGuardResults(t.Context(), []backstop.GuardCount{
		{Guard: backstop.GuardSameText, Result: backstop.GuardRefused, Count: 1, LastAt: now.Add(-32 * 24 * time.Hour)},
		{Guard: backstop.GuardSameText, Result: backstop.GuardRefused, Count: 1, LastAt: now},
	}))
	require.NoError(t, db.Maintain(t.Context()))
	for table, want := range map[string]int{"guard_counts": 2, "guard_texts": 1, "guard_results": 1} {
		var rows int
		g.raw.Row(`SELECT count(*) FROM `+table, nil, &rows)
		require.Equal(t, want, rows, table)
	}
	check.Key = "full"
	_, refusal := g.accepts(now.Add(-time.Minute), capped(check))
	require.NotNil(t, refusal)
}
