package api_test

import (
	"encoding/csv"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func exported(i int) backstop.Send {
	return backstop.Send{
		ID: someID[:len(someID)-6] + strconv.Itoa(100_000+i), To: "+447400123456", Country: "GB", AcceptedAt: now,
		Outcome: backstop.OutcomePending, Status: backstop.Statuses{WhatsApp: backstop.Queued},
		Plan: backstop.Plan{PolicyID: someID, PolicyName: "Parcels", Rules: []backstop.Rule{{Name: "=cmd()", SendID: "+15550100"}}},
	}
}

// export asks a real server for the file: a recorder has no deadlines.
func (r *rig) export(t *testing.T, query string) (status int, header http.Header, body string, err error) {
	t.Helper()
	return r.exportFile(t, "/v1/sends.csv?"+query)
}

func (r *rig) exportFile(t *testing.T, path string) (status int, header http.Header, body string, err error) {
	t.Helper()
	server := httptest.NewUnstartedServer(r.handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = requestBound, requestBound
	server.Start()
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(read), err
}

func TestSends_Export(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sends = []backstop.Send{exported(0), exported(1)}
	r.sends[1].Fired, r.sends[1].FallbackReason, r.sends[1].Status.SMS = "=cmd()", backstop.NotRead, backstop.Delivered
	r.sends[1].Outcome, r.sends[1].DeliveredBy, r.sends[1].DeliveredAt = backstop.OutcomeSMS, backstop.SMS, new(now.Add(time.Minute))
	r.sends[1].Category, r.sends[1].DuplicateDelivery, r.sends[1].FinishedAt = backstop.Utility, true, new(now.Add(time.Hour))
	r.sends[1].ConfirmedAt = new(now.Add(2 * time.Hour))
	r.sends[1].Plan.PolicyName = "Parcels, \"new\"\nline"
	status, header, file, err := r.export(t, "")
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.Equal(t, "text/csv; charset=utf-8", header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="sends-20310504-120000.csv"`, header.Get("Content-Disposition"))
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	row := map[string]string{}
	for i, name := range rows[0] {
		row[name] = rows[1][i]
	}
	require.Equal(t, map[string]string{
		"id": r.sends[1].ID, "accepted_at": "2031-05-04T12:00:00Z", "to": "+447400123456", "country": "GB", "category": "utility",
		"policy_id": someID, "policy_name": "Parcels, \"new\"\nline", "outcome": "sms", "whatsapp_status": "queued",
		"sms_status": "delivered", "fired_rule": "'=cmd()", "fallback_reason": "not_read", "sms_sender": "'+15550100",
		"duplicate_delivery": "true", "delivered_at": "2031-05-04T12:01:00Z", "delivered_by": "sms",
		"finished_at": "2031-05-04T13:00:00Z", "confirmed_at": "2031-05-04T14:00:00Z", "correlation_id": "", "metadata": "",
		"send_at": "", "started_at": "",
	}, row)

	r.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	r.call(t, "GET", "/v1/sends.csv", "").problem(503, "unavailable")
}

// The file is read in pages, and has each send once.
func TestSends_Export_pages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const n = 3210
	for i := range n {
		r.sends = append(r.sends, exported(i))
	}
	_, _, file, err := r.export(t, "")
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		require.False(t, seen[row[0]])
		seen[row[0]] = true
	}
	require.Len(t, seen, n)

	r.breakOff = 2 // the second page fails after the first was sent: the client must not take it for the whole
	status, _, _, err := r.export(t, "")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, 200, status)
	require.Eventually(t, func() bool { return strings.Contains(r.logs.String(), "export aborted") }, patience, 10*time.Millisecond)
}

// The time-outs of the server bound a request, and not a long file.
func TestSends_Export_outlivesRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.slow = requestBound / 2
	const n = 3500 // of four pages
	for i := range n {
		r.sends = append(r.sends, exported(i))
	}
	_, _, file, err := r.export(t, "")
	require.NoError(t, err, r.logs.String())
	require.Equal(t, 1+n, strings.Count(file, "\r\n"))
}
