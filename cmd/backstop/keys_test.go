package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/provider/registry"
)

// newKey returns a key that the command printed, and its id.
func newKey(t *testing.T) (entry, id string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"keys", "generate"}, nil, &stdout, &stderr))
	entry = strings.TrimSpace(stdout.String())
	ring, err := keyring.Parse(entry)
	require.NoError(t, err)
	require.Contains(t, stderr.String(), "BACKSTOP_KEYRING")
	require.NotContains(t, stderr.String(), entry)
	return entry, ring.SealingID()
}

func TestKeys(t *testing.T) {
	t.Parallel()
	database := postgrestest.URL(t)
	db := postgrestest.Open(t, database)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	keys := func(command, ring string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = run(t.Context(), []string{"keys", command}, []string{
			"BACKSTOP_DATABASE_URL=" + database, "BACKSTOP_KEYRING=" + ring, "BACKSTOP_LOG_LEVEL=error",
		}, &out, &errs)
		return code, out.String(), errs.String()
	}
	former, formerID := newKey(t)
	present, presentID := newKey(t)

	public, err := url.Parse("https://backstop.example")
	require.NoError(t, err)
	ring, err := keyring.Parse(former)
	require.NoError(t, err)
	directory, err := accounts.New(accounts.Options{
		Store: db, Keyring: ring, Drivers: registry.Drivers(), PublicURLs: []*url.URL{public}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	for _, name := range []string{"one", "two"} {
		_, err = directory.CreateAccount(t.Context(), backstop.Account{
			Name: name, Provider: "twilio", Channel: backstop.SMS,
			Settings: map[string]string{"account_sid": "AC00000000000000000000000000000000", "auth_token": "s3cret"},
		}, false)
		require.NoError(t, err)
	}

	code, stdout, _ := keys("check", former)
	require.Equal(t, exitOK, code)
	require.Equal(t, "key "+formerID+" (seals and opens): 2 accounts\nall accounts can be opened\n", stdout)

	code, stdout, stderr := keys("check", present)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "key "+formerID+" (missing in BACKSTOP_KEYRING): 2 accounts: one, two\n")
	require.Contains(t, stderr, "2 accounts cannot be opened")

	code, stdout, stderr = keys("rotate", present)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "sealed 0 accounts with key "+presentID)
	require.Contains(t, stderr, `key "`+formerID+`" is missing in BACKSTOP_KEYRING`)

	code, stdout, _ = keys("rotate", present+","+former)
	require.Equal(t, exitOK, code)
	require.Equal(t, "sealed 2 accounts with key "+presentID+"\n", stdout)
	code, stdout, _ = keys("check", present+","+former)
	require.Equal(t, exitOK, code)
	require.Equal(t, "key "+presentID+" (seals and opens): 2 accounts\nkey "+formerID+" (opens): 0 accounts\nall accounts can be opened\n", stdout)
	code, _, _ = keys("check", present)
	require.Equal(t, exitOK, code, "the former key is not needed any more")
}

// TestKeys_wrong: a wrong keyring is a wrong configuration, and its key is not shown.
func TestKeys_wrong(t *testing.T) {
	t.Parallel()
	entry, _ := newKey(t)
	for name, row := range map[string]struct{ command, ring, stderr string }{
		"no keyring":    {"check", "", "BACKSTOP_KEYRING: "},
		"a broken key":  {"rotate", entry[:30], "BACKSTOP_KEYRING: "},
		"no subcommand": {"", entry, `say what to do: keys generate`},
		"a wrong one":   {"rotat", entry, `unknown command "keys rotat"`},
	} {
		var stderr bytes.Buffer
		args := []string{"keys"}
		if row.command != "" {
			args = append(args, row.command)
		}
		code := run(t.Context(), args, []string{
			"BACKSTOP_DATABASE_URL=postgres://127.0.0.1:1/backstop", "BACKSTOP_KEYRING=" + row.ring,
		}, io.Discard, &stderr)
		require.Equal(t, exitUsage, code, name)
		require.Contains(t, stderr.String(), row.stderr, name)
		require.NotContains(t, stderr.String(), entry[12:28], name)
	}
}
