package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
)

// entry is a stored account in the directory.
type entry struct {
	Open

	formerEnd time.Time // when the next former secret ends; zero if there is none
}

// isOf reports whether the entry has the present values of a record.
func (e entry) isOf(record Record) bool {
	return e.Version == record.Version && e.CreatedAt.Equal(record.CreatedAt)
}

// openRecord opens a stored account. If that fails, the account has a fault, and goes on with the client and the secrets that it
// had before.
func (d *Directory) openRecord(ctx context.Context, record Record, was entry) entry {
	account, err := unseal(d.o.Keyring, record)
	if err == nil {
		var opened Open
		if opened, err = d.open(account); err == nil {
			return entry{Open: opened, formerEnd: nextEnd(account, d.o.Now())}
		}
	}
	failed := Open{Account: record.Account, Driver: was.Driver, Client: was.Client, Fault: d.faultOf(err)}
	if failed.Driver.Name == "" {
		failed.Driver, _ = d.driver(record.Provider)
	}
	if was.Client != nil {
		failed.WebhookKey, failed.Former = was.WebhookKey, was.Former
	}
	if !was.isOf(record) || was.Fault != failed.Fault {
		d.o.Log.ErrorContext(ctx, "account cannot be opened", slog.String("account", record.Name),
			slog.String("provider", record.Provider), slog.String("reason", failed.Fault),
			slog.Bool("former_settings_in_use", failed.Client != nil))
	}
	return entry{Open: failed}
}

// reopen opens an account with the former secrets that are left.
func (d *Directory) reopen(ctx context.Context, e entry) entry {
	e.formerEnd = nextEnd(e.Account, d.o.Now())
	opened, err := d.open(e.Account)
	if err != nil { // it was open with the same settings
		d.o.Log.ErrorContext(ctx, "account cannot be opened",
			slog.String("account", e.Name), slog.String("reason", d.faultOf(err)))
		return e
	}
	e.Open = opened
	return e
}

// nextEnd returns when the next former secret of an account ends; zero if none is valid.
func nextEnd(account backstop.Account, now time.Time) time.Time {
	var next time.Time
	for _, f := range account.FormerAt(now) {
		if next.IsZero() || f.ValidUntil.Before(next) {
			next = f.ValidUntil
		}
	}
	return next
}

// openValid validates and opens an account.
func (d *Directory) openValid(account backstop.Account) (Open, error) {
	driver, known := d.driver(account.Provider)
	if !known {
		return Open{}, errUnknownProvider(account.Provider)
	}
	account = withDefaults(driver.Provider, account)
	if err := driver.ValidateAccount(account); err != nil {
		return Open{}, err
	}
	return d.open(account)
}

// withDefaults sets what an account leaves open. The defaults of its settings are not set: a later version may have others.
func withDefaults(p backstop.Provider, account backstop.Account) backstop.Account {
	account.OnUnknown = cmp.Or(account.OnUnknown, p.OnUnknown)
	account.WhenUnhealthy = cmp.Or(account.WhenUnhealthy, backstop.FallBackUnhealthy)
	account.CallTimeout = cmp.Or(account.CallTimeout, backstop.DefaultCallTimeout)
	return account
}

func errUnknownProvider(name string) error { return fmt.Errorf("there is no provider %q", name) }

// open opens an account with its driver.
func (d *Directory) open(account backstop.Account) (Open, error) {
	driver, known := d.driver(account.Provider)
	if !known {
		return Open{}, errUnknownProvider(account.Provider)
	}
	if !driver.SignsWebhooks && account.WebhookKey == "" {
		return Open{}, errors.New("the provider signs no webhooks, and the account has no key for the address of its webhook")
	}
	now := d.o.Now()
	former := map[string][]string{}
	for _, f := range account.FormerAt(now) {
		former[f.Field] = append(former[f.Field], f.Value)
	}
	d.o.Secrets.Add(account.WebhookKeys(now)...)
	delete(former, backstop.WebhookKeyField)
	client, err := driver.Open(provider.Settings{
		Account: account.Name, Channel: account.Channel, Values: driver.WithDefaults(account.Channel, account.Settings),
		Timeout: account.CallTimeout, Former: former, PublicURLs: d.o.PublicURLs,
		WebhookPath: webhookPath(driver.Provider, account), Secrets: d.o.Secrets,
		Sibling: func(field, value string) provider.Client { return d.sibling(account, field, value) },
	})
	if err != nil {
		return Open{}, fmt.Errorf("open account: %w", err)
	}
	return Open{Account: account, Driver: driver, Client: client}, nil
}

// sibling returns the client of another account of the same provider and channel of which a setting has a value, or nil.
func (d *Directory) sibling(of backstop.Account, field, value string) provider.Client {
	for _, o := range d.current.Load().all {
		if o.Provider == of.Provider && o.Channel == of.Channel && o.Name != of.Name && o.Settings[field] == value {
			return o.Client
		}
	}
	return nil
}

// webhookPath returns the path of the account's webhook, with its key if the provider signs nothing.
func webhookPath(p backstop.Provider, account backstop.Account) string {
	path := account.WebhookPath()
	if !p.SignsWebhooks && account.WebhookKey != "" {
		path += "/" + account.WebhookKey
	}
	return path
}

// faultOf returns an error as a text for people, without secrets.
func (d *Directory) faultOf(err error) string {
	return provider.NewPoster(0, d.o.Secrets).Text(err.Error())
}
