package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// The recipient opts out after the send was stored, and before its lost statement is repeated. The answer is the stored send.
func TestDB_InsertSend_lostAnswerThenStop(t *testing.T) {
	t.Parallel()
	unique := func(s *backstop.Send) { s.CorrelationID, s.CorrelationUnique = "order 1", true }
	skip := func(s *backstop.Send) { s.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut} }
	for name, tc := range map[string]struct {
		change func(*backstop.Send)
		checks backstop.GuardChecks
		key    *handoff.Idempotency
	}{
		"refused": {change: func(*backstop.Send) {}}, "skipped": {change: skip}, "unique": {change: unique},
		"guarded":          {change: func(*backstop.Send) {}, checks: sameText("x", time.Minute)},
		"guarded, skipped": {change: skip, checks: sameText("x", time.Minute)},
		"with a key":       {change: skip, key: &handoff.Idempotency{Key: "k", Hash: []byte{1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := postgrestest.URL(t)
			through, proxy := postgrestest.Proxy(t, address)
			db, direct := postgrestest.Open(t, through), postgrestest.Open(t, address)
			err := postgrestest.Migrate(t.Context(), direct)
			require.NoError(t, err)
			stopped := false
			proxy.On(cutproxy.Cut{Match: executes("INSERT INTO sends"), After: true, How: cutproxy.Reset})
			proxy.On(cutproxy.Cut{Match: func(r cutproxy.Request) bool {
				if executes("INSERT INTO sends")(r) && !stopped { // the repetition
					stopped = true
					_, err := direct.PutOptOut(t.Context(), backstop.OptOut{
						To: to, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
					})
					require.NoError(t, err)
				}
				return false
			}})
			send := newSend(t)
			tc.change(&send)
			var stored backstop.Send
			var created bool
			if tc.checks.IsEmpty() {
				stored, created, err = db.InsertSend(t.Context(), send, tc.key)
			} else {
				stored, created, err = db.InsertGuarded(t.Context(), send, tc.key, tc.checks)
			}
			require.True(t, stopped)
			require.NoError(t, err)
			require.True(t, created)
			require.Equal(t, getSend(t, direct, send.ID), stored)
			require.Nil(t, stored.FinishedAt)
		})
	}
}

// The recipient opts in again after a skipped send was stored, and before its lost statement is repeated.
func TestDB_InsertSend_skippedThenStart(t *testing.T) {
	t.Parallel()
	for name, checks := range map[string]backstop.GuardChecks{
		"unguarded": {}, "guarded": capped(capOf(backstop.GuardRecipientCap, to, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := postgrestest.URL(t)
			through, proxy := postgrestest.Proxy(t, address)
			db, direct := postgrestest.Open(t, through), postgrestest.Open(t, address)
			err := postgrestest.Migrate(t.Context(), direct)
			require.NoError(t, err)
			origin := backstop.OptOutOrigin{Source: backstop.ByAPI}
			_, err = direct.PutOptOut(t.Context(), backstop.OptOut{To: to, Category: backstop.OptOutAll, OptOutOrigin: origin})
			require.NoError(t, err)
			proxy.On(cutproxy.Cut{Match: executes("INSERT INTO sends"), Skip: 1, After: true, How: cutproxy.Reset})
			inserts := 0
			proxy.On(cutproxy.Cut{Match: func(r cutproxy.Request) bool {
				if !executes("INSERT INTO sends")(r) {
					return false
				}
				if inserts++; inserts == 2 { // the repetition: the one that is cut does not get here
					require.NoError(t, direct.DeleteOptOut(t.Context(), to, backstop.OptOutAll, origin))
					_, _, err := direct.InsertGuarded(t.Context(), newSend(t), nil, checks) // takes the last place
					require.NoError(t, err)
				}
				return false
			}})
			send := newSend(t)
			send.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
			stored, created, err := db.InsertGuarded(t.Context(), send, nil, checks)
			require.NoError(t, err)
			require.True(t, created)
			require.Equal(t, 2, inserts)
			require.True(t, stored.IsSkipped())
			require.Equal(t, getSend(t, direct, send.ID), stored)
		})
	}
}
