package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
	"github.com/backstophq/backstop/internal/clocktest"
)

func TestStats_Get(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	counts := backstop.Counts{
		Sends: 21, Scheduled: 4, Fallbacks: 12, Averted: 8, Duplicates: 9,
		Outcomes: map[backstop.Outcome]int64{
			backstop.OutcomePending: 1, backstop.OutcomeWhatsApp: 2, backstop.OutcomeSMS: 3,
			backstop.OutcomeUnconfirmed: 4, backstop.OutcomeExpired: 5, backstop.OutcomeFailed: 6,
		},
	}
	r.stats = backstop.Stats{
		Totals:    counts,
		Series:    []backstop.CountsAt{{At: now, Counts: counts, ByReason: []backstop.CountsOfReason{{Reason: backstop.NotRead, Fallbacks: 2}}}, {At: now.Add(15 * time.Minute)}},
		ByPolicy:  []backstop.CountsOfPolicy{{ID: someID, Name: "Parcels", Counts: counts}, {Counts: counts}}, // by own rules
		ByRule:    []backstop.CountsOfRule{{Name: "Unread", Type: backstop.Unread, Sends: 5, Fallbacks: 2}},
		ByType:    []backstop.CountsOfType{{Type: backstop.Unread, Sends: 5, Fallbacks: 2, Missed: 1}},
		ByReason:  []backstop.CountsOfReason{{Reason: backstop.NotRead, Fallbacks: 2}},
		ByCountry: []backstop.CountsOfCountry{{Country: "GB", Counts: counts}, {Country: ""}},

		TimeToDelivery: backstop.Quantiles{Count: 3, P50: 1500 * time.Millisecond, P95: time.Minute, P99: time.Hour},
	}
	var got api.Stats
	r.call(t, "GET", "/v1/stats?policy_id="+strings.ToUpper(someID), "").into(200, &got)
	require.Equal(t, []backstop.StatsFilter{{From: now.Add(-24 * time.Hour), Until: now, PolicyID: someID}}, r.asked)
	shown := api.StatsCounts{
		Sends: 21, Pending: 1, Scheduled: 4, Whatsapp: 2, Sms: 3, Unconfirmed: 4, Expired: 5, Failed: 6,
		Fallbacks: 12, Averted: 8, Duplicates: 9, DuplicateShare: new(0.75),
	}
	require.Equal(t, api.Stats{
		From: now.Add(-24 * time.Hour), Until: now, BucketSeconds: 900, Totals: shown,
		Series: []api.StatsBucket{
			{At: now, Counts: shown, ByReason: []api.StatsOfReason{{Reason: "not_read", Fallbacks: 2}}},
			{At: now.Add(15 * time.Minute), ByReason: []api.StatsOfReason{}},
		},
		ByPolicy:  []api.StatsOfPolicy{{ID: new(someID), Name: new("Parcels"), Counts: shown}, {Counts: shown}},
		ByRule:    []api.StatsOfRule{{Name: "Unread", Type: "unread", Sends: 5, Fallbacks: 2}},
		ByType:    []api.StatsOfType{{Type: "unread", Sends: 5, Fallbacks: 2, Missed: 1}},
		ByReason:  []api.StatsOfReason{{Reason: "not_read", Fallbacks: 2}},
		ByCountry: []api.StatsOfCountry{{Country: "GB", Counts: shown}, {Country: ""}},
		TimeToDelivery: api.StatsTimes{
			All: api.Quantiles{Count: 3, P50: new(1.5), P95: new(60.0), P99: new(3600.0)},
		},
	}, got)
}

func TestStats_Range(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]backstop.StatsFilter{
		"":                           {From: now.Add(-24 * time.Hour), Until: now},
		"from=2031-05-04T11:00:00Z":  {From: now.Add(-time.Hour), Until: now},
		"until=2031-05-01T00:00:00Z": {From: now.AddDate(0, 0, -4).Add(-12 * time.Hour), Until: now.AddDate(0, 0, -3).Add(-12 * time.Hour)},
		"from=2031-02-01T00:00:00Z&until=2031-05-04T00:00:00Z": {
			From: time.Date(2031, 2, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2031, 5, 4, 0, 0, 0, 0, time.UTC),
		},
	} {
		r := newRig(t)
		r.call(t, "GET", "/v1/stats?"+query, "").into(200, &api.Stats{})
		require.Len(t, r.asked, 1)
		require.True(t, want.From.Equal(r.asked[0].From), "%s: from %s", query, r.asked[0].From)
		require.True(t, want.Until.Equal(r.asked[0].Until), "%s: until %s", query, r.asked[0].Until)
	}
	r := newRig(t)
	for query, field := range map[string]string{
		"from=2031-05-04T12:00:00Z":                            "until", // now
		"from=2031-05-04T00:00:00Z&until=2031-05-03T00:00:00Z": "until",
		"from=2031-02-01T00:00:00Z&until=2031-05-04T00:00:01Z": "from",
		"from=2031-01-01T00:00:00Z":                            "from",
		"from=0000-01-01T00:00:00Z":                            "from",
		"until=1999-12-31T23:59:59Z":                           "until",
		"until=2000-01-01T00:59:59%2B01:00":                    "until",
		"until=9999-12-31T23:59:59-05:00":                      "until",
	} {
		r.call(t, "GET", "/v1/stats?"+query, "").problem(422, "invalid", field)
	}
	for query, field := range map[string]string{
		"from=yesterday": "from", "until=1": "until", "policy_id=x": "policy_id", "bucket=60": "bucket",
		"until=2031-05-03T23:59:60Z": "until", "from=292277026596-12-04T15:30:07Z": "from", "until=10000-01-01T00:00:00Z": "until",
	} {
		r.call(t, "GET", "/v1/stats?"+query, "").problem(400, "malformed", field)
	}
	require.Empty(t, r.asked)
	r.call(t, "GET", "/v1/stats", "", "Authorization", "").problem(401, "unauthorized")
}

func TestStats_Away(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.away = &backstop.Error{Code: backstop.TryLater, Message: "choose a shorter range", Cause: errTest}
	got := r.call(t, "GET", "/v1/stats", "").problem(503, "unavailable")
	require.Equal(t, "choose a shorter range", got.Detail)
	r.away = nil
	r.call(t, "GET", "/v1/stats", "").into(200, &api.Stats{})
	require.Len(t, r.asked, 2, "an error is not kept")
}

// Statistics are cached for ten seconds, also for a range without bounds, although its bounds move with the clock.
func TestStats_Kept(t *testing.T) {
	t.Parallel()
	c := clocktest.New(now)
	r := newRig(t, func(o *api.Options) { o.Now = c.Now })
	ask := func(query string, counted int) {
		t.Helper()
		r.call(t, "GET", "/v1/stats?"+query, "").into(200, &api.Stats{})
		require.Len(t, r.asked, counted)
	}
	ask("", 1)
	c.Advance(9 * time.Second)
	ask("", 1)
	ask("policy_id="+someID, 2)
	ask("from=2031-05-04T00:00:00Z", 3)
	ask("from=2031-05-04T02:00:00%2B02:00", 3)
	ask("until=2031-05-04T00:00:00Z", 4)
	c.Advance(time.Second)
	ask("", 5)
	ask("until=2031-05-04T00:00:00Z", 5)
	for i := range 200 { // more than are kept
		ask(fmt.Sprintf("from=2031-05-04T00:00:%02d.%dZ", i%60, i/60+1), 6+i)
	}
	ask("", 206)
}

// Concurrent requests for the same statistics share one query, and a caller that disconnects does not cancel it for the others.
func TestStats_Shared(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.counting = make(chan struct{})
	ctx, hangUp := context.WithCancel(t.Context())
	var asked, answered sync.WaitGroup
	request := func(ctx context.Context, status int) {
		asked.Add(1)
		answered.Go(func() {
			call := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/stats", http.NoBody)
			call.Header.Set("Authorization", "Bearer "+apiKey)
			asked.Done()
			recorder := httptest.NewRecorder()
			r.handler.ServeHTTP(recorder, call)
			if recorder.Code != status {
				t.Errorf("got %d, want %d: %s", recorder.Code, status, recorder.Body)
			}
		})
	}
	request(ctx, 503)
	for r.counted() == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 8 {
		request(t.Context(), 200)
	}
	asked.Wait()
	hangUp()
	close(r.counting)
	answered.Wait()
	require.Equal(t, 1, r.counted())
}

func TestStats_Messages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gb := backstop.SMSCounts{
		SMS: 6, Results: map[backstop.SMSResult]int64{backstop.SMSDelivered: 1, backstop.SMSFailed: 2, backstop.SMSNoReceipt: 3},
		TimeToDelivery: backstop.Quantiles{Count: 1, P50: time.Second, P95: time.Second, P99: time.Second},
		TopCode:        backstop.CountsOfCode{Provider: "twilio", Channel: backstop.SMS, Code: "30003", Sends: 2},
	}
	r.messages = backstop.MessageStats{
		BySender: []backstop.CountsOfSender{{
			Sender: "ACME", Route: "twilio", SMSCounts: gb, ByCountry: []backstop.CountsOfSenderIn{{Country: "GB", SMSCounts: gb}},
		}},
		ByCode: []backstop.CountsOfCode{
			{Provider: "meta", Channel: backstop.WhatsApp, Code: "131026", Class: backstop.RecipientFault, Sends: 4},
		},
	}
	var got api.MessageStats
	r.call(t, "GET", "/v1/stats/messages", "").into(200, &got)
	counts := api.SMSCounts{
		Sms: 6, Delivered: 1, Failed: 2, NoReceipt: 3,
		TimeToDelivery: api.Quantiles{Count: 1, P50: new(1.0), P95: new(1.0), P99: new(1.0)},
		TopCode:        &api.CodeCount{Provider: "twilio", Code: "30003", Count: 2},
	}
	class := api.FailureClassRecipient
	require.Equal(t, api.MessageStats{
		From: now.Add(-24 * time.Hour), Until: now,
		BySender: []api.StatsOfSender{{
			Sender: "ACME", Route: "twilio", Counts: counts, ByCountry: []api.SenderInCountry{{Country: "GB", Counts: counts}},
		}},
		ByCode: []api.StatsOfCode{{Provider: "meta", Channel: "whatsapp", Code: "131026", Class: &class, Sends: 4}},
	}, got)
	r.call(t, "GET", "/v1/stats/messages?from=2030-01-01T00:00:00Z", "").problem(422, "invalid", "from")
}

func TestStats_Changes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.changes = backstop.Changes{
		Before: backstop.RangeCounts{From: now.Add(-2 * time.Hour), Until: now.Add(-time.Hour), Sends: 10, Fallbacks: 1},
		After:  backstop.RangeCounts{From: now.Add(-time.Hour), Until: now, Sends: 20, Fallbacks: 8},
		Groups: []backstop.ChangeGroup{
			{PolicyID: someID, PolicyName: "Parcels", Country: "GB", Reason: backstop.ByFailure, Provider: "meta", Code: "131026", After: 6},
			{PolicyID: someID, PolicyName: "Parcels", Before: 1, After: 2},
			{Country: "FR", Before: 1, After: 2},
		},
	}
	var got api.StatsChanges
	r.call(t, "GET", "/v1/stats/changes?from=2031-05-04T11:00:00Z&policy_id="+someID, "").into(200, &got)
	require.Equal(t, now.Add(-time.Hour), r.asked[0].From)
	require.Equal(t, someID, r.asked[0].PolicyID)
	reason := api.FallbackReasonFailed
	require.Equal(t, api.StatsChanges{
		Before: api.RangeCounts{From: now.Add(-2 * time.Hour), Until: now.Add(-time.Hour), Sends: 10, Fallbacks: 1},
		After:  api.RangeCounts{From: now.Add(-time.Hour), Until: now, Sends: 20, Fallbacks: 8},
		Groups: []api.ChangeGroup{
			{
				PolicyID: new(someID), PolicyName: new("Parcels"), Country: "GB", Reason: &reason, Provider: "meta", Code: "131026", After: 6,
				Contribution: 0.3,
			},
			{PolicyID: new(someID), PolicyName: new("Parcels"), Before: 1, After: 2, Contribution: 0},
			{Country: "FR", Before: 1, After: 2, Contribution: 0},
		},
	}, got)
}
