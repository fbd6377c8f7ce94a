package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/logtest"
	"github.com/backstophq/backstop/internal/sandbox"
)

// The numbers of the sandbox's app: that of the environment's account, and another.
const firstNumber, secondNumber = "106540352242922", "106540352242923"

// newFleet returns a rig whose sandbox has both numbers.
func newFleet(t *testing.T, changes map[string]string) *rig {
	t.Helper()
	environment := map[string]string{"BACKSTOP_SANDBOX_META_NUMBERS": secondNumber}
	maps.Copy(environment, changes)
	return newRig(t, environment)
}

// second starts another process of the program, and waits until it serves or works. It returns the URL of its API, which a worker
// does not have, and stops it as an operator does.
func (r *rig) second(command string) (url string, stop func()) {
	r.t.Helper()
	api, err := listenLocal(r.t.Context(), "127.0.0.1:0")
	require.NoError(r.t, err)
	require.NoError(r.t, api.Close()) // the port is for the process
	environment, log := maps.Clone(r.environment), &logtest.Buffer{}
	environment["BACKSTOP_LISTEN"] = api.Addr().String()
	process := r.launch(command, environment, log)
	stop = sync.OnceFunc(func() {
		_ = process.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		_ = process.Wait()
	})
	r.t.Cleanup(stop)
	ready := map[string]string{"api": `"msg":"listening"`, "worker": `"msg":"working"`}[command]
	require.Eventually(r.t, func() bool { return strings.Contains(log.String(), ready) }, 30*time.Second, 20*time.Millisecond,
		"the process does not get ready")
	return urlOf(api.Addr()), stop
}

// stop ends the program as an operator does.
func (r *rig) stop() {
	r.t.Helper()
	require.NoError(r.t, r.process.Process.Signal(syscall.SIGTERM))
	require.NoError(r.t, r.process.Wait())
	r.process = nil
}

// secondAccount is the account of the second number, which is in the same app as the first.
func (r *rig) secondAccount() client.AccountInput {
	return client.AccountInput{
		Name: "uk", Provider: "meta", Channel: client.ChannelWhatsapp, Settings: map[string]string{
			"phone_number_id": secondNumber, "base_url": r.sandboxURL, "access_token": r.environment["BACKSTOP_META_ACCESS_TOKEN"],
			"app_secret": r.environment["BACKSTOP_META_APP_SECRET"], "verify_token": r.environment["BACKSTOP_META_VERIFY_TOKEN"],
		},
	}
}

// spareSMS is a second SMS account, of another provider, which signs nothing.
func (r *rig) spareSMS() client.AccountInput {
	return client.AccountInput{
		Name: "spare", Provider: "infobip", Channel: client.ChannelSms,
		Settings: map[string]string{"base_url": r.sandboxURL + "/infobip", "api_key": "sandbox-api-key"},
	}
}

func (r *rig) createAccount(input client.AccountInput) client.Account {
	r.t.Helper()
	made, err := r.caller.API.CreateAccountWithResponse(r.t.Context(), &client.CreateAccountParams{}, input)
	require.NoError(r.t, err)
	require.NotNil(r.t, made.JSON201, string(made.Body))
	return *made.JSON201
}

// replaceAccount changes an account: its settings without secrets stay, unless the change has others.
func (r *rig) replaceAccount(account client.AccountInput, change func(*client.AccountChangeInput)) client.Account {
	r.t.Helper()
	input := client.AccountChangeInput{Settings: map[string]string{}}
	for _, field := range []string{"phone_number_id", "base_url"} {
		if value := account.Settings[field]; value != "" {
			input.Settings[field] = value
		}
	}
	input.WhenUnhealthy = account.WhenUnhealthy
	change(&input)
	replaced, err := r.caller.API.ReplaceAccountWithResponse(r.t.Context(), account.Name, &client.ReplaceAccountParams{IfMatch: "*"}, input)
	require.NoError(r.t, err)
	require.NotNil(r.t, replaced.JSON200, string(replaced.Body))
	return *replaced.JSON200
}

// sendBy starts a send that names a WhatsApp account; "" names none.
func (r *rig) sendBy(account, to, policy string) (id string) {
	r.t.Helper()
	text := "Your code is 1234."
	input := client.SendInput{
		To: to, Whatsapp: client.WhatsAppInput{Text: &text}, Fallback: client.FallbackInput{PolicyID: &policy, Text: text},
	}
	if account != "" {
		input.Whatsapp.Account = &account
	}
	accepted, err := r.caller.API.CreateSendWithResponse(r.t.Context(), &client.CreateSendParams{}, input)
	require.NoError(r.t, err)
	require.NotNil(r.t, accepted.JSON202, string(accepted.Body))
	return accepted.JSON202.ID
}

// ended waits for the end of a send.
func (r *rig) ended(id string) *client.Send {
	r.t.Helper()
	var send *client.Send
	require.Eventually(r.t, func() bool {
		var err error
		send, err = r.caller.Send(r.t.Context(), id)
		return err == nil && send.FinishedAt != nil
	}, 60*time.Second, 50*time.Millisecond, "the send does not end")
	return send
}

// calls returns the calls that the sandbox got, the oldest first.
func (r *rig) calls(keep func(sandbox.Message) bool) (kept []sandbox.Message) {
	r.t.Helper()
	list, err := r.get(r.sandboxURL + "/messages")
	require.NoError(r.t, err)
	var all []sandbox.Message
	require.NoError(r.t, json.Unmarshal([]byte(list), &all))
	for _, m := range all {
		if keep(m) {
			kept = append(kept, m)
		}
	}
	return kept
}

// acceptedFrom keeps the calls of a sender that were accepted.
func acceptedFrom(sender string) func(sandbox.Message) bool {
	return func(m sandbox.Message) bool { return m.From == sender && m.Accepted }
}

// setOutage puts a simulated provider out of order; "" ends that.
func (r *rig) setOutage(provider, kind string) {
	r.t.Helper()
	method := http.MethodPut
	if kind == "" {
		method = http.MethodDelete
	}
	require.Equal(r.t, http.StatusNoContent, r.post(method, r.sandboxURL+"/outages/"+provider, `{"kind":"`+kind+`"}`, nil))
}

// post makes a request and returns the status of its answer.
func (r *rig) post(method, url, body string, header http.Header) (status int) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body))
	require.NoError(r.t, err)
	maps.Copy(request.Header, header)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	return response.StatusCode
}

// signedByMeta returns the headers of a webhook that Meta signs with a secret.
func signedByMeta(body, secret string) http.Header {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return http.Header{
		"Content-Type": {"application/json"}, "X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))},
	}
}

// metaWebhook is a webhook of Meta about a number, with a list such as "statuses".
func metaWebhook(number, list string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{` +
		`"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"` + number + `"},` + list + `}}]}]}`
}
