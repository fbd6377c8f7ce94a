package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func itoa(number int) string { return strconv.Itoa(number) }

func TestPostgres_keepsRowsOverRestart(t *testing.T) {
	t.Parallel()

	data := newData(t)
	args := []string{"--data", data, "--services", "postgres", "--fast"}

	first := start(t, append(args, "--postgres-port", freePort(t))...)
	before := first.ready()
	execute(t, before["BACKSTOP_DATABASE_URL"], `CREATE TABLE kept (word text)`, `INSERT INTO kept VALUES ('here')`)
	require.Empty(t, before["BACKSTOP_TEMPORAL_ADDRESS"])
	first.stop()
	require.Zero(t, pidOf(t, data))

	second := start(t, args...)
	after := second.ready()
	require.Equal(t, before, after, "same port, same password, same key")
	require.Equal(t, "here", query(t, after["BACKSTOP_DATABASE_URL"], `SELECT word FROM kept`))
	require.Equal(t, "off", query(t, after["BACKSTOP_DATABASE_URL"], `SHOW fsync`))
	require.Equal(t, "300", query(t, after["BACKSTOP_DATABASE_URL"], `SHOW max_connections`))
	second.stop()
}

func TestPostgres_isDurableUnlessFast(t *testing.T) {
	t.Parallel()

	running := start(t, "--data", newData(t), "--services", "postgres")
	url := running.ready()["BACKSTOP_DATABASE_URL"]
	require.Equal(t, "on", query(t, url, `SHOW fsync`))
	require.Equal(t, "on", query(t, url, `SHOW synchronous_commit`))
	require.Equal(t, "127.0.0.1", query(t, url, `SHOW listen_addresses`))
	require.Empty(t, query(t, url, `SHOW unix_socket_directories`))
	running.stop()
}

// A killed devstack cannot stop its Postgres. On Linux the kernel sends a signal to the Postgres. On other systems, and if the
// Postgres has not ended yet, the next devstack stops it.
func TestPostgres_recoversAfterKill(t *testing.T) {
	t.Parallel()

	data := newData(t)
	args := []string{"--data", data, "--services", "postgres"}

	first := start(t, append(args, "--postgres-port", freePort(t))...)
	url := first.ready()["BACKSTOP_DATABASE_URL"]
	execute(t, url, `CREATE TABLE kept (word text)`, `INSERT INTO kept VALUES ('here')`)

	first.signal(syscall.SIGKILL)
	first.wait()

	second := start(t, args...)
	require.Equal(t, url, second.ready()["BACKSTOP_DATABASE_URL"])
	require.Equal(t, "here", query(t, url, `SELECT word FROM kept`))
	second.stop()
}

// No devstack has started the postmaster of this test, so it certainly runs when the next devstack starts.
func TestPostgres_stopsStalePostmaster(t *testing.T) {
	t.Parallel()

	data := newData(t)
	args := []string{"--data", data, "--services", "postgres", "--fast"}

	first := start(t, args...)
	url := first.ready()["BACKSTOP_DATABASE_URL"]
	first.stop()

	orphan := startOrphan(t, data)

	second := start(t, args...)
	require.Equal(t, "1", query(t, second.ready()["BACKSTOP_DATABASE_URL"], `SELECT 1`))
	require.Contains(t, second.stderr.String(), "stopping postgres (pid "+itoa(orphan)+")")
	require.NotEqual(t, orphan, pidOf(t, data))
	require.NotEmpty(t, url)
	second.stop()
}

// The process id in a stale postmaster.pid may belong to another program.
func TestPostgres_ignoresPidOfAnother(t *testing.T) {
	t.Parallel()

	data := newData(t)
	args := []string{"--data", data, "--services", "postgres", "--fast"}

	first := start(t, args...)
	first.ready()
	first.stop()

	stale := filepath.Join(homeOf(t, data), "postmaster.pid")
	require.NoError(t, os.WriteFile(stale, []byte(itoa(os.Getpid())+"\n"+homeOf(t, data)+"\n"), modeSecret))

	second := start(t, args...)
	require.Equal(t, "1", query(t, second.ready()["BACKSTOP_DATABASE_URL"], `SELECT 1`))
	second.stop()
}

// If devstack runs as root on a folder that other users cannot enter, such as /root, Postgres keeps its data in another folder.
func TestPostgres_inClosedFolder(t *testing.T) {
	t.Parallel()

	closed := newData(t)
	require.NoError(t, os.Chmod(closed, modePrivate))
	data := filepath.Join(closed, "data")

	args := []string{"--data", data, "--services", "postgres", "--fast"}
	first := start(t, args...)
	execute(t, first.ready()["BACKSTOP_DATABASE_URL"], `CREATE TABLE kept (word text)`)
	first.stop()

	home := homeOf(t, data)
	if os.Geteuid() == 0 {
		require.NotEqual(t, filepath.Join(data, "postgres"), home)
	} else {
		require.Equal(t, filepath.Join(data, "postgres"), home)
	}

	second := start(t, args...)
	execute(t, second.ready()["BACKSTOP_DATABASE_URL"], `SELECT word FROM kept`)
	second.stop()

	require.False(t, isAbandoned(filepath.Dir(home), ""))
	require.NoError(t, os.RemoveAll(data))

	// A new folder with the same path starts with empty data, and the home of the old folder is removed.
	third := start(t, args...)
	execute(t, third.ready()["BACKSTOP_DATABASE_URL"], `CREATE TABLE kept (word text)`)
	third.stop()

	if os.Geteuid() == 0 {
		require.NoDirExists(t, home)
		home = homeOf(t, data)
		require.NoError(t, os.RemoveAll(data))
		require.True(t, isAbandoned(filepath.Dir(home), ""))
		require.NoError(t, os.RemoveAll(filepath.Dir(home)))
	}
}

func TestRun_endsWhenPostgresDies(t *testing.T) {
	t.Parallel()

	data := newData(t)
	running := start(t, "--data", data, "--services", "postgres", "--fast", "--", "sh", "-c", "echo up; exec sleep 60")
	waitUp(t, running)

	require.NoError(t, syscall.Kill(pidOf(t, data), syscall.SIGQUIT))
	require.Equal(t, exitFailure, running.wait())
	require.Contains(t, running.stderr.String(), "postgres ended by itself")
}

func startOrphan(t *testing.T, data string) int {
	t.Helper()

	bin, err := binariesFor(testContext(t), homeOf(t, data))
	require.NoError(t, err)

	owner, err := postgresOwner()
	require.NoError(t, err)

	port, err := pickPort()
	require.NoError(t, err)

	orphan := &postgres{bin: bin, home: homeOf(t, data), port: port, owner: owner}
	command := orphan.command()

	ended, err := startProcess(command)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = command.Process.Kill()

		t.Log("orphan:", <-ended)
	})

	require.Eventually(t, func() bool { return !isPortFree(port) }, waitLimit, pollInterval)

	return command.Process.Pid
}

func homeOf(t *testing.T, data string) string {
	t.Helper()

	folder := &folder{path: data}
	require.NoError(t, folder.load())

	if folder.memo.PostgresHome != "" {
		return filepath.Join(folder.memo.PostgresHome, "postgres")
	}

	return folder.in("postgres")
}

func pidOf(t *testing.T, data string) int {
	t.Helper()

	pid, err := postmasterPID(homeOf(t, data))
	require.NoError(t, err)

	return pid
}

// freePort returns a port that other tests do not use while its devstack is down, because they use the preferred ports.
func freePort(t *testing.T) string {
	t.Helper()

	port, err := pickPort()
	require.NoError(t, err)

	return itoa(port)
}

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()

	database := open(t, url)
	for _, statement := range statements {
		_, err := database.ExecContext(testContext(t), statement)
		require.NoError(t, err)
	}
}

func query(t *testing.T, url, question string) string {
	t.Helper()

	var answer string
	require.NoError(t, open(t, url).QueryRowContext(testContext(t), question).Scan(&answer))

	return answer
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()

	database, err := sql.Open("postgres", url)
	require.NoError(t, err)
	database.SetConnMaxIdleTime(time.Nanosecond)
	t.Cleanup(func() { require.NoError(t, database.Close()) })

	return database
}
