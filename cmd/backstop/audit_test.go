package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
)

// auditRig calls the operations of the contract in an order in which each finds what it needs.
type auditRig struct {
	*rig

	ids     map[string]string // by name, for paths and bodies: {rule} is the id of the rule
	entries int               // that the audit has
}

// auditCase is one operation. Its answer has the id that later operations use.
type auditCase struct {
	operation, method, path, body string

	as     string // the name of the id that the answer has
	audits string // the action and the kind of its one entry
	no     string // why it has none
}

// ask makes a request with the key of the program, and returns the answer, which must be a success.
func (r *auditRig) ask(method, path, body string) (answer map[string]any) {
	r.t.Helper()
	for name, id := range r.ids {
		path, body = strings.ReplaceAll(path, "{"+name+"}", id), strings.ReplaceAll(body, "{"+name+"}", id)
	}
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.apiURL+path, strings.NewReader(body))
	require.NoError(r.t, err)
	request.Header = http.Header{
		"Authorization": {"Bearer " + r.environment["BACKSTOP_API_KEY"]}, "If-Match": {"*"}, "Content-Type": {"application/json"},
	}
	if strings.HasSuffix(path, ".csv") {
		request.Header.Set("Content-Type", "text/csv")
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(r.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	require.Less(r.t, response.StatusCode, 300, "%s %s: %s", method, path, text)
	if len(text) > 0 {
		require.NoError(r.t, json.Unmarshal(text, &answer))
	}
	return answer
}

// added returns the entries of the audit since the last call, the newest first.
func (r *auditRig) added() []any {
	r.t.Helper()
	all, ok := r.ask("GET", "/v1/audit?limit=200", "")["items"].([]any)
	require.True(r.t, ok)
	added := all[:len(all)-r.entries]
	r.entries = len(all)
	return added
}

func auditCases() []auditCase {
	const (
		rule    = `{"name":"NAME","type":"unread","wait_seconds":600,"send_id":"ACME"}`
		message = `{"name":"NAME","whatsapp":{"text":"Hello"},"sms":{"text":"Hello"}}`
		account = `{"name":"spare","provider":"infobip","channel":"sms",
			"settings":{"base_url":"{sandbox}/infobip","api_key":"sandbox-api-key"}}`
		change = `{"settings":{"base_url":"{sandbox}/infobip"},"disabled":true}`
		send   = `{"to":"+4474008%05d","send_at":"{later}","correlation_id":%q,"whatsapp":{"text":"Hello"},
			"fallback":{"policy_id":"{policy}","text":"Hello"}}`
		isSend  = "the send is its own record, and its timeline is its history"
		changes = "it changes nothing"
	)
	named := func(body, name string) string { return strings.Replace(body, "NAME", name, 1) }
	return []auditCase{
		{"CreateRule", "POST", "/v1/rules", named(rule, "a"), "rule", "create rule", ""},
		{"ReplaceRule", "PUT", "/v1/rules/{rule}", named(rule, "b"), "", "update rule", ""},
		{"CreatePolicy", "POST", "/v1/policies", `{"name":"p","rule_ids":["{rule}"]}`, "policy", "create policy", ""},
		{"ReplacePolicy", "PUT", "/v1/policies/{policy}", `{"name":"q","rule_ids":["{rule}"]}`, "", "update policy", ""},
		{"CreateMessage", "POST", "/v1/messages", named(message, "a"), "message", "create message", ""},
		{"ReplaceMessage", "PUT", "/v1/messages/{message}", named(message, "b"), "", "update message", ""},
		{"PreviewMessage", "POST", "/v1/messages/preview", `{"whatsapp":{"text":"Hello"},"sms":{"text":"Hello"}}`, "", "", changes},
		{"DeleteMessage", "DELETE", "/v1/messages/{message}", "", "", "delete message", ""},
		{"CreateAccount", "POST", "/v1/accounts", account, "", "create account", ""},
		{"ReplaceAccount", "PUT", "/v1/accounts/spare", change, "", "update account", ""},
		{"PatchAccount", "PATCH", "/v1/accounts/spare", `{"calls_at_once":3}`, "", "update account", ""},
		{"CheckAccount", "POST", "/v1/accounts/spare/check", "", "", "", changes},
		{"TestAccount", "POST", "/v1/accounts/spare/test", `{"to":"+447400800001","send_id":"ACME"}`, "", "test account", ""},
		{"DeleteAccount", "DELETE", "/v1/accounts/spare", "", "", "delete account", ""},
		{"ReplaceGuards", "PUT", "/v1/guards", `{"country_cap":5000}`, "", "update guards", ""},
		{"CreateKey", "POST", "/v1/keys", `{"name":"shop","scopes":["sends:read"]}`, "key", "create key", ""},
		{"PatchKey", "PATCH", "/v1/keys/{key}", `{"rate_limit":5}`, "", "update key", ""},
		{"RotateKey", "POST", "/v1/keys/{key}/rotate", `{}`, "", "update key", ""},
		{"RevokeKey", "DELETE", "/v1/keys/{key}", "", "", "delete key", ""},
		{"EndSession", "DELETE", "/v1/sessions/{session}", "", "", "end session", ""},
		{"PutOptOut", "PUT", "/v1/opt-outs", `{"to":"+447400123456"}`, "", "create opt_out", ""},
		{"DeleteOptOut", "DELETE", "/v1/opt-outs?to=%2B447400123456&category=all", "", "", "delete opt_out", ""},
		{"ImportOptOuts", "POST", "/v1/opt-outs.csv", "to\n+447400123457\n", "", "create opt_out", ""},
		{"PreviewSend", "POST", "/v1/sends/preview", fmt.Sprintf(send, 1, "z"), "", "", changes},
		{"CreateSend", "POST", "/v1/sends", fmt.Sprintf(send, 1, "a"), "cancelled", "", isSend},
		{"CreateSend", "POST", "/v1/sends", fmt.Sprintf(send, 2, "b"), "confirmed", "", isSend},
		{"CreateSend", "POST", "/v1/sends", fmt.Sprintf(send, 3, "cancel all"), "", "", isSend},
		{"CreateSend", "POST", "/v1/sends", fmt.Sprintf(send, 4, "confirm all"), "", "", isSend},
		{"RepeatSend", "POST", "/v1/sends/{cancelled}/repeat", "", "", "", isSend},
		{"CancelSend", "POST", "/v1/sends/{cancelled}/cancel", "", "", "cancel send", ""},
		{"CancelSends", "POST", "/v1/sends/cancel", `{"correlation_id":"cancel all"}`, "", "cancel send", ""},
		{"ConfirmSend", "POST", "/v1/sends/{confirmed}/confirm", "", "", "confirm send", ""},
		{"ConfirmSends", "POST", "/v1/sends/confirm", `{"correlation_id":"confirm all"}`, "", "confirm send", ""},
		{"ReplayCallback", "POST", "/v1/callbacks/{callback}/replay", "", "", "replay callback", ""},
		{"ReplayCallbacks", "POST", "/v1/callbacks/replay", `{"state":"gone"}`, "", "replay callback", ""},
		{"ExportPerson", "POST", "/v1/exports", `{"to":"+447400123456"}`, "", "create export", ""},
		{"CreateErasure", "POST", "/v1/erasures", `{"to":"+447400123499"}`, "", "create erasure", ""},
		{"DeletePolicy", "DELETE", "/v1/policies/{policy}", "", "", "delete policy", ""},
		{"DeleteRule", "DELETE", "/v1/rules/{rule}", "", "", "delete rule", ""},
	}
}

// mutating returns the operations of the contract under /v1 that may change something.
func (r *auditRig) mutating() (operations []string) {
	r.t.Helper()
	paths, ok := r.ask("GET", "/openapi.json", "")["paths"].(map[string]any)
	require.True(r.t, ok)
	for path, methods := range paths {
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		for method, operation := range methods.(map[string]any) {
			if slices.Contains([]string{"post", "put", "patch", "delete"}, method) {
				operations = append(operations, operation.(map[string]any)["operationId"].(string))
			}
		}
	}
	return operations
}

// TestAudit calls each operation that may change something: it leaves exactly one entry, by the key that called.
func TestAudit(t *testing.T) {
	t.Parallel()
	receiver := newCallbackReceiver(t, func(int, string) (int, time.Duration) { return http.StatusGone, 0 })
	r := &auditRig{rig: newRig(t, map[string]string{
		"BACKSTOP_CALLBACK_URL": receiver.url(), "BACKSTOP_CALLBACK_SECRETS": callbackSecret, "BACKSTOP_CALLBACK_ALLOW": "127.0.0.1",
	})}
	r.ids = map[string]string{
		"sandbox": r.sandboxURL, "later": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	}
	called := map[string]bool{}
	for _, c := range auditCases() {
		called[c.operation] = true
		if c.operation == "ReplayCallback" {
			r.ids["callback"] = r.goneCallback()
		}
		if c.operation == "EndSession" {
			r.ids["session"] = r.openSession()
		}
		answer := r.ask(c.method, c.path, c.body)
		if c.as != "" {
			if nested, ok := answer["key"].(map[string]any); ok { // beside its secret
				answer = nested
			}
			id, ok := answer["id"].(string)
			require.True(t, ok, c.operation)
			r.ids[c.as] = id
		}
		added := r.added()
		if c.audits == "" {
			require.NotEmpty(t, c.no)
			require.Empty(t, added, c.operation)
			continue
		}
		require.Len(t, added, 1, c.operation)
		entry := added[0].(map[string]any)
		require.Equal(t, c.audits, fmt.Sprint(entry["action"], " ", entry["kind"]), c.operation)
		actor := entry["actor"].(map[string]any)
		require.Equal(t, "key", actor["kind"], c.operation)
		require.Equal(t, "127.0.0.1", actor["from"], c.operation)
	}
	require.ElementsMatch(t, r.mutating(), slices.Collect(maps.Keys(called)),
		"each operation that may change something is tried: it leaves an entry, or says why it has none")
}

// openSession signs in with the key of the program, and returns the id of the session.
func (r *auditRig) openSession() (id string) {
	r.t.Helper()
	r.ask("POST", "/console/session", `{"api_key":"`+r.environment["BACKSTOP_API_KEY"]+`"}`)
	added := r.added()
	require.Len(r.t, added, 1)
	entry := added[0].(map[string]any)
	require.Equal(r.t, "sign_in session", fmt.Sprint(entry["action"], " ", entry["kind"]))
	id, ok := entry["target"].(string)
	require.True(r.t, ok)
	return id
}

// goneCallback waits until the receiver has refused all callbacks, and returns one.
func (r *auditRig) goneCallback() (id string) {
	r.t.Helper()
	in := func(state client.CallbackState) []client.Callback {
		list, err := r.caller.API.ListCallbacksWithResponse(r.t.Context(), &client.ListCallbacksParams{State: &state})
		require.NoError(r.t, err)
		return list.JSON200.Items
	}
	require.Eventually(r.t, func() bool {
		gone := in(client.CallbackStateGone)
		if len(in(client.CallbackStatePending)) > 0 || len(gone) == 0 {
			return false
		}
		id = gone[0].ID
		return true
	}, 30*time.Second, 50*time.Millisecond)
	return id
}
