package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/callbacks"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres"
)

// keysConfig is the configuration of the commands keys rotate, keys check and keys numbers.
type keysConfig struct {
	Log      logConfig
	Database databaseConfig `envPrefix:"DATABASE_"`
	Keys     keysOnly
	Seal     sealConfig
}

type keysOnly struct {
	Keyring secret `env:"KEYRING,required,notEmpty"`
}

func (c keysConfig) validate() error {
	var errs []error
	if fault := databaseFault(string(c.Database.URL)); fault != "" {
		errs = append(errs, fmt.Errorf("%sDATABASE_URL: %s", envPrefix, fault))
	}
	ring, err := keyring.Parse(string(c.Keys.Keyring))
	if err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", keyring.Variable, err))
	} else {
		for name, fault := range c.Seal.faults(ring) {
			if fault != "" {
				errs = append(errs, fmt.Errorf("%s%s: %s", envPrefix, name, fault))
			}
		}
	}
	return errors.Join(errs...)
}

// generateKey prints a new key for the keyring. The key goes to the standard output and the explanation to the standard error, so
// a script can read the key.
func generateKey(_ context.Context, _ map[string]string, stdout, stderr io.Writer) error {
	entry, err := keyring.Generate()
	if err != nil {
		return fmt.Errorf("generate key: %w", err)
	}
	fmt.Fprintln(stdout, entry)
	fmt.Fprint(stderr, `
This is a new key. Keep a copy in a safe place: without it what it encrypted cannot be opened.
  The first key: set `+keyring.Variable+` to it, for all processes, and start them again.
  A further key: put it before the others, with a comma between them, and start all processes again.
                 Then run "backstop keys rotate". After that, remove the former keys.
  A key of phone numbers: set BACKSTOP_NUMBER_KEY to it, and see docs/sealed-texts.md.
The steps for several processes are in docs/production.md.
`)
	return nil
}

// generateCallbackSecret prints a new secret that signs callbacks. As with generateKey, a script can read it.
func generateCallbackSecret(_ context.Context, _ map[string]string, stdout, stderr io.Writer) error {
	fmt.Fprintln(stdout, callbacks.GenerateSecret())
	fmt.Fprint(stderr, `
This is a new secret for callbacks. Backstop signs with it, and your receivers verify with it.
  The first secret: set `+envPrefix+`CALLBACK_SECRETS to it, for all processes, and start them again.
  A further secret: put it before the present one, with a comma between them, and start all processes again.
                    Then give it to the receivers. After that, remove the former one.
The steps are in docs/callbacks.md.
`)
	return nil
}

// rotateKeys seals the secrets of all accounts, and the texts of messages, with the first key. Texts that are not sealed are left
// so, unless BACKSTOP_SEAL has texts.
func rotateKeys(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
	return withKeys(ctx, environment, stdout, func(db *postgres.DB, ring *keyring.Keyring) error {
		count, err := accounts.Reseal(ctx, db, ring)
		fmt.Fprintf(stdout, "sealed %s with key %s\n", countAccounts(count), ring.SealingID())
		if err != nil {
			err = fmt.Errorf("some accounts keep their former key:\n%w", err)
		}
		return errors.Join(err, resealTexts(ctx, db, stdout))
	})
}

// checkKeys prints which keys are in use. It fails if an account does not open, or if a key of texts is missing.
func checkKeys(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
	return withKeys(ctx, environment, stdout, func(db *postgres.DB, ring *keyring.Keyring) error {
		uses, err := accounts.KeysInUse(ctx, db, ring)
		if err != nil {
			return fmt.Errorf("check keys: %w", err)
		}
		texts, err := db.SealsInUse(ctx)
		if err != nil {
			return fmt.Errorf("check keys: %w", err)
		}
		writeKeyUses(stdout, uses, texts, ring)
		var missing error
		if id := missingKey(texts, ring); id != "" {
			missing = fmt.Errorf("texts need key %q, which is missing in %s", id, keyring.Variable)
		}
		if len(uses.Faults) > 0 {
			return errors.Join(fmt.Errorf("%s cannot be opened", countAccounts(len(uses.Faults))), missing)
		}
		return missing
	})
}

func withKeys(
	ctx context.Context, environment map[string]string, stdout io.Writer, do func(*postgres.DB, *keyring.Keyring) error,
) error {
	c, err := readConfig[keysConfig](environment)
	if err != nil {
		return err
	}
	ring, err := keyring.Parse(string(c.Keys.Keyring))
	if err != nil {
		return usageError{fmt.Errorf("read the keyring: %w", err)}
	}
	options, err := c.Seal.options(postgres.Options{Log: newLog(stdout, c.Log.Level)}, ring)
	if err != nil {
		return usageError{err}
	}
	db, err := openDatabase(ctx, c.Database, options)
	if err != nil {
		return err
	}
	return errors.Join(do(db, ring), db.Close())
}

func writeKeyUses(w io.Writer, uses accounts.KeyUses, texts map[string]int64, ring *keyring.Keyring) {
	counts := map[string]int{}
	for _, use := range uses.Keys {
		counts[use.ID] = len(use.Accounts)
	}
	for i, id := range ring.IDs() {
		role := "opens"
		if i == 0 {
			role = "seals and opens"
		}
		fmt.Fprintf(w, "key %s (%s): %s%s\n", id, role, countAccounts(counts[id]), andTexts(texts[id]))
	}
	for _, use := range uses.Keys {
		if !slices.Contains(ring.IDs(), use.ID) {
			fmt.Fprintf(w, "key %s (missing in %s): %s: %s\n", use.ID, keyring.Variable, countAccounts(len(use.Accounts)),
				strings.Join(use.Accounts, ", "))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(texts)) {
		switch {
		case id == "":
			fmt.Fprintf(w, "no key: %s\n", countTexts(texts[id]))
		case !slices.Contains(ring.IDs(), id):
			fmt.Fprintf(w, "key %s (missing in %s): %s\n", id, keyring.Variable, countTexts(texts[id]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(uses.Faults)) {
		fmt.Fprintf(w, "account %s cannot be opened: %s\n", name, uses.Faults[name])
	}
	if len(uses.Faults) == 0 {
		fmt.Fprintln(w, "all accounts can be opened")
	}
}

// missingKey returns the id of a key of texts that the keyring lacks, or an empty text.
func missingKey(texts map[string]int64, ring *keyring.Keyring) string {
	for _, id := range slices.Sorted(maps.Keys(texts)) {
		if id != "" && !slices.Contains(ring.IDs(), id) {
			return id
		}
	}
	return ""
}

func countAccounts(n int) string {
	if n == 1 {
		return "1 account"
	}
	return fmt.Sprintf("%d accounts", n)
}

func countTexts(n int64) string {
	if n == 1 {
		return "1 text"
	}
	return fmt.Sprintf("%d texts", n)
}

// andTexts says nothing of a key that has sealed no text: most installations seal none.
func andTexts(n int64) string {
	if n == 0 {
		return ""
	}
	return ", " + countTexts(n)
}
