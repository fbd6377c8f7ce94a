package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/backstophq/backstop/client"
)

const (
	listDatabase = "backstop_bench_lists"
	listSamples  = 200
	fewRows      = 1000
	someRows     = 100_000
	mostRows     = 1_000_000
	maxSlowdown  = 2.0 // p50 at the most rows, divided by p50 at the fewest
)

// listTimes are the latencies of each query at one number of rows.
type listTimes struct {
	Rows    int                  `json:"rows"`
	Queries map[string]quantiles `json:"queries"`
}

// query is a kind of request that reads sends.
type query struct {
	name          string
	read          func(context.Context, *client.ClientWithResponses) error
	samples       int  // the maximum; 0: listSamples
	growsWithRows bool // the time grows with the number of rows, and has no target
}

// measureLists measures lists, single sends and statistics at three numbers of rows, with its own database and its own API. The
// rows are copies of real sends, made by SQL.
func (b *bench) measureLists(ctx context.Context) (err error) {
	originals, err := b.sendOriginals(ctx)
	if err != nil {
		return err
	}
	l, err := b.openLists(ctx, originals)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	var all []listTimes
	for _, rows := range []int{b.flags.scaled(fewRows), b.flags.scaled(someRows), b.flags.scaled(mostRows)} {
		b.logProgress("copying sends until there are %d rows", rows)
		if err := l.copyUntil(ctx, rows); err != nil {
			return err
		}
		times := listTimes{Rows: rows, Queries: map[string]quantiles{}}
		queries, err := l.queries(ctx)
		if err != nil {
			return err
		}
		for _, q := range queries {
			if times.Queries[q.name], err = b.timeQuery(ctx, l, q); err != nil {
				return err
			}
		}
		all = append(all, times)
		if len(all) == 3 {
			b.printLists(all, queries)
		}
	}
	b.raw["lists"] = all
	return nil
}

// sendOriginals makes the three sends that are copied. They arrive by WhatsApp, by SMS, and not at all.
func (b *bench) sendOriginals(ctx context.Context) ([]string, error) {
	policy, err := b.send.policy(ctx, "Lists", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range []string{scenarioRead, scenarioRejected, scenarioAllRejected} {
		id, err := b.send.sendToEnd(ctx, sendInput{to: nextRecipient(s), policy: policy})
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// lists is a Backstop with many rows.
type lists struct {
	store     *store
	api       *client.ClientWithResponses
	child     *child
	originals []original
	begin     time.Time // of the first copy
	rows      int
	counted   int // requests for the statistics of all rows
}

// openLists creates the database and starts an API that uses it.
func (b *bench) openLists(ctx context.Context, ids []string) (_ *lists, err error) {
	l := &lists{begin: time.Now().Add(-mostRows * copyPeriod)}
	if l.originals, err = b.store.originals(ctx, ids); err != nil {
		return nil, err
	}
	if err := b.store.createDatabase(ctx, listDatabase); err != nil {
		return nil, err
	}
	address, err := url.Parse(b.databaseURL)
	if err != nil {
		return nil, errors.New("BACKSTOP_DATABASE_URL is not a URL")
	}
	address.Path = "/" + listDatabase
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	env := maps.Clone(b.env)
	env["BACKSTOP_DATABASE_URL"], env["BACKSTOP_LISTEN"], env["BACKSTOP_PPROF_LISTEN"] = address.String(), ports[0], ""
	if err := runChild(ctx, backstopCommand("migrate", env, b.logProgress)); err != nil {
		return nil, err
	}
	if l.store, err = openStore(ctx, address.String()); err != nil {
		return nil, err
	}
	if l.child, err = startChild(backstopCommand("api", env, b.logProgress)); err != nil {
		return nil, errors.Join(err, l.store.db.Close())
	}
	if err := awaitReady(ctx, "http://"+ports[0]); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if l.api, err = newAPI("http://"+ports[0], b.apiKey); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *lists) close() error { return errors.Join(l.child.stop(), l.store.db.Close()) }

// queries returns the measured queries: each filter of the list from the newest send and from the middle, a single send, and
// the statistics.
func (l *lists) queries(ctx context.Context) ([]query, error) {
	p, err := l.pickValues(ctx)
	if err != nil {
		return nil, err
	}
	deep := new(base64.RawURLEncoding.EncodeToString([]byte(p.deep))) // the API's form of a cursor
	// Below the deep cursor there is a full page at all sizes, also at the smallest.
	filters := []struct {
		name   string
		limit  int
		params client.ListSendsParams
	}{
		{"time", 50, client.ListSendsParams{}},
		{"outcome", 50, client.ListSendsParams{Outcome: &[]client.Outcome{client.OutcomeSms}}},
		{"policy_id", 20, client.ListSendsParams{PolicyID: &p.policy}},
		{"to", 4, client.ListSendsParams{To: &p.to}},
		{"from, until", 50, client.ListSendsParams{From: &p.from, Until: &p.until}},
		{"outcome, policy_id", 5, client.ListSendsParams{Outcome: &[]client.Outcome{client.OutcomeSms}, PolicyID: &p.policy}},
		{"fell_back", 50, client.ListSendsParams{FellBack: new(true)}},
		{"country", 50, client.ListSendsParams{Country: new("GB")}},
		{"sender", 50, client.ListSendsParams{Sender: new(senderID)}},
		{"sender, sms_result", 50, client.ListSendsParams{Sender: new(senderID), SmsResult: new(client.SMSResultFailed)}},
		{"sms_result", 50, client.ListSendsParams{SmsResult: new(client.SMSResultFailed)}},
		{"rule_type", 50, client.ListSendsParams{RuleType: new(client.RuleTypeUndelivered)}},
		{"code", 50, client.ListSendsParams{Code: new(refusedCode), Provider: new("meta")}},
		{"policy_id, country, reason, from, until", 10, client.ListSendsParams{
			PolicyID: &p.policy, Country: new("GB"), Reason: &[]client.FallbackReason{client.FallbackReasonFailed},
			From: &p.from, Until: &p.until,
		}},
	}
	var all []query
	for _, f := range filters {
		name := fmt.Sprintf("%s, %d items", f.name, f.limit)
		f.params.Limit = &f.limit
		all = append(all, listQuery("list by "+name, f.params))
		f.params.Cursor = deep
		all = append(all, listQuery("deep list by "+name, f.params))
	}
	all = append(all, rareQueries()...)
	all = append(all, searchQueries(p)...)
	n := 0
	return append(all, query{name: "get", read: func(ctx context.Context, api *client.ClientWithResponses) error {
		n++
		got, err := api.GetSendWithResponse(ctx, p.ids[n%len(p.ids)])
		if err != nil || got.JSON200 == nil {
			return client.CallError("get send", got, err)
		}
		return nil
	}}, l.stats()), nil
}

// refusedCode is the code with which the sandbox refuses a WhatsApp message.
const refusedCode = "131026"

// rareQueries lists rare sends, and sends that do not exist.
func rareQueries() (all []query) {
	few := 5
	for name, params := range map[string]client.ListSendsParams{
		"country":   {Country: new("FR")},
		"reason":    {Reason: &[]client.FallbackReason{client.FallbackReasonTooLate}},
		"rule":      {Rule: new("Rare")},
		"duplicate": {Duplicate: new(true)},
		"sender":    {Sender: new("RARE")},
		"code":      {Code: new("0")},
	} {
		params.Limit = &few
		all = append(all, listQuery("rare sends by "+name, params))
	}
	slices.SortFunc(all, func(a, b query) int { return cmp.Compare(a.name, b.name) })
	none := listQuery("no sends by country, sms_result", client.ListSendsParams{
		Country: new("GB"), SmsResult: new(client.SMSResultNoReceipt),
	})
	total := listQuery("fell_back, with the total", client.ListSendsParams{FellBack: new(true), Total: new(true)})
	none.growsWithRows, total.growsWithRows = true, true
	none.samples = 10 // a request reads all SMS
	return append(all, none, total)
}

// searchQueries searches as the console does. The more numbers there are, the more end with the same four digits.
func searchQueries(p queryValues) (all []query) {
	for _, s := range []struct {
		name, text    string
		growsWithRows bool
	}{
		{"number", p.to, false},
		{"national number", "0" + p.to[len("+44"):], false},
		{"last 4 digits", p.to[len(p.to)-4:], true},
		{"id", p.ids[0], false},
		{"first 13 characters of an id", p.ids[0][:13], false},
		{"message id", p.message, false},
		{"nothing", "no such thing", false},
	} {
		all = append(all, query{name: "search by " + s.name, growsWithRows: s.growsWithRows,
			read: func(ctx context.Context, api *client.ClientWithResponses) error {
				got, err := api.SearchWithResponse(ctx, &client.SearchParams{Q: s.text})
				if err != nil || got.JSON200 == nil {
					return client.CallError("search", got, err)
				}
				if found := got.JSON200.SendsFoundBy != client.FoundSendsFoundByNothing; found == (s.name == "nothing") {
					return fmt.Errorf("search by %s: found by %s", s.name, got.JSON200.SendsFoundBy)
				}
				return nil
			}})
	}
	return all
}

// stats requests the statistics of all rows, which are of one day. Each request has a different range, so the API cannot answer
// it from its cache.
func (l *lists) stats() query {
	const few = 10 // a request takes about 1 s at the most rows
	return query{name: "stats of a day, all rows", samples: few, growsWithRows: true,
		read: func(ctx context.Context, api *client.ClientWithResponses) error {
			l.counted++
			from := l.begin.Add(-time.Duration(l.counted) * time.Millisecond)
			got, err := api.GetStatsWithResponse(ctx, &client.GetStatsParams{From: &from, Until: new(from.Add(24 * time.Hour))})
			if err != nil || got.JSON200 == nil {
				return client.CallError("get stats", got, err)
			}
			if got.JSON200.Totals.Sends != int64(l.rows) {
				return fmt.Errorf("get stats: counted %d of %d sends", got.JSON200.Totals.Sends, l.rows)
			}
			return nil
		}}
}

func listQuery(name string, params client.ListSendsParams) query {
	return query{name: name, read: func(ctx context.Context, api *client.ClientWithResponses) error {
		got, err := api.ListSendsWithResponse(ctx, &params)
		if err != nil || got.JSON200 == nil {
			return client.CallError("list sends", got, err)
		}
		return nil
	}}
}

// timeQuery makes the requests one after the other. The first requests fill caches and do not count.
func (b *bench) timeQuery(ctx context.Context, l *lists, q query) (quantiles, error) {
	samples, warmUp := b.flags.scaled(listSamples), 10
	if q.samples > 0 {
		samples, warmUp = min(samples, q.samples), 1
	}
	var took []time.Duration
	for i := range samples + warmUp {
		began := time.Now()
		if err := q.read(ctx, l.api); err != nil {
			return quantiles{}, err
		}
		if i >= warmUp {
			took = append(took, time.Since(began))
		}
	}
	return quantilesOf(took), nil
}

func (b *bench) printLists(all []listTimes, queries []query) {
	t := table{
		title: "Lists (newest page; deep: a page from the middle), single sends and statistics over HTTP: p50 / p99 in ms",
	}
	head := []string{""}
	for _, times := range all {
		head = append(head, strconv.Itoa(times.Rows)+" rows")
	}
	t.row(append(head, "p50, most of fewest")...)
	worst := 0.0
	for _, q := range queries {
		cells := []string{q.name}
		for _, times := range all {
			cells = append(cells, formatNumber(times.Queries[q.name].P50)+" / "+formatNumber(times.Queries[q.name].P99))
		}
		ratio := all[len(all)-1].Queries[q.name].P50 / all[0].Queries[q.name].P50
		if !q.growsWithRows {
			worst = max(worst, ratio)
		}
		t.row(append(cells, formatNumber(ratio))...)
	}
	b.printTable(t)
	b.atMost("worst p50 of a list or get at the most rows, of the p50 at the fewest", worst, maxSlowdown, "x")
}
