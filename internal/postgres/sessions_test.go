package postgres_test

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// digestOf returns a digest of a session.
func digestOf(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// vera is a person.
var vera = backstop.Person{ID: "id-of-vera", Name: "vera@example.com", Role: backstop.RoleViewer}

// openSession stores a session from a time to another. None is idle.
func openSession(t *testing.T, db *postgres.DB, digest []byte, s backstop.Session) backstop.Session {
	t.Helper()
	s, err := db.CreateSession(t.Context(), digest, s, s.CreatedAt.Add(-time.Hour))
	require.NoError(t, err)
	return s
}

func TestDB_Session(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	first, second := bytes.Repeat([]byte{0, 255}, 16), digestOf(7)
	one := openSession(t, db, first, backstop.Session{
		Person: vera, Address: "192.0.2.7", Agent: "Firefox\x00", CreatedAt: at(0), ExpiresAt: at(30),
	})
	openSession(t, db, second, backstop.Session{CreatedAt: at(10), ExpiresAt: at(40)})

	one.Agent, one.SeenAt = "Firefox", at(0)
	found, err := db.Session(t.Context(), first, at(29), at(-1))
	require.NoError(t, err)
	require.Equal(t, one, found)
	for _, c := range []struct {
		digest     []byte
		now, since int
	}{{first, 30, -1}, {first, 29, 0}, {digestOf(8), 0, -1}, {nil, 0, -1}} {
		_, err = db.Session(t.Context(), c.digest, at(c.now), at(c.since))
		requireCode(t, backstop.NotFound, err)
	}

	count := func() (n int) {
		raw := postgrestest.Raw(t, url)
		require.NoError(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM console_sessions`).Scan(&n))
		return n
	}
	openSession(t, db, digestOf(9), backstop.Session{CreatedAt: at(30), ExpiresAt: at(60)})
	require.Equal(t, 2, count(), "the first had ended")
	_, err = db.CreateSession(t.Context(), digestOf(10), backstop.Session{CreatedAt: at(31), ExpiresAt: at(60)}, at(10))
	require.NoError(t, err)
	require.Equal(t, 2, count(), "the second was idle")

	for range 2 {
		require.NoError(t, db.DeleteSession(t.Context(), digestOf(9)))
		_, err = db.Session(t.Context(), digestOf(9), at(31), at(0))
		requireCode(t, backstop.NotFound, err)
	}
	for _, wrong := range []backstop.Session{
		{CreatedAt: at(30), ExpiresAt: at(30)}, // it would have no life
		{CreatedAt: at(0), ExpiresAt: at(30), Person: vera, Key: newID(t)},
	} {
		_, err = db.CreateSession(t.Context(), second, wrong, at(0))
		require.Error(t, err)
	}
	_, err = db.CreateSession(t.Context(), []byte("short"), backstop.Session{CreatedAt: at(0), ExpiresAt: at(30)}, at(0))
	require.Error(t, err)
}

// TestDB_Session_seen: requests keep a session, and a write follows one of them a minute.
func TestDB_Session_seen(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	begin, digest := at(0), digestOf(1)
	openSession(t, db, digest, backstop.Session{CreatedAt: begin, ExpiresAt: begin.Add(time.Hour)})
	for _, c := range []struct{ asked, seen time.Duration }{
		{59 * time.Second, 0}, {time.Minute, time.Minute}, {90 * time.Second, time.Minute}, {5 * time.Minute, 5 * time.Minute},
	} {
		_, err := db.Session(t.Context(), digest, begin.Add(c.asked), begin.Add(-time.Second))
		require.NoError(t, err)
		list, _, err := db.ListSessions(t.Context(), nil, begin, begin.Add(-time.Second), backstop.Page{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, begin.Add(c.seen), list[0].SeenAt, c.asked)
	}
}

func TestDB_ListSessions(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	key, _ := createAPIKey(t, db, "Reports")
	all := []backstop.Session{
		openSession(t, db, digestOf(1), backstop.Session{CreatedAt: at(0), ExpiresAt: at(60), Person: vera}),
		openSession(t, db, digestOf(2), backstop.Session{CreatedAt: at(1), ExpiresAt: at(60), Key: key.ID, KeyName: key.Name}),
		openSession(t, db, digestOf(3), backstop.Session{CreatedAt: at(2), ExpiresAt: at(60)}),
		openSession(t, db, digestOf(4), backstop.Session{CreatedAt: at(3), ExpiresAt: at(60), Person: vera}),
	}
	ids := func(owner *backstop.SessionOwner, after string, limit int) (ids []string, more bool) {
		t.Helper()
		list, more, err := db.ListSessions(t.Context(), owner, at(5), at(-1), backstop.Page{Limit: limit, After: after})
		require.NoError(t, err)
		for _, one := range list {
			ids = append(ids, one.ID)
		}
		return ids, more
	}
	got, more := ids(nil, "", 3)
	require.Equal(t, []string{all[3].ID, all[2].ID, all[1].ID}, got)
	require.True(t, more)
	got, more = ids(nil, all[1].ID, 3)
	require.Equal(t, []string{all[0].ID}, got)
	require.False(t, more)
	for owner, want := range map[backstop.SessionOwner][]string{
		{Person: vera.ID}: {all[3].ID, all[0].ID}, {Key: key.ID}: {all[1].ID}, {}: {all[2].ID}, {Person: "other"}: nil,
	} {
		got, _ = ids(&owner, "", 9)
		require.Equal(t, want, got, owner)
	}
	_, _, err := db.ListSessions(t.Context(), nil, at(5), at(-1), backstop.Page{Limit: 1, After: "x"})
	requireCode(t, backstop.Invalid, err)

	requireCode(t, backstop.NotFound, db.EndSession(t.Context(), all[1].ID, &backstop.SessionOwner{Person: vera.ID}))
	requireCode(t, backstop.NotFound, db.EndSession(t.Context(), "x", nil))
	require.NoError(t, db.EndSession(t.Context(), all[0].ID, &backstop.SessionOwner{Person: vera.ID}))
	requireCode(t, backstop.NotFound, db.EndSession(t.Context(), all[0].ID, nil))
	_, err = db.Session(t.Context(), digestOf(1), at(5), at(-1))
	requireCode(t, backstop.NotFound, err)
}

// TestAudit_sessions: a sign-in and the end of a session have one entry each, also if the answer of Postgres is lost.
func TestAudit_sessions(t *testing.T) {
	t.Parallel()
	db, proxy := behindProxy(t)
	lose := func(change func()) {
		t.Helper()
		struck := proxy.On(cutproxy.Cut{Match: executes("COMMIT"), After: true, How: cutproxy.Reset, Times: 1})
		change()
		<-struck
	}
	var one backstop.Session
	lose(func() {
		var err error
		one, err = db.CreateSession(asAuditor(t), digestOf(1), backstop.Session{
			Person: vera, CreatedAt: db.Now(), ExpiresAt: db.Now().Add(time.Hour),
		}, time.Time{})
		require.NoError(t, err)
	})
	lose(func() { require.NoError(t, db.EndSession(asAuditor(t), one.ID, nil)) })
	entries := audited(t, db)
	require.Len(t, entries, 2)
	for i, action := range []backstop.AuditAction{backstop.AuditSignIn, backstop.AuditEnd} {
		e := entries[i]
		require.Equal(t, action, e.Action)
		require.Equal(t, backstop.AuditSession, e.Kind)
		require.Equal(t, one.ID, e.Target)
		require.Equal(t, vera.Name, e.Name)
		require.JSONEq(t, `{"person": "id-of-vera", "role": "viewer"}`, string(e.After))
	}
}

// TestAudit_sessions_atOnce: of several requests that end a session, one writes the entry.
func TestAudit_sessions_atOnce(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	now := db.Now()
	one, err := db.CreateSession(asAuditor(t), digestOf(1), backstop.Session{CreatedAt: now, ExpiresAt: now.Add(time.Hour)}, time.Time{})
	require.NoError(t, err)
	var (
		ending sync.WaitGroup
		ended  atomic.Int32
	)
	for range 4 {
		ending.Go(func() {
			if db.EndSession(asAuditor(t), one.ID, nil) == nil {
				ended.Add(1)
			}
		})
	}
	ending.Wait()
	require.EqualValues(t, 1, ended.Load())
	require.Len(t, audited(t, db), 2)
}
