package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/postgres/seals"
)

var auditor = backstop.Actor{Kind: backstop.ActorKey, ID: "key_1", Name: "shop", From: "192.0.2.7"}

func asAuditor(t *testing.T) context.Context {
	t.Helper()
	return backstop.WithActor(t.Context(), auditor)
}

// audited returns all entries, the oldest first, and checks that they are by the auditor.
func audited(t *testing.T, db *postgres.DB) []backstop.AuditEntry {
	t.Helper()
	list, more, err := db.ListAudit(t.Context(), backstop.AuditFilter{}, backstop.Page{Limit: 100})
	require.NoError(t, err)
	require.False(t, more)
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	for _, e := range list {
		require.Equal(t, auditor, e.Actor)
		require.WithinDuration(t, db.Now(), e.At, time.Minute)
	}
	return list
}

// lines returns entries as "action kind name: changed fields".
func lines(t *testing.T, entries []backstop.AuditEntry) (list []string) {
	t.Helper()
	for _, e := range entries {
		list = append(list, fmt.Sprintf("%s %s %s: %s", e.Action, e.Kind, e.Name, strings.Join(changedFields(t, e), " ")))
	}
	return list
}

// changedFields returns "field=before>after" of what differs; all of them if one state is absent, without values.
func changedFields(t *testing.T, e backstop.AuditEntry) (list []string) {
	t.Helper()
	before, after := fieldsOf(t, e.Before), fieldsOf(t, e.After)
	if before == nil || after == nil {
		return nil
	}
	for _, name := range []string{
		"name", "account", "rules", "wait_seconds", "settings", "disabled", "secrets_changed", "content", "outcome", "version",
	} {
		if b, a := string(before[name]), string(after[name]); b != a {
			list = append(list, name+"="+b+">"+a)
		}
	}
	return list
}

func fieldsOf(t *testing.T, text json.RawMessage) (fields map[string]json.RawMessage) {
	t.Helper()
	if text != nil {
		require.NoError(t, json.Unmarshal(text, &fields))
	}
	return fields
}

func ruleNamed(name string) backstop.Rule {
	return backstop.Rule{Name: name, Type: backstop.RuleTypes()[0], SendID: "Acme"}
}

func TestAudit_settings(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)

	a, err := db.CreateRule(ctx, ruleNamed("a"))
	require.NoError(t, err)
	b, err := db.CreateRule(ctx, ruleNamed("b"))
	require.NoError(t, err)
	a.WaitSeconds = 60
	_, err = db.ReplaceRule(ctx, a, 1)
	require.NoError(t, err)
	policy, err := db.CreatePolicy(ctx, backstop.PolicyInput{Name: "p", RuleIDs: []string{a.ID}})
	require.NoError(t, err)
	_, err = db.ReplacePolicy(ctx, policy.ID, backstop.PolicyInput{Name: "q", RuleIDs: []string{b.ID, a.ID}}, 1)
	require.NoError(t, err)
	require.NoError(t, db.DeletePolicy(ctx, policy.ID, 2))
	require.NoError(t, db.DeleteRule(ctx, a.ID, 2))
	list := audited(t, db)
	rule := func(r backstop.Rule) string { return fmt.Sprintf(`{"id": "%s", "name": "%s"}`, r.ID, r.Name) }
	require.Equal(t, []string{
		"create rule a: ", "create rule b: ", "update rule a: wait_seconds=0>60 version=1>2", "create policy p: ",
		`update policy q: name="p">"q" rules=[` + rule(a) + `]>[` + rule(b) + `, ` + rule(a) + `] version=1>2`,
		"delete policy q: ", "delete rule a: ",
	}, lines(t, list))
	require.Equal(t, a.ID, list[0].Target)
	require.Equal(t, policy.ID, list[5].Target)
	require.JSONEq(t, `[`+rule(b)+`, `+rule(a)+`]`, string(fieldsOf(t, list[5].Before)["rules"]))
	require.JSONEq(t, `[`+rule(a)+`]`, string(fieldsOf(t, list[3].After)["rules"]))
	require.Nil(t, list[0].Before)
	require.Nil(t, list[6].After)
}

func TestAudit_messagesAndGuards(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)
	in := backstop.MessageInput{Name: "hello"}
	in.SMSText = "one"
	m, err := db.CreateMessage(ctx, in)
	require.NoError(t, err)
	in.SMSText = "two"
	_, err = db.ReplaceMessage(ctx, m.ID, in, 1)
	require.NoError(t, err)
	require.NoError(t, db.DeleteMessage(ctx, m.ID, 2))
	_, err = db.ReplaceGuards(ctx, backstop.Guards{CountryCap: 5}, 1)
	require.NoError(t, err)
	list := audited(t, db)
	require.Equal(t, []string{"create message", "update message", "delete message", "update guards"}, short(list))
	require.Contains(t, string(list[1].Before), "one")
	require.Contains(t, string(list[1].After), "two")
	require.Contains(t, string(list[2].Before), "two")
	require.Equal(t, []string{`settings={}>{"country_cap": 5}`, "version=1>2"}, changedFields(t, list[3]))
}

func short(entries []backstop.AuditEntry) (list []string) {
	for _, e := range entries {
		list = append(list, string(e.Action)+" "+string(e.Kind))
	}
	return list
}

// No entry has a secret, sealed or not.
func TestAudit_accounts(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)
	created, err := db.CreateAccount(ctx, accountRecord("main"))
	require.NoError(t, err)
	change := created
	change.Sealed, change.IsDisabled = []byte("sealed again"), true
	_, err = db.ReplaceAccount(ctx, change, 1)
	require.NoError(t, err)
	change.ChangedSecrets, change.Sealed = []string{"auth_token"}, []byte("sealed anew")
	_, err = db.ReplaceAccount(ctx, change, 2)
	require.NoError(t, err)
	require.NoError(t, db.ResealAccount(ctx, "main", 3, []byte("sealed by another key")))
	require.NoError(t, db.AddAuditEntry(ctx, backstop.AuditEntry{
		Action: backstop.AuditTest, Kind: backstop.AuditAccount, Target: "main", Name: "main", To: to,
	}))
	require.NoError(t, db.DeleteAccount(ctx, "main", 3))
	list := audited(t, db)
	require.ElementsMatch(t, []string{ // the program's estimate of the time orders the test, Postgres' clock all others
		"create account main: ", "update account main: disabled=false>true version=1>2",
		`update account main: secrets_changed=>["auth_token"] version=2>3`, "reseal account main: ", "test account main: ",
		"delete account main: ",
	}, lines(t, list))
	tested := slices.IndexFunc(list, func(e backstop.AuditEntry) bool { return e.Action == backstop.AuditTest })
	require.Equal(t, to, list[tested].To)
	for _, e := range list {
		require.NotContains(t, string(e.Before)+string(e.After), "sealed")
	}
}

// No entry has the digest of a key, and the use of a key has none.
func TestAudit_apiKeys(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)
	key, err := db.CreateAPIKey(ctx, apiKeyInput("shop"), backstop.KeyLive, backstop.NewKeySecret(backstop.KeyLive))
	require.NoError(t, err)
	_, err = db.ReplaceAPIKey(ctx, key.ID, apiKeyInput("Shop"), 1)
	require.NoError(t, err)
	_, err = db.RotateAPIKey(ctx, key.ID, backstop.NewKeySecret(backstop.KeyLive), db.Now().Add(time.Hour))
	require.NoError(t, err)
	require.NoError(t, db.TouchAPIKeys(ctx, map[string]time.Time{key.ID: db.Now()}, 0))
	require.NoError(t, db.DeleteAPIKey(ctx, key.ID))
	list := audited(t, db)
	require.Equal(t, []string{"create key", "update key", "update key", "delete key"}, short(list))
	for _, e := range list {
		require.Equal(t, key.ID, e.Target)
		require.NotContains(t, string(e.Before)+string(e.After), "digest")
	}
}

// A number is in a column of its own, and nowhere else.
func TestAudit_optOuts(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)
	origin := backstop.OptOutOrigin{Source: backstop.ByAPI, Note: "by phone"}
	entry := backstop.OptOut{To: to, Category: backstop.OptOutAll, OptOutOrigin: origin}
	for range 2 {
		_, err := db.PutOptOut(ctx, entry)
		require.NoError(t, err)
		_, err = db.ImportOptOuts(ctx, []backstop.OptOut{entry})
		require.NoError(t, err)
	}
	for range 2 {
		require.NoError(t, db.DeleteOptOut(ctx, to, backstop.OptOutAll, origin))
	}
	list := audited(t, db)
	require.Equal(t, []string{"create opt_out", "delete opt_out"}, short(list))
	for _, e := range list {
		require.Equal(t, to, e.To)
		require.NotContains(t, string(e.Before)+string(e.After), to[4:])
	}
}

func TestAudit_callerEnds(t *testing.T) {
	t.Parallel()
	db, ctx := postgrestest.New(t), asAuditor(t)
	cancelled, confirmed := insertSend(t, db), insertSend(t, db)
	for range 2 { // the repetition changes nothing
		_, err := db.Cancel(ctx, cancelled.ID)
		require.NoError(t, err)
		_, err = db.Confirm(ctx, confirmed.ID)
		require.NoError(t, err)
	}
	_, err := db.Confirm(ctx, cancelled.ID)
	require.NoError(t, err)
	list := audited(t, db)
	require.Equal(t, []string{
		`cancel send : outcome="pending">"cancelled"`, `confirm send : outcome="pending">"confirmed"`, `confirm send : `,
	}, lines(t, list))
	require.Equal(t, []string{cancelled.ID, confirmed.ID, cancelled.ID}, []string{list[0].Target, list[1].Target, list[2].Target})
}

func TestAudit_replay(t *testing.T) {
	t.Parallel()
	r, ctx := newCallbackRig(t), asAuditor(t)
	var one backstop.QueuedCallback
	for range 2 {
		r.try(r.insert(hook).ID, 500, 0)
	}
	list, _, err := r.ListCallbacks(ctx, backstop.CallbackFilter{}, backstop.Page{Limit: 9})
	require.NoError(t, err)
	one = list[0]
	_, err = r.ReplayCallback(ctx, one.ID)
	require.NoError(t, err)
	_, err = r.ReplayCallback(ctx, newID(t))
	requireCode(t, backstop.NotFound, err)
	for _, c := range list {
		r.try(c.Send, 410, 0)
	}
	n, _, err := r.ReplayCallbacks(ctx, backstop.CallbackFilter{URL: hook}, "", 9)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	entries := audited(t, r.DB)
	require.Equal(t, []string{"replay callback", "replay callback"}, short(entries))
	require.Equal(t, one.ID, entries[0].Target)
	require.JSONEq(t, fmt.Sprintf(`{"callbacks": 2, "url": %q, "first": %q, "last": %q}`, hook, list[1].ID, list[0].ID),
		string(entries[1].After))
}

// Nothing changes an entry but a mask, and nothing deletes one but the end of its time.
func TestAudit_appendOnly(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	origin := backstop.OptOutOrigin{Source: backstop.ByAPI, Note: "Mr Smith called"}
	_, err = db.PutOptOut(t.Context(), backstop.OptOut{To: to, Category: backstop.OptOutAll, OptOutOrigin: origin})
	require.NoError(t, err)
	_, err = db.CreateRule(t.Context(), ruleNamed("a"))
	require.NoError(t, err)
	raw := postgrestest.Raw(t, url)
	for _, statement := range []string{
		`UPDATE audit SET actor_name = 'x'`, `UPDATE audit SET recipient = ''`, `DELETE FROM audit`, `TRUNCATE audit`,
		`INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET action = 'x'`,
	} {
		_, err := raw.ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "append-only", statement)
	}
	var n int
	require.NoError(t, raw.QueryRowContext(t.Context(), `SELECT audit_mask($1, '+44•')`,
		postgrestest.Stored(t, seals.Number, to)).Scan(&n))
	require.Equal(t, 1, n)
	_, err = raw.ExecContext(t.Context(), `DELETE FROM audit`)
	require.ErrorContains(t, err, "append-only", "the door is shut again")
	list, _, err := db.ListAudit(t.Context(), backstop.AuditFilter{}, backstop.Page{Limit: 9})
	require.NoError(t, err)
	require.Equal(t, "+44•", list[1].To)
	require.NotContains(t, string(list[1].After), "Smith")
	require.Equal(t, backstop.Actor{Kind: backstop.ActorSystem, Name: "backstop"}, list[1].Actor)

	require.NoError(t, raw.QueryRowContext(t.Context(), `SELECT audit_drop($1, 10)`, list[0].At).Scan(&n))
	require.Equal(t, 1, n, "the one before the time")
	n, err = db.RemoveOldAudit(t.Context(), time.Hour, 10)
	require.NoError(t, err)
	require.Zero(t, n, "the other is younger")
	time.Sleep(time.Millisecond)
	n, err = db.RemoveOldAudit(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// A statement by hand, as one of a migration, has an entry too, with the name of its application.
func TestAudit_byHand(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	_, err = db.CreateRule(t.Context(), ruleNamed("a"))
	require.NoError(t, err)
	raw := postgrestest.Raw(t, url)
	_, err = raw.ExecContext(t.Context(), `SET application_name = 'psql'; UPDATE rules SET wait_seconds = 9`)
	require.NoError(t, err)
	_, err = raw.ExecContext(t.Context(), `UPDATE rules SET updated_at = now()`)
	require.NoError(t, err)
	list, _, err := db.ListAudit(t.Context(), backstop.AuditFilter{}, backstop.Page{Limit: 9})
	require.NoError(t, err)
	require.Equal(t, []string{"update rule", "create rule"}, short(list))
	require.Equal(t, backstop.Actor{Kind: backstop.ActorSystem, Name: "psql"}, list[0].Actor)
}
