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

// keysConfig is the configuration of the commands keys rotate and keys check.
type keysConfig struct {
	Log      logConfig
	Database databaseConfig `envPrefix:"DATABASE_"`
	Keys     keysOnly
}

type keysOnly struct {
	Keyring secret `env:"KEYRING,required,notEmpty"`
}

func (c keysConfig) validate() error {
	var errs []error
	if fault := databaseFault(string(c.Database.URL)); fault != "" {
		errs = append(errs, fmt.Errorf("%sDATABASE_URL: %s", envPrefix, fault))
	}
	if _, err := keyring.Parse(string(c.Keys.Keyring)); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", keyring.Variable, err))
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
This is a new key. Keep a copy in a safe place: without it the stored accounts cannot be opened.
  The first key: set `+keyring.Variable+` to it, for all processes, and start them again.
  A further key: put it before the others, with a comma between them, and start all processes again.
                 Then run "backstop keys rotate". After that, remove the former keys.
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

// rotateKeys seals the secrets of all accounts with the first key.
func rotateKeys(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
	return withKeys(ctx, environment, stdout, func(db *postgres.DB, ring *keyring.Keyring) error {
		count, err := accounts.Reseal(ctx, db, ring)
		fmt.Fprintf(stdout, "sealed %s with key %s\n", countAccounts(count), ring.SealingID())
		if err != nil {
			return fmt.Errorf("some accounts keep their former key:\n%w", err)
		}
		return nil
	})
}

// checkKeys prints which keys are in use. It fails if an account does not open.
func checkKeys(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
	return withKeys(ctx, environment, stdout, func(db *postgres.DB, ring *keyring.Keyring) error {
		uses, err := accounts.KeysInUse(ctx, db, ring)
		if err != nil {
			return fmt.Errorf("check keys: %w", err)
		}
		writeKeyUses(stdout, uses, ring)
		if len(uses.Faults) > 0 {
			return fmt.Errorf("%s cannot be opened", countAccounts(len(uses.Faults)))
		}
		return nil
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
	db, err := openDatabase(ctx, c.Database, postgres.Options{Log: newLog(stdout, c.Log.Level)})
	if err != nil {
		return err
	}
	return errors.Join(do(db, ring), db.Close())
}

func writeKeyUses(w io.Writer, uses accounts.KeyUses, ring *keyring.Keyring) {
	counts := map[string]int{}
	for _, use := range uses.Keys {
		counts[use.ID] = len(use.Accounts)
	}
	for i, id := range ring.IDs() {
		role := "opens"
		if i == 0 {
			role = "seals and opens"
		}
		fmt.Fprintf(w, "key %s (%s): %s\n", id, role, countAccounts(counts[id]))
	}
	for _, use := range uses.Keys {
		if !slices.Contains(ring.IDs(), use.ID) {
			fmt.Fprintf(w, "key %s (missing in %s): %s: %s\n", use.ID, keyring.Variable, countAccounts(len(use.Accounts)),
				strings.Join(use.Accounts, ", "))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(uses.Faults)) {
		fmt.Fprintf(w, "account %s cannot be opened: %s\n", name, uses.Faults[name])
	}
	if len(uses.Faults) == 0 {
		fmt.Fprintln(w, "all accounts can be opened")
	}
}

func countAccounts(n int) string {
	if n == 1 {
		return "1 account"
	}
	return fmt.Sprintf("%d accounts", n)
}
