package api_test

import (
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	shop := backstop.Actor{Kind: backstop.ActorKey, ID: "k1", Name: "=shop", From: "192.0.2.7"}
	for i := range 3 {
		r.audit.entries = append(r.audit.entries, backstop.AuditEntry{
			ID: newID(), At: now.Add(time.Duration(i) * time.Second), Actor: shop, Action: backstop.AuditUpdate,
			Kind: backstop.AuditRule, Target: strconv.Itoa(i), Name: "a, b", Before: json.RawMessage(`{"name":"a"}`),
		})
	}
	r.audit.entries = append(r.audit.entries, backstop.AuditEntry{
		ID: newID(), At: now, Actor: backstop.Actor{Kind: backstop.ActorSystem, Name: "psql"}, Action: backstop.AuditCreate,
		Kind: backstop.AuditOptOut, To: "+447400123456", After: json.RawMessage(`{"category":"all"}`),
	})

	var list api.AuditList
	r.call(t, "GET", "/v1/audit?limit=2&total=true", "").into(200, &list)
	require.Equal(t, 4, list.Total.Count)
	require.Equal(t, api.AuditEntry{
		ID: r.audit.entries[3].ID, At: now, Actor: api.Actor{Kind: "system", Name: "psql"}, Action: "create", Kind: "opt_out",
		To: new("+447400123456"), After: new(json.RawMessage(`{"category":"all"}`)),
	}, list.Items[0])
	require.Equal(t, api.Actor{Kind: "key", ID: new("k1"), Name: "=shop", From: new("192.0.2.7")}, list.Items[1].Actor)
	next := *list.NextCursor
	list = api.AuditList{}
	r.call(t, "GET", "/v1/audit?limit=2&cursor="+next, "").into(200, &list)
	require.Equal(t, []string{"1", "0"}, []string{*list.Items[0].Target, *list.Items[1].Target})
	require.Nil(t, list.NextCursor)

	const all = "actor=k1&actor_kind=key&action=update&kind=rule&target=0&to=%2B447400123456&search=b" +
		"&from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z"
	want := backstop.AuditFilter{
		Actor: "k1", ActorKind: backstop.ActorKey, Action: backstop.AuditUpdate, Kind: backstop.AuditRule, Target: "0",
		To: "+447400123456", Search: "b", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Until: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
	}
	require.Equal(t, 200, r.call(t, "GET", "/v1/audit?"+all, "").Code)
	require.Equal(t, want, r.audit.filter)
	status, _, _, err := r.exportFile(t, "/v1/audit.csv?"+all)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, want, r.audit.filter)

	status, header, body, err := r.exportFile(t, "/v1/audit.csv?kind=rule")
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Contains(t, header.Get("Content-Disposition"), `filename="audit-2031`)
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 4)
	require.Equal(t, []string{
		r.audit.entries[2].ID, now.Add(2 * time.Second).Format(time.RFC3339Nano), "key", "k1", "'=shop", "192.0.2.7", "update",
		"rule", "2", "a, b", "", `{"name":"a"}`, "",
	}, rows[1])
}

func TestAudit_wrong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for query, code := range map[string]int{
		"from=0001-01-01T00:00:00Z": 422, "kind=x": 400, "action=x": 400, "actor_kind=x": 400, "to=12": 400, "target=": 400, "actor=": 400, "from=x": 400,
	} {
		require.Equal(t, code, r.call(t, "GET", "/v1/audit?"+query, "").Code, query)
		require.Equal(t, code, r.call(t, "GET", "/v1/audit.csv?"+query, "").Code, query)
	}
	require.Equal(t, 400, r.call(t, "GET", "/v1/audit?cursor=x", "").Code)
	r.audit.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	for _, path := range []string{"/v1/audit", "/v1/audit.csv"} {
		require.Equal(t, 503, r.call(t, "GET", path, "").Code)
	}
}
