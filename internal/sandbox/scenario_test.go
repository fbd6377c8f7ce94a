package sandbox_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/internal/sandbox"
)

// outcome is the answer to one call: the HTTP status (0: no answer) and the provider's code.
type outcome struct {
	status, code int
	retryAfter   string
}

func ok(status int) outcome          { return outcome{status: status} }
func fault(status, code int) outcome { return outcome{status: status, code: code} }

// expectation is the answers to consecutive calls on one channel, and the receipts of the last call, with the time since that
// call.
type expectation struct {
	calls    []outcome
	receipts []string
}

var (
	silence      = outcome{}
	readReceipts = []string{"1s sent", "2s delivered", "5s read"}
	rejected     = expectation{calls: []outcome{fault(400, 131026)}}
	delivered    = expectation{calls: []outcome{ok(201)}, receipts: []string{"1s sent", "2s delivered"}}
)

func accepted(receipts ...string) expectation {
	return expectation{calls: []outcome{ok(200)}, receipts: receipts}
}

func expectations() map[string]struct{ whatsApp, sms expectation } {
	return map[string]struct{ whatsApp, sms expectation }{
		"01": {accepted(readReceipts...), delivered},
		"02": {accepted("1s sent", "2s delivered"), delivered},
		"03": {accepted("1s sent"), delivered},
		"04": {rejected, delivered},
		"05": {accepted("2s failed 131026"), delivered},
		"06": {accepted(), delivered},
		"07": {expectation{[]outcome{{429, 130429, "1"}, fault(429, 130429), ok(200)}, readReceipts}, delivered},
		"08": {expectation{[]outcome{fault(500, 131000), fault(503, 131016), ok(200)}, readReceipts}, delivered},
		"09": {expectation{[]outcome{silence}, readReceipts}, delivered},
		"10": {expectation{[]outcome{silence, ok(200)}, readReceipts}, delivered},
		"11": {accepted(
			"5s read", "5s delivered", "5s sent",
			"5s read", "5s delivered", "5s sent", "5s delivered", "5s read",
			"5s delivered", "5s sent", "5s read",
		), delivered},
		"12": {accepted("1s sent", "30s delivered"), delivered},
		"13": {rejected, expectation{calls: []outcome{fault(400, 21612)}}},
		"14": {rejected, expectation{[]outcome{ok(201)}, []string{"1s sent", "2s undelivered 30003"}}},
		"15": {expectation{calls: []outcome{fault(404, 132001)}}, delivered},
		"16": {expectation{calls: []outcome{fault(400, 131050)}}, delivered},
		"17": {accepted("0s sent", "0s delivered", "0s read"), delivered},
		"18": {rejected, expectation{[]outcome{silence}, []string{"1s sent", "2s delivered"}}},
		"19": {rejected, expectation{[]outcome{ok(201)}, []string{"1s sent", "2s undelivered 30008"}}},
		"20": {rejected, delivered},
		"21": {rejected, expectation{[]outcome{ok(201)}, []string{"30s sent", "31s delivered"}}},
		"22": {accepted("2s failed 131050"), delivered},
		"23": {rejected, expectation{calls: []outcome{fault(400, 21610)}}},
		"42": {accepted(readReceipts...), delivered}, // any other number
	}
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	names := map[string]string{"42": "read"}
	for _, sc := range sandbox.Scenarios() {
		require.NotEmpty(t, sc.WhatsApp, sc.Digits)
		require.NotEmpty(t, sc.SMS, sc.Digits)
		names[sc.Digits] = sc.Name
	}
	want := expectations()
	require.Len(t, names, len(want), "each scenario has an expectation")
	for digits, name := range names {
		t.Run(digits+" "+name+"/whatsapp", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { runScenario(t, digits, name, "whatsapp", want[digits].whatsApp) })
		})
		t.Run(digits+" "+name+"/sms", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { runScenario(t, digits, name, "sms", want[digits].sms) })
		})
	}
}

// runScenario runs a scenario at speed 1 in a synctest bubble.
func runScenario(t *testing.T, digits, name, channel string, want expectation) {
	t.Helper()
	s, rc := bubble(t)
	for _, call := range want.calls {
		rc.restartClock()
		got := send(t, s, channel, recipient+digits)
		require.Equal(t, call.status, got.status)
		require.Equal(t, call.code, got.code(t))
		require.Equal(t, call.retryAfter, got.header.Get("Retry-After"))
	}
	time.Sleep(time.Hour)
	rc.requireNoFaults(t)
	require.Equal(t, append([]string{}, want.receipts...), rc.lines())

	calls := messages(t, s, "")
	require.Len(t, calls, len(want.calls))
	for i, call := range calls {
		require.Equal(t, sandbox.Answer{Status: want.calls[i].status, Code: want.calls[i].code}, call.Answer)
		require.Equal(t, name, call.Scenario)
		require.Equal(t, recipient+digits, call.To)
		require.Equal(t, channel, call.Channel)
	}
	last := calls[len(calls)-1]
	require.Equal(t, len(want.receipts) > 0 || want.calls[len(calls)-1].code == 0, last.Accepted)
	for _, st := range rc.statuses() {
		require.Equal(t, last.ID, st.ID)
		require.Equal(t, "42", st.Opaque)
	}
}

// send calls one channel and waits for the answer for at most 20 s.
func send(t *testing.T, h http.Handler, channel, to string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if channel == "sms" {
		return serve(h, twilioRequest(ctx, "", smsForm(to, "Backstop")))
	}
	return serve(h, metaRequest(ctx, "", textBody(to, "42")))
}

// bubble returns a sandbox at speed 1 and the receiver of its webhooks, for a test in a synctest bubble.
func bubble(t *testing.T) (*sandbox.Server, *receiver) {
	t.Helper()
	rc := newReceiver()
	opts := options()
	opts.Speed, opts.HTTP = 1, &http.Client{Transport: rc}
	return newServer(t, opts), rc
}

func TestScenarios_Disorder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rc := bubble(t)
		send(t, s, "whatsapp", recipient+"11")
		time.Sleep(time.Minute)
		sizes := map[int]int{}
		for _, st := range rc.statuses() {
			sizes[st.Batch]++
		}
		require.Equal(t, map[int]int{1: 4, 2: 2, 5: 5}, sizes, "statuses by size of their batch")
		require.Equal(t, 2, entriesOf(t, rc.bodies()[3]), "the large batch has several entries")
	})
}

func TestScenarios_NextSender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, rc := bubble(t)
		for _, from := range []string{"First", "Second", "First", "Third", "Second"} {
			require.Equal(t, http.StatusCreated, serve(s, twilioRequest(t.Context(), "", smsForm(recipient+"19", from))).status)
			time.Sleep(3 * time.Second)
		}
		var last []string
		for _, st := range rc.statuses() {
			if st.Name != "sent" {
				last = append(last, st.Name)
			}
		}
		require.Equal(t, []string{"undelivered", "delivered", "undelivered", "delivered", "delivered"}, last)
	})
}

func TestScenarios_Counting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := bubble(t)
		statuses := func(to string) []int {
			var all []int
			for range 4 {
				all = append(all, send(t, s, "whatsapp", to).status)
			}
			return all
		}
		require.Equal(t, []int{429, 429, 200, 200}, statuses("+4915100000107"))
		require.Equal(t, []int{429, 429, 200, 200}, statuses("+4915100000207"), "each number has its own count")
		require.Equal(t, []int{200, 200, 200, 200}, statuses("+49 151 000001-07"), "in any notation of the number")
		deleteMessages(t, s)
		require.Equal(t, []int{429, 429, 200, 200}, statuses("+4915100000107"), "DELETE resets the counts")
	})
}

func TestScenarios_CountsAreBounded(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Meta.WebhookURL, opts.MaxMessages = "", 2
	s := newServer(t, opts)
	for _, to := range []string{"+4915100000110", "+4915100000210"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		serve(s, metaRequest(ctx, "", textBody(to, "")))
		cancel()
	}
	require.Equal(t, 200, send(t, s, "whatsapp", "+4915100000110").status)
	require.Equal(t, 429, send(t, s, "whatsapp", "+4915100000307").status, "the count of the first recipient is dropped")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.Zero(t, serve(s, metaRequest(ctx, "", textBody("+4915100000110", ""))).status)
}

func TestScenarios_EarlyReceipts(t *testing.T) {
	t.Parallel()
	t.Run("the answer waits for them", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, rc := bubble(t)
			require.Equal(t, 200, send(t, s, "whatsapp", recipient+"17").status)
			require.Len(t, rc.statuses(), 3)
		})
	})
	t.Run("also when they fail", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, rc := bubble(t)
			rc.answer = func(n int) int {
				if n <= 3 {
					return http.StatusServiceUnavailable
				}
				return http.StatusOK
			}
			require.Equal(t, 200, send(t, s, "whatsapp", recipient+"17").status)
			require.Empty(t, rc.statuses())
			time.Sleep(time.Second)
			synctest.Wait()
			require.Len(t, rc.statuses(), 3)
		})
	})
	t.Run("and a second at most when they hang", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			opts := options()
			opts.Speed, opts.HTTP = 1, &http.Client{Transport: hanging{}}
			s := newServer(t, opts)
			begin := time.Now()
			require.Equal(t, 200, send(t, s, "whatsapp", recipient+"17").status)
			require.Equal(t, time.Second, time.Since(begin))
		})
	})
}

// hanging is a network without answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
