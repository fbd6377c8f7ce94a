package ledgers_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/ledgers"
)

// The ids of callbacks are in the order of their events, also of those that one change adds.
func TestCallbacksOf_order(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 5, 4, 12, 10, 0, 0, time.UTC)
	events := make([]backstop.Event, 20)
	for i := range events {
		events[i] = backstop.Event{Kind: backstop.EventFinished, At: at.Add(time.Duration(i/10) * time.Second)}
	}
	q, err := ledgers.CallbacksOf(&backstop.Callback{URL: "https://example.com"}, events, 4)
	require.NoError(t, err)
	require.Equal(t, 24, q.Last)
	var rows []struct {
		ID  string `json:"id"`
		Seq int    `json:"seq"`
	}
	require.NoError(t, json.Unmarshal([]byte(q.Rows), &rows))
	ids := make([]string, len(rows))
	for i, row := range rows {
		require.Equal(t, 5+i, row.Seq)
		ids[i] = row.ID
	}
	require.True(t, slices.IsSorted(ids))
}
