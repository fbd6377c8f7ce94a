package postgres

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/backstophq/backstop"
)

// Bounds of the lists. The entries with the most sends come first.
const (
	maxPolicies  = 100
	maxRules     = 100
	maxCountries = 300
)

// tally adds up what the slices of a range hold.
type tally struct {
	filter    backstop.StatsFilter
	totals    backstop.Counts
	buckets   map[time.Time]*bucket
	policies  map[string]ofPolicy
	rules     map[ruleKey]backstop.CountsOfRule
	types     map[backstop.RuleType]backstop.CountsOfType
	reasons   reasons
	countries map[string]backstop.Counts
	delays    map[backstop.Channel]delays
}

type ruleKey struct {
	name string
	of   backstop.RuleType
}

// ofPolicy also has the time of the newest send, which gives the name.
type ofPolicy struct {
	backstop.CountsOfPolicy

	newest time.Time
}

func newTally(f backstop.StatsFilter) *tally {
	return &tally{
		filter: f, buckets: map[time.Time]*bucket{}, policies: map[string]ofPolicy{},
		rules: map[ruleKey]backstop.CountsOfRule{}, types: map[backstop.RuleType]backstop.CountsOfType{},
		reasons: reasons{}, countries: map[string]backstop.Counts{},
		delays: map[backstop.Channel]delays{backstop.WhatsApp: {}, backstop.SMS: {}},
	}
}

func (t *tally) add(s slice) error {
	for _, r := range s.rows {
		if r.Step != nil {
			if r.DeliveredBy != "" {
				t.delays[r.DeliveredBy].add(*r.Step, delay{n: r.Sends, longest: *r.Longest})
			}
			continue
		}
		k, err := readKind(r.Kind)
		if err != nil {
			return err
		}
		if k.scheduled {
			t.addScheduled(r)
			continue
		}
		counts := k.counts(r.Sends)
		if r.Bucket != nil {
			t.totals = t.totals.Plus(counts)
			t.bucket(r.Bucket.UTC()).add(counts, k.reason)
			continue
		}
		t.countries[k.country] = t.countries[k.country].Plus(counts)
		t.reasons[k.reason] += r.Sends
		plan := s.plans[*r.Digest]
		t.addPolicy(plan, *r.Newest, counts)
		t.addRules(plan.Rules, k.fired, r.Sends)
	}
	return nil
}

// counts are of so many sends of the kind.
func (k kind) counts(n int64) backstop.Counts {
	c := backstop.Counts{Sends: n, Outcomes: map[backstop.Outcome]int64{k.outcome: n}}
	if k.fallback {
		c.Fallbacks = n
	}
	if k.averted {
		c.Averted = n
	}
	if k.duplicate {
		c.Duplicates = n
	}
	return c
}

// addScheduled counts sends that have not started. No other count has them.
func (t *tally) addScheduled(r countRow) {
	if r.Bucket == nil {
		return // they are in the groups over time too
	}
	counts := backstop.Counts{Scheduled: r.Sends}
	t.totals = t.totals.Plus(counts)
	t.bucket(r.Bucket.UTC()).add(counts, "")
}

func (t *tally) addPolicy(plan backstop.Plan, newest time.Time, counts backstop.Counts) {
	p := t.policies[plan.PolicyID]
	p.ID, p.Counts = plan.PolicyID, p.Plus(counts)
	if !newest.Before(p.newest) {
		p.newest, p.Name = newest, plan.PolicyName
	}
	t.policies[plan.PolicyID] = p
}

// addRules counts n sends with these rules, of which one, or none, was the newest to fire.
func (t *tally) addRules(rules []backstop.Rule, fired string, n int64) {
	types := map[backstop.RuleType]backstop.CountsOfType{}
	for _, rule := range rules {
		key := ruleKey{rule.Name, rule.Type}
		counts := t.rules[key]
		counts.Name, counts.Type, counts.Sends = rule.Name, rule.Type, counts.Sends+n
		ofType := types[rule.Type]
		ofType.Sends = n // once, however many rules of the type there are
		if rule.Name == fired {
			counts.Fallbacks += n
			ofType.Fallbacks = n
		}
		t.rules[key], types[rule.Type] = counts, ofType
	}
	for of, more := range types {
		sum := t.types[of]
		t.types[of] = backstop.CountsOfType{Type: of, Sends: sum.Sends + more.Sends, Fallbacks: sum.Fallbacks + more.Fallbacks}
	}
}

func (t *tally) stats() backstop.Stats {
	s := backstop.Stats{
		Filter: t.filter, Totals: t.totals, Series: t.series(),
		ByRule:         slices.SortedFunc(maps.Values(t.rules), byFallbacks),
		TimeToWhatsApp: t.delays[backstop.WhatsApp].quantiles(),
		TimeToSMS:      t.delays[backstop.SMS].quantiles(),
	}
	s.ByRule = firstOf(s.ByRule, maxRules)
	for _, p := range t.policies {
		s.ByPolicy = append(s.ByPolicy, p.CountsOfPolicy)
	}
	slices.SortFunc(s.ByPolicy, func(a, b backstop.CountsOfPolicy) int {
		return cmp.Or(cmp.Compare(b.Sends, a.Sends), cmp.Compare(a.ID, b.ID))
	})
	s.ByPolicy = firstOf(s.ByPolicy, maxPolicies)
	for country, c := range t.countries {
		s.ByCountry = append(s.ByCountry, backstop.CountsOfCountry{Country: country, Counts: c})
	}
	slices.SortFunc(s.ByCountry, func(a, b backstop.CountsOfCountry) int {
		return cmp.Or(cmp.Compare(b.Sends, a.Sends), cmp.Compare(a.Country, b.Country))
	})
	s.ByCountry = firstOf(s.ByCountry, maxCountries)
	for _, of := range backstop.RuleTypes() {
		if c, found := t.types[of]; found {
			c.Missed = t.reasons[of.Missed()]
			s.ByType = append(s.ByType, c)
		}
	}
	s.ByReason = t.reasons.list()
	all := delays{}
	for _, of := range t.delays {
		for step, d := range of {
			all.add(step, d)
		}
	}
	s.TimeToDelivery = all.quantiles()
	return s
}

// series has a bucket for each part of the range, also for a part without sends.
func (t *tally) series() []backstop.CountsAt {
	var series []backstop.CountsAt
	for _, at := range t.filter.Buckets() {
		b := t.bucket(at)
		series = append(series, backstop.CountsAt{At: at, Counts: b.counts, ByReason: b.reasons.list()})
	}
	return series
}

// bucket has the sends of one part of the range.
type bucket struct {
	counts  backstop.Counts
	reasons reasons
}

func (t *tally) bucket(at time.Time) *bucket {
	if t.buckets[at] == nil {
		t.buckets[at] = &bucket{reasons: reasons{}}
	}
	return t.buckets[at]
}

func (b *bucket) add(counts backstop.Counts, reason backstop.FallbackReason) {
	b.counts = b.counts.Plus(counts)
	b.reasons[reason] += counts.Sends
}

// reasons has the number of sends by their reason, which is empty without a fallback.
type reasons map[backstop.FallbackReason]int64

func (r reasons) list() (list []backstop.CountsOfReason) {
	for _, reason := range backstop.FallbackReasons() {
		if r[reason] > 0 {
			list = append(list, backstop.CountsOfReason{Reason: reason, Fallbacks: r[reason]})
		}
	}
	return list
}

func byFallbacks(a, b backstop.CountsOfRule) int {
	return cmp.Or(cmp.Compare(b.Fallbacks, a.Fallbacks), cmp.Compare(b.Sends, a.Sends),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
}

func firstOf[T any](list []T, most int) []T { return list[:min(len(list), most)] }

// delays has, by the step of countSends, the number of deliveries and the longest of their delays.
type delays map[int]delay

type delay struct {
	n       int64
	longest float64 // in seconds
}

func (d delays) add(step int, more delay) {
	d[step] = delay{n: d[step].n + more.n, longest: max(d[step].longest, more.longest)}
}

// quantiles are exact to the width of a step: each is the longest measured delay of its step.
func (d delays) quantiles() backstop.Quantiles {
	q := backstop.Quantiles{}
	for _, step := range d {
		q.Count += step.n
	}
	seen := int64(0)
	for _, step := range slices.Sorted(maps.Keys(d)) {
		before := seen
		seen += d[step].n
		for share, at := range map[float64]*time.Duration{0.5: &q.P50, 0.95: &q.P95, 0.99: &q.P99} {
			if rank := int64(math.Ceil(share * float64(q.Count))); before < rank && rank <= seen {
				*at = time.Duration(d[step].longest * float64(time.Second))
			}
		}
	}
	return q
}
