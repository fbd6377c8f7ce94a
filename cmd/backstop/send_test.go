package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
)

// TestSend: the command sends by the real program, and its exit code is the outcome.
func TestSend(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	policy, err := r.caller.EnsurePolicy(t.Context(), "Unread",
		demo.Rule{Name: "Unread", Type: client.RuleTypeUnread, Wait: time.Second, SendID: "ACME"})
	require.NoError(t, err)
	message := messageOf("Hello {{name}}", "Hello {{name}}")
	message.Name = "Greeting"
	made, err := r.caller.API.CreateMessageWithResponse(t.Context(), message)
	require.NoError(t, err)
	require.NotNil(t, made.JSON201, string(made.Body))
	send := func(args ...string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		environ := []string{"BACKSTOP_URL=" + r.apiURL, "BACKSTOP_API_KEY=" + r.environment["BACKSTOP_API_KEY"]}
		code = run(t.Context(), append([]string{"send"}, args...), environ, &out, &errs)
		require.NotContains(t, out.String()+errs.String(), r.environment["BACKSTOP_API_KEY"])
		return code, out.String(), errs.String()
	}

	code, stdout, stderr := send("--policy", "unread", "--to", "+447400123402", "--text", "Hello")
	require.Equal(t, exitOK, code, stderr)
	id := strings.TrimSpace(stdout)
	require.True(t, isID(id), stdout)
	key := regexp.MustCompile(`idempotency key: (\S+) `).FindStringSubmatch(stderr)
	require.Len(t, key, 2, stderr)
	code, stdout, _ = send("--policy", policy, "--to", "+447400123402", "--text", "Hello", "--key", key[1], "--json")
	require.Equal(t, exitOK, code)
	var accepted client.SendAccepted
	require.NoError(t, json.Unmarshal([]byte(stdout), &accepted))
	require.Equal(t, id, accepted.ID, "a repeat sends nothing")

	code, stdout, stderr = send("--policy", "Unread", "--to", "+447400123502", "--message", "greeting", "--var", "name=Ada", "--wait")
	require.Equal(t, exitOK, code, stderr)
	for _, kind := range []string{"accepted", "attempt", "receipt", "rule_fired", "finished"} {
		require.Contains(t, stdout, "  "+kind)
	}
	require.Equal(t, 1, strings.Count(stdout, "  accepted"), "each event is printed once")

	code, stdout, stderr = send("--policy", "Unread", "--to", "+447400123413", "--text", "Hello", "--wait", "--json")
	require.Equal(t, exitUndelivered, code, stderr)
	require.Contains(t, stderr, "the send ended with the outcome failed")
	all := strings.Split(strings.TrimSpace(stdout), "\n")
	var last client.Send
	require.NoError(t, json.Unmarshal([]byte(all[len(all)-1]), &last))
	require.Equal(t, client.OutcomeFailed, last.Outcome)
	require.Equal(t, "+447400123413", last.To)

	for name, row := range map[string]struct {
		args   []string
		code   int
		stderr string
	}{
		"an unknown policy": {[]string{"--policy", "none", "--to", "+447400123402", "--text", "x"}, exitFailed, `there is no policy "none"`},
		"a wrong number":    {[]string{"--policy", policy, "--to", "0740", "--text", "x"}, exitFailed, "422"},
		"a wrong variable": {
			[]string{"--policy", policy, "--to", "+447400123402", "--text", "x", "--var", "a=b"}, exitFailed, "422",
		},
		"an API that is down": {
			[]string{"--policy", policy, "--to", "+447400123402", "--text", "x", "--url", "http://127.0.0.1:1"}, exitFailed, "refused",
		},
		"no recipient":     {[]string{"--policy", policy, "--text", "x"}, exitUsage, "--policy and --to are required"},
		"no text":          {[]string{"--policy", policy, "--to", "+447400123402"}, exitUsage, "either --text or --message"},
		"text and message": {[]string{"--policy", "p", "--to", "+44", "--text", "x", "--message", "m"}, exitUsage, "either --text or"},
		"no value":         {[]string{"--policy", "p", "--to", "+44", "--text", "x", "--var", "a"}, exitUsage, "must be NAME=VALUE"},
		"a wrong URL":      {[]string{"--policy", "p", "--to", "+44", "--text", "x", "--url", "x"}, exitUsage, "BACKSTOP_URL: must be"},
		"an argument":      {[]string{"now"}, exitUsage, `unknown argument "now"`},
	} {
		code, stdout, stderr := send(row.args...)
		require.Equal(t, row.code, code, name+": "+stderr)
		require.Contains(t, stderr, row.stderr, name)
		require.Empty(t, stdout, name)
	}
	var out, errs bytes.Buffer
	require.Equal(t, exitFailed, run(t.Context(), []string{"send", "--policy", policy, "--to", "+447400123402", "--text", "x"},
		[]string{"BACKSTOP_URL=" + r.apiURL, "BACKSTOP_API_KEY=another-wrong-key"}, &out, &errs))
	require.Contains(t, errs.String(), "401")
	require.NotContains(t, errs.String(), "another-wrong-key")
	require.Equal(t, exitOK, run(t.Context(), []string{"send", "--help"}, nil, &out, &errs))
	require.Contains(t, out.String(), "usage: backstop send")
}

// TestSend_restart: the API is restarted while the command waits.
func TestSend_restart(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	_, err := r.caller.EnsurePolicy(t.Context(), "Patient",
		demo.Rule{Name: "Patient", Type: client.RuleTypeUnread, Wait: 8 * time.Second, SendID: "ACME"})
	require.NoError(t, err)
	code := make(chan int, 1)
	var out, errs bytes.Buffer
	environ := []string{"BACKSTOP_URL=" + r.apiURL, "BACKSTOP_API_KEY=" + r.environment["BACKSTOP_API_KEY"]}
	go func() {
		code <- run(t.Context(), []string{"send", "--policy", "Patient", "--to", "+447400123402", "--text", "Hello", "--wait"},
			environ, &out, &errs)
	}()
	require.Eventually(t, func() bool {
		all, err := r.caller.API.ListSendsWithResponse(t.Context(), &client.ListSendsParams{})
		return err == nil && all.JSON200 != nil && len(all.JSON200.Items) == 1
	}, 20*time.Second, 50*time.Millisecond)
	time.Sleep(time.Second) // the stream is open
	r.kill()
	r.start()
	require.Equal(t, exitOK, <-code, errs.String())
	require.Contains(t, errs.String(), "the stream broke off")
	require.Equal(t, 1, strings.Count(out.String(), "  accepted"), out.String())
	require.Equal(t, 1, strings.Count(out.String(), "  finished"), out.String())
}
