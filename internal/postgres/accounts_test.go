package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func accountRecord(name string) accounts.Record {
	return accounts.Record{
		Sealed: []byte("sealed " + name),
		Account: backstop.Account{
			Name: name, Provider: "twilio", Channel: backstop.SMS, Settings: map[string]string{"account_sid": "AC1 é \" <&>"},
			OnUnknown: backstop.HoldUnknown, WhenUnhealthy: backstop.FallBackUnhealthy, CallTimeout: 10 * time.Second,
		},
	}
}

func createAccount(t *testing.T, db *postgres.DB, record accounts.Record) accounts.Record {
	t.Helper()
	created, err := db.CreateAccount(t.Context(), record)
	require.NoError(t, err)
	return created
}

func mark(t *testing.T, db *postgres.DB) int64 {
	t.Helper()
	mark, err := db.AccountsMark(t.Context())
	require.NoError(t, err)
	return mark
}

func TestDB_CreateAccount(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	t.Run("is read back as it was returned", func(t *testing.T) {
		t.Parallel()
		given := accountRecord("full")
		given.OnUnknown, given.WhenUnhealthy, given.CallTimeout = backstop.ResendUnknown, backstop.HoldUnhealthy, 20*time.Second
		given.CallsPerSecond, given.CallsAtOnce, given.Countries, given.IsDisabled = 0.5, 7, []string{"GB", "IE"}, true
		created := createAccount(t, db, given)
		require.Positive(t, created.Version)
		require.Equal(t, created.CreatedAt, created.UpdatedAt)
		want := given
		want.Version, want.CreatedAt, want.UpdatedAt = created.Version, created.CreatedAt, created.CreatedAt
		require.Equal(t, want, created)
		read, err := db.Account(t.Context(), "full")
		require.NoError(t, err)
		require.Equal(t, created, read)
	})
	t.Run("name taken", func(t *testing.T) {
		t.Parallel()
		createAccount(t, db, accountRecord("taken"))
		_, err := db.CreateAccount(t.Context(), accountRecord("taken"))
		e := coded(t, backstop.Conflict, err)
		require.Equal(t, "name", e.Fields[0].Name)
		require.NotContains(t, e.Error(), "accounts_pkey")
	})
	t.Run("the schema refuses what the domain refuses", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]func(*accounts.Record){
			"accounts_name_check":           func(r *accounts.Record) { r.Name = "Capital" },
			"accounts_provider_check":       func(r *accounts.Record) { r.Provider = "" },
			"channel_check":                 func(r *accounts.Record) { r.Channel = "fax" },
			"accounts_sealed_check":         func(r *accounts.Record) { r.Sealed = []byte{} },
			"accounts_settings_check":       func(r *accounts.Record) { r.Settings = nil },
			"accounts_on_unknown_check":     func(r *accounts.Record) { r.OnUnknown = "" },
			"accounts_when_unhealthy_check": func(r *accounts.Record) { r.WhenUnhealthy = "" },
			"accounts_call_timeout":         func(r *accounts.Record) { r.CallTimeout = 21 * time.Second },
			"accounts_calls_per_second":     func(r *accounts.Record) { r.CallsPerSecond = -1 },
			"accounts_calls_at_once":        func(r *accounts.Record) { r.CallsAtOnce = 10_001 },
			"accounts_countries_shape":      func(r *accounts.Record) { r.Countries = []string{"gb"} },
		} {
			record := accountRecord("refused-" + strings.ReplaceAll(name, "_", "-"))
			change(&record)
			_, err := db.CreateAccount(t.Context(), record)
			require.ErrorContains(t, err, name)
			require.Empty(t, backstop.CodeOf(err), "a fault of ours, not of the caller")
		}
	})
}

func TestDB_Account_missing(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, name := range []string{"", "none", "a\x00b"} {
		_, err := db.Account(t.Context(), name)
		requireCode(t, backstop.NotFound, err)
	}
	_, err := db.ReplaceAccount(t.Context(), accountRecord("none"), 1)
	requireCode(t, backstop.NotFound, err)
	requireCode(t, backstop.NotFound, db.ResealAccount(t.Context(), "none", 1, []byte("x")))
	requireCode(t, backstop.NotFound, db.DeleteAccount(t.Context(), "none", backstop.AnyVersion))
}

// TestDB_CreateAccount_again: an account that is made anew has none of the versions of the deleted one, so a change that was
// begun before does not overwrite it.
func TestDB_CreateAccount_again(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	record := accountRecord("main")
	record.IsDisabled = true
	seen := map[int]bool{}
	for range 3 {
		created := createAccount(t, db, record)
		replaced, err := db.ReplaceAccount(t.Context(), record, created.Version)
		require.NoError(t, err)
		require.Equal(t, created.Version+1, replaced.Version)
		for version := range seen {
			_, err := db.ReplaceAccount(t.Context(), record, version)
			requireCode(t, backstop.Stale, err)
			requireCode(t, backstop.Stale, db.ResealAccount(t.Context(), "main", version, []byte("x")))
			requireCode(t, backstop.Stale, db.DeleteAccount(t.Context(), "main", version))
		}
		require.NoError(t, db.DeleteAccount(t.Context(), "main", replaced.Version))
		seen[created.Version], seen[replaced.Version] = true, true
	}
	require.Len(t, seen, 6)
}

func TestDB_ListAccounts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var want []accounts.Record
	for _, name := range []string{"zebra", "ant", "monkey"} {
		want = append(want, createAccount(t, db, accountRecord(name)))
	}
	got, err := db.ListAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got, "the oldest first")
}

func TestDB_ReplaceAccount(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	created := createAccount(t, db, accountRecord("main"))
	change := created
	change.Settings, change.Sealed, change.IsDisabled = map[string]string{"account_sid": "AC2"}, []byte("sealed again"), true
	change.Provider, change.Channel = "other", backstop.WhatsApp
	replaced, err := db.ReplaceAccount(t.Context(), change, 1)
	require.NoError(t, err)
	require.Equal(t, 2, replaced.Version)
	require.Equal(t, created.CreatedAt, replaced.CreatedAt)
	require.Equal(t, "twilio", replaced.Provider, "an account does not change its provider")
	require.Equal(t, backstop.SMS, replaced.Channel)
	require.True(t, replaced.IsDisabled)
	require.Equal(t, "sealed again", string(replaced.Sealed))
	read, err := db.Account(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, replaced, read)

	_, err = db.ReplaceAccount(t.Context(), change, 1)
	requireCode(t, backstop.Stale, err)
	_, err = db.ReplaceAccount(t.Context(), change, backstop.AnyVersion)
	require.NoError(t, err)

	requireCode(t, backstop.Stale, db.ResealAccount(t.Context(), "main", 2, []byte("x")))
	require.NoError(t, db.ResealAccount(t.Context(), "main", 3, []byte("sealed a third time")))
	read, err = db.Account(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, 3, read.Version)
	require.Equal(t, "sealed a third time", string(read.Sealed))
}

// TestDB_AccountsMark: each change moves the mark, and a refused one may.
func TestDB_AccountsMark(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	newest := mark(t, db)
	require.Positive(t, newest)
	require.Equal(t, newest, mark(t, db), "reading changes nothing")
	record := accountRecord("main")
	record.IsDisabled = true
	steps := []func() error{
		func() error { _, err := db.CreateAccount(t.Context(), record); return err },
		func() error { _, err := db.ReplaceAccount(t.Context(), record, 1); return err },
		func() error { return db.ResealAccount(t.Context(), "main", 2, []byte("x")) },
		func() error { return db.DeleteAccount(t.Context(), "main", 2) },
	}
	for i, step := range steps {
		require.NoError(t, step(), "%d", i)
		now := mark(t, db)
		require.Greater(t, now, newest, "%d", i)
		newest = now
	}
}

func TestDB_DeleteAccount(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	disabled := func(name string) accounts.Record {
		record := accountRecord(name)
		record.IsDisabled = true
		return createAccount(t, db, record)
	}
	t.Run("not disabled", func(t *testing.T) {
		t.Parallel()
		enabled := createAccount(t, db, accountRecord("enabled"))
		require.Contains(t, coded(t, backstop.Conflict, db.DeleteAccount(t.Context(), "enabled", enabled.Version)).Message, "disable it first")
	})
	t.Run("stale, then gone", func(t *testing.T) {
		t.Parallel()
		old := disabled("old")
		requireCode(t, backstop.Stale, db.DeleteAccount(t.Context(), "old", old.Version+1))
		require.NoError(t, db.DeleteAccount(t.Context(), "old", old.Version))
		_, err := db.Account(t.Context(), "old")
		requireCode(t, backstop.NotFound, err)
	})
	t.Run("a route", func(t *testing.T) {
		t.Parallel()
		disabled("route")
		for _, name := range []string{"UK", "IE"} {
			r := rule(name)
			r.Routes = []backstop.Route{{Account: "other"}, {Account: "route"}}
			_, err := db.CreateRule(t.Context(), r)
			require.NoError(t, err)
		}
		e := coded(t, backstop.Conflict, db.DeleteAccount(t.Context(), "route", backstop.AnyVersion))
		require.Equal(t, `the account is a route of the rules "IE", "UK"`, e.Message)
	})
	t.Run("of a policy", func(t *testing.T) {
		t.Parallel()
		disabled("brand")
		_, err := db.CreatePolicy(t.Context(), backstop.PolicyInput{Name: "P", Account: "brand", RuleIDs: []string{createRule(t, db, "R").ID}})
		require.NoError(t, err)
		e := coded(t, backstop.Conflict, db.DeleteAccount(t.Context(), "brand", backstop.AnyVersion))
		require.Equal(t, `the account is that of the policy "P"`, e.Message)
	})
	t.Run("a message is out", func(t *testing.T) {
		t.Parallel()
		number := disabled("number")
		send := insertSend(t, db)
		begin(t, db, send.ID, whatsApp)
		require.Contains(t, coded(t, backstop.Conflict, db.DeleteAccount(t.Context(), "number", number.Version)).Message, "not ended")
	})
	t.Run("a send waits", func(t *testing.T) {
		t.Parallel()
		disabled("waited-for")
		disabled("spare")
		send := newSend(t)
		send.Plan.Account, send.Plan.Rules[0].Routes = "waited-for", []backstop.Route{{Account: "first"}, {Account: "spare"}}
		send, _, err := db.InsertSend(t.Context(), send, nil)
		require.NoError(t, err)
		for _, name := range []string{"waited-for", "spare"} { // no call was made: the plan alone has the name
			require.Contains(t, coded(t, backstop.Conflict, db.DeleteAccount(t.Context(), name, backstop.AnyVersion)).Message, "not ended")
		}
		finish(t, db, send.ID)
		for _, name := range []string{"waited-for", "spare"} {
			require.NoError(t, db.DeleteAccount(t.Context(), name, backstop.AnyVersion))
		}
	})
}

// The connection is cut after the change is committed and before the answer comes.
func TestDB_Account_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]cutproxy.How{"reset": cutproxy.Reset, "end": cutproxy.Finish} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, proxy := behindProxy(t)
			cut := func() <-chan struct{} {
				return proxy.On(cutproxy.Cut{Match: executes("COMMIT"), After: true, How: how})
			}
			struck := cut()
			created := createAccount(t, db, accountRecord("main"))
			<-struck
			require.Equal(t, 1, created.Version)

			struck = cut()
			change := created
			change.Sealed, change.IsDisabled = []byte("sealed again"), true
			replaced, err := db.ReplaceAccount(t.Context(), change, 1)
			require.NoError(t, err)
			<-struck
			require.Equal(t, 2, replaced.Version)

			struck = cut()
			require.NoError(t, db.DeleteAccount(t.Context(), "main", 2))
			<-struck
			_, err = db.Account(t.Context(), "main")
			requireCode(t, backstop.NotFound, err)
		})
	}
}
