package main

import (
	"bytes"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres"
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
	require.Equal(t, "sealed 2 accounts with key "+presentID+"\nsealed the texts of 0 rows, of 0\n", stdout)
	code, stdout, _ = keys("check", present+","+former)
	require.Equal(t, exitOK, code)
	require.Equal(t, "key "+presentID+" (seals and opens): 2 accounts\nkey "+formerID+" (opens): 0 accounts\nall accounts can be opened\n", stdout)
	code, _, _ = keys("check", present)
	require.Equal(t, exitOK, code, "the former key is not needed any more")
}

// TestKeys_texts: keys rotate seals the texts of old sends and their replies, and later changes their key, and keys check counts them.
func TestKeys_texts(t *testing.T) {
	t.Parallel()
	database := postgrestest.URL(t)
	db, err := postgres.Open(t.Context(), database, postgres.Options{MaxConns: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	for i := range 2*resealBatch + 1 {
		at := db.Now()
		id, err := db.NewID(at)
		require.NoError(t, err)
		_, _, err = db.InsertSend(t.Context(), backstop.Send{
			ID: id, To: "+447400123456", Country: "GB", Text: "plain", SMSText: "plain too", AcceptedAt: at,
			Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
			Plan: backstop.Plan{Rules: []backstop.Rule{{Name: "r", Type: backstop.SendFailed, SendID: "Acme"}}},
		}, &handoff.Idempotency{Key: id, Hash: make([]byte, sha256.Size)})
		require.NoError(t, err, i)
	}
	former, formerID := newKey(t)
	present, presentID := newKey(t)
	keys := func(command, ring, seal string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = run(t.Context(), []string{"keys", command}, []string{
			"BACKSTOP_DATABASE_URL=" + database, "BACKSTOP_KEYRING=" + ring, "BACKSTOP_SEAL=" + seal, "BACKSTOP_LOG_LEVEL=error",
		}, &out, &errs)
		return code, out.String(), errs.String()
	}
	requireOutput := func(command, ring, seal, line string) {
		t.Helper()
		code, stdout, stderr := keys(command, ring, seal)
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, stdout, line)
	}
	requireOutput("check", former, "", "key "+formerID+" (seals and opens): 0 accounts\nno key: 401 texts\n")
	requireOutput("rotate", former, "", "sealed the texts of 0 rows, of 401\n")
	requireOutput("rotate", former, "texts", "sealed the texts of 401 rows, of 401\n")
	requireOutput("check", former, "", "key "+formerID+" (seals and opens): 0 accounts, 802 texts\nall")

	code, stdout, stderr := keys("rotate", present, "")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, `key "`+formerID+`" is missing in BACKSTOP_KEYRING`)
	require.Contains(t, stderr, "the texts of 401 rows cannot be opened")
	code, stdout, stderr = keys("check", present, "")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout, "key "+formerID+" (missing in BACKSTOP_KEYRING): 802 texts\n")
	require.Contains(t, stderr, `texts need key "`+formerID+`"`)

	requireOutput("rotate", present+","+former, "", "sealed the texts of 401 rows, of 401\n")
	requireOutput("check", present, "", "key "+presentID+" (seals and opens): 0 accounts, 802 texts\nall")
	ring, err := keyring.Parse(present)
	require.NoError(t, err)
	sealed, err := postgres.Open(t.Context(), database, postgres.Options{MaxConns: 2, Keyring: ring})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sealed.Close()) })
	list, _, err := sealed.ListSends(t.Context(), backstop.SendFilter{}, backstop.Page{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, list, 401)
	for _, send := range list {
		require.Equal(t, "plain too", send.SMSText)
	}
	for seal, fault := range map[string]string{
		"text": "must be texts, or texts,numbers, or empty", "numbers": "must have texts too", "texts,numbers": "set BACKSTOP_NUMBER_KEY",
	} {
		code, _, stderr = keys("rotate", present, seal)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, fault)
	}
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
