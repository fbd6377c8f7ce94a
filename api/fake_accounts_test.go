package api_test

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/backstophq/backstop"
)

// accounts keeps accounts in memory, the oldest first. It keeps what it was asked for.
type accounts struct {
	all       []backstop.AccountState
	away      error // what every method returns, if it is set
	isChecked bool
	change    backstop.AccountChange
	check     backstop.AccountCheck
	unchecked string
	test      backstop.AccountTest // the newest one
	tests     int
	tested    backstop.AccountTested
	races     int // how many replacements another change comes before
}

// newAccounts has the SMS accounts "twilio" and "second", a disabled one and a WhatsApp account.
func newAccounts() *accounts {
	of := func(name string, channel backstop.Channel, change func(*backstop.AccountState)) backstop.AccountState {
		a := backstop.AccountState{
			WebhookURL: "https://backstop.example/webhooks/twilio/" + name,
			Health:     backstop.AccountHealth{State: backstop.UnknownHealth},
			Account: backstop.Account{
				Name: name, Provider: "twilio", Channel: channel, Settings: map[string]string{"account_sid": "AC1"},
				OnUnknown: backstop.HoldUnknown, WhenUnhealthy: backstop.FallBackUnhealthy,
				CallTimeout: backstop.DefaultCallTimeout, Version: 1,
			},
		}
		change(&a)
		return a
	}
	return &accounts{all: []backstop.AccountState{
		of("twilio", backstop.SMS, func(a *backstop.AccountState) { a.IsFromEnvironment = true }),
		of("second", backstop.SMS, func(a *backstop.AccountState) { a.Countries = []string{"GB"} }),
		of("off", backstop.SMS, func(a *backstop.AccountState) { a.IsDisabled = true }),
		of("meta", backstop.WhatsApp, func(*backstop.AccountState) {}),
	}}
}

func (*accounts) Providers() []backstop.Provider {
	return []backstop.Provider{{
		Name: "twilio", Title: "Twilio", Channels: []backstop.Channel{backstop.SMS}, SignsWebhooks: true, OnUnknown: backstop.HoldUnknown,
		Fields: []backstop.AccountField{
			{Name: "account_sid", Kind: backstop.TextField, Required: true, Pattern: "AC.*", Label: map[string]string{"en": "SID"}, Help: map[string]string{"en": "There."}},
			{Name: "auth_token", Kind: backstop.SecretField, Verifies: true, Label: map[string]string{"en": "Token"}, Help: map[string]string{}},
		},
	}}
}

func (a *accounts) ListAccounts(context.Context) ([]backstop.AccountState, error) {
	return slices.Clone(a.all), a.away
}

func (a *accounts) index(name string) int {
	return slices.IndexFunc(a.all, func(s backstop.AccountState) bool { return s.Name == name })
}

func (a *accounts) Account(name string) (backstop.Account, bool) {
	i := a.index(name)
	if i < 0 {
		return backstop.Account{}, false
	}
	return a.all[i].Account, true
}

func (a *accounts) DefaultAccount(channel backstop.Channel, country string) string {
	for _, s := range a.all {
		if s.Channel == channel && !s.IsDisabled && s.Fault == "" && s.Serves(country) {
			return s.Name
		}
	}
	return ""
}

func (a *accounts) GetAccount(_ context.Context, name string) (backstop.AccountState, error) {
	i := a.index(name)
	switch {
	case a.away != nil:
		return backstop.AccountState{}, a.away
	case i < 0:
		return backstop.AccountState{}, missing("account")
	}
	return a.all[i], nil
}

func (a *accounts) CreateAccount(_ context.Context, account backstop.Account, isChecked bool) (backstop.AccountState, error) {
	a.isChecked = isChecked
	if a.away != nil {
		return backstop.AccountState{}, a.away
	}
	account.OnUnknown = cmp.Or(account.OnUnknown, backstop.HoldUnknown)
	account.WhenUnhealthy = cmp.Or(account.WhenUnhealthy, backstop.FallBackUnhealthy)
	account.CallTimeout = cmp.Or(account.CallTimeout, backstop.DefaultCallTimeout)
	account.Version, account.CreatedAt, account.UpdatedAt = 1, now, now
	state := backstop.AccountState{
		Account: account, Unchecked: a.unchecked, WebhookURL: "https://backstop.example" + account.WebhookPath(),
		Health: backstop.AccountHealth{State: backstop.Healthy, Since: now},
	}
	a.all = append(a.all, state)
	return state, nil
}

func (a *accounts) ReplaceAccount(
	_ context.Context, change backstop.AccountChange, version int, isChecked bool,
) (backstop.AccountState, error) {
	a.isChecked, a.change = isChecked, change
	i := a.index(change.Account.Name)
	switch {
	case a.away != nil:
		return backstop.AccountState{}, a.away
	case i < 0:
		return backstop.AccountState{}, missing("account")
	case a.races > 0:
		a.races--
		a.all[i].Version++
	}
	if version != backstop.AnyVersion && version != a.all[i].Version {
		return backstop.AccountState{}, stale()
	}
	a.all[i].Version++
	return a.all[i], nil
}

func (a *accounts) DeleteAccount(_ context.Context, name string, version int) error {
	i := a.index(name)
	switch {
	case a.away != nil:
		return a.away
	case i < 0:
		return missing("account")
	case version != backstop.AnyVersion && version != a.all[i].Version:
		return stale()
	}
	a.all = slices.Delete(a.all, i, i+1)
	return nil
}

func (a *accounts) CheckAccount(_ context.Context, name string) (backstop.AccountCheck, error) {
	if a.index(name) < 0 {
		return backstop.AccountCheck{}, missing("account")
	}
	return a.check, a.away
}

func (a *accounts) TestAccount(_ context.Context, test backstop.AccountTest) (backstop.AccountTested, error) {
	i := a.index(test.Account)
	switch {
	case a.away != nil:
		return backstop.AccountTested{}, a.away
	case i < 0:
		return backstop.AccountTested{}, missing("account")
	case a.all[i].Channel != backstop.SMS:
		return backstop.AccountTested{}, &backstop.Error{Code: backstop.Invalid, Message: "make a send with whatsapp.account"}
	case a.all[i].Fault != "":
		return backstop.AccountTested{}, &backstop.Error{Code: backstop.Conflict, Message: a.all[i].Fault}
	}
	a.test = test
	a.tests++
	return a.tested, nil
}

// SandboxAccounts has the accounts whose names begin with sandbox.
func (a *accounts) SandboxAccounts() backstop.Accounts { //nolint:ireturn // the api declares it
	only := *a
	only.all = slices.DeleteFunc(slices.Clone(a.all), func(s backstop.AccountState) bool {
		return !strings.HasPrefix(s.Name, "sandbox")
	})
	return &only
}
