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

	// A start after a crash replays the log first, which may be slow on a slow disk.
	postgresStartTimeout = 60 * time.Second
	pingTimeout          = 2 * time.Second
	bindTimeout          = time.Second

	logTail = 10 // the last lines of a log, which an error contains
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
	done    chan struct{} // closed when the process has ended
	exitErr error         // the result of Wait, after done is closed
}

// startPostgres starts a server and returns when it accepts connections. If needed it installs Postgres and makes the data
// folder.
func startPostgres(ctx context.Context, given flags, data *folder, say progress) (*postgres, error) {
	bin, err := availablePostgres(ctx, data, say)
	if err != nil {
		return nil, err
	}

	server := &postgres{bin: bin, fast: given.fast, log: data.logPath("postgres"), done: make(chan struct{})}
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
		Scheme: "postgres", User: url.UserPassword(postgresUser, password), Host: loopbackAddress(server.port),
		Path: "/postgres", RawQuery: "sslmode=disable",
	}

	return server, server.start(ctx)
}

// availablePostgres finds an installed server, and installs one if there is none.
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

// binariesFor finds a server whose version can read the data in home; any version if there is no data yet.
func binariesFor(ctx context.Context, home string) (binaries, error) {
	major, err := majorOf(home)
	if err != nil {
		return binaries{}, err
	}

	return findPostgres(ctx, os.Getenv("PATH"), postgresFolders(), major)
}

// initialise makes the data folder of the server if it does not exist. It makes the folder under another name and renames it, so
// a kill never leaves a partial folder.
func (p *postgres) initialise(ctx context.Context, password string) error {
	if pathExists(p.home) {
		return nil
	}

	draft := p.home + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return fmt.Errorf("remove unfinished data of postgres: %w", err)
	}

	secret := p.home + ".password"
	defer func() { _ = os.Remove(secret) }()

	if err := errors.Join(
		os.Mkdir(draft, modePrivate), p.chownToOwner(draft),
		os.WriteFile(secret, []byte(password+"\n"), modeSecret), p.chownToOwner(secret),
	); err != nil {
		return fmt.Errorf("make data of postgres: %w", err)
	}

	command := exec.CommandContext(ctx, p.bin.path("initdb"), //nolint:gosec // found by us
		"-D", draft, "-U", postgresUser, "--pwfile="+secret, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--no-sync")
	command.Dir, command.Env = draft, postgresEnvironment()
	command.SysProcAttr = processAttributes(p.owner, true, syscall.SIGKILL)

	runtime.LockOSThread() // for the reason given at startProcess
	defer runtime.UnlockOSThread()

	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}

	if err := os.Rename(draft, p.home); err != nil {
		return fmt.Errorf("make data of postgres: %w", err)
	}

	return nil
}

// chownToOwner makes the server's user the owner of path.
func (p *postgres) chownToOwner(path string) error {
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

	if p.ended, err = startProcess(command); err != nil {
		return err
	}

	p.process = command.Process
	go func() {
		p.exitErr = <-p.ended
		close(p.done)
	}()

	if err := p.waitReady(ctx); err != nil {
		return errors.Join(err, p.stop())
	}

	return nil
}

func (p *postgres) command() *exec.Cmd {
	command := exec.Command(p.bin.path("postgres"), p.arguments()...) //nolint:gosec,noctx // found by us; ended by stop
	command.Dir, command.Env = p.home, postgresEnvironment()
	// The server has its own process group, so a Ctrl-C in the terminal does not stop it before its clients.
	command.SysProcAttr = processAttributes(p.owner, true, syscall.SIGINT)

	return command
}

// arguments returns the settings of this run. devstack does not change postgresql.conf.
func (p *postgres) arguments() []string {
	settings := []string{
		"listen_addresses=" + loopback,
		"port=" + strconv.Itoa(p.port),
		"unix_socket_directories=", // none: the path of a socket is limited to about 100 bytes
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
		err := pingDatabase(ctx, database)
		if err == nil {
			return nil
		}

		if p.isAliveAfterBind() && isPasswordRefused(err) {
			return fmt.Errorf("open postgres: it refuses the password in %s; restore this file, or delete the data folder: %w",
				passwordFile, err)
		}

		select {
		case <-p.done:
			return fmt.Errorf("start postgres: it ended at once (%w); its log (%s) says:\n%s", p.exitErr, p.log, lastLines(p.log))
		case <-ctx.Done():
			return fmt.Errorf("start postgres: %w (%w)", ctx.Err(), err)
		case <-time.After(pollInterval):
		}
	}
}

// isAliveAfterBind waits for bindTimeout, because a server that cannot bind its port ends soon.
func (p *postgres) isAliveAfterBind() bool {
	select {
	case <-p.done:
		return false
	case <-time.After(bindTimeout):
		return true
	}
}

// isPasswordRefused recognises the class invalid_authorization_specification. After such an error a retry is useless.
func isPasswordRefused(err error) bool {
	failure := (*pq.Error)(nil)

	return errors.As(err, &failure) && failure.Code.Class() == "28"
}

func pingDatabase(ctx context.Context, database *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()

	return database.PingContext(ctx) //nolint:wrapcheck // looked at by the caller
}

// stop stops the server and waits for its end.
func (p *postgres) stop() error {
	signal := func(signal syscall.Signal) error { return p.process.Signal(signal) }

	return endPostgres(signal, func(wait time.Duration) bool {
		select {
		case <-p.done:
			return true
		case <-time.After(wait):
			return false
		}
	})
}

// kill ends the server without waiting. No data is lost: the next start replays the log.
func (p *postgres) kill() { _ = p.process.Signal(syscall.SIGQUIT) }

// postgresEnvironment returns the environment of Postgres's programs. It has no PG... variables, which would change their
// behaviour. On macOS the server refuses to run with threads, and without LC_ALL the locale functions start one.
func postgresEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
}

// lastLines returns the last lines of a log, for an error.
func lastLines(path string) string {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return err.Error()
	}

	lines := strings.Split(strings.TrimSpace(string(text)), "\n")

	return strings.Join(lines[max(0, len(lines)-logTail):], "\n")
}
