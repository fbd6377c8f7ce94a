package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keyring"
)

// Reseal encrypts the secrets of all accounts with the first key of a keyring, and returns how many it has encrypted anew. It
// skips accounts that have this key. It goes on after an account that it cannot open, and its error then names the account.
func Reseal(ctx context.Context, store Store, ring *keyring.Keyring) (resealed int, err error) {
	if ring.IsEmpty() {
		return 0, keyring.ErrEmpty
	}
	records, err := store.ListAccounts(ctx)
	if err != nil {
		return 0, fmt.Errorf("reseal accounts: %w", err)
	}
	var errs []error
	for _, record := range records {
		changed, err := resealOne(ctx, store, ring, record.Name)
		if err != nil {
			errs = append(errs, fmt.Errorf("reseal account %s: %w", record.Name, err))
		}
		if changed {
			resealed++
		}
	}
	return resealed, errors.Join(errs...)
}

// resealTries bounds the tries for an account that others change meanwhile.
const resealTries = 10

func resealOne(ctx context.Context, store Store, ring *keyring.Keyring, name string) (changed bool, err error) {
	for range resealTries {
		record, err := store.Account(ctx, name)
		if backstop.CodeOf(err) == backstop.NotFound {
			return false, nil // it was deleted meanwhile
		}
		if err != nil {
			return false, err
		}
		if id, err := keyring.KeyOf(record.Sealed); err == nil && id == ring.SealingID() {
			return false, nil
		}
		plain, err := ring.Open(record.Sealed, placeOf(name))
		if err != nil {
			return false, err
		}
		sealed, err := ring.Seal(plain, placeOf(name))
		if err != nil {
			return false, err
		}
		err = store.ResealAccount(ctx, name, record.Version, sealed)
		if backstop.CodeOf(err) != backstop.Stale {
			return err == nil, err
		}
	}
	return false, errors.New("it is changed again and again")
}

// KeyUses are the keys that stored accounts are sealed with.
type KeyUses struct {
	Keys   []KeyUse          // by id
	Faults map[string]string // why an account does not open, by its name
}

// KeyUse is a key that accounts are sealed with.
type KeyUse struct {
	ID       string
	Accounts []string // their names
}

// KeysInUse returns the keys of all accounts, and tries to open each.
func KeysInUse(ctx context.Context, store Store, ring *keyring.Keyring) (KeyUses, error) {
	records, err := store.ListAccounts(ctx)
	if err != nil {
		return KeyUses{}, fmt.Errorf("list keys in use: %w", err)
	}
	uses := KeyUses{Faults: map[string]string{}}
	for _, record := range records {
		if _, err := ring.Open(record.Sealed, placeOf(record.Name)); err != nil {
			uses.Faults[record.Name] = err.Error()
		}
		id, err := keyring.KeyOf(record.Sealed)
		if err != nil {
			continue
		}
		i := slices.IndexFunc(uses.Keys, func(u KeyUse) bool { return u.ID == id })
		if i < 0 {
			i = len(uses.Keys)
			uses.Keys = append(uses.Keys, KeyUse{ID: id})
		}
		uses.Keys[i].Accounts = append(uses.Keys[i].Accounts, record.Name)
	}
	slices.SortFunc(uses.Keys, func(a, b KeyUse) int { return cmp.Compare(a.ID, b.ID) })
	return uses, nil
}
