package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
)

func TestCallbacks_filters(t *testing.T) {
	t.Parallel()
	r := newCallbackRig(t)
	one, other := r.insert(hook), r.insert("https://other.example/")
	third := r.insert(hook)
	r.try(one.ID, 200, 0)
	r.try(other.ID, 500, time.Hour)
	status, none := 500, 0
	before := one.AcceptedAt.Add(-time.Minute)
	tests := map[string]struct {
		filter backstop.CallbackFilter
		want   []string
	}{
		"all":       {backstop.CallbackFilter{}, []string{third.ID, other.ID, one.ID}},
		"send":      {backstop.CallbackFilter{Send: one.ID}, []string{one.ID}},
		"delivered": {backstop.CallbackFilter{State: backstop.CallbackDelivered}, []string{one.ID}},
		"pending":   {backstop.CallbackFilter{State: backstop.CallbackPending}, []string{third.ID, other.ID}},
		"url":       {backstop.CallbackFilter{URL: hook}, []string{third.ID, one.ID}},
		"status":    {backstop.CallbackFilter{Status: &status}, []string{other.ID}},
		"no answer": {backstop.CallbackFilter{Status: &none}, nil},
		"until":     {backstop.CallbackFilter{Until: before}, nil},
		"from":      {backstop.CallbackFilter{From: before, State: backstop.CallbackDelivered}, []string{one.ID}},
		"no send":   {backstop.CallbackFilter{Send: "x"}, nil},
	}
	for name, test := range tests {
		list, _, err := r.ListCallbacks(t.Context(), test.filter, backstop.Page{Limit: 10})
		require.NoError(t, err, name)
		var sends []string
		for _, c := range list {
			sends = append(sends, c.Send)
		}
		require.Equal(t, test.want, sends, name)
		total, err := r.CountCallbacks(t.Context(), test.filter)
		require.NoError(t, err, name)
		require.Equal(t, backstop.Total{Count: len(test.want), IsExact: true}, total, name)
	}
}

// Each filter of the callbacks finds its index.
func TestIndexes_callbacks(t *testing.T) {
	t.Parallel()
	p := newPlanned(t)
	p.exec(copySends, policyID, 20_000, "whatsapp")
	p.exec(copySends, policyID, 50, "failed")
	p.exec(`INSERT INTO callbacks (id, send, seq, event, url, state, created_at, queued_at, tries, status, ended_at)
SELECT id, sends.id, 1, 'finished', CASE outcome WHEN 'failed' THEN 'https://rare.example/' ELSE 'https://shop.example/hook' END,
    CASE outcome WHEN 'failed' THEN 'failed' ELSE 'delivered' END, accepted_at, now(), 1, CASE outcome WHEN 'failed' THEN 503 ELSE 200 END, now()
FROM sends`)
	p.exec(`ANALYZE callbacks`)
	status := 503
	for index, filter := range map[string]backstop.CallbackFilter{
		"callbacks_by_url":      {URL: "https://rare.example/"},
		"callbacks_undelivered": {State: backstop.CallbackFailed},
		"callbacks_by_status":   {Status: &status},
		"callbacks_once":        {Send: policyID},
		"callbacks_pkey":        {},
	} {
		query, values := postgres.CallbacksQuery(filter, 51)
		require.Contains(t, p.explain(query, values...), index)
	}
}
