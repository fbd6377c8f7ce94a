package accounts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keyring"
)

// ReplaceAccount changes a stored account that has the version asked for. Errors have the code Invalid, NotFound, Stale or
// Conflict; the last if the environment gives the account.
func (d *Directory) ReplaceAccount(
	ctx context.Context, change backstop.AccountChange, version int, isChecked bool,
) (backstop.AccountState, error) {
	present, record, err := d.changeable(ctx, change.Account.Name, version)
	if err != nil {
		return backstop.AccountState{}, err
	}
	driver, known := d.driver(record.Provider)
	if !known {
		return backstop.AccountState{}, d.errProvider()
	}
	account, err := d.merge(driver.Provider, present, change)
	if err != nil {
		return backstop.AccountState{}, err
	}
	opened, unchecked, err := d.prepare(ctx, driver, account, isChecked)
	if err != nil {
		return backstop.AccountState{}, err
	}
	next, err := d.sealed(driver.Provider, opened.Account)
	if err != nil {
		return backstop.AccountState{}, err
	}
	next.ChangedSecrets = changedSecrets(driver.Provider, present, opened.Account)
	// The version that the secrets were read from: another change meanwhile is not overwritten.
	stored, err := d.o.Store.ReplaceAccount(ctx, next, record.Version)
	if err != nil {
		return backstop.AccountState{}, err
	}
	d.o.Changed(ctx, stored.Name)
	return d.changed(ctx, opened, stored, unchecked), nil
}

// changeable returns a stored account of a version, with its secrets. If they cannot be opened, the account has none: a change
// that gives all of them again repairs it.
func (d *Directory) changeable(ctx context.Context, name string, version int) (backstop.Account, Record, error) {
	if o, found := d.Find(name); found && o.IsFromEnvironment {
		return backstop.Account{}, Record{}, errFromEnvironment()
	}
	record, err := d.o.Store.Account(ctx, name)
	switch {
	case err != nil:
		return backstop.Account{}, Record{}, err
	case version != backstop.AnyVersion && version != record.Version:
		return backstop.Account{}, Record{}, &backstop.Error{
			Code: backstop.Stale, Message: "the account has changed since you read it: read it again, then repeat your change",
		}
	}
	present, err := unseal(d.o.Keyring, record)
	if err != nil {
		if _, isMissing := errors.AsType[*keyring.MissingKeyError](err); !isMissing && !errors.Is(err, keyring.ErrDamaged) {
			return backstop.Account{}, Record{}, fmt.Errorf("change account: %w", err)
		}
		present = record.Account
	}
	return present, record, nil
}

// changedSecrets returns the names of the secrets that a change gives other values, for the audit.
func changedSecrets(p backstop.Provider, present, next backstop.Account) []string {
	var changed []string
	for _, name := range p.Secrets() {
		if present.Settings[name] != next.Settings[name] {
			changed = append(changed, name)
		}
	}
	if present.WebhookKey != next.WebhookKey {
		changed = append(changed, backstop.WebhookKeyField)
	}
	if !slices.Equal(present.Former, next.Former) {
		changed = append(changed, "former_secrets")
	}
	return changed
}

func errFromEnvironment() error {
	return &backstop.Error{
		Code: backstop.Conflict,
		Message: "the environment gives this account, so it cannot be changed here: change its variables, " +
			"or store an account of another name",
	}
}

// merge returns the account after a change.
func (d *Directory) merge(
	p backstop.Provider, present backstop.Account, change backstop.AccountChange,
) (backstop.Account, error) {
	now := d.o.Now()
	until := now.Add(backstop.FormerSecretsValid)
	if change.KeepFormerUntil != nil {
		until = change.KeepFormerUntil.UTC()
	}
	if until.After(now.Add(backstop.MaxFormerSecretsValid)) {
		return backstop.Account{}, invalid(backstop.NewField("keep_former_secrets_until", backstop.FieldRangeDaysMax,
			"must be at most 366 days from now", "max", "366"))
	}
	if change.NewWebhookKey && p.SignsWebhooks {
		return backstop.Account{}, invalid(backstop.NewField("new_webhook_key", backstop.FieldUnknown,
			"this provider signs its webhooks: the address of the account has no key"))
	}
	next := change.Account
	next.Provider, next.Channel, next.WebhookKey = present.Provider, present.Channel, present.WebhookKey
	next.IsFromEnvironment, next.Version, next.CreatedAt = false, present.Version, present.CreatedAt
	next.Settings = mergeSettings(p, present.Settings, change.Account.Settings)
	if err := keptSecrets(p, present, next, change.Account.Settings); err != nil {
		return backstop.Account{}, err
	}
	if next.WebhookKey == "" || change.NewWebhookKey {
		next.WebhookKey = newWebhookKey()
	}
	if next.Former = formerOf(p, present, next, until, now); len(next.Former) > backstop.MaxFormerSecrets {
		most := strconv.Itoa(backstop.MaxFormerSecrets)
		return backstop.Account{}, invalid(backstop.NewField("former_secrets", backstop.FieldItemsMax,
			"must have at most "+most+": wait for the end of one, or end all by a keep_former_secrets_until that has passed",
			"max", most))
	}
	return next, nil
}

// keptSecrets refuses a change that sends the present secrets to another address. Nobody can read a stored secret, so who changes
// the address must know the secrets.
func keptSecrets(p backstop.Provider, present, next backstop.Account, given map[string]string) error {
	redirected := p.Redirected(next.Channel, present.Settings, next.Settings)
	if redirected == "" {
		return nil
	}
	var missing []backstop.Field
	for _, name := range p.Secrets() {
		if _, isGiven := given[name]; !isGiven && next.Settings[name] != "" {
			missing = append(missing, backstop.NewField("settings."+name, backstop.FieldRequired,
				"is required, because settings."+redirected+" changes: a stored secret does not go to another address"))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return invalid(missing...)
}

// mergeSettings returns the new settings, with the present values of the secrets that they do not have.
func mergeSettings(p backstop.Provider, present, given map[string]string) map[string]string {
	next := maps.Clone(given)
	if next == nil {
		next = map[string]string{}
	}
	for _, name := range p.Secrets() {
		if _, found := next[name]; !found && present[name] != "" {
			next[name] = present[name]
		}
	}
	maps.DeleteFunc(next, func(_, value string) bool { return value == "" })
	return next
}

// formerOf returns the former secrets after a change. Until is when the values end that the change replaces. If it has passed,
// all former values end.
func formerOf(p backstop.Provider, present, next backstop.Account, until, now time.Time) []backstop.FormerSetting {
	if !until.After(now) {
		return nil
	}
	former := slices.Clone(present.FormerAt(now))
	add := func(field, was, is string) {
		// A value that comes back is no longer former.
		former = slices.DeleteFunc(former, func(f backstop.FormerSetting) bool {
			return f.Field == field && (f.Value == is || f.Value == was)
		})
		if was != "" && was != is {
			former = append(former, backstop.FormerSetting{Field: field, Value: was, ValidUntil: until})
		}
	}
	for _, field := range p.Verifying() {
		if was, is := present.Settings[field], next.Settings[field]; was != is {
			add(field, was, is)
		}
	}
	if present.WebhookKey != next.WebhookKey {
		add(backstop.WebhookKeyField, present.WebhookKey, next.WebhookKey)
	}
	return former
}
