package accounts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/keyring"
)

func TestDirectory_CreateAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	state := r.create(t, "main", func(a *backstop.Account) { a.Settings["password"] = "s3cret" })
	require.Equal(t, map[string]string{"user": "u"}, state.Settings, "no secret is shown")
	require.Equal(t, []string{"password", "token"}, state.SecretsSet)
	require.Equal(t, "https://backstop.example/base/webhooks/signing/main", state.WebhookURL)
	require.Equal(t, backstop.HoldUnknown, state.OnUnknown, "that of the provider")
	require.Equal(t, backstop.FallBackUnhealthy, state.WhenUnhealthy)
	require.Equal(t, backstop.DefaultCallTimeout, state.CallTimeout)
	require.Equal(t, backstop.AccountHealth{State: backstop.UnknownHealth}, state.Health)
	require.Equal(t, 1, state.Version)
	require.Empty(t, state.WebhookKey)
	require.Empty(t, state.Unchecked)

	again, err := r.GetAccount(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, state, again)

	open := r.settingsOf(t, "main")
	require.Equal(t, map[string]string{"user": "u", "token": "t0ken", "password": "s3cret", "base_url": "https://api.example"}, open.Values)
	require.Equal(t, "main", open.Account)
	require.Equal(t, "/webhooks/signing/main", open.WebhookPath)

	record := r.store.records[0]
	require.Equal(t, map[string]string{"user": "u"}, record.Settings, "a default is not stored")
	require.NotContains(t, string(record.Sealed), "t0ken")

	coded(t, backstop.Conflict, func() error { _, err := r.CreateAccount(t.Context(), account("main"), true); return err }())
}

// TestDirectory_CreateAccount_refused: a wrong setting is named, and nothing is stored.
func TestDirectory_CreateAccount_refused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, row := range map[string]struct {
		change func(*backstop.Account)
		fields []string
	}{
		"no such provider":   {func(a *backstop.Account) { a.Provider = "other" }, []string{"provider"}},
		"a field is missing": {func(a *backstop.Account) { delete(a.Settings, "token") }, []string{"settings.token"}},
		"a secret was pasted with its line end": {
			func(a *backstop.Account) { a.Settings["token"] = "t0ken\n" }, []string{"settings.token"},
		},
		"a field is unknown":  {func(a *backstop.Account) { a.Settings["x"] = "y" }, []string{"settings.x"}},
		"wrong channel":       {func(a *backstop.Account) { a.Channel = backstop.WhatsApp }, []string{"channel"}},
		"the driver refuses":  {func(a *backstop.Account) { a.Settings["user"] = "impossible" }, []string{"settings.user", "settings.token"}},
		"the check refuses":   {func(a *backstop.Account) { a.Settings["token"] = "wrong" }, []string{"settings.token"}},
		"the name is no name": {func(a *backstop.Account) { a.Name = "Main" }, []string{"name"}},
	} {
		_, err := r.CreateAccount(t.Context(), account("main", row.change), true)
		e := coded(t, backstop.Invalid, err)
		var named []string
		for _, field := range e.Fields {
			named = append(named, field.Name)
		}
		require.Equal(t, row.fields, named, name)
		require.NotContains(t, e.Error(), "t0ken", "the secret is hidden")
		require.Empty(t, r.store.records)
	}
	require.Empty(t, r.List())
}

func TestDirectory_CreateAccount_unchecked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	state := r.create(t, "main", func(a *backstop.Account) { a.Settings["token"] = "unreachable" })
	require.Contains(t, state.Unchecked, "dial tcp: refused", "stored all the same")
	_, err := r.CreateAccount(t.Context(), account("second", func(a *backstop.Account) { a.Settings["token"] = "wrong" }), false)
	require.NoError(t, err, "nobody was asked")
	require.Len(t, r.store.records, 2)
}

func TestDirectory_CreateAccount_noKeyring(t *testing.T) {
	t.Parallel()
	for _, empty := range []*keyring.Keyring{nil, {}} {
		r := newRig(t, func(o *accounts.Options) { o.Keyring = empty })
		_, err := r.CreateAccount(t.Context(), account("main"), true)
		e := coded(t, backstop.Invalid, err)
		require.Contains(t, e.Message, "set BACKSTOP_KEYRING")
		require.Contains(t, e.Message, "backstop keys generate")
	}
}

func TestDirectory_ReplaceAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "main", func(a *backstop.Account) { a.Settings["password"] = "s3cret" })
	state := r.replace(t, "main", map[string]string{"user": "v"}, func(c *backstop.AccountChange) {
		c.Account.Provider, c.Account.Channel, c.Account.IsDisabled = "plain", backstop.WhatsApp, true
	})
	require.Equal(t, 2, state.Version)
	require.Equal(t, backstop.AccountHealth{
		State: backstop.UnknownHealth, Since: state.UpdatedAt, Reason: "not called since the account was changed",
	}, state.Health)
	require.Equal(t, "signing", state.Provider)
	require.Equal(t, backstop.SMS, state.Channel)
	require.True(t, state.IsDisabled)
	require.Empty(t, state.Former)
	open := r.settingsOf(t, "main").Values
	require.Equal(t, "v", open["user"])
	require.Equal(t, "t0ken", open["token"], "an absent secret keeps its value")
	require.Equal(t, "s3cret", open["password"])

	state = r.replace(t, "main", map[string]string{"user": "v", "password": ""})
	require.Equal(t, []string{"token"}, state.SecretsSet, "an empty one is removed")
	require.Empty(t, state.Former, "it verifies nothing")

	_, err := r.ReplaceAccount(t.Context(), backstop.AccountChange{Account: account("main")}, 1, true)
	coded(t, backstop.Stale, err)
	_, err = r.ReplaceAccount(t.Context(), backstop.AccountChange{Account: account("none")}, 1, true)
	coded(t, backstop.NotFound, err)
	_, err = r.ReplaceAccount(t.Context(), backstop.AccountChange{Account: account("main", func(a *backstop.Account) {
		a.Settings = map[string]string{"user": "v", "token": ""}
	})}, 3, true)
	require.Equal(t, "settings.token", coded(t, backstop.Invalid, err).Fields[0].Name)
}

// TestDirectory_redirected: nobody can read a stored secret, so nobody can send it to an address of their own either.
func TestDirectory_redirected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "main", func(a *backstop.Account) { a.Settings["password"] = "s3cret" })
	change := func(settings map[string]string) error {
		next := account("main", func(a *backstop.Account) { a.Settings = settings })
		_, err := r.ReplaceAccount(t.Context(), backstop.AccountChange{Account: next}, backstop.AnyVersion, true)
		return err
	}
	fields := coded(t, backstop.Invalid, change(map[string]string{"user": "u", "base_url": "https://other.example"})).Fields
	require.Len(t, fields, 2)
	require.Equal(t, "settings.token", fields[0].Name)
	require.Equal(t, "settings.password", fields[1].Name)
	require.Equal(t, backstop.FieldRequired, fields[0].Code)
	require.Contains(t, fields[0].Reason, "settings.base_url")
	fields = coded(t, backstop.Invalid, change(map[string]string{"user": "u", "base_url": "https://other.example", "token": "t0ken"})).Fields
	require.Equal(t, "settings.password", fields[0].Name)
	require.Equal(t, "https://api.example", r.settingsOf(t, "main").Values["base_url"], "nothing has changed")

	require.NoError(t, change(map[string]string{"user": "u", "base_url": "https://api.example"}), "the address that it has by default")
	require.Equal(t, "s3cret", r.settingsOf(t, "main").Values["password"])
	require.NoError(t, change(map[string]string{
		"user": "u", "base_url": "https://other.example", "token": "t0ken", "password": "",
	}))
	require.Equal(t, "https://other.example", r.settingsOf(t, "main").Values["base_url"])
	require.Error(t, change(map[string]string{"user": "u"}), "the way back is one too")
}

// TestDirectory_rotation_often: a script that changes a secret every minute cannot make the check of a webhook slower and slower.
func TestDirectory_rotation_often(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "main")
	token := func(n int) map[string]string { return map[string]string{"user": "u", "token": fmt.Sprint("t0ken-", n)} }
	for n := range backstop.MaxFormerSecrets {
		r.replace(t, "main", token(n))
	}
	next := account("main", func(a *backstop.Account) { a.Settings = token(1000) })
	_, err := r.ReplaceAccount(t.Context(), backstop.AccountChange{Account: next}, backstop.AnyVersion, true)
	require.Equal(t, "former_secrets", coded(t, backstop.Invalid, err).Fields[0].Name)
	require.Equal(t, "t0ken-31", r.settingsOf(t, "main").Values["token"], "nothing has changed")
	past := r.clock.Now().Add(-time.Second)
	state := r.replace(t, "main", token(1000), func(c *backstop.AccountChange) { c.KeepFormerUntil = &past })
	require.Empty(t, state.Former)
}

// TestDirectory_rotation: the former secret verifies until its date, in all processes, and not longer.
func TestDirectory_rotation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "main")
	other := r.other(t)
	require.NoError(t, other.Load(t.Context()))

	state := r.replace(t, "main", map[string]string{"user": "u", "token": "n3w"})
	until := r.clock.Now().Add(backstop.FormerSecretsValid)
	require.Equal(t, []backstop.FormerSetting{{Field: "token", ValidUntil: until}}, state.Former, "without its value")
	require.NoError(t, other.Load(t.Context()))
	for _, process := range []*rig{r, other} {
		open := process.settingsOf(t, "main")
		require.Equal(t, []string{"n3w", "t0ken"}, open.Verifiers("token"))
	}

	// A second change keeps the first former secret, and gives its own date to the second.
	r.clock.add(time.Hour)
	soon := r.clock.Now().Add(time.Minute)
	r.replace(t, "main", map[string]string{"user": "u", "token": "n3wer"}, func(c *backstop.AccountChange) { c.KeepFormerUntil = &soon })
	require.Equal(t, []string{"n3wer", "t0ken", "n3w"}, r.settingsOf(t, "main").Verifiers("token"))
	r.clock.add(time.Minute)
	lists := r.store.lists
	require.NoError(t, r.Load(t.Context()))
	require.Equal(t, lists, r.store.lists, "no account has changed")
	require.Equal(t, []string{"n3wer", "t0ken"}, r.settingsOf(t, "main").Verifiers("token"))
	r.clock.add(backstop.FormerSecretsValid)
	require.NoError(t, r.Load(t.Context()))
	require.Equal(t, []string{"n3wer"}, r.settingsOf(t, "main").Verifiers("token"))
	state, err := r.GetAccount(t.Context(), "main")
	require.NoError(t, err)
	require.Empty(t, state.Former)

	// A value that comes back is no longer former. A past date ends all former values.
	r.replace(t, "main", map[string]string{"user": "u", "token": "n3west"})
	r.replace(t, "main", map[string]string{"user": "u", "token": "n3wer"})
	require.Equal(t, []string{"n3wer", "n3west"}, r.settingsOf(t, "main").Verifiers("token"))
	past := r.clock.Now()
	r.replace(t, "main", map[string]string{"user": "u"}, func(c *backstop.AccountChange) { c.KeepFormerUntil = &past })
	require.Equal(t, []string{"n3wer"}, r.settingsOf(t, "main").Verifiers("token"))

	far := r.clock.Now().Add(backstop.MaxFormerSecretsValid + time.Second)
	_, err = r.ReplaceAccount(t.Context(), backstop.AccountChange{Account: account("main"), KeepFormerUntil: &far}, backstop.AnyVersion, true)
	require.Equal(t, "keep_former_secrets_until", coded(t, backstop.Invalid, err).Fields[0].Name)
}

// TestDirectory_webhookKey: an account of a provider that signs nothing has a key in its address, and a new key on request.
func TestDirectory_webhookKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	asPlain := func(a *backstop.Account) { a.Provider, a.Settings = "plain", map[string]string{} }
	first, second := r.create(t, "one", asPlain), r.create(t, "two", asPlain)
	key := func(s backstop.AccountState) string {
		prefix := "https://backstop.example/base/webhooks/plain/" + s.Name + "/"
		require.True(t, strings.HasPrefix(s.WebhookURL, prefix), s.WebhookURL)
		return strings.TrimPrefix(s.WebhookURL, prefix)
	}
	old := key(first)
	require.Len(t, old, 26)
	require.NotEqual(t, old, key(second))
	require.Equal(t, "/webhooks/plain/one/"+old, r.settingsOf(t, "one").WebhookPath)

	state := r.replace(t, "one", map[string]string{})
	require.Equal(t, old, key(state))
	state = r.replace(t, "one", map[string]string{}, func(c *backstop.AccountChange) { c.NewWebhookKey = true })
	require.NotEqual(t, old, key(state))
	require.Equal(t, r.clock.Now().Add(backstop.FormerSecretsValid), state.FormerWebhookUntil)
	require.Empty(t, state.Former)
	open, found := r.OfWebhook("plain", "one")
	require.True(t, found)
	require.Equal(t, []string{key(state), old}, open.WebhookKeys(r.clock.Now()))
	require.Empty(t, r.settingsOf(t, "one").Former)
	r.clock.add(backstop.FormerSecretsValid)
	require.Equal(t, []string{key(state)}, open.WebhookKeys(r.clock.Now()))

	_, found = r.OfWebhook("signing", "one")
	require.False(t, found, "of another provider")
	_, found = r.OfWebhook("plain", "")
	require.False(t, found, "only the environment's account has such an address")
}

func TestDirectory_DeleteAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "main")
	require.NoError(t, r.DeleteAccount(t.Context(), "main", 1))
	_, found := r.Find("main")
	require.False(t, found)
	coded(t, backstop.NotFound, r.DeleteAccount(t.Context(), "main", 1))
}

func TestDirectory_CheckAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for token, want := range map[string]backstop.CheckResult{
		"good": backstop.CheckWorks, "wrong": backstop.CheckRefused, "unreachable": backstop.CheckUnreachable,
	} {
		_, err := r.CreateAccount(t.Context(), account(token, func(a *backstop.Account) { a.Settings["token"] = token }), false)
		require.NoError(t, err)
		check, err := r.CheckAccount(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, want, check.Result)
		if want == backstop.CheckRefused {
			require.Equal(t, "settings.token", check.Fields[0].Name)
			require.Contains(t, check.Fields[0].Reason, "is not accepted")
			require.NotContains(t, check.Fields[0].Reason, token, "the secret is hidden")
		}
	}
	_, err := r.CheckAccount(t.Context(), "none")
	coded(t, backstop.NotFound, err)
}

// TestDirectory_environment: the accounts of the environment come first, cannot be changed, and hide stored ones of their names.
func TestDirectory_environment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "signing")
	r.create(t, "second")
	r = r.other(t, func(o *accounts.Options) {
		o.FromEnvironment = []backstop.Account{account("signing", func(a *backstop.Account) { a.Settings["user"] = "environment" })}
	})
	require.NoError(t, r.Load(t.Context()))
	states, err := r.ListAccounts(t.Context())
	require.NoError(t, err)
	require.Len(t, states, 2)
	require.True(t, states[0].IsFromEnvironment)
	require.Equal(t, "environment", states[0].Settings["user"])
	require.Equal(t, 1, states[0].Version)
	require.True(t, states[0].HidesStored)
	require.False(t, states[1].HidesStored)
	r.create(t, "third") // the list is read again
	require.Equal(t, 1, strings.Count(r.logs.String(), "level=WARN"), r.logs.String())
	require.Contains(t, r.logs.String(), "which is not used\" account=signing")

	open, found := r.OfWebhook("signing", "")
	require.True(t, found)
	require.Equal(t, "signing", open.Name)

	_, err = r.CreateAccount(t.Context(), account("signing"), true)
	coded(t, backstop.Conflict, err)
	_, err = r.ReplaceAccount(t.Context(), backstop.AccountChange{Account: account("signing")}, 1, true)
	require.Contains(t, coded(t, backstop.Conflict, err).Message, "environment")
	require.Contains(t, coded(t, backstop.Conflict, r.DeleteAccount(t.Context(), "signing", 1)).Message, "environment")

	for name, wrong := range map[string]backstop.Account{
		"no such provider": account("x", func(a *backstop.Account) { a.Provider = "other" }),
		"settings.token":   account("x", func(a *backstop.Account) { delete(a.Settings, "token") }),
		"no key":           account("x", func(a *backstop.Account) { a.Provider, a.Settings = "plain", nil }),
		"user":             account("x", func(a *backstop.Account) { a.Settings["user"] = "impossible" }),
	} {
		o := r.o
		o.FromEnvironment = []backstop.Account{wrong}
		_, err := accounts.New(o)
		require.Error(t, err, name)
	}
}

func TestDirectory_DefaultAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "1-off", func(a *backstop.Account) { a.IsDisabled = true })
	r.create(t, "2-uk", func(a *backstop.Account) { a.Countries = []string{"GB"} })
	r.create(t, "3-all")
	r.create(t, "4-all")
	require.Equal(t, "2-uk", r.DefaultAccount(backstop.SMS, "GB"))
	require.Equal(t, "3-all", r.DefaultAccount(backstop.SMS, "DE"))
	require.Equal(t, "3-all", r.DefaultAccount(backstop.SMS, ""), "a number without a country")
	require.Empty(t, r.DefaultAccount(backstop.WhatsApp, "GB"))
	other := r.other(t, func(o *accounts.Options) {
		o.FromEnvironment = []backstop.Account{account("environment")}
	})
	require.NoError(t, other.Load(t.Context()))
	require.Equal(t, "environment", other.DefaultAccount(backstop.SMS, "GB"))
	a, found := other.Account("2-uk")
	require.True(t, found)
	require.Equal(t, []string{"GB"}, a.Countries)
}

// TestDirectory_away: without the database the accounts stay as they are.
func TestDirectory_away(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.create(t, "main")
	r.store.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	coded(t, backstop.TryLater, r.Load(t.Context()))
	_, err := r.ListAccounts(t.Context())
	coded(t, backstop.TryLater, err)
	_, found := r.Find("main")
	require.True(t, found)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Run(ctx) // it ends
}
