package telemetry_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/logtest"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/telemetry"
)

func newTelemetry(t *testing.T) *telemetry.Telemetry {
	t.Helper()
	made, err := telemetry.New(t.Context(), telemetry.Options{Scraped: true, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { made.Close(context.WithoutCancel(t.Context())) })
	return made
}

// scrape returns the lines of our metrics, without the buckets of histograms and their sums.
func scrape(t *testing.T, from *telemetry.Telemetry) string {
	t.Helper()
	answer := httptest.NewRecorder()
	from.Metrics().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, answer.Code, answer.Body.String())
	var lines []string
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "backstop_") && !strings.Contains(line, "_bucket{") && !strings.Contains(line, "_sum") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

var accounts = []backstop.Candidate{{Account: "number", Provider: "meta"}, {Account: "main", Provider: "twilio"}}

// newSend returns a send that was accepted an hour ago. The wait of its rule has ended a second ago.
func newSend(t *testing.T, db *postgres.DB) backstop.Send {
	t.Helper()
	at := db.Now().Add(-time.Hour)
	id, err := db.NewID(at)
	require.NoError(t, err)
	return backstop.Send{
		ID: id, To: "+447400123456", Country: "GB", Text: "hello", SMSText: "hello by SMS", AcceptedAt: at,
		Status: backstop.Statuses{WhatsApp: backstop.Queued}, Outcome: backstop.OutcomePending,
		Plan: backstop.Plan{PolicyID: "0190a0a0-0000-7000-8000-000000000001", PolicyName: "Codes", Account: "number", Rules: []backstop.Rule{{
			Name: "late", Type: backstop.Undelivered, WaitSeconds: 3599, SendID: "Acme", Routes: []backstop.Route{{Account: "main"}},
		}}},
	}
}

// live lets a send fall back after its wait. It makes each call twice, as the engine may.
func live(t *testing.T, db *postgres.DB) {
	t.Helper()
	send := newSend(t, db)
	twice := func(do func() error) {
		t.Helper()
		require.NoError(t, do())
		require.NoError(t, do())
	}
	call := func(c backstop.Call, f *backstop.Failure) {
		t.Helper()
		c.Token, c.Candidates = rand.Text(), accounts
		var ruling backstop.Ruling
		twice(func() (err error) {
			ruling, _, err = db.Begin(t.Context(), send.ID, c)
			return err
		})
		require.Equal(t, backstop.MayCall, ruling.Answer)
		ending := backstop.Ending{Step: ruling.Attempt.Ref.Step, Token: c.Token, Failure: f}
		if f == nil {
			ending.Submission = backstop.Submission{MessageID: fmt.Sprint(send.ID, ruling.Attempt.Ref.Step), Segments: 1}
		}
		twice(func() error {
			_, _, err := db.End(t.Context(), send.ID, ending)
			return err
		})
	}
	receive := func(step int, channel backstop.Channel, status backstop.Status) {
		t.Helper()
		account := map[backstop.Channel]backstop.Candidate{backstop.WhatsApp: accounts[0], backstop.SMS: accounts[1]}[channel]
		twice(func() error {
			_, err := db.InsertReceipts(t.Context(), []backstop.Receipt{{
				Provider: account.Provider, Account: account.Account, Channel: channel, MessageID: fmt.Sprint(send.ID, step),
				Ref: backstop.Ref{Send: send.ID, Step: step}, Status: status, At: db.Now().Add(-20 * time.Second),
			}})
			return err
		})
	}
	key := &handoff.Idempotency{Key: send.ID, Hash: []byte("hash")}
	_, isCreated, err := db.InsertSend(t.Context(), send, key)
	require.NoError(t, err)
	require.True(t, isCreated)
	_, isCreated, err = db.InsertSend(t.Context(), newSend(t, db), key) // the caller repeats its request
	require.NoError(t, err)
	require.False(t, isCreated)
	call(backstop.Call{Channel: backstop.WhatsApp}, &backstop.Failure{Kind: backstop.Throttled})
	call(backstop.Call{Channel: backstop.WhatsApp}, nil)
	receive(1, backstop.WhatsApp, backstop.Sent)
	call(backstop.Call{Channel: backstop.SMS}, nil)
	receive(backstop.SMSStep(0, 0, false), backstop.SMS, backstop.Delivered)
	receive(1, backstop.WhatsApp, backstop.Delivered)
}

const counted = `backstop_attempts_total{account="main",channel="sms",class="",kind="accepted"} 1
backstop_attempts_total{account="number",channel="whatsapp",class="",kind="accepted"} 1
backstop_attempts_total{account="number",channel="whatsapp",class="",kind="throttled"} 1
backstop_call_time_seconds_count{account="main",channel="sms"} 1
backstop_call_time_seconds_count{account="number",channel="whatsapp"} 2
backstop_delivery_time_seconds_count{channel="sms"} 1
backstop_duplicate_deliveries_total 1
backstop_fallbacks_total{policy="0190a0a0-0000-7000-8000-000000000001",policy_name="Codes",reason="not_delivered"} 1
backstop_receipt_lag_seconds_count{account="main",channel="sms"} 1
backstop_receipt_lag_seconds_count{account="number",channel="whatsapp"} 2
backstop_receipts_total{account="main",channel="sms",class="",status="delivered"} 1
backstop_receipts_total{account="number",channel="whatsapp",class="",status="delivered"} 1
backstop_receipts_total{account="number",channel="whatsapp",class="",status="sent"} 1
backstop_rule_lateness_seconds_count{reason="not_delivered"} 1
backstop_sends_accepted_total{policy="0190a0a0-0000-7000-8000-000000000001",policy_name="Codes"} 1
backstop_sends_finished_total{outcome="sms",policy="0190a0a0-0000-7000-8000-000000000001",policy_name="Codes"} 1
`

// Each fact is counted once, by one of two processes, although each call is made twice.
func TestTelemetry_once(t *testing.T) {
	t.Parallel()
	url, measured := postgrestest.URL(t), newTelemetry(t)
	db, err := postgres.Open(t.Context(), url, postgres.Options{MaxConns: 4, Observer: measured})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	live(t, db)
	require.Equal(t, counted, scrape(t, measured))
}

// If the answers of Postgres are lost, no fact is counted twice, and a send is counted.
func TestTelemetry_lostAnswers(t *testing.T) {
	t.Parallel()
	through, proxy := postgrestest.Proxy(t, postgrestest.URL(t))
	measured := newTelemetry(t)
	db, err := postgres.Open(t.Context(), through, postgres.Options{MaxConns: 4, Observer: measured})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Migrate(t.Context())
	require.NoError(t, err)
	for _, statement := range []string{"INSERT INTO sends", "UPDATE sends SET revision"} {
		proxy.On(cutproxy.Cut{How: cutproxy.Reset, After: true, Match: func(r cutproxy.Request) bool {
			return strings.Contains(r.SQL, statement)
		}})
	}
	live(t, db)
	got := scrape(t, measured)
	require.Contains(t, got, `backstop_sends_accepted_total{policy="0190a0a0-0000-7000-8000-000000000001",policy_name="Codes"} 1`)
	for line := range strings.Lines(got) {
		require.True(t, strings.HasSuffix(line, " 1\n") || strings.HasSuffix(line, `"whatsapp"} 2`+"\n"), line)
	}
}

// The lateness of a rule counts from the end of its wait, or from the failure that fired it.
func TestTelemetry_lateness(t *testing.T) {
	t.Parallel()
	db, measured := postgrestest.New(t), newTelemetry(t)
	at := db.Now()
	l := backstop.NewLedger(newSend(t, db))
	l.Send.AcceptedAt = at.Add(-3599*time.Second - 7*time.Second)
	before := l.Clone()
	_, err := l.Begin(backstop.Call{Channel: backstop.SMS, Token: "1", Candidates: accounts}, at)
	require.NoError(t, err)
	measured.SendChanged(before, l)
	require.InDelta(t, 7, sumOf(t, measured, `backstop_rule_lateness_seconds_sum{reason="too_late"}`), 0.001)

	failed := backstop.NewLedger(newSend(t, db))
	failed.Send.Plan.Rules[0].WaitSeconds = 0
	_, err = failed.Begin(backstop.Call{Channel: backstop.WhatsApp, Token: "1", Candidates: accounts}, at)
	require.NoError(t, err)
	_, err = failed.End(backstop.Ending{Step: 1, Token: "1", Failure: &backstop.Failure{
		Kind: backstop.Rejected, Class: backstop.RecipientFault,
	}}, at.Add(time.Second))
	require.NoError(t, err)
	before = failed.Clone()
	failed.Events = nil
	_, err = failed.Begin(backstop.Call{Channel: backstop.SMS, Token: "2", ByFailure: true, Candidates: accounts}, at.Add(4*time.Second))
	require.NoError(t, err)
	measured.SendChanged(before, failed)
	require.InDelta(t, 3, sumOf(t, measured, `backstop_rule_lateness_seconds_sum{reason="failed"}`), 0.001)
}

func sumOf(t *testing.T, from *telemetry.Telemetry, series string) (sum float64) {
	t.Helper()
	answer := httptest.NewRecorder()
	from.Metrics().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	_, rest, found := strings.Cut(answer.Body.String(), series+" ")
	require.True(t, found, series)
	_, err := fmt.Sscan(rest, &sum)
	require.NoError(t, err)
	return sum
}

// A stranger's method and the policies beyond 200 get no labels of their own.
func TestTelemetry_cardinality(t *testing.T) {
	t.Parallel()
	measured := newTelemetry(t)
	for i := range 300 {
		measured.SendAccepted(backstop.Send{Plan: backstop.Plan{PolicyID: fmt.Sprint("policy ", i), PolicyName: "name"}})
		measured.RequestAnswered(t.Context(), fmt.Sprint("METHOD", i), "none", http.StatusMethodNotAllowed, time.Second)
	}
	measured.SendAccepted(backstop.Send{})
	lines := scrape(t, measured)
	require.Equal(t, 202, strings.Count(lines, "backstop_sends_accepted_total{"))
	require.Contains(t, lines, `backstop_sends_accepted_total{policy="other",policy_name=""} 100`)
	require.Contains(t, lines, `backstop_sends_accepted_total{policy="none",policy_name=""} 1`)
	require.Contains(t, lines, `backstop_http_request_seconds_count{method="other",route="none",status="405"} 300`)
}

// Scrapes within 5 s read the database once. If it is away, its gauges are missing, and the log says so once.
func TestTelemetry_away(t *testing.T) {
	t.Parallel()
	log := &logtest.Buffer{}
	measured, err := telemetry.New(t.Context(), telemetry.Options{Scraped: true, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	reads := 0
	require.NoError(t, measured.Watch(telemetry.Database{
		Pool: func() telemetry.Pool { return telemetry.Pool{Max: 20, InUse: 3} },
		Read: func(context.Context) (telemetry.Reading, error) {
			reads++
			return telemetry.Reading{}, errors.New("away")
		},
	}))
	for range 3 {
		lines := scrape(t, measured)
		require.Contains(t, lines, "backstop_database_up 0")
		require.Contains(t, lines, `backstop_database_connections{state="in_use"} 3`)
		require.NotContains(t, lines, "backstop_unknowns_open")
	}
	require.Equal(t, 1, reads)
	require.Equal(t, 1, strings.Count(log.String(), "gauges of the database are missing"))
}

// Without an export nothing is measured, and a nil *Telemetry can be used.
func TestNew_off(t *testing.T) {
	t.Parallel()
	off, err := telemetry.New(t.Context(), telemetry.Options{})
	require.NoError(t, err)
	require.Nil(t, off)
	require.False(t, off.Traces())
	require.NoError(t, off.Watch(telemetry.Database{}))
	off.Close(t.Context())
	_, end := off.CallbackPost(t.Context(), "", "")
	end(http.StatusOK)
}
