package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/temporaltest"
)

// asProgram is a variable with which the test binary runs the program, so that tests can start, signal and kill a real process.
const asProgram = "BACKSTOP_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(sharedTemporal.Main(m))
}

// sharedTemporal is for tests that do not stop it. Each has a namespace of its own.
var sharedTemporal temporaltest.Shared

// complete is a valid configuration.
func complete() map[string]string {
	return map[string]string{
		"BACKSTOP_DATABASE_URL": "postgres://127.0.0.1:1/backstop", "BACKSTOP_PUBLIC_URL": "https://backstop.example",
		"BACKSTOP_API_KEY": "0123456789abcdef", "BACKSTOP_META_PHONE_NUMBER_ID": "106540352242922",
		"BACKSTOP_META_ACCESS_TOKEN": "meta-token", "BACKSTOP_META_APP_SECRET": "meta-secret",
		"BACKSTOP_META_VERIFY_TOKEN": "meta-verify", "BACKSTOP_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
		"BACKSTOP_TWILIO_AUTH_TOKEN": "twilio-token",
	}
}

func lines(environment map[string]string) []string {
	list := make([]string, 0, len(environment))
	for name, value := range environment {
		list = append(list, name+"="+value)
	}
	return list
}

func TestRun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args           []string
		environ        []string
		code           int
		stdout, stderr string
	}{
		"no arguments":       {code: exitOK, stdout: "usage: backstop <command>"},
		"help":               {args: []string{"--help"}, code: exitOK, stdout: "usage: backstop <command>"},
		"version":            {args: []string{"version"}, code: exitOK, stdout: version},
		"unknown":            {args: []string{"sevre"}, code: exitUsage, stderr: `unknown command "sevre"`},
		"too many arguments": {args: []string{"serve", "--port=1"}, code: exitUsage, stderr: "takes no arguments"},
		"no configuration": {
			args: []string{"serve"}, code: exitUsage, stderr: "BACKSTOP_DATABASE_URL: is required",
		},
		"a database that is none": {
			args: []string{"migrate"}, environ: []string{"BACKSTOP_DATABASE_URL=mysql://root@127.0.0.1/x"},
			code: exitUsage, stderr: "postgres://",
		},
		"a password that is not encoded": {
			args: []string{"migrate"}, environ: []string{"BACKSTOP_DATABASE_URL=postgres://user:p@ss#w/rd@127.0.0.1/x"},
			code: exitUsage, stderr: "BACKSTOP_DATABASE_URL: is not a URL; special characters of the password",
		},
		"a database's port that is none": {
			args: []string{"migrate"}, environ: []string{"BACKSTOP_DATABASE_URL=postgres://user:p@127.0.0.1:99999/x"},
			code: exitUsage, stderr: "BACKSTOP_DATABASE_URL: must have a port from 1 to 65535",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			require.Equal(t, tc.code, run(t.Context(), tc.args, tc.environ, &stdout, &stderr))
			require.Contains(t, stdout.String(), tc.stdout)
			require.Contains(t, stderr.String(), tc.stderr)
		})
	}
}

func TestRead_namesEveryProblem(t *testing.T) {
	t.Parallel()
	environment := complete()
	delete(environment, "BACKSTOP_DATABASE_URL")
	maps.Copy(environment, map[string]string{
		"BACKSTOP_API_KEY": "short", "BACKSTOP_META_TIMEOUT": "1h", "BACKSTOP_TWILIO_TIMEOUT": "soon",
		"BACKSTOP_META_ON_UNKNOWN": "panic", "BACKSTOP_WORKER_CALLS": "0", "BACKSTOP_PUBLIC_URL": "backstop.example",
		"BACKSTOP_META_APP_SECRET": "", "BACKSTOP_UNKNOWN_WAIT": "-1s", "BACKSTOP_TWILIO_API_KEY": "SK0",
		"BACKSTOP_TEMPORAL_TLS_CERT": "cert.pem", "BACKSTOP_LOG_LEVEL": "loud", "BACKSTOP_LISTEN": "nope", "BACKSTOP_TEMPORAL_ADDRESS": "nope",
		"BACKSTOP_TEMPORAL_ENCRYPT": "true", "BACKSTOP_TEMPORAL_UI_URL": "temporal.example.com",
		"BACKSTOP_PPROF_LISTEN": "nope", "BACKSTOP_AWAIT_RECEIPTS": "5s", "BACKSTOP_DRAIN": "6m", "BACKSTOP_EXCLUSIVE_GRACE": "500ms",
	})
	var stderr bytes.Buffer
	require.Equal(t, exitUsage, run(t.Context(), []string{"serve"}, lines(environment), &bytes.Buffer{}, &stderr))
	for _, name := range []string{
		"DATABASE_URL", "API_KEY", "META_TIMEOUT", "TWILIO_TIMEOUT", "META_ON_UNKNOWN", "WORKER_CALLS", "PUBLIC_URL",
		"META_APP_SECRET", "UNKNOWN_WAIT", "TWILIO_API_SECRET", "TEMPORAL_TLS_KEY", "LOG_LEVEL",
		"TEMPORAL_ENCRYPT", "TEMPORAL_UI_URL", "LISTEN", "TEMPORAL_ADDRESS", "PPROF_LISTEN", "AWAIT_RECEIPTS", "DRAIN", "EXCLUSIVE_GRACE",
	} {
		require.Equal(t, 1, strings.Count(stderr.String(), "\n  BACKSTOP_"+name+": "), name)
	}
	require.NotContains(t, stderr.String(), "meta-token")
}

// A value that cannot be read is not repeated, because it may be a secret. The problem says what the value must look like.
func TestRead_namesTheForm(t *testing.T) {
	t.Parallel()
	for variable, form := range map[string]string{
		"BACKSTOP_LOG_LEVEL": "debug, info, warn or error", "BACKSTOP_UNKNOWN_WAIT": "a duration, like 30s or 12h",
		"BACKSTOP_WORKER_CALLS": "a number", "BACKSTOP_TEMPORAL_TLS": "true or false",
		"BACKSTOP_CALLBACK_ALLOW":  "addresses and ranges like 10.1.0.0/16, separated by commas",
		"BACKSTOP_TRUSTED_PROXIES": "addresses and ranges like 10.1.0.0/16, separated by commas",
	} {
		environment := complete()
		environment[variable] = "everywhere"
		_, err := readConfig[config](environment)
		require.ErrorContains(t, err, variable+": must be "+form)
		require.NotContains(t, err.Error(), "everywhere")
	}
}

// Values that can be read, and would break later or open a door.
func TestRead_refuses(t *testing.T) {
	t.Parallel()
	for _, row := range [][2]string{
		{"BACKSTOP_API_KEY", "0123456789abcdef\n"}, {"BACKSTOP_API_KEY", " 0123456789abcdef"}, {"BACKSTOP_API_KEY", "0123456789abcdé0"},
		{"BACKSTOP_WORKER_CALLS_PER_SECOND", "Inf"}, {"BACKSTOP_WORKER_CALLS_PER_SECOND", "NaN"},
		{"BACKSTOP_TRUSTED_PROXIES", "0.0.0.0/0"}, {"BACKSTOP_TRUSTED_PROXIES", "10.0.0.1,::/0"},
		{"BACKSTOP_TRUSTED_PROXIES", "fe80::1%eth0"},
	} {
		environment := complete()
		environment[row[0]] = row[1]
		_, err := readConfig[config](environment)
		require.ErrorContains(t, err, row[0]+": must ", "%q", row[1])
	}
}

func TestRead_complete(t *testing.T) {
	t.Parallel()
	c, err := readConfig[config](complete())
	require.NoError(t, err)
	require.Len(t, c.Accounts, 2)
	require.Equal(t, backstop.ResendUnknown, c.Accounts[0].OnUnknown)
	require.Equal(t, backstop.HoldUnknown, c.Accounts[1].OnUnknown)
	require.Equal(t, 4*time.Second, c.settings().AwaitReceipts)
	require.Equal(t, 15*time.Second, c.Send.ExclusiveGrace)
}

func TestConfig_drainTime(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		meta, twilio, drain string
		want                time.Duration
	}{
		"by default":          {"", "", "", 15 * time.Second},
		"the longest timeout": {"4s", "20s", "", 25 * time.Second},
		"the other":           {"12s", "3s", "", 17 * time.Second},
		"both short":          {"2s", "3s", "", 15 * time.Second},
		"as configured":       {"", "", "1s", time.Second},
		"longer":              {"", "", "5m", 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment := complete()
			for variable, value := range map[string]string{
				"BACKSTOP_META_TIMEOUT": row.meta, "BACKSTOP_TWILIO_TIMEOUT": row.twilio, "BACKSTOP_DRAIN": row.drain,
			} {
				if value != "" {
					environment[variable] = value
				}
			}
			c, err := readConfig[config](environment)
			require.NoError(t, err)
			require.Equal(t, row.want, c.drainTime())
		})
	}
	for _, wrong := range []string{"999ms", "-1s", "5m1s", "soon"} {
		environment := complete()
		environment["BACKSTOP_DRAIN"] = wrong
		_, err := readConfig[config](environment)
		require.ErrorContains(t, err, "BACKSTOP_DRAIN: must be", wrong)
	}
}

// The console says that no message reaches anybody only if no provider can be called.
func TestIsSimulated(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		addresses []string
		want      bool
	}{
		{},
		{addresses: []string{"https://graph.facebook.com", "https://api.twilio.com"}},
		{addresses: []string{"http://sandbox:8090", "http://sandbox:8090/infobip"}, want: true},
		{addresses: []string{"http://sandbox:8090", "https://api.twilio.com"}},
		{addresses: []string{"http://sandbox:8090", ""}}, // a gateway whose address the driver knows
		{addresses: []string{"http://sandbox:8090", "http://gateway.lan:13013"}},
		{addresses: []string{"https://gateway.example.com", "https://gateway.example.com"}},
	} {
		var all []accounts.Open
		for _, address := range tc.addresses {
			o := accounts.Open{Driver: meta.Driver()}
			o.Settings = map[string]string{"base_url": address}
			all = append(all, o)
		}
		require.Equal(t, tc.want, isSimulated(all), tc)
	}
}

func TestSecret_isNeverShown(t *testing.T) {
	t.Parallel()
	c, err := readConfig[config](complete())
	require.NoError(t, err)
	asJSON, err := json.Marshal(map[string]any{"config": c})
	require.NoError(t, err)
	var logged bytes.Buffer
	newLog(&logged, c.Log.Level).Info("configuration", "config", c, "key", c.API.Key)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", c, c, c, c.API.Key), string(asJSON), logged.String()} {
		for _, hidden := range []string{"meta-token", "meta-secret", "meta-verify", "twilio-token", "0123456789abcdef"} {
			require.NotContains(t, shown, hidden)
		}
		require.Contains(t, shown, "***")
	}
}
