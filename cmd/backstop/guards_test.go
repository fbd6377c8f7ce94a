package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop/client"
	"github.com/backstophq/backstop/internal/demo"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// guarded is two processes of the program.
type guarded struct {
	*rig

	callers [2]*demo.Caller
	policy  string
	db      *postgrestest.SQL
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{rig: newFleet(t, nil)}
	other, _ := g.second("api")
	for i, url := range []string{g.apiURL, other} {
		var err error
		g.callers[i], err = demo.NewCaller(url, g.environment["BACKSTOP_API_KEY"])
		require.NoError(t, err)
	}
	var err error
	g.policy, err = g.callers[0].EnsurePolicy(t.Context(), "Guarded", demo.Rule{
		Name: "Guarded", Type: client.RuleTypeUndelivered, SendID: "ACME",
	})
	require.NoError(t, err)
	g.db = postgrestest.Past(t, g.environment["BACKSTOP_DATABASE_URL"])
	return g
}

// set replaces the settings by the first process, and waits until the second has them: two seconds at most.
func (g *guarded) set(settings client.GuardsInput) {
	g.t.Helper()
	got, err := g.callers[0].API.ReplaceGuardsWithResponse(g.t.Context(), &client.ReplaceGuardsParams{IfMatch: "*"}, settings)
	require.NoError(g.t, err)
	require.NotNil(g.t, got.JSON200, string(got.Body))
	time.Sleep(2 * time.Second)
}

// post makes a send by one of the processes.
func (g *guarded) post(process int, to, text string) (*client.CreateSendResponse, error) {
	return g.callers[process].API.CreateSendWithResponse(g.t.Context(), &client.CreateSendParams{}, client.SendInput{
		To: to, Whatsapp: client.WhatsAppInput{Text: &text}, Fallback: client.FallbackInput{PolicyID: &g.policy, Text: text},
	})
}

// race makes 50 sends at the same time by both processes, and returns how many got each status.
func (g *guarded) race(to func(i int) string) map[int]int {
	g.t.Helper()
	statuses, start := make([]int, 50), make(chan struct{})
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() {
			<-start
			if got, err := g.post(i%2, to(i), fmt.Sprint("Text ", i)); err == nil {
				statuses[i] = got.StatusCode()
				if got.StatusCode() == 429 && got.HTTPResponse.Header.Get("Retry-After") == "" {
					statuses[i] = -1
				}
			}
		})
	}
	close(start)
	group.Wait()
	counts := map[int]int{}
	for _, status := range statuses {
		counts[status]++
	}
	return counts
}

// TestGuards_processes: two processes accept exactly as many sends as a cap admits, and follow a change within two seconds.
func TestGuards_processes(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	most, digits, recipient := 17, 6, 3
	g.set(client.GuardsInput{CountryCap: &most, RecipientCap: &recipient})
	require.Equal(t, map[int]int{202: 17, 429: 33}, g.race(func(i int) string { return fmt.Sprintf("+4474001%03d01", i) }))
	g.set(client.GuardsInput{RecipientCap: &recipient})
	require.Equal(t, map[int]int{202: 3, 429: 47}, g.race(func(int) string { return "+447400200001" }))
	g.set(client.GuardsInput{PrefixCap: &most, PrefixDigits: &digits})
	require.Equal(t, map[int]int{202: 17, 429: 33}, g.race(func(i int) string { return fmt.Sprintf("+44740030%02d01", i) }))
	var sends, counted int
	g.db.Row(`SELECT count(*) FROM sends`, nil, &sends)
	require.Equal(t, 37, sends)
	g.db.Row(`SELECT sum(n) FROM guard_counts, unnest(counts) AS n WHERE guard = 'recipient_cap'`, nil, &counted)
	require.Equal(t, 20, counted, "17 to different numbers, 3 to one")

	block := []string{"GB"}
	g.set(client.GuardsInput{Block: &block})
	require.Equal(t, map[int]int{422: 50}, g.race(func(int) string { return "+447400200001" }))
	require.Eventually(t, func() bool {
		got, err := g.callers[1].API.GetGuardResultsWithResponse(t.Context())
		require.NoError(t, err)
		refused := map[client.Guard]int{}
		for _, one := range got.JSON200.Items {
			refused[one.Guard] += one.Count
		}
		return refused[client.GuardCountries] == 50 && refused[client.GuardRecipientCap] == 47 && refused[client.GuardCountryCap] == 33 &&
			refused[client.GuardPrefixCap] == 33
	}, 30*time.Second, 100*time.Millisecond, "all refusals of both processes are counted")

	second := 60
	g.set(client.GuardsInput{SameTextSeconds: &second})
	first, err := g.post(0, "+447400400001", "Hello")
	require.NoError(t, err)
	again, err := g.post(1, "+447400400001", "Hello")
	require.NoError(t, err)
	require.Equal(t, 202, again.StatusCode())
	require.Equal(t, first.JSON202.ID, again.JSON202.ID)
	require.True(t, *again.JSON202.SameText)
}

// TestGuards_crash: a process is killed while it accepts sends. What counts is what is stored, and the other process accepts the
// rest.
func TestGuards_crash(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	most := 400
	g.set(client.GuardsInput{CountryCap: &most})
	var made, accepted atomic.Int64
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for accepted.Load() < 100 {
				got, err := g.post(0, fmt.Sprintf("+44740%05d01", made.Add(1)), "Hello")
				if err != nil {
					return // it is killed
				}
				if got.StatusCode() == 202 && accepted.Add(1) == 60 {
					g.kill()
				}
			}
		})
	}
	group.Wait()
	var sends, counted int
	count := func() {
		g.db.Row(`SELECT (SELECT count(*) FROM sends), (SELECT coalesce(sum(n), 0) FROM guard_counts, unnest(counts) AS n)`, nil,
			&sends, &counted)
	}
	require.Eventually(t, func() bool { // statements in flight may still commit
		before := sends
		count()
		return sends > 0 && sends == before
	}, 30*time.Second, 300*time.Millisecond)
	require.Equal(t, sends, counted)
	require.GreaterOrEqual(t, sends, 60)
	require.Less(t, sends, most)

	refused := false
	for !refused {
		got, err := g.post(1, fmt.Sprintf("+44740%05d01", made.Add(1)), "Hello")
		require.NoError(t, err)
		refused = got.StatusCode() == 429
	}
	count()
	require.Equal(t, []int{most, most}, []int{sends, counted})
}
