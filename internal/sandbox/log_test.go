package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessages(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Meta.WebhookURL, opts.MaxMessages = "", 5
	s := newServer(t, opts)
	require.Empty(t, messages(t, s, ""))
	for i := range 4 {
		send(t, s, "whatsapp", fmt.Sprintf("+491510000%d101", i))
	}
	form := smsForm("+49151000021 01", "Backstop")
	form.Set("To", "+4915100002101")
	form.Del("StatusCallback")
	serve(s, twilioRequest(t.Context(), "", form))

	require.Len(t, messages(t, s, ""), 5)
	require.Len(t, messages(t, s, "?channel=whatsapp"), 4)
	require.Len(t, messages(t, s, "?to=%2B4915100002101"), 2)
	require.Len(t, messages(t, s, "?to=+4915100002101"), 2, "a + that was decoded as a space")
	require.Len(t, messages(t, s, "?to=4915100002101&channel=sms"), 1)
	require.Empty(t, messages(t, s, "?channel=pigeon"))
	first := messages(t, s, "?limit=2")
	require.Equal(t, []uint64{1, 2}, []uint64{first[0].Seq, first[1].Seq}, "oldest first")
	next := messages(t, s, "?limit=2&after=2")
	require.Equal(t, []uint64{3, 4}, []uint64{next[0].Seq, next[1].Seq})

	send(t, s, "whatsapp", "+4915100009101")
	send(t, s, "whatsapp", "+4915100009201")
	all := messages(t, s, "")
	require.Len(t, all, 5, "at most MaxMessages")
	for i, m := range all {
		require.Equal(t, uint64(i+3), m.Seq)
	}

	deleteMessages(t, s)
	require.Empty(t, messages(t, s, ""))
	send(t, s, "whatsapp", "+4915100009301")
	require.Len(t, messages(t, s, ""), 1)
}

func TestMessages_BadQuery(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	for _, query := range []string{"?limit=x", "?limit=-1", "?after=-1", "?after=x"} {
		got := serve(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/messages"+query, nil))
		require.Equal(t, http.StatusBadRequest, got.status, query)
	}
}

// The field names of the JSON, which other programs read.
func TestMessages_JSON(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Meta.WebhookURL = ""
	s := newServer(t, opts)
	serve(s, metaRequest(t.Context(), "", textBody(recipient+"01", "send-1")))
	got := serve(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/messages", nil))
	var list []map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.body), &list))
	keys := make([]string, 0, len(list[0]))
	for key := range list[0] {
		keys = append(keys, key)
	}
	require.ElementsMatch(t, []string{
		"seq", "time", "provider", "channel", "to", "from", "text", "id", "correlation", "scenario", "accepted", "answer",
	}, keys)
	require.Equal(t, map[string]any{"status": 200.0}, list[0]["answer"])
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := newServer(t, options())
	got := serve(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
	require.Equal(t, http.StatusOK, got.status)
	require.JSONEq(t, `{"status":"ok"}`, got.body)
}
