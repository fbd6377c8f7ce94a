package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/callbacks"
	"github.com/backstophq/backstop/internal/logtest"
)

// callbackBody is a callback as Backstop posts it, shortened.
const callbackBody = `{"type": "rule_fired", "timestamp": "2026-11-26T18:00:00Z", "data": {"seq": 4, "revision": 7,
  "rule": {"name": "Unread\u001b[31m 10 s"}, "send": {"id": "0193a5c0-1111-7222-8333-444444444444", "to": "+447400123402", "outcome": "pending"}}}`

// listening is a running command listen.
type listening struct {
	url            string
	stdout, stderr *logtest.Buffer
	stop           func() int // returns the exit code
}

var listenedAt = regexp.MustCompile(`waiting for callbacks at (http://[^ ]+/)`)

func startListen(t *testing.T, environ []string, args ...string) listening {
	t.Helper()
	l := listening{stdout: &logtest.Buffer{}, stderr: &logtest.Buffer{}}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"listen", "--address", "127.0.0.1:0"}, args...), environ, l.stdout, l.stderr)
	}()
	l.stop = sync.OnceValue(func() int {
		cancel()
		return <-code
	})
	t.Cleanup(func() { l.stop() })
	require.Eventually(t, func() bool {
		found := listenedAt.FindStringSubmatch(l.stderr.String())
		if found != nil {
			l.url = found[1]
		}
		return found != nil
	}, 30*time.Second, 5*time.Millisecond, l.stderr.String())
	return l
}

// post sends a callback to a command listen.
func (l listening) post(t *testing.T, id, secret string, at time.Time) callbacks.Result {
	t.Helper()
	allow, err := callbacks.ParsePolicy("127.0.0.1")
	require.NoError(t, err)
	sender := callbacks.New(callbacks.Options{Allow: allow})
	defer sender.Close()
	return sender.Post(t.Context(), callbacks.Endpoint{URL: l.url + "any/path", Secrets: []string{secret}},
		callbacks.Message{ID: id, At: at, Body: []byte(callbackBody)})
}

// TestListen: without a secret the command makes one and says how to use it. It prints what is verified, and refuses the rest.
func TestListen(t *testing.T) {
	t.Parallel()
	l := startListen(t, nil)
	secret := regexp.MustCompile(`BACKSTOP_CALLBACK_SECRETS=(whsec_\S+)\n`).FindStringSubmatch(l.stderr.String())[1]
	require.Contains(t, l.stderr.String(), "BACKSTOP_CALLBACK_ALLOW=127.0.0.1\n")
	require.Contains(t, l.stderr.String(), "BACKSTOP_CALLBACK_URL="+l.url+"\n")

	require.Equal(t, http.StatusOK, l.post(t, "one", secret, time.Time{}).Status)
	require.Equal(t, http.StatusOK, l.post(t, "one", secret, time.Time{}).Status)
	want := `rule_fired          0193a5c0-1111-7222-8333-444444444444  pending  (rule: Unread[31m 10 s`
	require.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3}  \Q`+want+`)`+`\E\n\d\d:\d\d:\d\d\.\d{3}  \Q`+want+`; repeated)`+`\E\n$`, l.stdout.String())

	forged := l.post(t, "two", callbacks.GenerateSecret(), time.Time{})
	require.Equal(t, http.StatusUnauthorized, forged.Status)
	require.Contains(t, forged.Answer, "no signature fits")
	old := l.post(t, "three", secret, time.Now().Add(-10*time.Minute))
	require.Equal(t, http.StatusUnauthorized, old.Status)
	require.Contains(t, l.stderr.String(), "refused: no signature fits")
	require.Contains(t, l.stderr.String(), "refused: the message is too old: it was signed 60")
	require.Len(t, strings.Split(l.stdout.String(), "\n"), 3, "the two lines from before")

	for _, row := range []struct {
		method, body string
		status       int
	}{
		{http.MethodPost, "", http.StatusUnauthorized},
		{http.MethodPost, strings.Repeat("x", 2<<20), http.StatusRequestEntityTooLarge},
		{http.MethodGet, "", http.StatusMethodNotAllowed},
	} {
		request, err := http.NewRequestWithContext(t.Context(), row.method, l.url, strings.NewReader(row.body))
		require.NoError(t, err)
		response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, row.status, response.StatusCode)
	}
	require.Equal(t, exitOK, l.stop())
}

// TestListen_json: the standard output has the bodies alone. The secret of the environment is not shown.
func TestListen_json(t *testing.T) {
	t.Parallel()
	former, present := callbacks.GenerateSecret(), callbacks.GenerateSecret()
	l := startListen(t, []string{"BACKSTOP_CALLBACK_SECRETS=" + present + "," + former}, "--json", "--status", "503")
	require.Equal(t, http.StatusServiceUnavailable, l.post(t, "one", former, time.Time{}).Status)
	require.Equal(t, http.StatusServiceUnavailable, l.post(t, "two", present, time.Time{}).Status)
	lines := strings.Split(strings.TrimSuffix(l.stdout.String(), "\n"), "\n")
	require.Len(t, lines, 2)
	for _, line := range lines {
		require.JSONEq(t, callbackBody, line)
	}
	require.NotContains(t, l.stderr.String(), "whsec_")
	require.Equal(t, exitOK, l.stop())
}

// TestListen_forward: the receiver gets the same bytes and headers, so it can verify the signature itself. Its answer counts.
func TestListen_forward(t *testing.T) {
	t.Parallel()
	secret := callbacks.GenerateSecret()
	parsed, err := callbacks.ParseSecret(secret)
	require.NoError(t, err)
	verified := make(chan error, 1)
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		verified <- callbacks.Verify(r.Header, body, []callbacks.Secret{parsed}, time.Now())
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "not mine")
	}))
	l := startListen(t, nil, "--forward", behind.URL+"/hook", "--secret", secret)
	result := l.post(t, "one", secret, time.Time{})
	require.NoError(t, <-verified)
	require.Equal(t, http.StatusTeapot, result.Status)
	require.Equal(t, "not mine", result.Answer)
	require.Contains(t, l.stdout.String(), "; forwarded: 418)\n")

	require.Equal(t, http.StatusUnauthorized, l.post(t, "two", callbacks.GenerateSecret(), time.Time{}).Status)
	require.Empty(t, verified, "a forged callback is not passed on")

	behind.Close()
	require.Equal(t, http.StatusBadGateway, l.post(t, "three", secret, time.Time{}).Status)
	require.Contains(t, l.stderr.String(), "cannot forward: ")
	require.Contains(t, l.stdout.String(), "; not forwarded)\n")
}

func TestListen_wrong(t *testing.T) {
	t.Parallel()
	secret := callbacks.GenerateSecret()
	taken := startListen(t, nil)
	for name, row := range map[string]struct {
		args    []string
		environ []string
		code    int
		stderr  string
	}{
		"an unknown flag": {[]string{"--port", "1"}, nil, exitUsage, "flag provided but not defined: -port"},
		"an argument":     {[]string{"8080"}, nil, exitUsage, `unknown argument "8080"`},
		"an address":      {[]string{"--address", "8080"}, nil, exitUsage, "--address: must be host:port"},
		"a status":        {[]string{"--status", "99"}, nil, exitUsage, "--status: must be 200 to 599"},
		"a receiver":      {[]string{"--forward", "localhost:3000"}, nil, exitUsage, "must be an http or https URL"},
		"a secret":        {[]string{"--secret", secret[:30]}, nil, exitUsage, "--secret: secret 1 must have 24 to 64 bytes"},
		"three secrets":   {[]string{"--secret", "a", "--secret", "b", "--secret", "c"}, nil, exitUsage, "--secret: must be 1 to 2"},
		"a secret in the environment": {
			nil, []string{"BACKSTOP_CALLBACK_SECRETS=" + secret[:30]}, exitUsage, "BACKSTOP_CALLBACK_SECRETS: secret 1 must have",
		},
		"a misspelt variable": {
			nil, []string{"BACKSTOP_CALLBACK_SECRET=" + secret}, exitUsage, "did you mean BACKSTOP_CALLBACK_SECRETS?",
		},
		"a taken address": {
			[]string{"--address", strings.TrimSuffix(strings.TrimPrefix(taken.url, "http://"), "/")}, nil, exitFailed,
			"choose another place with --address",
		},
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, row.code, run(t.Context(), append([]string{"listen"}, row.args...), row.environ, &stdout, &stderr), name)
		require.Contains(t, stderr.String(), row.stderr, name)
		require.NotContains(t, stderr.String(), secret[8:20], name)
		require.Empty(t, stdout.String(), name)
	}
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"listen", "--help"}, nil, &stdout, &stderr))
	require.Contains(t, stdout.String(), "usage: backstop listen")
	require.Empty(t, stderr.String())
}

// TestListen_interrupted: Ctrl-C ends the real program, with 0.
func TestListen_interrupted(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	program := exec.CommandContext(t.Context(), self, "listen", "--address", "127.0.0.1:0")
	program.Env = []string{asProgram + "=1"}
	stderr := &logtest.Buffer{}
	program.Stderr = stderr
	require.NoError(t, program.Start())
	require.Eventually(t, func() bool { return listenedAt.MatchString(stderr.String()) }, 30*time.Second, 5*time.Millisecond)
	require.NoError(t, program.Process.Signal(syscall.SIGINT))
	require.NoError(t, program.Wait(), stderr.String())
}

func TestKeys_callback(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"keys", "callback"}, nil, &stdout, &stderr))
	text := strings.TrimSuffix(stdout.String(), "\n")
	_, err := callbacks.ParseSecret(text)
	require.NoError(t, err)
	require.Contains(t, stderr.String(), "BACKSTOP_CALLBACK_SECRETS")
	require.NotContains(t, stderr.String(), text)
}
