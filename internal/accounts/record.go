// Package accounts keeps the provider accounts: those that the API stores and those that the environment gives. It seals their
// secrets, opens them with their drivers, and notices the changes that other processes store.
package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keyring"
)

// Record is an account as it is stored. Its Settings have no secrets, and its WebhookKey and Former are empty.
type Record struct {
	backstop.Account

	Sealed []byte // all secrets, encrypted

	ChangedSecrets []string // the names of the secrets that a change gives other values; not stored with the account
}

// Store stores the accounts. The errors of its methods have the type backstop.Error and one of these codes: NotFound; Conflict,
// if the name is taken or the account to delete is in use, which the message explains; Stale, if the stored version is not the
// given one, unless that is backstop.AnyVersion; TryLater.
type Store interface {
	// CreateAccount stores a new account. Its version is greater than all versions of an earlier account of its name.
	CreateAccount(ctx context.Context, record Record) (Record, error)
	Account(ctx context.Context, name string) (Record, error)
	// ListAccounts returns all accounts, the oldest first.
	ListAccounts(ctx context.Context) ([]Record, error)
	// ReplaceAccount writes all of a record except its provider, channel and time of creation.
	ReplaceAccount(ctx context.Context, record Record, version int) (Record, error)
	// ResealAccount writes the secrets of a version, and keeps the version.
	ResealAccount(ctx context.Context, name string, version int, sealed []byte) error
	DeleteAccount(ctx context.Context, name string, version int) error
	// AddAuditEntry adds an entry about what is done outside of the database, before it is done.
	AddAuditEntry(ctx context.Context, entry backstop.AuditEntry) error
	// AccountsMark returns a number that grows with each change of any account.
	AccountsMark(ctx context.Context) (int64, error)
}

// secrets are what Record.Sealed has.
type secrets struct {
	Values     map[string]string        `json:"values"` // by field
	WebhookKey string                   `json:"webhook_key"`
	Former     []backstop.FormerSetting `json:"former,omitempty"`
}

// placeOf returns the additional data of an account's secrets: they do not open in another account.
func placeOf(account string) []byte { return []byte("account/" + account + "/secrets") }

// seal returns the record of an account.
func seal(ring *keyring.Keyring, p backstop.Provider, account backstop.Account) (Record, error) {
	hidden := secrets{Values: map[string]string{}, WebhookKey: account.WebhookKey, Former: account.Former}
	record := Record{Account: account}
	record.Settings, record.WebhookKey, record.Former = map[string]string{}, "", nil
	for name, value := range account.Settings {
		switch {
		case value == "":
		case p.IsSecret(name):
			hidden.Values[name] = value
		default:
			record.Settings[name] = value
		}
	}
	plain, err := json.Marshal(hidden)
	if err != nil {
		return Record{}, fmt.Errorf("write secrets: %w", err)
	}
	record.Sealed, err = ring.Seal(plain, placeOf(account.Name))
	if err != nil {
		return Record{}, fmt.Errorf("seal secrets: %w", err)
	}
	return record, nil
}

// unseal returns the account of a record, with its secrets.
func unseal(ring *keyring.Keyring, record Record) (backstop.Account, error) {
	plain, err := ring.Open(record.Sealed, placeOf(record.Name))
	if err != nil {
		return backstop.Account{}, fmt.Errorf("open secrets: %w", err)
	}
	var hidden secrets
	if err := json.Unmarshal(plain, &hidden); err != nil {
		return backstop.Account{}, fmt.Errorf("read secrets: %w", keyring.ErrDamaged) // the error of json may quote a secret
	}
	account := record.Account
	account.Settings = maps.Clone(record.Settings)
	if account.Settings == nil {
		account.Settings = map[string]string{}
	}
	maps.Copy(account.Settings, hidden.Values)
	account.WebhookKey, account.Former = hidden.WebhookKey, hidden.Former
	return account, nil
}

// state returns an account as the API shows it, without the values of its secrets.
func (d *Directory) state(o Open, now time.Time) backstop.AccountState {
	s := backstop.AccountState{Account: o.Account, Fault: o.Fault, HidesStored: o.HidesStored, Health: d.healthOf(o.Account)}
	s.WebhookURL = d.o.PublicURLs[0].JoinPath(webhookPath(o.Driver.Provider, o.Account)).String()
	s.Settings, s.WebhookKey, s.Former = map[string]string{}, "", nil
	for _, name := range slices.Sorted(maps.Keys(o.Settings)) {
		switch {
		case o.Settings[name] == "":
		case o.Driver.IsSecret(name):
			s.SecretsSet = append(s.SecretsSet, name)
		default:
			s.Settings[name] = o.Settings[name]
		}
	}
	for _, f := range o.FormerAt(now) {
		if f.Field == backstop.WebhookKeyField {
			s.FormerWebhookUntil = f.ValidUntil
			continue
		}
		s.Former = append(s.Former, backstop.FormerSetting{Field: f.Field, ValidUntil: f.ValidUntil})
	}
	return s
}

// healthOf returns the health of an account. A change of the account deletes its health on purpose, so that calls are made by it
// again. Until the first of them the reason says so.
func (d *Directory) healthOf(account backstop.Account) backstop.AccountHealth {
	health := backstop.AccountHealth{State: backstop.UnknownHealth}
	if d.o.Health != nil {
		health = d.o.Health(account.Name)
	}
	if health.State == backstop.UnknownHealth && account.UpdatedAt.After(account.CreatedAt) {
		health.Since, health.Reason = account.UpdatedAt, "not called since the account was changed"
	}
	return health
}
