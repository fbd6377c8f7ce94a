package handoff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// An account fault that a webhook brings is logged for the operator, once for all of its receipts, and shown with the send.
func TestHandoff_Deliver_accountFault(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.handoff(nil)
	failed := func(class backstop.RejectClass, code string) (send string, failed backstop.Receipt) {
		send = accept(t, h).ID
		r.begin(send, backstop.Call{Channel: backstop.WhatsApp})
		failed = receipt(send, backstop.Failed)
		failed.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: class, Code: code, Reason: "Business Account locked"}
		return send, failed
	}
	send, first := failed(backstop.AccountFault, "131031")
	_, second := failed(backstop.AccountFault, "131031")
	_, other := failed(backstop.RecipientFault, "131026")
	deliver(t, h, first, second, other)

	require.Equal(t, 1, strings.Count(r.log.String(), `"level":"ERROR"`))
	require.Contains(t, r.log.String(), `"provider":"meta","code":"131031","reason":"Business Account locked","receipts":2}`)
	require.NotContains(t, r.log.String(), to[1:])

	attempts, events, err := r.db.Timeline(t.Context(), send)
	require.NoError(t, err)
	require.EqualError(t, attempts[0].Why(), "rejected (account) 131031: Business Account locked")
	reported := events[slices.IndexFunc(events, func(e backstop.Event) bool { return e.Kind == backstop.EventReceipt })]
	require.Equal(t, "131031", reported.Code)
	require.Equal(t, "rejected (account): Business Account locked", reported.Detail)
}
