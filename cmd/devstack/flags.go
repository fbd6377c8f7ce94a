package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// The stores that Temporal can keep its data in.
const (
	storeSQLite   = "sqlite"
	storePostgres = "postgres"
)

// flags is the parsed and validated command line.
type flags struct {
	data        string
	services    services
	temporal    string
	temporalDB  string
	postgresURL *url.URL // nil: start one
	ports       ports    // 0: choose
	shards      int      // 0: as at the first start, or the store's default
	fast        bool
	codec       string // the codec server of the UI; empty: none
	command     []string
}

type services struct{ postgres, temporal, ui bool }

type ports struct{ postgres, temporal, ui int }

// parseFlags returns flag.ErrHelp after it has printed the help for -h.
func parseFlags(args []string, output io.Writer) (flags, error) {
	var (
		parsed      flags
		list        string
		postgresURL string
	)

	set := flag.NewFlagSet("devstack", flag.ContinueOnError)
	set.SetOutput(io.Discard) // the caller prints an error once
	set.StringVar(&parsed.data, "data", ".data", "the `folder` for all data and logs")
	set.StringVar(&list, "services", "postgres,temporal,ui", "a comma `list` of the services to start")
	set.StringVar(&parsed.temporal, "temporal", defaultTemporal,
		"embedded: a server in this process; cli: the dev server of the program temporal on PATH")
	set.StringVar(&parsed.temporalDB, "temporal-db", storeSQLite, "the database of Temporal: sqlite or postgres")
	set.StringVar(&postgresURL, "postgres-url", "", "use the running Postgres at this `url` and start none")
	set.IntVar(&parsed.ports.postgres, "postgres-port", 0, "port of Postgres (0: as in the last run, else 5432, else any)")
	set.IntVar(&parsed.ports.temporal, "temporal-port", 0, "port of Temporal (0: as in the last run, else 7233, else any)")
	set.IntVar(&parsed.ports.ui, "ui-port", 0, "port of the Temporal UI (0: as in the last run, else 8233, else any)")
	set.IntVar(&parsed.shards, "temporal-shards", 0,
		"history shards, fixed at the first start (default 4 for sqlite, 16 for postgres)")
	set.StringVar(&parsed.codec, "codec", "", "the `url` of the codec server that the Temporal UI asks to decrypt payloads")
	set.BoolVar(&parsed.fast, "fast", false, "do not wait for the disk: a power cut may lose data (for tests)")

	err := set.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(output, "usage: devstack [flags] [-- command args...]")
		set.SetOutput(output)
		set.PrintDefaults()
	}

	if err != nil {
		return flags{}, err //nolint:wrapcheck // its text is made for the command line
	}

	if parsed.command, err = parseCommand(args, set.NArg()); err != nil {
		return flags{}, err
	}

	if parsed.services, err = parseServices(list); err != nil {
		return flags{}, err
	}

	if parsed.postgresURL, err = parsePostgresURL(postgresURL); err != nil {
		return flags{}, err
	}

	return parsed, parsed.check()
}

// parseCommand requires the "--" before a command, so a mistyped flag never runs as a command.
func parseCommand(args []string, count int) ([]string, error) {
	rest := args[len(args)-count:]
	if count > 0 && (count == len(args) || args[len(args)-count-1] != "--") {
		return nil, fmt.Errorf("unexpected argument %q: put -- before the command", rest[0])
	}

	return slices.Clone(rest), nil
}

func parseServices(list string) (services, error) {
	var chosen services

	for name := range strings.SplitSeq(list, ",") {
		switch strings.TrimSpace(name) {
		case "postgres":
			chosen.postgres = true
		case "temporal":
			chosen.temporal = true
		case "ui":
			chosen.ui = true
		default:
			return services{}, fmt.Errorf("--services: %q is none of postgres, temporal, ui", name)
		}
	}

	return chosen, nil
}

func parsePostgresURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no url is a valid answer: start one
	}

	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "postgres" && parsed.Scheme != "postgresql" || parsed.Hostname() == "" {
		// The url may hold a password, so it is not repeated.
		return nil, errors.New("--postgres-url: must be postgres://user:password@host:port/database")
	}

	query := parsed.Query()
	if !query.Has("sslmode") {
		query.Set("sslmode", "disable")
		parsed.RawQuery = query.Encode()
	}

	return parsed, nil
}

func (f flags) check() error {
	for name, port := range map[string]int{
		"postgres": f.ports.postgres, "temporal": f.ports.temporal, "ui": f.ports.ui,
	} {
		if port < 0 || port > highestPort {
			return fmt.Errorf("--%s-port: %d is not a port", name, port)
		}
	}

	switch {
	case f.data == "":
		return errors.New("--data: the folder has no name")
	case f.temporal != temporalEmbedded && f.temporal != temporalCLI:
		return fmt.Errorf("--temporal: %q is none of embedded, cli", f.temporal)
	case f.temporalDB != storeSQLite && f.temporalDB != storePostgres:
		return fmt.Errorf("--temporal-db: %q is none of sqlite, postgres", f.temporalDB)
	case f.services.ui && !f.services.temporal:
		return errors.New("--services: ui needs temporal")
	case f.services.temporal && f.temporalDB == storePostgres && !f.services.postgres && f.postgresURL == nil:
		return errors.New("--temporal-db postgres needs postgres among --services, or --postgres-url")
	case f.shards < 0 || f.shards > mostShards:
		return fmt.Errorf("--temporal-shards: must be 1 to %d", mostShards)
	case f.temporal == temporalCLI && (f.temporalDB != storeSQLite || f.shards != 0):
		return errors.New("--temporal cli: has SQLite, and chooses the shards itself")
	}

	return nil
}
