package postgres_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// A change that is refused leaves no entry.
func TestAudit_rollback(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)
	a, err := db.CreateRule(ctx, ruleNamed("a"))
	require.NoError(t, err)
	_, err = db.CreateRule(ctx, ruleNamed("A"))
	requireCode(t, backstop.Conflict, err)
	_, err = db.ReplaceRule(ctx, a, 7)
	requireCode(t, backstop.Stale, err)
	_, err = db.CreatePolicy(ctx, backstop.PolicyInput{Name: "p", RuleIDs: []string{newID(t)}})
	requireCode(t, backstop.Invalid, err)
	p, err := db.CreatePolicy(ctx, backstop.PolicyInput{Name: "p", RuleIDs: []string{a.ID}})
	require.NoError(t, err)
	_, err = db.ReplacePolicy(ctx, p.ID, backstop.PolicyInput{Name: "q", RuleIDs: []string{newID(t)}}, 1)
	requireCode(t, backstop.Invalid, err)
	requireCode(t, backstop.Conflict, db.DeleteRule(ctx, a.ID, 1))
	send := underway(t, db)
	end(t, db, begin(t, db, send.ID, firstSMS), backstop.Ending{})
	_, err = db.Cancel(ctx, send.ID)
	requireCode(t, backstop.Conflict, err)
	require.Equal(t, []string{"create rule", "create policy"}, short(audited(t, db)))
}

// Of two at once that read the same version, one has an entry.
func TestAudit_twoAtOnce(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)
	a, err := db.CreateRule(ctx, ruleNamed("a"))
	require.NoError(t, err)
	send := insertSend(t, db)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, _ = db.ReplaceRule(ctx, a, 1)
			_, _ = db.Cancel(ctx, send.ID)
			_, _ = db.PutOptOut(ctx, backstop.OptOut{
				To: to, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
			})
		})
	}
	group.Wait()
	require.ElementsMatch(t, []string{"create rule", "update rule", "cancel send", "create opt_out"}, short(audited(t, db)))
}

// The connection is cut after the commit. The change is repeated if that is known to be safe; there is one entry.
func TestAudit_lostAnswer(t *testing.T) {
	t.Parallel()
	origin := backstop.OptOutOrigin{Source: backstop.ByAPI}
	entry := backstop.OptOut{To: to, Category: backstop.OptOutAll, OptOutOrigin: origin}
	commit, save := executes("COMMIT"), executes("UPDATE sends")
	for name, c := range map[string]struct {
		cut    func(cutproxy.Request) bool
		change func(context.Context, *postgres.DB, backstop.Send) error
		want   string
		isLost bool // the caller gets an error, and repeats the request
	}{
		"create rule": {commit, func(ctx context.Context, db *postgres.DB, _ backstop.Send) error {
			_, err := db.CreateRule(ctx, ruleNamed("a"))
			return err
		}, "create rule", true},
		"create account": {commit, func(ctx context.Context, db *postgres.DB, _ backstop.Send) error {
			_, err := db.CreateAccount(ctx, accountRecord("main"))
			return err
		}, "create account", false},
		"guards": {commit, func(ctx context.Context, db *postgres.DB, _ backstop.Send) error {
			_, err := db.ReplaceGuards(ctx, backstop.Guards{CountryCap: 5}, 1)
			return err
		}, "update guards", false},
		"opt-out": {commit, func(ctx context.Context, db *postgres.DB, _ backstop.Send) error {
			_, err := db.PutOptOut(ctx, entry)
			return err
		}, "create opt_out", false},
		"cancel": {save, func(ctx context.Context, db *postgres.DB, s backstop.Send) error {
			_, err := db.Cancel(ctx, s.ID)
			return err
		}, "cancel send", false},
		"replay": {commit, func(ctx context.Context, db *postgres.DB, s backstop.Send) error {
			list, _, err := db.ListCallbacks(ctx, backstop.CallbackFilter{Send: s.ID}, backstop.Page{Limit: 1})
			if err == nil {
				_, err = db.ReplayCallback(ctx, list[0].ID)
			}
			return err
		}, "replay callback", false},
		"test": {commit, func(ctx context.Context, db *postgres.DB, _ backstop.Send) error {
			return db.AddAuditEntry(ctx, backstop.AuditEntry{Action: backstop.AuditTest, Kind: backstop.AuditAccount, Target: "main"})
		}, "test account", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, proxy := behindProxy(t)
			send := newSend(t)
			send.Callback = &backstop.Callback{URL: hook}
			_, _, err := db.InsertSend(t.Context(), send, nil)
			require.NoError(t, err)
			struck := proxy.On(cutproxy.Cut{Match: c.cut, After: true, How: cutproxy.Reset})
			err = c.change(asAuditor(t), db, send)
			<-struck
			if c.isLost {
				requireCode(t, backstop.TryLater, err)
				require.Error(t, c.change(asAuditor(t), db, send), "the name is taken")
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, []string{c.want}, short(audited(t, db)))
		})
	}
}
