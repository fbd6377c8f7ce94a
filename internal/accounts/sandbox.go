package accounts

import (
	"net/url"

	"github.com/backstophq/backstop"
)

// isSandbox reports whether all calls of an account go to the sandbox. Its driver must not know an address of its own.
func (d *Directory) isSandbox(o Open) bool {
	if d.o.Sandbox == nil {
		return false
	}
	hasAddress := false
	for _, field := range o.Driver.Fields {
		value := o.Settings[field.Name]
		if field.Kind != backstop.URLField || !field.Takes(o.Channel) || value == "" {
			continue
		}
		at, err := url.Parse(value)
		if err != nil || at.Scheme != d.o.Sandbox.Scheme || at.Host != d.o.Sandbox.Host {
			return false
		}
		hasAddress = true
	}
	return hasAddress
}

// SandboxAccounts has the accounts of the sandbox alone.
func (d *Directory) SandboxAccounts() backstop.Accounts { //nolint:ireturn // the api declares it
	return sandboxAccounts{d}
}

type sandboxAccounts struct{ *Directory }

// Account returns the account of the sandbox of this name, or false.
func (s sandboxAccounts) Account(name string) (backstop.Account, bool) {
	o, found := s.Find(name)
	if !found || !s.isSandbox(o) {
		return backstop.Account{}, false
	}
	return o.Account, true
}

// DefaultAccount returns the name of the first account of the sandbox that can send to a country, or "".
func (s sandboxAccounts) DefaultAccount(channel backstop.Channel, country string) string {
	return firstOf(s.current.Load().all, channel, country, s.isSandbox)
}
