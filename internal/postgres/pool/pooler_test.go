package pool_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/pool"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// The limits of statements apply with and without a pooler.
func TestPool_limits(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	var settings struct {
		Statement string `db:"statement_timeout"`
		Lock      string `db:"lock_timeout"`
		Idle      string `db:"idle_in_transaction_session_timeout"`
	}
	const show = `SELECT current_setting('statement_timeout') AS statement_timeout,
    current_setting('lock_timeout') AS lock_timeout,
    current_setting('idle_in_transaction_session_timeout') AS idle_in_transaction_session_timeout`
	p := open(t, address+"&lock_timeout=3s")
	require.NoError(t, p.InTx(t.Context(), "show", func(tx *sqlx.Tx) error {
		return tx.GetContext(t.Context(), &settings, show)
	}))
	require.Equal(t, "10s 3s 1min", settings.Statement+" "+settings.Lock+" "+settings.Idle)

	hasty := open(t, address+"&statement_timeout=100ms")
	start := time.Now()
	for _, run := range []func() error{
		func() error { return hasty.ExecUnprepared(t.Context(), `SELECT pg_sleep($1)`, 5) },
		func() error { return hasty.Get(t.Context(), new(string), `SELECT pg_sleep($1)`, 5) },
		func() error { return hasty.SelectAll(t.Context(), new([]string), `SELECT pg_sleep($1)`, 5) },
		func() error {
			_, err := hasty.Exec(t.Context(), `SELECT pg_sleep($1)`, 5)
			return err
		},
	} {
		requireAway(t, pool.Failed(t.Context(), "sleep", run()))
	}
	require.Less(t, time.Since(start), 8*time.Second, "without cancel requests each waits cancelGrace longer")

	unbounded, err := hasty.Unbounded()
	require.NoError(t, err)
	tx, err := unbounded.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, tx.QueryRowContext(t.Context(), `SELECT current_setting('statement_timeout')`).Scan(&settings.Statement))
	require.Equal(t, "0", settings.Statement)
	require.NoError(t, tx.Rollback())
	require.NoError(t, unbounded.Close())
}

// A parameter of the URL applies, or the error says how to set it.
func TestOpen_parameter(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	p, err := pool.Open(t.Context(), address+"&work_mem=5MB", pool.Options{})
	if postgrestest.BehindPooler() {
		require.ErrorContains(t, err, "ALTER ROLE")
		require.Empty(t, backstop.CodeOf(err), "it is no matter of time")
		address = postgrestest.With(t, address, "work_mem", "5120kB")
		p, err = pool.Open(t.Context(), address+"&work_mem=5MB", pool.Options{})
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, p.Close()) }()
	var value string
	require.NoError(t, p.GetUnprepared(t.Context(), &value, `SHOW work_mem`))
	require.Equal(t, "5MB", value)

	_, err = pool.Open(t.Context(), address+"&no_such_parameter=1", pool.Options{})
	require.ErrorContains(t, err, "no_such_parameter")
	require.Empty(t, backstop.CodeOf(err))
}

// An error that a retry cannot cure names its reason, and is not TryLater.
func TestOpen_hopeless(t *testing.T) {
	t.Parallel()
	base, err := url.Parse(postgrestest.URL(t))
	require.NoError(t, err)
	for what, change := range map[string]func(*url.URL){
		"database": func(u *url.URL) { u.Path = "/no_such_database" },
		"authentication failed": func(u *url.URL) {
			u.User = url.UserPassword(u.User.Username(), "wrong")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			wrong := *base
			change(&wrong)
			_, err := pool.Open(t.Context(), wrong.String(), pool.Options{})
			require.ErrorContains(t, err, what)
			require.Empty(t, backstop.CodeOf(err))
			require.NotContains(t, err.Error(), "wrong")
		})
	}
}

// A password that is changed while the program runs gives TryLater: the new password is probably on its way.
func TestPool_passwordChanged(t *testing.T) {
	t.Parallel()
	p := open(t, postgrestest.URL(t))
	tx, err := p.Begin(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, pool.Execute(t.Context(), tx, `ALTER ROLE CURRENT_USER PASSWORD 'another'`))
	require.NoError(t, tx.Commit())
	tx, err = p.Begin(t.Context(), nil) // holds the only open connection
	require.NoError(t, err)
	err = p.Ping(t.Context())
	if !postgrestest.BehindPooler() { // a pooler may have cached the password
		requireAway(t, err)
		require.ErrorContains(t, errors.Unwrap(err), "password")
	}
	require.NoError(t, tx.Rollback())
}

// Open logs that there is a pooler in front of Postgres.
func TestOpen_pooler(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p, err := pool.Open(t.Context(), postgrestest.URL(t), pool.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	require.NoError(t, p.Close())
	require.Equal(t, postgrestest.BehindPooler(), bytes.Contains(log.Bytes(), []byte("a pooler is in front of postgres")))
}
