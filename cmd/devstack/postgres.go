package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"
)

const (
	preferredPostgresPort = 5432

	postgresUser   = "backstop"
	passwordFile   = "postgres-password"
	mostConnection = 300

	// A start after a crash replays the log first; on a slow disk that takes its time.
	postgresStartTimeout = 60 * time.Second
	pingTimeout          = 2 * time.Second
	bindTimeout          = time.Second

	logTail = 10 // lines of a log that go with an error
)

// postgres is the server that devstack started.
type postgres struct {
	bin   binaries
	home  string // the data folder of the server, absolute
	port  int
	fast  bool
	owner *syscall.Credential // nil: the present user
	log   string
	url   *url.URL // the superuser's, of database postgres

	process *os.Process
	ended   <-chan error
	over    chan struct{} // closed when the process has ended
	cause   error         // how it ended, once over is closed
}

// startPostgres installs (where it may), places, initialises and starts a server, and answers when it takes connections.
func startPostgres(ctx context.Context, given flags, data *folder, say progress) (*postgres, error) {
	bin, err := availablePostgres(ctx, data, say)
	if err != nil {
		return nil, err
	}

	server := &postgres{bin: bin, fast: given.fast, log: data.log("postgres"), over: make(chan struct{})}
	if server.owner, err = postgresOwner(); err != nil {
		return nil, err
	}

	if server.home, err = placePostgres(ctx, data, bin, server.owner, say); err != nil {
		return nil, err
	}

	if server.bin, err = binariesFor(ctx, server.home); err != nil {
		return nil, err
	}

	if err := stopStale(server.home, say); err != nil {
		return nil, err
	}

	password, err := data.secret(passwordFile)
	if err != nil {
		return nil, err
	}

	if err := server.initialise(ctx, password); err != nil {
		return nil, err
	}

	release, err := lockPorts(ctx)
	if err != nil {
		return nil, err
	}
	defer release()

	server.port, err = choosePort(given.ports.postgres, data.memo.PostgresPort, preferredPostgresPort)
	if err != nil {
		return nil, fmt.Errorf("choose --postgres-port: %w", err)
	}

	server.url = &url.URL{
		Scheme: "postgres", User: url.UserPassword(postgresUser, password), Host: address(server.port),
		Path: "/postgres", RawQuery: "sslmode=disable",
	}

	return server, server.start(ctx)
}

// availablePostgres finds a server, and installs one if there is none.
func availablePostgres(ctx context.Context, data *folder, say progress) (binaries, error) {
	bin, err := findPostgres(ctx, os.Getenv("PATH"), postgresFolders(), 0)
	if !errors.Is(err, errNoPostgres) {
		return bin, err
	}

	if err := installPostgres(ctx, data, say); err != nil {
		return binaries{}, err
	}

	return findPostgres(ctx, os.Getenv("PATH"), postgresFolders(), 0)
}

// binariesFor finds the server that can read the data in home, any if there is none yet.
func binariesFor(ctx context.Context, home string) (binaries, error) {
	major, err := majorOf(home)
	if err != nil {
		return binaries{}, err
	}

	return findPostgres(ctx, os.Getenv("PATH"), postgresFolders(), major)
}

// initialise makes the data folder of the server unless it is there. It is made under another name first, so that a kill
// never leaves half of one.
func (p *postgres) initialise(ctx context.Context, password string) error {
	if exists(p.home) {
		return nil
	}

	draft := p.home + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return fmt.Errorf("remove unfinished data of postgres: %w", err)
	}

	secret := p.home + ".password"
	defer func() { _ = os.Remove(secret) }()

	if err := errors.Join(
		os.Mkdir(draft, modePrivate), p.give(draft),
		os.WriteFile(secret, []byte(password+"\n"), modeSecret), p.give(secret),
	); err != nil {
		return fmt.Errorf("make data of postgres: %w", err)
	}

	command := exec.CommandContext(ctx, p.bin.path("initdb"), //nolint:gosec // found by us
		"-D", draft, "-U", postgresUser, "--pwfile="+secret, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-sync")
	command.Dir, command.Env = draft, postgresEnvironment()
	command.SysProcAttr = attributes(p.owner, true, syscall.SIGKILL)

	runtime.LockOSThread() // as spawn does
	defer runtime.UnlockOSThread()

	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}

	if err := os.Rename(draft, p.home); err != nil {
		return fmt.Errorf("make data of postgres: %w", err)
	}

	return nil
}

// give makes path the property of the user that the server runs as.
func (p *postgres) give(path string) error {
	if p.owner == nil {
		return nil
	}

	return os.Chown(path, int(p.owner.Uid), int(p.owner.Gid)) //nolint:wrapcheck // wrapped by the caller
}

func (p *postgres) start(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, modeSecret)
	if err != nil {
		return fmt.Errorf("open postgres log: %w", err)
	}
	defer func() { _ = log.Close() }() // the server has its own handle

	command := p.command()
	command.Stdout, command.Stderr = log, log

	if p.ended, err = spawn(command); err != nil {
		return err
	}

	p.process = command.Process
	go func() {
		p.cause = <-p.ended
		close(p.over)
	}()

	if err := p.waitReady(ctx); err != nil {
		return errors.Join(err, p.stop())
	}

	return nil
}

func (p *postgres) command() *exec.Cmd {
	command := exec.Command(p.bin.path("postgres"), p.arguments()...) //nolint:gosec,noctx // found by us; ended by stop
	command.Dir, command.Env = p.home, postgresEnvironment()
	// A group of its own, so that a Ctrl-C in the terminal does not end it before those who use it.
	command.SysProcAttr = attributes(p.owner, true, syscall.SIGINT)

	return command
}

// arguments are settings of this run; postgresql.conf stays as initdb made it.
func (p *postgres) arguments() []string {
	settings := []string{
		"listen_addresses=" + loopback,
		"port=" + strconv.Itoa(p.port),
		"unix_socket_directories=", // none: the path of a socket may not be longer than some 100 bytes
		"max_connections=" + strconv.Itoa(mostConnection),
		"shared_buffers=128MB",
		"wal_level=minimal", "max_wal_senders=0", // no replicas here
		"max_wal_size=1GB",
		"jit=off", // short queries only
		"timezone=UTC", "log_timezone=UTC",
		"log_checkpoints=off",
		"logging_collector=off",
	}
	if p.fast {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}

	arguments := append(make([]string, 0, 2+2*len(settings)), "-D", p.home)
	for _, setting := range settings {
		arguments = append(arguments, "-c", setting)
	}

	return arguments
}

func (p *postgres) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, postgresStartTimeout)
	defer cancel()

	database, err := sql.Open("postgres", p.url.String())
	if err != nil {
		return fmt.Errorf("open postgres: %w", err)
	}
	defer func() { _ = database.Close() }()

	for {
		err := ping(ctx, database)
		if err == nil {
			return nil
		}

		if p.alive() && passwordRefused(err) {
			return fmt.Errorf("open postgres: its data was not made with the password in %s: %w", passwordFile, err)
		}

		select {
		case <-p.over:
			return fmt.Errorf("start postgres: it ended at once (%w); its log (%s) says:\n%s", p.cause, p.log, lastLines(p.log))
		case <-ctx.Done():
			return fmt.Errorf("start postgres: %w (%w)", ctx.Err(), err)
		case <-time.After(pollInterval):
		}
	}
}

// alive waits a moment, for a server that could not have its port ends soon.
func (p *postgres) alive() bool {
	select {
	case <-p.over:
		return false
	case <-time.After(bindTimeout):
		return true
	}
}

// passwordRefused tells the class invalid_authorization_specification, by which no later attempt goes better.
func passwordRefused(err error) bool {
	failure := (*pq.Error)(nil)

	return errors.As(err, &failure) && failure.Code.Class() == "28"
}

func ping(ctx context.Context, database *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()

	return database.PingContext(ctx) //nolint:wrapcheck // looked at by the caller
}

// stop ends the server and waits until it is gone.
func (p *postgres) stop() error {
	signal := func(signal syscall.Signal) error { return p.process.Signal(signal) }

	return endPostgres(signal, func(wait time.Duration) bool {
		select {
		case <-p.over:
			return true
		case <-time.After(wait):
			return false
		}
	})
}

// kill ends the server without waiting. Its data stays whole: the next start replays the log.
func (p *postgres) kill() { _ = p.process.Signal(syscall.SIGQUIT) }

// postgresEnvironment leaves out all PG... variables, which would change what the programs do. LC_ALL keeps the server
// from starting threads on macOS, which it refuses to do.
func postgresEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
}

// lastLines answers the end of a log, for an error.
func lastLines(path string) string {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return err.Error()
	}

	lines := strings.Split(strings.TrimSpace(string(text)), "\n")

	return strings.Join(lines[max(0, len(lines)-logTail):], "\n")
}
