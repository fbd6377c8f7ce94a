package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/health"
	"github.com/backstophq/backstop/internal/postgres"
)

const doctorUsage = `usage: backstop doctor [--offline] [--json]

Checks the configuration and everything that Backstop needs, with the same environment variables as "backstop serve": the
database, the migrations, the clocks, Temporal, the workers, the keys, the accounts, the identity provider and the public address.
It changes nothing, sends nothing and shows no secret. Each line has a check, its result (ok, warning or fault), and what to do.

  --offline  leave out what needs a Backstop that runs, or the Internet: workers, accounts, identity provider, public address
  --json     print one JSON document

The exit code is 0 without a fault (warnings are none), 1 with a fault, and 2 for wrong arguments or a wrong configuration.
`

// doctorTimeout bounds each check.
const doctorTimeout = 15 * time.Second

// level is the result of a check.
type level string

const (
	isOK      level = "ok"
	isWarning level = "warning"
	isFault   level = "fault"
)

// finding is one line of the doctor.
type finding struct {
	Check string `json:"check"`
	Level level  `json:"level"`
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"` // what an operator does about it
}

// diagnosis is the JSON document of the doctor.
type diagnosis struct {
	Version  string    `json:"version"`
	Faults   int       `json:"faults"`
	Warnings int       `json:"warnings"`
	Checks   []finding `json:"checks"`
}

func (d *diagnosis) add(check string, l level, text, do string) {
	text = strings.Join(strings.Fields(text), " ") // one line
	d.Checks = append(d.Checks, finding{Check: check, Level: l, Text: text, Do: do})
	switch l {
	case isFault:
		d.Faults++
	case isWarning:
		d.Warnings++
	case isOK:
	}
}

func (d *diagnosis) print(w io.Writer, asJSON bool) error {
	if asJSON {
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			return fmt.Errorf("write diagnosis: %w", err)
		}
		fmt.Fprintln(w, string(text))
		return nil
	}
	for _, f := range d.Checks {
		line := fmt.Sprintf("%-8s %-14s %s", f.Level, f.Check, f.Text)
		if f.Do != "" {
			line += " -> " + f.Do
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "%d checks, %d faults, %d warnings\n", len(d.Checks), d.Faults, d.Warnings)
	return nil
}

// doctorSettings are the arguments of the command doctor.
type doctorSettings struct{ offline, asJSON bool }

// doctorCommand returns the command doctor with its arguments.
func doctorCommand(args []string) command {
	return func(ctx context.Context, environment map[string]string, stdout, _ io.Writer) error {
		var s doctorSettings
		flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
		flags.SetOutput(io.Discard) // run prints the error
		flags.BoolVar(&s.offline, "offline", false, "")
		flags.BoolVar(&s.asJSON, "json", false, "")
		err := flags.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(stdout, doctorUsage)
			return nil
		case err != nil:
			return usageError{err}
		case flags.NArg() > 0:
			return usageError{fmt.Errorf("unknown argument %q: backstop doctor --help lists the flags", flags.Arg(0))}
		}
		d := &diagnosis{Version: version}
		failed := d.examine(ctx, environment, s)
		if err := d.print(stdout, s.asJSON); err != nil {
			return err
		}
		if failed == nil && d.Faults > 0 {
			failed = fmt.Errorf("%d of %d checks found a fault", d.Faults, len(d.Checks))
		}
		return failed
	}
}

// examine makes all checks. Its error is that of a configuration with which no check can be made.
func (d *diagnosis) examine(ctx context.Context, environment map[string]string, s doctorSettings) (err error) {
	c, err := readConfig[config](environment)
	if err != nil {
		_, problems, _ := strings.Cut(err.Error(), "\n")
		for problem := range strings.SplitSeq(problems, "\n") {
			d.add("configuration", isFault, problem, "see docs/configuration.md")
		}
		return usageError{errors.New("the configuration is wrong")}
	}
	d.add("configuration", isOK, "all variables can be read", "")
	p := &program{config: c, log: slog.New(slog.DiscardHandler)}
	if err := p.newEngine(); err != nil {
		d.add("temporal", isFault, err.Error(), "correct the variables that begin with BACKSTOP_TEMPORAL_")
		return err
	}
	defer p.temporal.Close()
	isMigrated := d.checkDatabase(ctx, p)
	if p.db != nil {
		defer func() { err = errors.Join(err, p.db.Close()) }()
	}
	isReachable := d.checkNamespace(ctx, p, isMigrated)
	d.checkEncryption(p)
	if isMigrated {
		d.checkTexts(ctx, p)
		d.checkKeys(ctx, p)
		d.checkNumbers(ctx, p)
		if isReachable && !s.offline {
			d.checkWorkers(ctx, p)
		}
	}
	if isMigrated && !s.offline {
		d.checkAccounts(ctx, p)
	}
	if !s.offline {
		d.checkPeople(ctx, p)
		d.checkPublicURL(ctx, p)
	}
	return nil
}

// within bounds a check.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, doctorTimeout)
}

// checkDatabase opens the database, and reports whether its schema is the program's.
func (d *diagnosis) checkDatabase(ctx context.Context, p *program) bool {
	ctx, cancel := within(ctx)
	defer cancel()
	const repair = "check that Postgres runs, and BACKSTOP_DATABASE_URL"
	options, err := p.config.Seal.options(postgres.Options{MaxConns: 2, OptOuts: p.config.OptOuts.rules()}, nil)
	options.SealTexts = false // it stores nothing
	if err != nil {
		d.add("numbers", isFault, err.Error(), "correct BACKSTOP_NUMBER_KEY")
		return false
	}
	db, err := postgres.Open(ctx, string(p.config.Database.URL), options)
	if err != nil {
		d.add("database", isFault, "cannot be reached: "+causeOf(err), repair)
		return false
	}
	p.db = db
	found, err := db.Inspect(ctx)
	if err != nil {
		d.add("database", isFault, "cannot be read: "+causeOf(err), repair)
		return false
	}
	const tested = 150000
	name := "PostgreSQL " + found.Version
	switch {
	case found.IsReadOnly:
		d.add("database", isFault, name+" is read-only", "give BACKSTOP_DATABASE_URL the address of the primary server")
	case len(found.Denied) > 0:
		d.add("database", isFault, "the role may not read and change: "+strings.Join(found.Denied, ", "),
			"grant it SELECT, INSERT, UPDATE and DELETE on all tables")
	case found.Number < tested:
		d.add("database", isWarning, name+" is older than 15, the version of the tests", "update Postgres")
	default:
		d.add("database", isOK, name, "")
	}
	d.checkSchema(found)
	d.checkClock(found.Skew)
	return found.Pending == 0
}

func (d *diagnosis) checkSchema(found postgres.Inspection) {
	switch {
	case found.Pending > 0 && !found.MayMigrate:
		d.add("migrations", isFault, fmt.Sprintf("%d are pending, and the role may not create tables", found.Pending),
			"run backstop migrate as the owner of the schema")
	case found.Pending > 0:
		d.add("migrations", isFault, fmt.Sprintf("%d are pending", found.Pending), "run backstop migrate")
	case len(found.Unknown) > 0:
		d.add("migrations", isWarning, fmt.Sprintf("the database has %v of a newer version of Backstop", found.Unknown),
			"run the newer version: an older one works only during a deploy")
	default:
		d.add("migrations", isOK, "all are applied", "")
	}
}

// checkClock compares the clock of this machine with the database's. Backstop uses the database's clock for all times of a send.
// Signatures have this machine's time, and receivers accept 5 minutes of difference (Standard Webhooks).
func (d *diagnosis) checkClock(skew time.Duration) {
	const largest, smallest = 5 * time.Minute, time.Second
	text := fmt.Sprintf("this machine is %v ahead of the database", skew.Round(time.Millisecond))
	switch {
	case skew.Abs() > largest:
		d.add("clock", isFault, text+": signatures of callbacks are refused", "synchronise both clocks (NTP)")
	case skew.Abs() > smallest:
		d.add("clock", isWarning, text, "synchronise both clocks (NTP)")
	default:
		d.add("clock", isOK, text, "")
	}
}

// checkKeys tries to open the secrets of all stored accounts.
func (d *diagnosis) checkKeys(ctx context.Context, p *program) {
	ctx, cancel := within(ctx)
	defer cancel()
	ring, err := p.config.keyring()
	if err != nil {
		d.add("keyring", isFault, err.Error(), "correct BACKSTOP_KEYRING")
		return
	}
	uses, err := accounts.KeysInUse(ctx, p.db, ring)
	switch {
	case err != nil:
		d.add("keyring", isFault, "the accounts cannot be read: "+causeOf(err), "see the log of Postgres")
	case len(uses.Faults) > 0:
		for _, account := range slices.Sorted(maps.Keys(uses.Faults)) {
			d.add("keyring", isFault, "account "+account+" cannot be opened: "+uses.Faults[account],
				"add the key to BACKSTOP_KEYRING, or give the account its secrets again")
		}
	case ring.IsEmpty():
		d.add("keyring", isWarning, "there is none, so no account can be stored", "see backstop keys generate")
	default:
		d.add("keyring", isOK, fmt.Sprintf("key %s seals; all stored accounts can be opened", ring.SealingID()), "")
	}
}

// checkEncryption says whether payloads in Temporal are encrypted.
func (d *diagnosis) checkEncryption(p *program) {
	ring, err := p.config.keyring()
	if err != nil || !p.config.Temporal.Encrypt {
		d.add("encryption", isOK, "payloads in Temporal are not encrypted; they have no texts and no numbers", "")
		return
	}
	d.add("encryption", isOK, "payloads in Temporal are encrypted with key "+ring.SealingID(), "")
}

// checkTexts says whether the texts of messages in Postgres are encrypted, and whether the keys of the newest ones are there.
func (d *diagnosis) checkTexts(ctx context.Context, p *program) {
	ctx, cancel := within(ctx)
	defer cancel()
	ring, err := p.config.keyring()
	if err != nil {
		return // checkKeys says so
	}
	uses, err := p.db.RecentSeals(ctx)
	id := missingKey(uses, ring)
	switch {
	case err != nil:
		d.add("texts", isFault, "the texts cannot be read: "+causeOf(err), "see the log of Postgres")
	case id != "":
		d.add("texts", isFault, fmt.Sprintf("texts need key %q, which is missing", id),
			"add the key to BACKSTOP_KEYRING; backstop keys check reads all texts")
	case !p.config.Seal.texts():
		d.add("texts", isOK, "new texts of messages in Postgres are not encrypted", "")
	default:
		d.add("texts", isOK, "new texts of messages in Postgres are encrypted with key "+ring.SealingID(), "")
	}
}

// checkNumbers says whether phone numbers in Postgres are encrypted, and whether a process would start with this setting and key.
func (d *diagnosis) checkNumbers(ctx context.Context, p *program) {
	ctx, cancel := within(ctx)
	defer cancel()
	err := p.db.CheckNumbers(ctx)
	switch {
	case err != nil:
		d.add("numbers", isFault, causeOf(err), "see docs/sealed-texts.md")
	case p.config.Seal.numbers():
		d.add("numbers", isOK, "phone numbers in Postgres are encrypted", "")
	default:
		d.add("numbers", isOK, "phone numbers in Postgres are not encrypted", "")
	}
}

// openAccounts opens the accounts as a process does that serves.
func openAccounts(ctx context.Context, p *program) (err error) {
	if p.health, err = health.New(p.db, p.log); err != nil {
		return fmt.Errorf("read health: %w", err)
	}
	if p.accounts, err = p.newAccounts(); err != nil {
		return err
	}
	if err := p.accounts.Load(ctx); err != nil {
		return fmt.Errorf("load accounts: %w", err)
	}
	return nil
}
