package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
)

// TestPerson exports a person and erases the person, by the commands and the real program.
func TestPerson(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	_, err := r.caller.EnsurePolicy(t.Context(), "Unread",
		demo.Rule{Name: "Unread", Type: client.RuleTypeUnread, Wait: time.Hour, SendID: "ACME"})
	require.NoError(t, err)
	command := func(args ...string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		environ := []string{"BACKSTOP_URL=" + r.apiURL, "BACKSTOP_API_KEY=" + r.environment["BACKSTOP_API_KEY"]}
		code = run(t.Context(), args, environ, &out, &errs)
		return code, out.String(), errs.String()
	}
	const number = "+447400123402"
	code, _, stderr := command("send", "--policy", "Unread", "--to", number, "--text", "zebra-finch")
	require.Equal(t, exitOK, code, stderr)
	require.Eventually(t, func() bool { // else the opt-out stops it
		asked, err := demo.CountMessages(t.Context(), r.sandboxURL, number)
		return err == nil && asked["whatsapp"] == 1
	}, 30*time.Second, 20*time.Millisecond)
	put, err := r.caller.API.PutOptOutWithResponse(t.Context(), client.OptOutInput{To: number})
	require.NoError(t, err)
	require.NotNil(t, put.JSON200, string(put.Body))

	code, stdout, stderr := command("export", "--to", number)
	require.Equal(t, exitOK, code, stderr)
	var file struct {
		To    string `json:"to"`
		Sends []struct {
			Text string `json:"text"`
		} `json:"sends"`
		OptOuts []struct{} `json:"opt_outs"`
		Audit   []struct {
			Kind string `json:"kind"`
		} `json:"audit"`
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &file))
	require.Equal(t, number, file.To)
	require.Len(t, file.Sends, 1)
	require.Equal(t, "zebra-finch", file.Sends[0].Text)
	require.Len(t, file.OptOuts, 1)
	require.Equal(t, "export", file.Audit[len(file.Audit)-1].Kind, "the export is in the audit")
	require.NotContains(t, stdout, "actor_from", "who of the operator did it is not the person's")

	code, _, stderr = command("erase", "--to", number)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "--yes")
	code, stdout, stderr = command("erase", "--to", number, "--yes", "--keep-opt-out=false", "--wait")
	require.Equal(t, exitOK, code, stderr)
	var report client.Erasure
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.Equal(t, client.ErasureStateDone, report.State)
	require.Equal(t, 1, report.CancelledSends)

	code, stdout, stderr = command("export", "--to", number)
	require.Equal(t, exitOK, code, stderr)
	require.NotContains(t, stdout, "zebra-finch")
	require.NoError(t, json.Unmarshal([]byte(stdout), &file))
	require.Empty(t, file.Sends)
	require.Empty(t, file.OptOuts)

	code, _, stderr = command("export", "--to", "+44")
	require.Equal(t, exitFailed, code)
	require.Contains(t, stderr, "422")
}
