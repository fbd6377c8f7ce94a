package accounts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/keyring"
)

// TestDirectory_Load: another process sees new, changed and deleted accounts. It opens only those that have changed.
func TestDirectory_Load(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.other(t)
	require.NoError(t, other.Load(t.Context()))
	require.Empty(t, other.List())

	r.create(t, "one")
	r.create(t, "two")
	require.NoError(t, other.Load(t.Context()))
	require.Len(t, other.List(), 2)
	one, _ := other.Find("one")
	two, _ := other.Find("two")

	lists := r.store.lists
	require.NoError(t, other.Load(t.Context()))
	require.Equal(t, lists, r.store.lists, "nothing has changed")

	r.replace(t, "two", map[string]string{"user": "v"})
	require.NoError(t, other.Load(t.Context()))
	again, _ := other.Find("one")
	require.Same(t, one.Client, again.Client, "an account that has not changed stays open")
	changed, _ := other.Find("two")
	require.NotSame(t, two.Client, changed.Client)

	require.NoError(t, r.DeleteAccount(t.Context(), "one", 1))
	require.NoError(t, other.Load(t.Context()))
	_, found := other.Find("one")
	require.False(t, found)

	// A new account of the same name and version is another account.
	r.create(t, "one", func(a *backstop.Account) { a.Settings["user"] = "w" })
	require.NoError(t, other.Load(t.Context()))
	require.Equal(t, "w", other.settingsOf(t, "one").Values["user"])
	require.Equal(t, []string{"two", "one"}, []string{other.List()[0].Name, other.List()[1].Name}, "the oldest first")
}

// TestDirectory_fault: an account that cannot be opened keeps its client. It has a fault, which is logged once.
func TestDirectory_fault(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "main", func(a *backstop.Account) { a.Settings["password"] = "s3cret" })
	other := r.other(t)
	require.NoError(t, other.Load(t.Context()))
	was, _ := other.Find("main")

	r2 := r.other(t, func(o *accounts.Options) { o.Keyring = ring(t, "k2", "k1") })
	require.NoError(t, r2.Load(t.Context()))
	r2.replace(t, "main", map[string]string{"user": "v"})

	for range 3 {
		require.NoError(t, other.Load(t.Context()))
		r2.create(t, "more"+strings.Repeat("x", len(r.store.records))) // the list is read again
	}
	failed, _ := other.Find("main")
	require.Equal(t, `open secrets: key "k2" is missing in BACKSTOP_KEYRING`, failed.Fault)
	require.Same(t, was.Client, failed.Client)
	require.Equal(t, was.WebhookKey, failed.WebhookKey, "its webhook stays")
	require.Equal(t, 1, strings.Count(other.logs.String(), "level=ERROR msg=\"account cannot be opened\" account=main"), other.logs.String())
	require.NotContains(t, other.logs.String(), "s3cret")

	state, err := other.GetAccount(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, failed.Fault, state.Fault)
	check, err := other.CheckAccount(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, backstop.AccountCheck{Result: backstop.CheckNotPossible, Reason: failed.Fault}, check)

	fresh := r.other(t)
	require.NoError(t, fresh.Load(t.Context()))
	open, _ := fresh.Find("main")
	require.Nil(t, open.Client, "a process that begins with the fault has no client")
	require.Equal(t, "signing", open.Driver.Name)
	require.Empty(t, fresh.DefaultAccount(backstop.SMS, "GB"))

	// Whoever has no key can only give all secrets again.
	_, err = fresh.ReplaceAccount(t.Context(), backstop.AccountChange{Account: account("main", func(a *backstop.Account) {
		a.Settings = map[string]string{"user": "v"}
	})}, backstop.AnyVersion, true)
	require.Equal(t, "settings.token", coded(t, backstop.Invalid, err).Fields[0].Name)
	fresh.replace(t, "main", map[string]string{"user": "v", "token": "n3w"})
	require.NoError(t, other.Load(t.Context()))
	repaired, _ := other.Find("main")
	require.Empty(t, repaired.Fault)
}

// TestDirectory_moved: sealed secrets do not open in another account.
func TestDirectory_moved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "one", func(a *backstop.Account) { a.Settings["token"] = "of one" })
	r.create(t, "two")
	r.store.records[1].Sealed = r.store.records[0].Sealed
	other := r.other(t)
	require.NoError(t, other.Load(t.Context()))
	moved, _ := other.Find("two")
	require.Nil(t, moved.Client)
	require.Contains(t, moved.Fault, keyring.ErrDamaged.Error())
}

func TestReseal(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "one")
	r.create(t, "two")
	both := ring(t, "k2", "k1")
	uses, err := accounts.KeysInUse(t.Context(), r.store, both)
	require.NoError(t, err)
	require.Equal(t, []accounts.KeyUse{{ID: "k1", Accounts: []string{"one", "two"}}}, uses.Keys)
	require.Empty(t, uses.Faults)

	count, err := accounts.Reseal(t.Context(), r.store, both)
	require.NoError(t, err)
	require.Equal(t, 2, count)
	count, err = accounts.Reseal(t.Context(), r.store, both)
	require.NoError(t, err)
	require.Zero(t, count, "all have the first key")

	uses, err = accounts.KeysInUse(t.Context(), r.store, ring(t, "k1"))
	require.NoError(t, err)
	require.Equal(t, []accounts.KeyUse{{ID: "k2", Accounts: []string{"one", "two"}}}, uses.Keys)
	require.Equal(t, map[string]string{
		"one": `key "k2" is missing in BACKSTOP_KEYRING`, "two": `key "k2" is missing in BACKSTOP_KEYRING`,
	}, uses.Faults)

	other := r.other(t, func(o *accounts.Options) { o.Keyring = ring(t, "k2") })
	require.NoError(t, other.Load(t.Context()))
	require.Equal(t, "t0ken", other.settingsOf(t, "one").Values["token"])
	one, _ := other.Find("one")
	require.Equal(t, 1, one.Version, "the account has not changed")

	_, err = accounts.Reseal(t.Context(), r.store, ring(t, "k3"))
	require.ErrorContains(t, err, "one")
	require.ErrorContains(t, err, `"k2" is missing`)
	_, err = accounts.Reseal(t.Context(), r.store, &keyring.Keyring{})
	require.ErrorIs(t, err, keyring.ErrEmpty)
}
