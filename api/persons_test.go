package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

const somebody = "+447400123456"

func personRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.persons.number, r.persons.parts = somebody, personParts(2)
	return r
}

func TestPersons_Get(t *testing.T) {
	t.Parallel()
	r := personRig(t)
	r.persons.person = backstop.PersonalData{
		Sends: 5, OpenSends: 1, Inbound: 2, OptOuts: 1, OptOutChanges: 3, AuditEntries: 4,
		Erasure: &backstop.Erasure{ID: someID, To: somebody, CreatedAt: now},
	}
	var got api.PersonalData
	answered := r.call(t, "GET", "/v1/person?to=%2B447400123456", "")
	answered.into(200, &got)
	require.NotContains(t, answered.Body.String(), somebody)
	require.NotContains(t, r.logs.String(), somebody[1:])
	require.Equal(t, api.PersonalData{
		Sends: 5, OpenSends: 1, Inbound: 2, OptOuts: 1, OptOutChanges: 3, AuditEntries: 4, Erasure: &api.Erasure{
			ID: someID, State: "running", CreatedAt: now, Changed: map[string]int{},
		},
	}, got)
	got = api.PersonalData{}
	r.call(t, "GET", "/v1/person?to=%2B447400123457", "").into(200, &got)
	require.Equal(t, api.PersonalData{}, got)
	require.Empty(t, r.persons.entries)

	r.call(t, "GET", "/v1/person", "").problem(400, "malformed", "to")
	r.call(t, "GET", "/v1/person?to=447400123456", "").problem(400, "malformed", "to")
	r.call(t, "GET", "/v1/person?to=%2B44740", "").problem(400, "malformed", "to")
	r.persons.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	r.call(t, "GET", "/v1/person?to=%2B447400123456", "").problem(503, "unavailable")
}

func TestPersons_Export(t *testing.T) {
	t.Parallel()
	r := personRig(t)
	status, header, file, err := r.exportPerson(t, somebody)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, "application/json", header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="person-20310504-120000.json"`, header.Get("Content-Disposition"))
	require.JSONEq(t, `{"exported_at": "2031-05-04T12:00:00Z", "to": "+447400123456", "sends": [
		{"text": "one"}, {"text": "two"}, {"text": "one"}, {"text": "two"}
	], "inbound": [], "opt_outs": [], "opt_out_changes": [], "guard_counts": [], "audit": [], "erasures": []}`, file)
	require.NotContains(t, r.logs.String(), somebody[1:])
	require.Equal(t, []backstop.AuditEntry{{Action: "create", Kind: "export", To: somebody}}, r.persons.entries)

	r.call(t, "POST", "/v1/exports", `{"to": "+44740"}`).problem(422, "invalid", "to")
	r.call(t, "POST", "/v1/exports", `{}`).problem(400, "malformed", "to")
	require.Len(t, r.persons.entries, 1, "nothing was exported")
	r.persons.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	r.call(t, "POST", "/v1/exports", `{"to": "+447400123456"}`).problem(503, "unavailable")
}

// An export that breaks off is no whole JSON, and the connection is closed. Before the first row, an error has a status.
func TestPersons_Export_brokenOff(t *testing.T) {
	t.Parallel()
	r := personRig(t)
	r.persons.breakAt = 1
	status, _, file, err := r.exportPerson(t, somebody)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, 200, status)
	require.False(t, json.Valid([]byte(file)))
	require.Eventually(t, func() bool { return strings.Contains(r.logs.String(), "export aborted") }, patience, 10*time.Millisecond)
}

// The time-outs of the server bound a request, and not a long export.
func TestPersons_Export_outlivesRequest(t *testing.T) {
	t.Parallel()
	r := personRig(t)
	r.persons.slow = requestBound / 4
	_, _, file, err := r.exportPerson(t, somebody)
	require.NoError(t, err, r.logs.String())
	require.True(t, json.Valid([]byte(file)))
}

// exportPerson asks a real server: a recorder has no deadlines.
func (r *rig) exportPerson(t *testing.T, number string) (status int, header http.Header, body string, err error) {
	t.Helper()
	server := httptest.NewUnstartedServer(r.handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = requestBound, requestBound
	server.Start()
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1/exports",
		strings.NewReader(`{"to": "`+number+`"}`))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(read), err
}

func TestErasures_List(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var list api.ErasureList
	r.call(t, "GET", "/v1/erasures", "").into(200, &list)
	require.Empty(t, list.Items)
	done := backstop.Erasure{ID: someID, CreatedAt: now, FinishedAt: &now, Changed: map[string]int{"sends": 2}}
	other := done
	other.ID = someID[:len(someID)-1] + "0"
	r.persons.erasures = []backstop.Erasure{other, done}
	r.call(t, "GET", "/v1/erasures?limit=1", "").into(200, &list)
	require.Len(t, list.Items, 1)
	require.Equal(t, api.ErasureStateDone, list.Items[0].State)
	require.Equal(t, map[string]int{"sends": 2}, list.Items[0].Changed)
	next := *list.NextCursor
	list = api.ErasureList{}
	r.call(t, "GET", "/v1/erasures?limit=1&cursor="+next, "").into(200, &list)
	require.Equal(t, other.ID, list.Items[0].ID)
	require.Nil(t, list.NextCursor)
}
