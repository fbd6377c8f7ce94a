package main

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A misspelt variable is refused: its default would apply, such as the resend after a call with an unknown result.
func TestRead_unknownVariables(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"BACKSTOP_META_ON_UNKNOWNS": "BACKSTOP_META_ON_UNKNOWN",
		"BACKSTOP_AWAIT_RECEIPT":    "BACKSTOP_AWAIT_RECEIPTS",
		"BACKSTOP_DRAIN_":           "BACKSTOP_DRAIN",
		"BACKSTOP_WORKERS_CALLS":    "BACKSTOP_WORKER_CALLS",
		"backstop_await_receipts":   "BACKSTOP_AWAIT_RECEIPTS",
		"BACKSTOP_PORT":             "BACKSTOP_",
	} {
		environment := complete()
		environment[name] = "a-secret"
		_, serve := readConfig[config](environment)
		_, migrate := readConfig[migrateConfig](environment)
		_, sandbox := readConfig[sandboxConfig](environment)
		for _, err := range []error{serve, migrate, sandbox} {
			require.ErrorContains(t, err, "\n  "+name+": is not a variable of Backstop; did you mean "+want)
			require.NotContains(t, err.Error(), "a-secret")
			require.ErrorAs(t, err, new(usageError))
		}
	}
}

// Variables with our prefix that are no configuration are accepted.
func TestRead_othersVariables(t *testing.T) {
	t.Parallel()
	environment := complete()
	maps.Copy(environment, map[string]string{
		"BACKSTOP_DEVSTACK": "bin/devstack", "BACKSTOP_TEST_POOLER": "127.0.0.1:6432", // ours
		"BACKSTOP_SANDBOX_SPEED": "2", // of another command
		"HOME":                   "/root", "NOT_BACKSTOP_LINGR": "1",
		// Kubernetes sets these variables for Services named backstop and backstop-api.
		"BACKSTOP_SERVICE_HOST": "10.0.0.1", "BACKSTOP_SERVICE_PORT": "8080", "BACKSTOP_SERVICE_PORT_HTTP": "8080",
		"BACKSTOP_PORT": "tcp://10.0.0.1:8080", "BACKSTOP_PORT_8080_TCP": "tcp://10.0.0.1:8080",
		"BACKSTOP_PORT_8080_TCP_PROTO": "tcp", "BACKSTOP_PORT_8080_TCP_PORT": "8080", "BACKSTOP_PORT_8080_TCP_ADDR": "10.0.0.1",
		"BACKSTOP_API_SERVICE_HOST": "10.0.0.1", "BACKSTOP_API_PORT": "tcp://10.0.0.1:8080",
	})
	_, err := readConfig[config](environment)
	require.NoError(t, err)
}

// The former name of a variable is still read.
func TestRead_formerNames(t *testing.T) {
	t.Parallel()
	for former, name := range formerNames() {
		environment := complete()
		environment[former] = "1s"
		c, err := readConfig[config](environment)
		require.NoError(t, err)
		require.Equal(t, time.Second, c.settings().AwaitReceipts)
		environment[name] = "2s"
		_, err = readConfig[config](environment)
		require.ErrorContains(t, err, "\n  "+former+": is the former name of "+name+", which is set too")
	}
}
