package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keys"
	"github.com/backstophq/backstop/internal/postgres"
)

// newKeys reads the API keys.
func (p *program) newKeys(ctx context.Context) (err error) {
	if p.keys, err = keys.New(p.db, p.log); err != nil {
		return fmt.Errorf("make the API keys: %w", err)
	}
	_, err = untilAnswered(ctx, p.log, func(ctx context.Context) (struct{}, error) { return struct{}{}, p.keys.Load(ctx) })
	return err
}

// apiKeysConfig is the configuration of the commands api-keys.
type apiKeysConfig struct {
	Log      logConfig
	Database databaseConfig `envPrefix:"DATABASE_"`
}

func (c apiKeysConfig) validate() error {
	if fault := databaseFault(string(c.Database.URL)); fault != "" {
		return fmt.Errorf("%sDATABASE_URL: %s", envPrefix, fault)
	}
	return nil
}

// apiKeyFlags are the flags of the commands api-keys.
type apiKeyFlags struct {
	name, scopes, policies, accounts string

	isTest  bool
	rate    int
	expires time.Duration
	keep    time.Duration
}

// apiKeysCommand returns the command that an argument names: list, create, rotate or revoke. They change the database. The
// processes that serve the API follow within two seconds.
func apiKeysCommand(args []string) command {
	return func(ctx context.Context, environment map[string]string, stdout, stderr io.Writer) error {
		action := ""
		if len(args) > 0 {
			action, args = args[0], args[1:]
		}
		var given apiKeyFlags
		flags := flag.NewFlagSet("backstop api-keys "+action, flag.ContinueOnError)
		flags.SetOutput(stderr)
		wanted := 0
		switch action {
		case "list":
		case "create":
			flags.StringVar(&given.name, "name", "", "the name, which no other key has (required)")
			flags.StringVar(&given.scopes, "scopes", "", "the scopes, separated by commas (required): "+allScopes())
			flags.StringVar(&given.policies, "policies", "", "the ids of the policies that it may use, separated by commas")
			flags.StringVar(&given.accounts, "accounts", "", "the names of the accounts that it may use, separated by commas")
			flags.BoolVar(&given.isTest, "test", false, "a test key: its sends go to the sandbox")
			flags.IntVar(&given.rate, "rate-limit", 0, "the most requests a second in each process; 0: no limit")
			flags.DurationVar(&given.expires, "expires-in", 0, "how long it is valid, like 720h; 0: for ever")
		case "rotate":
			wanted = 1
			flags.DurationVar(&given.keep, "keep", backstop.DefaultKeyOverlap, "how long the present secret stays valid")
		case "revoke":
			wanted = 1
		default:
			return usageError{errors.New("say what to do: list, create, rotate ID or revoke ID")}
		}
		err := flags.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			return nil
		case err != nil:
			return usageError{err}
		case flags.NArg() != wanted:
			return usageError{fmt.Errorf("%d arguments follow the flags, and %d are wanted", flags.NArg(), wanted)}
		}
		return withAPIKeys(ctx, environment, stdout, func(k *keys.Keeper, db *postgres.DB) error {
			return given.run(ctx, action, flags.Arg(0), k, db, stdout, stderr)
		})
	}
}

func allScopes() string {
	var all []string
	for _, scope := range backstop.Scopes() {
		all = append(all, string(scope))
	}
	return strings.Join(all, ", ")
}

func withAPIKeys(
	ctx context.Context, environment map[string]string, stdout io.Writer, do func(*keys.Keeper, *postgres.DB) error,
) error {
	c, err := readConfig[apiKeysConfig](environment)
	if err != nil {
		return err
	}
	log := newLog(stdout, c.Log.Level)
	db, err := openDatabase(ctx, c.Database, postgres.Options{Log: log})
	if err != nil {
		return err
	}
	keeper, err := keys.New(db, log)
	if err == nil {
		err = do(keeper, db)
	}
	return errors.Join(err, db.Close())
}

func (f apiKeyFlags) run(
	ctx context.Context, action, id string, k *keys.Keeper, db *postgres.DB, stdout, stderr io.Writer,
) error {
	switch action {
	case "create":
		return f.create(ctx, k, db, stdout, stderr)
	case "rotate":
		if f.keep < 0 || f.keep > backstop.MaxKeyOverlap {
			return usageError{fmt.Errorf("-keep must be between 0s and %v", backstop.MaxKeyOverlap)}
		}
		key, secret, err := k.Rotate(ctx, id, f.keep)
		if err != nil {
			return fmt.Errorf("rotate: %w", err)
		}
		writeSecret(stdout, stderr, key, secret)
		return nil
	case "revoke":
		if err := k.Revoke(ctx, id); err != nil {
			return fmt.Errorf("revoke: %w", err)
		}
		return nil
	default:
		return listAPIKeys(ctx, k, stdout)
	}
}

func (f apiKeyFlags) create(ctx context.Context, k *keys.Keeper, db *postgres.DB, stdout, stderr io.Writer) error {
	now := db.Now()
	in := backstop.APIKeyInput{
		Name: f.name, Policies: splitList(strings.ToLower(f.policies)), Accounts: splitList(f.accounts), RateLimit: f.rate,
	}
	for _, scope := range splitList(f.scopes) {
		in.Scopes = append(in.Scopes, backstop.Scope(scope))
	}
	if f.expires != 0 {
		in.ExpiresAt = new(now.Add(f.expires))
	}
	kind := backstop.KeyLive
	if f.isTest {
		kind = backstop.KeyTest
	}
	if err := in.Validate(kind, now); err != nil {
		return usageError{err}
	}
	for _, id := range in.Policies { // a key of a policy that does not exist could do nothing
		if _, err := db.Policy(ctx, id); err != nil {
			return fmt.Errorf("policy %s: %w", id, err)
		}
	}
	key, secret, err := k.Create(ctx, in, kind)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	writeSecret(stdout, stderr, key, secret)
	return nil
}

func splitList(text string) (list []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// writeSecret prints a secret. As with generateKey, a script can read it.
func writeSecret(stdout, stderr io.Writer, key backstop.APIKey, secret backstop.KeySecret) {
	fmt.Fprintln(stdout, string(secret))
	fmt.Fprintf(stderr, "This is the secret of the API key %s (%s). It is not shown again.\n", key.Name, key.ID)
	if key.FormerUntil != nil {
		fmt.Fprintf(stderr, "The former secret %s stays valid until %s.\n", key.Former, key.FormerUntil.Format(time.RFC3339))
	}
}

func listAPIKeys(ctx context.Context, k *keys.Keeper, stdout io.Writer) error {
	all, err := k.List(ctx)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSECRET\tSCOPES\tEXPIRES\tLAST USED")
	for _, key := range all {
		var scopes []string
		for _, scope := range key.Scopes {
			scopes = append(scopes, string(scope))
		}
		fmt.Fprintf(table, "%s\t%s\t%s…\t%s\t%s\t%s\n", key.ID, key.Name, key.Prefix, strings.Join(scopes, ","),
			orDash(key.ExpiresAt), orDash(key.LastUsedAt))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func orDash(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.RFC3339)
}
