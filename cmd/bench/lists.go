package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
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
	flat         = 2.0 // how much slower the most rows may be than the fewest
)

// listTimes are the latencies of each query at one number of rows.
type listTimes struct {
	Rows    int                  `json:"rows"`
	Queries map[string]quantiles `json:"queries"`
}

// query is one way to read sends. Each call asks for something else.
type query struct {
	name    string
	read    func(context.Context, *client.ClientWithResponses) error
	samples int  // at most; 0: as many as of the others
	grows   bool // with the number of rows, as it must
}

// measureLists times lists, single sends and statistics at growing numbers of rows, in a database of their own with an API of its
// own. The rows are copies of real sends, made by SQL.
func (b *bench) measureLists(ctx context.Context) (err error) {
	originals, err := b.originals(ctx)
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
		b.say("filling up to %d rows", rows)
		if err := l.fill(ctx, rows); err != nil {
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

// originals plays the sends that are copied: one that arrived by WhatsApp, one by SMS, one by neither.
func (b *bench) originals(ctx context.Context) ([]string, error) {
	policy, err := b.send.policy(ctx, "Lists", rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range []string{scenarioRead, scenarioRejected, scenarioNothing} {
		id, err := b.send.drive(ctx, order{to: recipient(s), policy: policy})
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
	counted   int // how often all were
}

// openLists makes the database and starts an API on it.
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
	if err := runChild(ctx, backstopCommand("migrate", env, b.say)); err != nil {
		return nil, err
	}
	if l.store, err = openStore(ctx, address.String()); err != nil {
		return nil, err
	}
	if l.child, err = startChild(backstopCommand("api", env, b.say)); err != nil {
		return nil, errors.Join(err, l.store.db.Close())
	}
	if err := untilReady(ctx, "http://"+ports[0]); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if l.api, err = newAPI("http://"+ports[0], b.apiKey); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *lists) close() error { return errors.Join(l.child.stop(), l.store.db.Close()) }

// queries are all filters of the list, each from the newest send and from the middle, and single sends.
func (l *lists) queries(ctx context.Context) ([]query, error) {
	p, err := l.picks(ctx)
	if err != nil {
		return nil, err
	}
	deep := new(base64.RawURLEncoding.EncodeToString([]byte(p.deep))) // as the API makes its cursors
	// Each limit is what even the fewest rows have below the deep cursor, so that the pages are as full at all sizes.
	filters := []struct {
		name   string
		limit  int
		params client.ListSendsParams
	}{
		{"time", 50, client.ListSendsParams{}},
		{"outcome", 50, client.ListSendsParams{Outcome: new(client.OutcomeSms)}},
		{"policy_id", 20, client.ListSendsParams{PolicyID: &p.policy}},
		{"to", 4, client.ListSendsParams{To: &p.to}},
		{"from, until", 50, client.ListSendsParams{From: &p.from, Until: &p.until}},
		{"outcome, policy_id", 5, client.ListSendsParams{Outcome: new(client.OutcomeSms), PolicyID: &p.policy}},
	}
	var all []query
	for _, f := range filters {
		name := fmt.Sprintf("%s, %d items", f.name, f.limit)
		f.params.Limit = &f.limit
		all = append(all, list("list by "+name, f.params))
		f.params.Cursor = deep
		all = append(all, list("deep list by "+name, f.params))
	}
	n := 0
	return append(all, query{name: "get", read: func(ctx context.Context, api *client.ClientWithResponses) error {
		n++
		got, err := api.GetSendWithResponse(ctx, p.ids[n%len(p.ids)])
		if err != nil || got.JSON200 == nil {
			return refused("get send", got, err)
		}
		return nil
	}}, l.stats()), nil
}

// stats counts all rows, which are of one day. Each call asks for another range, or it would be told what was counted
// before.
func (l *lists) stats() query {
	const few = 10 // as the most rows take a second
	return query{name: "stats of a day, all rows", samples: few, grows: true,
		read: func(ctx context.Context, api *client.ClientWithResponses) error {
			l.counted++
			from := l.begin.Add(-time.Duration(l.counted) * time.Millisecond)
			got, err := api.GetStatsWithResponse(ctx, &client.GetStatsParams{From: &from, Until: new(from.Add(24 * time.Hour))})
			if err != nil || got.JSON200 == nil {
				return refused("get stats", got, err)
			}
			if got.JSON200.Totals.Sends != int64(l.rows) {
				return fmt.Errorf("get stats: counted %d of %d sends", got.JSON200.Totals.Sends, l.rows)
			}
			return nil
		}}
}

func list(name string, params client.ListSendsParams) query {
	return query{name: name, read: func(ctx context.Context, api *client.ClientWithResponses) error {
		got, err := api.ListSendsWithResponse(ctx, &params)
		if err != nil || got.JSON200 == nil {
			return refused("list sends", got, err)
		}
		return nil
	}}
}

// timeQuery asks one after the other. The first few only fill caches.
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
		title: "Lists, the newest page and one from the middle (deep), single sends and statistics over HTTP: p50 / p99 in ms",
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
			cells = append(cells, number(times.Queries[q.name].P50)+" / "+number(times.Queries[q.name].P99))
		}
		ratio := all[len(all)-1].Queries[q.name].P50 / all[0].Queries[q.name].P50
		if !q.grows {
			worst = max(worst, ratio)
		}
		t.row(append(cells, number(ratio))...)
	}
	b.print(t)
	b.atMost("list and get p50 at the most rows, of that at the fewest (the worst)", worst, flat, "x")
}
