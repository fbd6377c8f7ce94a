package main

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	temporal "go.temporal.io/sdk/client"

	"github.com/backstophq/backstop/client"
)

const (
	retentionDatabase = "backstop_bench_retention"
	retentionRows     = 1_000_000 // sends; -scale 10 for ten million
	retentionDays     = 100       // over which the sends are spread; the older half is removed
	retentionAge      = "50d"

	removeNothing = "nothing"
	// acceptRate and listRate are requests a second, about a third of what the machine of docs/performance.md can do.
	acceptRate, listRate = 15.0, 15.0
	overviewRate         = 0.1 // as often as an open console asks

	// retentionPatience bounds the wait for a run of the retention. A run that its process left is due again after a minute.
	retentionPatience = 10 * time.Minute
	// maxRemovalSlowdown is the target for a p99 while old sends are removed, divided by the p99 without.
	maxRemovalSlowdown = 2.0
)

// removals are the contestants: what is removed, and the variable that says so.
func removals() []struct{ what, variable string } {
	return []struct{ what, variable string }{
		{removeNothing, ""}, {"content", "BACKSTOP_KEEP_CONTENT"}, {"numbers", "BACKSTOP_KEEP_NUMBERS"},
		{"records", "BACKSTOP_KEEP_RECORDS"},
	}
}

// removalRound is the result of one round of a contestant.
type removalRound struct {
	Removed  float64   `json:"removed_per_second"` // sends
	Accept   quantiles `json:"accept"`
	List     quantiles `json:"list"`
	Overview quantiles `json:"overview"`
}

// countingOfDays is the time that the overview takes before and after the days are counted.
type countingOfDays struct {
	Days      int       `json:"days"`
	PerSecond float64   `json:"sends_per_second"` // that are counted, with the pauses of the retention
	Before    quantiles `json:"overview_before"`
	After     quantiles `json:"overview_after"`
}

// retained is a Backstop with a database of its own and many old sends.
type retained struct {
	*stack

	store   *store
	send    *sender
	env     map[string]string
	url     string
	child   *child
	run     temporal.WorkflowRun
	install string
	policy  string
	rows    int
	turn    atomic.Int64 // of the filters
}

// measureRetention measures how fast old sends are removed, and what the API does meanwhile. Requests have constant rates, and
// each contestant has its own process.
func (b *bench) measureRetention(ctx context.Context) (err error) {
	r, err := b.openRetained(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	counting, err := b.countDays(ctx, r)
	if err != nil {
		return err
	}
	rounds := map[string][]removalRound{}
	all := removals()
	for n := range b.flags.rounds {
		for i := range all {
			c := all[i]
			if n%2 == 1 { // a machine that gets slower, or faster, favours none
				c = all[len(all)-1-i]
			}
			one, err := b.removalRound(ctx, r, c.what, c.variable)
			if err != nil {
				return err
			}
			b.logProgress("round %d of %d, %s: %.0f sends a second removed, p99 of a list %.1f ms, of accepting %.1f ms", n+1,
				b.flags.rounds, c.what, one.Removed, one.List.P99, one.Accept.P99)
			rounds[c.what] = append(rounds[c.what], one)
		}
	}
	b.raw["retention"] = map[string]any{"rows": r.rows, "counting": counting, "rounds": rounds}
	b.printRetention(r.rows, counting, rounds)
	return nil
}

// openRetained fills the database, unless an earlier run has filled it with as many sends, and starts a Backstop on it.
func (b *bench) openRetained(ctx context.Context) (_ *retained, err error) {
	address, err := url.Parse(b.databaseURL)
	if err != nil {
		return nil, errors.New("BACKSTOP_DATABASE_URL is not a URL")
	}
	address.Path = "/" + retentionDatabase
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	r := &retained{stack: b.stack, url: "http://" + ports[0], rows: b.flags.scaled(retentionRows), env: maps.Clone(b.env)}
	r.env["BACKSTOP_DATABASE_URL"], r.env["BACKSTOP_LISTEN"], r.env["BACKSTOP_PPROF_LISTEN"] = address.String(), ports[0], ""
	r.env["BACKSTOP_PUBLIC_URL"] = r.url
	isFilled, err := b.store.isFilled(ctx, retentionDatabase, r.rows)
	if err != nil {
		return nil, err
	}
	if !isFilled {
		if err := b.store.createDatabase(ctx, retentionDatabase); err != nil {
			return nil, err
		}
	}
	if err := runChild(ctx, backstopCommand("migrate", r.env, b.logProgress)); err != nil {
		return nil, err
	}
	if r.store, err = openStore(ctx, address.String()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if !isFilled {
		originals, err := b.sendRetained(ctx)
		if err != nil {
			return nil, err
		}
		if err := r.store.fill(ctx, originals, r.rows, b.logProgress); err != nil {
			return nil, err
		}
	}
	if r.install, err = r.store.installation(ctx); err != nil {
		return nil, err
	}
	if err = r.pauseSchedule(ctx); err != nil {
		return nil, err
	}
	return r, r.restart(ctx, "")
}

// sendRetained makes the sends that are copied. Seven of ten are read, one is delivered, one comes by SMS and one not at all.
func (b *bench) sendRetained(ctx context.Context) (list []original, err error) {
	policy, err := b.send.policy(ctx, uniqueName("Retention"), rule{client.RuleTypeUndelivered, time.Hour})
	if err != nil {
		return nil, err
	}
	for _, scenario := range []string{scenarioRead, scenarioUnread, scenarioRejected, scenarioAllRejected} {
		id, err := b.send.sendToEnd(ctx, sendInput{to: nextRecipient(scenario), policy: policy})
		if err != nil {
			return nil, err
		}
		one, err := b.store.originals(ctx, []string{id})
		if err != nil {
			return nil, err
		}
		list = append(list, one...)
	}
	return list, nil
}

// uniqueName is the name of a policy that the database of an earlier run may have too.
func uniqueName(name string) string {
	return name + " " + strconv.FormatInt(time.Now().UnixMilli(), 36)
}

// restart starts Backstop anew, with a variable more, and warms it up.
func (r *retained) restart(ctx context.Context, variable string) (err error) {
	if err := errors.Join(r.endRun(ctx), r.stopChild()); err != nil {
		return err
	}
	env := maps.Clone(r.env)
	if variable != "" {
		env[variable] = retentionAge
	}
	if r.child, err = startChild(backstopCommand("serve", env, r.logProgress)); err != nil {
		return err
	}
	if err := awaitReady(ctx, r.url); err != nil {
		return err
	}
	if r.send == nil {
		if r.send, err = newSender(r.url, r.apiKey, r.store, r.temporal); err != nil {
			return err
		}
		if r.policy, err = r.send.policy(ctx, uniqueName("Retention"), rule{client.RuleTypeUndelivered, time.Hour}); err != nil {
			return err
		}
	}
	const warmUp = 50
	for range warmUp {
		if err := errors.Join(r.accept(ctx), r.list(ctx)); err != nil {
			return err
		}
	}
	return nil
}

func (r *retained) stopChild() error {
	if r.child == nil {
		return nil
	}
	err := r.child.stop()
	r.child = nil
	return err
}

func (r *retained) close() error { return errors.Join(r.stopChild(), r.store.db.Close()) }

func (r *retained) accept(ctx context.Context) error {
	_, err := r.send.post(ctx, sendInput{to: nextReadRecipient(), policy: r.policy})
	return err
}

// list requests the first page of a list, as the console does. The filters take turns.
func (r *retained) list(ctx context.Context) error {
	filters := []client.ListSendsParams{
		{}, {Outcome: &[]client.Outcome{client.OutcomeSms}}, {ToEnds: new("4321")}, {FellBack: new(true)},
		{Until: new(time.Now().AddDate(0, 0, -retentionDays/4))},
	}
	return listQuery("", filters[int(r.turn.Add(1))%len(filters)]).read(ctx, r.send.api)
}

// overview requests the statistics of all days. Each request has a different range, so the API cannot answer it from its cache.
func (r *retained) overview(ctx context.Context) error {
	const days = 90
	got, err := r.send.api.GetStatsWithResponse(ctx, &client.GetStatsParams{
		From: new(time.Now().AddDate(0, 0, -days)), Until: new(time.Now()),
	})
	if err != nil || got.JSON200 == nil {
		return client.CallError("get stats", got, err)
	}
	return nil
}
