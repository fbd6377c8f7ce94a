package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
)

// findProblems names each difference between a send and its case, and counts only messages that the provider accepted.
func TestDemonstration_findProblems(t *testing.T) {
	t.Parallel()
	sandbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/messages?to=%2B447400123404" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, `[{"channel":"whatsapp"},{"channel":"sms","accepted":true},{"channel":"sms","accepted":true}]`)
	}))
	t.Cleanup(sandbox.Close)
	rejected := demoCase{
		to: "+447400123404", what: "rejected", outcome: client.OutcomeSms, rule: "Only failures", sms: 2,
	}
	asExpected := &demoSend{demoCase: rejected, send: &client.Send{
		Outcome: client.OutcomeSms, Fired: &client.Fired{Rule: "Only failures"},
	}}
	different := &demoSend{demoCase: rejected, send: &client.Send{Outcome: client.OutcomeWhatsapp, DuplicateDelivery: true}}
	different.whatsapp, different.sms = 1, 1

	d := &demonstration{backstop: Backstop{SandboxURL: sandbox.URL}, sends: []*demoSend{asExpected, different}}
	problems, err := d.findProblems(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{
		"+447400123404 (rejected): the outcome is whatsapp, not sms",
		"+447400123404 (rejected): the rule that fired is , not Only failures",
		"+447400123404 (rejected): duplicate delivery is true, not false",
		"+447400123404 (rejected): the number of WhatsApp messages is 0, not 1",
		"+447400123404 (rejected): the number of SMS is 2, not 1",
	}, problems)
}
