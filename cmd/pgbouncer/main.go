// Command pgbouncer starts a PgBouncer in transaction mode in front of the Postgres of BACKSTOP_DATABASE_URL, runs a command,
// and stops the PgBouncer. The command gets the address (host:port) of the PgBouncer in BACKSTOP_TEST_POOLER.
//
// Cancel requests do not reach the PgBouncer. They may make versions before 1.25.0 crash, or cancel the query of another client:
// see https://github.com/pgbouncer/pgbouncer/pull/1383. Debian 12 has 1.18.0.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/backstophq/backstop/internal/cutproxy"
)

const (
	startTimeout = 10 * time.Second
	startPause   = 20 * time.Millisecond
)

// configFormat is PgBouncer's configuration. Users log in with their Postgres passwords. The pools are small and a server
// connection lives 1 s, so clients often change connections.
const configFormat = `[databases]
%[7]s = host=%[1]s port=%[2]s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[3]d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %[4]s
auth_user = %[5]s
auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1
pool_mode = transaction
default_pool_size = 4
max_client_conn = 1000
server_lifetime = 1
log_connections = 0
log_disconnections = 0
%[6]s
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := runBehind(ctx, os.Args[1:], os.Getenv("BACKSTOP_DATABASE_URL"), os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "pgbouncer:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func runBehind(ctx context.Context, command []string, database string, stderr io.Writer) error {
	if len(command) == 0 {
		return errors.New("usage: pgbouncer command [argument ...]")
	}
	behind, err := url.Parse(database)
	if err != nil || behind.Port() == "" {
		return errors.New("BACKSTOP_DATABASE_URL must be a postgres:// URL with a port")
	}
	program, err := findPgBouncer(ctx, stderr)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "pgbouncer")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	ini, err := writeConfig(folder, behind, port)
	if err != nil {
		return err
	}
	pooler := exec.CommandContext(ctx, program, "-q", ini) //nolint:gosec // the path is from findPgBouncer
	pooler.Stderr = stderr
	if err := pooler.Start(); err != nil {
		return fmt.Errorf("start pgbouncer: %w", err)
	}
	defer func() {
		_ = pooler.Process.Signal(syscall.SIGTERM) // it stops at once
		_ = pooler.Wait()
	}()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := waitListening(ctx, address); err != nil {
		return err
	}
	front, err := dropCancels(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = front.Close() }()
	child := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // the command of the caller
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, stderr
	child.Env = append(os.Environ(), "BACKSTOP_TEST_POOLER="+front.Addr())
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	if err := child.Run(); err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	return nil
}

// dropCancels starts a proxy that resets the connections of cancel requests.
func dropCancels(ctx context.Context, address string) (*cutproxy.Proxy, error) {
	proxy, err := cutproxy.Start(ctx, address, cutproxy.Postgres)
	if err != nil {
		return nil, fmt.Errorf("start proxy for cancel requests: %w", err)
	}
	isCancel := func(r cutproxy.Request) bool {
		const size, code = 16, 80877102 // PostgreSQL manual, 55.7, CancelRequest
		return len(r.Bytes) == size && binary.BigEndian.Uint32(r.Bytes[4:]) == code
	}
	proxy.On(cutproxy.Cut{Match: isCancel, Times: math.MaxInt})
	return proxy, nil
}

// findPgBouncer returns the path of PgBouncer. If PgBouncer is missing and the user is root, it installs it with apt-get.
func findPgBouncer(ctx context.Context, stderr io.Writer) (string, error) {
	const debian = "/usr/sbin/pgbouncer" // /usr/sbin is not on every PATH
	for range 2 {
		for _, name := range []string{"pgbouncer", debian} {
			if path, err := exec.LookPath(name); err == nil {
				return path, nil
			}
		}
		if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
			break
		}
		install := exec.CommandContext(ctx, "apt-get", "install", "-y", "--no-install-recommends", "pgbouncer")
		install.Stdout, install.Stderr = stderr, stderr
		if err := install.Run(); err != nil {
			return "", fmt.Errorf("install pgbouncer: %w", err)
		}
	}
	return "", errors.New("pgbouncer is not installed: run apt-get install pgbouncer")
}

func freePort(ctx context.Context) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	defer listener.Close()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("find a port: the listener has no TCP address")
	}
	return address.Port, nil
}

// writeConfig writes PgBouncer's files. PgBouncer refuses to run as root, so root's PgBouncer runs as the user nobody.
func writeConfig(folder string, behind *url.URL, port int) (ini string, err error) {
	users, drop := filepath.Join(folder, "users.txt"), ""
	ini = filepath.Join(folder, "pgbouncer.ini")
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			return "", fmt.Errorf("find a user: %w", err)
		}
		drop = "user = nobody"
		uid, _ = strconv.Atoi(nobody.Uid)
		gid, _ = strconv.Atoi(nobody.Gid)
	}
	password, _ := behind.User.Password()
	text := fmt.Sprintf(configFormat, behind.Hostname(), behind.Port(), port, users, behind.User.Username(), drop,
		strings.TrimPrefix(behind.Path, "/"))
	err = errors.Join(writePrivate(ini, text), writePrivate(users, fmt.Sprintf("%q %q\n", behind.User.Username(), password)))
	for _, name := range []string{folder, ini, users} {
		err = errors.Join(err, os.Chown(name, uid, gid))
	}
	if err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	return ini, nil
}

func writePrivate(name, text string) error {
	const private = 0o600
	if err := os.WriteFile(name, []byte(text), private); err != nil { //nolint:gosec // the folder is from MkdirTemp
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}

func waitListening(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			conn.Close()
			return nil
		}
		select {
		case <-time.After(startPause):
		case <-ctx.Done():
			return fmt.Errorf("wait for pgbouncer: %w", err)
		}
	}
}
