package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/oidctest"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// examined is what a run of the doctor printed.
type examined struct {
	code   int
	found  map[string][]finding // by check
	stderr string
}

// levelOf returns the worst level of a check; "" if it was not made.
func (e examined) levelOf(check string) (worst level) {
	for _, f := range e.found[check] {
		if worst != isFault {
			worst = f.Level
		}
	}
	return worst
}

// secretsOfTests are never shown.
func secretsOfTests() []string {
	return []string{"meta-token", "meta-secret", "meta-verify", "twilio-token", "0123456789abcdef", "s3cret", localKeyring[6:], localCallbackSecret}
}

// examine runs the doctor with changes of an environment.
func examine(t *testing.T, environment, changes map[string]string, args ...string) examined {
	t.Helper()
	given := maps.Clone(environment)
	maps.Copy(given, changes)
	var stdout, stderr bytes.Buffer
	e := examined{found: map[string][]finding{}}
	e.code = run(t.Context(), append([]string{"doctor", "--json"}, args...), lines(given), &stdout, &stderr)
	e.stderr = stderr.String()
	var d diagnosis
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &d), stdout.String()+e.stderr)
	for _, f := range d.Checks {
		e.found[f.Check] = append(e.found[f.Check], f)
		require.NotEmpty(t, f.Text)
		require.Equal(t, f.Level != isOK, f.Do != "", "%v: a finding says what to do", f)
	}
	for _, secret := range secretsOfTests() {
		require.NotContains(t, stdout.String()+e.stderr, secret)
	}
	return e
}

// TestDoctor: the real program runs with everything that it needs, and then each need is missing once.
func TestDoctor(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{
		"BACKSTOP_TEMPORAL_ENCRYPT": "true", "BACKSTOP_CALLBACK_SECRETS": localCallbackSecret, // so callbacks have workers too
	})
	created, err := r.caller.API.CreateAccountWithResponse(t.Context(), &client.CreateAccountParams{}, r.spareSMS())
	require.NoError(t, err)
	require.NotNil(t, created.JSON201, string(created.Body))
	require.Eventually(t, func() bool { return examine(t, r.environment, nil).levelOf("workers") == isOK }, 30*time.Second, 200*time.Millisecond)
	well := examine(t, r.environment, nil)
	require.Equal(t, exitOK, well.code, well)
	for _, check := range []string{
		"configuration", "database", "migrations", "clock", "temporal", "namespace", "workers", "keyring", "encryption", "texts",
		"account meta", "account twilio", "account spare", "public address",
	} {
		require.Equal(t, isOK, well.levelOf(check), well.found[check])
	}
	foreign := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(foreign.Close)
	selfSigned := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(selfSigned.Close)
	otherKey, _ := newKey(t)
	var op http.Handler
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { op.ServeHTTP(w, r) }))
	t.Cleanup(provider.Close)
	op = oidctest.New(oidctest.Options{Issuer: provider.URL})
	signingIn := func(issuer string) map[string]string {
		return map[string]string{
			"BACKSTOP_OIDC_ISSUER": issuer, "BACKSTOP_OIDC_CLIENT_ID": "backstop", "BACKSTOP_OIDC_ADMINS": "admins",
			"BACKSTOP_OIDC_CLIENT_SECRET": "s3cret",
		}
	}
	for name, row := range map[string]struct {
		changes map[string]string
		check   string
		want    level
		text    string
	}{
		"the database is down": {
			map[string]string{"BACKSTOP_DATABASE_URL": "postgres://backstop:s3cret@127.0.0.1:1/backstop"}, "database", isFault, "refused",
		},
		"migrations are pending": {
			map[string]string{"BACKSTOP_DATABASE_URL": postgrestest.URL(t)}, "migrations", isFault, "are pending",
		},
		"the database is read-only": {
			map[string]string{"BACKSTOP_DATABASE_URL": r.environment["BACKSTOP_DATABASE_URL"] + "&default_transaction_read_only=on"},
			"database", isFault, "read-only",
		},
		"temporal is down": {
			map[string]string{"BACKSTOP_TEMPORAL_ADDRESS": "127.0.0.1:1"}, "temporal", isFault, "127.0.0.1:1 cannot be reached",
		},
		"the namespace is missing": {
			map[string]string{"BACKSTOP_TEMPORAL_NAMESPACE": "elsewhere"}, "namespace", isFault, "elsewhere does not exist",
		},
		"no worker in the namespace": {
			map[string]string{"BACKSTOP_TEMPORAL_NAMESPACE": "default"}, "workers", isFault, "no worker polls the task queue backstop-",
		},
		"a long receipt wait": {
			map[string]string{"BACKSTOP_SMS_RECEIPT_WAIT": "48h"}, "namespace", isWarning, "less than 48h0m0s, BACKSTOP_SMS_RECEIPT_WAIT",
		},
		"a wrong access token": {
			map[string]string{"BACKSTOP_META_ACCESS_TOKEN": "another"}, "account meta", isFault, "settings.access_token is refused: is not accepted",
		},
		"a provider is down": {
			map[string]string{"BACKSTOP_TWILIO_BASE_URL": "http://127.0.0.1:1"}, "account twilio", isFault, "does not answer",
		},
		"a key is missing": {
			map[string]string{"BACKSTOP_KEYRING": otherKey}, "keyring", isFault, `account spare cannot be opened: key "local" is missing`,
		},
		"no identity provider": {
			signingIn("http://127.0.0.1:1"), "people", isFault, "provider_away",
		},
		"another issuer": {
			signingIn(provider.URL + "/"), "people", isFault, "did not match the issuer",
		},
		"an identity provider": {
			signingIn(provider.URL), "people", isOK, callbackPath,
		},
		"nobody at the public address": {
			map[string]string{"BACKSTOP_PUBLIC_URL": "http://127.0.0.1:1"}, "public address", isFault, "cannot be reached from here",
		},
		"another program at the public address": {
			map[string]string{"BACKSTOP_PUBLIC_URL": foreign.URL}, "public address", isFault, "not as Backstop does",
		},
		"a certificate that nobody signed": {
			map[string]string{"BACKSTOP_PUBLIC_URL": selfSigned.URL}, "public address", isFault, "certificate",
		},
	} {
		got := examine(t, r.environment, row.changes)
		require.Equal(t, row.want, got.levelOf(row.check), "%s: %v", name, got.found)
		require.Contains(t, got.found[row.check][0].Text, row.text, name)
		require.Equal(t, row.want == isFault, got.code == exitFailed, name)
	}
	r.kill()
	require.Equal(t, isFault, examine(t, r.environment, nil).levelOf("public address"))
	require.Equal(t, exitOK, examine(t, r.environment, nil, "--offline").code)

	db := postgrestest.Raw(t, r.environment["BACKSTOP_DATABASE_URL"])
	_, err = db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	require.NoError(t, err)
	newer := examine(t, r.environment, nil, "--offline")
	require.Equal(t, isWarning, newer.levelOf("migrations"))
	require.Contains(t, newer.found["migrations"][0].Text, "99999")
	require.Equal(t, exitOK, newer.code, "a warning is no fault")
}

// TestDoctor_configuration: a wrong configuration is found without a database, and has its own exit code.
func TestDoctor_configuration(t *testing.T) {
	t.Parallel()
	got := examine(t, complete(), map[string]string{
		"BACKSTOP_TEMPORAL_ENCRYPT": "true", "BACKSTOP_API_KEY": "s3cret", "BACKSTOP_DATABASE_URL": "postgres://u:s3cret#@h/x",
	})
	require.Equal(t, exitUsage, got.code)
	require.Len(t, got.found["configuration"], 3)
	require.Len(t, got.found, 1)
	missing := examine(t, complete(), map[string]string{"BACKSTOP_TEMPORAL_TLS_CA": "/none.pem"})
	require.Equal(t, exitUsage, missing.code)
	require.Equal(t, isFault, missing.levelOf("temporal"))

	for _, args := range [][]string{{"--verbose"}, {"now"}} {
		var stderr bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), append([]string{"doctor"}, args...), lines(complete()), &bytes.Buffer{}, &stderr))
		require.Contains(t, stderr.String(), "backstop doctor: ")
	}
	var stdout bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"doctor", "--help"}, nil, &stdout, &bytes.Buffer{}))
	require.Contains(t, stdout.String(), "usage: backstop doctor")
}

// TestDoctor_text: one line for each check.
func TestDoctor_text(t *testing.T) {
	t.Parallel()
	d := &diagnosis{}
	d.add("database", isOK, "PostgreSQL 15", "")
	d.add("clock", isFault, "an error\nof two lines", "do it")
	var out bytes.Buffer
	require.NoError(t, d.print(&out, false))
	require.Equal(t, "ok       database       PostgreSQL 15\n"+
		"fault    clock          an error of two lines -> do it\n2 checks, 1 faults, 0 warnings\n", out.String())
}

func TestDiagnosis_checkClock(t *testing.T) {
	t.Parallel()
	for skew, want := range map[time.Duration]level{
		0: isOK, -900 * time.Millisecond: isOK, 2 * time.Second: isWarning, -time.Minute: isWarning, 6 * time.Minute: isFault, -time.Hour: isFault,
	} {
		d := &diagnosis{}
		d.checkClock(skew)
		require.Equal(t, want, d.Checks[0].Level, skew)
	}
}

func TestDiagnosis_checkCertificate(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]level{13 * 24 * time.Hour: isWarning, 15 * 24 * time.Hour: isOK} {
		d := &diagnosis{}
		d.checkCertificate(&program{}, "https://backstop.example", &x509.Certificate{NotAfter: time.Now().Add(left)})
		require.Equal(t, want, d.Checks[0].Level, left)
	}
	d := &diagnosis{}
	d.checkCertificate(&program{}, "http://backstop.example", nil)
	require.Equal(t, isWarning, d.Checks[0].Level)
}

func TestDiagnosis_checkNumber(t *testing.T) {
	t.Parallel()
	now, many, few := time.Now(), 950, 10
	number := func(status string, quality backstop.Quality) backstop.NumberProfile {
		return backstop.NumberProfile{Status: status, Quality: quality, MessagingLimit: "tier_1k"}
	}
	for name, row := range map[string]struct {
		profile backstop.AccountProfile
		want    level
	}{
		"never read":    {backstop.AccountProfile{}, ""},
		"well":          {backstop.AccountProfile{ReadAt: now, NumberProfile: number("connected", "green"), Recipients: &few}, isOK},
		"flagged":       {backstop.AccountProfile{ReadAt: now, NumberProfile: number("flagged", "green")}, isFault},
		"red":           {backstop.AccountProfile{ReadAt: now, NumberProfile: number("connected", "red")}, isWarning},
		"at its limit":  {backstop.AccountProfile{ReadAt: now, NumberProfile: number("connected", "green"), Recipients: &many}, isWarning},
		"not readable":  {backstop.AccountProfile{ReadAt: now, Fault: "no permission"}, isWarning},
		"another limit": {backstop.AccountProfile{ReadAt: now, NumberProfile: backstop.NumberProfile{Status: "connected"}}, isOK},
	} {
		d := &diagnosis{}
		d.checkNumber("meta", row.profile)
		if row.want == "" {
			require.Empty(t, d.Checks, name)
			continue
		}
		require.Equal(t, row.want, d.Checks[0].Level, name)
	}
}
