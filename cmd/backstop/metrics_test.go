package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/telemetry"
	"github.com/backstophq/backstop/internal/temporaltest"
)

// without is a variable with the programs that a machine lacks, separated by spaces. The Makefile sets it and says so. A test whose
// program is missing fails if it is not named there.
const without = "BACKSTOP_TEST_WITHOUT"

// scrapeEvery is the time between two scrapes, and the longest time that one may take. After a scrape that takes longer, no
// series has a value until the next one.
const scrapeEvery = 3 * time.Second

// scrapes is the time for two scrapes.
const scrapes = 2*scrapeEvery + scrapeEvery/2

// prometheus is a real Prometheus with our rules, which scrapes one address.
type prometheus struct {
	t   *testing.T
	url string
}

// startPrometheus starts a Prometheus. It returns nil if the machine has none and the Makefile says so.
func startPrometheus(t *testing.T, target string) *prometheus {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil && slices.Contains(strings.Fields(os.Getenv(without)), "prometheus") {
		t.Skip("prometheus is missing")
	}
	require.NoError(t, err, "install prometheus, or set %s=prometheus to leave this test out", without)
	free, err := listenLocal(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, free.Close())
	rules, err := filepath.Abs(filepath.Join(root, "deploy/prometheus/backstop.rules.yml"))
	require.NoError(t, err)
	folder := t.TempDir()
	file := filepath.Join(folder, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(fmt.Sprintf(`
global: {scrape_interval: %v, evaluation_interval: 500ms}
rule_files: [%q]
scrape_configs:
  - job_name: backstop
    static_configs: [{targets: [%q]}]
`, scrapeEvery, rules, target)), 0o600))
	var log bytes.Buffer
	process := exec.CommandContext(context.WithoutCancel(t.Context()), program, "--config.file="+file,
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+free.Addr().String(), "--log.level=warn")
	process.Stdout, process.Stderr = &log, &log
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait() // says that it was killed
		if t.Failed() {
			t.Log(log.String())
		}
	})
	p := &prometheus{t: t, url: urlOf(free.Addr())}
	require.Eventually(t, func() bool {
		_, err := p.get("/-/ready")
		return err == nil
	}, 30*time.Second, 50*time.Millisecond, "prometheus does not get ready")
	return p
}

func (p *prometheus) get(path string) (string, error) {
	request, err := http.NewRequestWithContext(context.WithoutCancel(p.t.Context()), http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	return string(body), err
}

// query returns how many series a query has.
func (p *prometheus) query(expression string) (series int, err error) {
	body, err := p.get("/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct {
			Result []json.RawMessage `json:"result"`
		} `json:"data"`
	}
	err = json.Unmarshal([]byte(body), &answer)
	return len(answer.Data.Result), err
}

// rule is a rule that Prometheus has loaded.
type rule struct {
	Name      string `json:"name"`
	Query     string `json:"query"`
	Health    string `json:"health"`
	LastError string `json:"lastError"` //nolint:tagliatelle // Prometheus names it so
}

// evaluated returns the rules once each was evaluated.
func (p *prometheus) evaluated() (rules []rule) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		body, err := p.get("/api/v1/rules")
		var answer struct {
			Data struct {
				Groups []struct {
					Rules []rule `json:"rules"`
				} `json:"groups"`
			} `json:"data"`
		}
		if err != nil || json.Unmarshal([]byte(body), &answer) != nil {
			return false
		}
		rules = nil
		for _, group := range answer.Data.Groups {
			rules = append(rules, group.Rules...)
		}
		return len(rules) > 0 && !slices.ContainsFunc(rules, func(r rule) bool { return r.Health == "unknown" })
	}, 30*time.Second, 100*time.Millisecond)
	return rules
}

// dashboardQueries returns the queries of the dashboard, with values for the variables of Grafana.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	require.NoError(t, json.Unmarshal([]byte(readText(t, "deploy/grafana/backstop.json")), &dashboard))
	variables := strings.NewReplacer("$__rate_interval", "1m", "$policy", ".*")
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, variables.Replace(target.Expr))
		}
	}
	require.NotEmpty(t, queries)
	return queries
}

// TestMetrics_queries: a Prometheus scrapes a Backstop while it runs the demo. It accepts each query of the dashboard and of the
// rules, the dashboard is filled, and each metric of ours is there.
func TestMetrics_queries(t *testing.T) {
	t.Parallel()
	free, err := listenLocal(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	prometheus := startPrometheus(t, address)
	receiver := newCallbackReceiver(t, func(int, string) (int, time.Duration) { return http.StatusOK, 0 })
	var stdout, stderr bytes.Buffer
	err = demo.Run(t.Context(), func(ctx context.Context, s demo.Settings, during func(context.Context, demo.Backstop) error) error {
		l, err := newLocal(ctx, map[string]string{
			"BACKSTOP_DATABASE_URL": postgrestest.URL(t), "BACKSTOP_TEMPORAL_ADDRESS": temporaltest.Start(t).Address,
			"BACKSTOP_METRICS_LISTEN": address, "BACKSTOP_CALLBACK_URL": receiver.url(), "BACKSTOP_CALLBACK_SECRETS": callbackSecret,
		}, s)
		if err != nil {
			return err
		}
		return l.run(ctx, func(ctx context.Context, b demo.Backstop) error {
			watchAll(t, b)
			if err := during(ctx, b); err != nil {
				return err
			}
			time.Sleep(scrapes) // a rate needs a scrape before the rise
			fallBack(t, b)
			prometheus.checkSoon()
			return nil
		})
	}, &stdout, &stderr)
	require.NoError(t, err, "%s%s", stdout.String(), stderr.String())
}

// watchAll makes a guard count the sends of the demo.
func watchAll(t *testing.T, b demo.Backstop) {
	t.Helper()
	caller, err := demo.NewCaller(b.APIURL, b.APIKey)
	require.NoError(t, err)
	watched, err := caller.API.ReplaceGuardsWithResponse(t.Context(), &client.ReplaceGuardsParams{IfMatch: "*"},
		client.GuardsInput{Watch: &[]string{"GB"}})
	require.NoError(t, err)
	require.NotNil(t, watched.JSON200, string(watched.Body))
}

// fallBack sends one more message by a policy of the demo, and waits until it has fallen back.
func fallBack(t *testing.T, b demo.Backstop) {
	t.Helper()
	caller, err := demo.NewCaller(b.APIURL, b.APIKey)
	require.NoError(t, err)
	policy, err := caller.EnsurePolicy(t.Context(), "Must arrive")
	require.NoError(t, err)
	accepted, err := caller.API.CreateSendWithResponse(t.Context(), &client.CreateSendParams{}, client.SendInput{
		To: "+447400199504", Whatsapp: client.WhatsAppInput{Text: new("Due today.")}, // scenario 04: WhatsApp rejects it
		Fallback: client.FallbackInput{PolicyID: &policy, Text: "Due today."},
	})
	require.NoError(t, err)
	require.NotNil(t, accepted.JSON202, string(accepted.Body))
	require.Eventually(t, func() bool {
		send, err := caller.Send(t.Context(), accepted.JSON202.ID)
		return err == nil && send.Outcome == client.OutcomeSms
	}, 20*time.Second, 50*time.Millisecond, "the send does not fall back")
}

// checkSoon checks, and repeats a check that fails: a scrape is late on a busy machine, and has no series meanwhile.
func (p *prometheus) checkSoon() {
	p.t.Helper()
	rules := p.evaluated()
	require.EventuallyWithT(p.t, func(t *assert.CollectT) { p.check(t, rules) }, time.Minute, scrapeEvery)
}

func (p *prometheus) check(t assert.TestingT, rules []rule) {
	for _, query := range dashboardQueries(p.t) {
		series, err := p.query(query)
		if assert.NoError(t, err, query) && !strings.Contains(query, "_failure_total") { // Temporal refuses nothing
			assert.NotZero(t, series, "the demo fills %s", query)
		}
	}
	for _, rule := range rules {
		assert.Equal(t, "ok", rule.Health, "%s: %s", rule.Name, rule.LastError)
		for _, name := range metricName.FindAllString(rule.Query, -1) {
			series, err := p.query(name)
			if assert.NoError(t, err) {
				assert.NotZero(t, series, "%s of rule %s", name, rule.Name)
			}
		}
	}
	for _, m := range telemetry.Metrics() {
		name := m.PrometheusName()
		if m.Kind == telemetry.Histogram {
			name += "_count"
		}
		wanted := fmt.Sprintf(`count by (%s) ({__name__=%q})`, strings.Join(m.Labels, ", "), name)
		series, err := p.query(wanted)
		if assert.NoError(t, err) {
			assert.NotZero(t, series, wanted)
		}
		for _, label := range m.Labels {
			known, err := p.get(fmt.Sprintf("/api/v1/label/%s/values?match[]=%s", label, name))
			if assert.NoError(t, err) {
				assert.NotContains(t, known, `"data":[]`, "%s has no label %s", name, label)
			}
		}
	}
}

// metricName matches the metrics of a query. Recorded rules have colons.
var metricName = regexp.MustCompile(`\bbackstop_[a-z_]+`)

// TestDocuments_metrics compares the tables of docs/metrics.md with the metrics and with the alerts.
func TestDocuments_metrics(t *testing.T) {
	t.Parallel()
	page := readText(t, "docs/metrics.md")
	var want [][]string
	for _, m := range telemetry.Metrics() {
		labels := make([]string, len(m.Labels))
		for i, label := range m.Labels {
			labels[i] = "`" + label + "`"
		}
		want = append(want, []string{"`" + m.PrometheusName() + "`", string(m.Kind), strings.Join(labels, ", ")})
	}
	var documented [][]string
	for _, cells := range rowsOf(page, regexp.MustCompile("^`backstop_")) {
		require.Len(t, cells, 4, cells[0])
		documented = append(documented, []string{cells[0], cells[1], strings.TrimSpace(cells[2])})
	}
	require.ElementsMatch(t, want, documented)

	var alerts []string
	for _, found := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(readText(t, "deploy/prometheus/backstop.rules.yml"), -1) {
		alerts = append(alerts, "`"+found[1]+"`")
	}
	var explained []string
	for _, cells := range rowsOf(page, regexp.MustCompile("^`Backstop[A-Z]")) {
		explained = append(explained, cells[0])
	}
	require.Equal(t, alerts, explained)
	tested := readText(t, "deploy/prometheus/backstop.rules.test.yml")
	for _, alert := range alerts {
		require.Regexp(t, `alertname: `+strings.Trim(alert, "`")+`\s+exp_alerts`, tested, "an alert that no test makes fire")
	}
}
