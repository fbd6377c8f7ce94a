package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The types of a rule.
const (
	sendFailed  = "send_failed"
	undelivered = "undelivered"
	unread      = "unread"
)

// The categories of a send. A send may have none.
const (
	marketing      = "marketing"
	utility        = "utility"
	authentication = "authentication"
)

// rule is a rule of a policy. Each rule of a policy has its own sender IDs, which identify its SMS.
type rule struct {
	Type   string
	Wait   time.Duration // 0: none
	SendID string
	Routes []route // empty: the default account sends
}

// route is an SMS account of a rule.
type route struct {
	Account string `json:"account"`
	SendID  string `json:"send_id,omitempty"` // empty: that of the rule
}

// routes returns the accounts of the rule in their order, each with its sender ID.
func (r rule) routes() []route {
	if len(r.Routes) == 0 {
		return []route{{defaultSMS, r.SendID}}
	}
	all := make([]route, len(r.Routes))
	for i, one := range r.Routes {
		all[i] = route{one.Account, cmp.Or(one.SendID, r.SendID)}
	}
	return all
}

// isSender reports whether an SMS from this sender ID is of the rule.
func (r rule) isSender(sendID string) bool {
	return slices.ContainsFunc(r.routes(), func(one route) bool { return one.SendID == sendID })
}

// goal is the status that satisfies the rule.
func (r rule) goal() string {
	switch r.Type {
	case sendFailed:
		return sent
	case undelivered:
		return delivered
	default:
		return read
	}
}

type policy struct {
	Name  string
	Rules []rule
	ID    string // set by makePolicy
}

func allPolicies() []*policy {
	var (
		byDefault   []route
		twilioFirst = []route{{Account: defaultSMS}, {Account: spareSMS}}
		spareFirst  = []route{{Account: spareSMS}, {Account: defaultSMS}}
		ownSenders  = []route{{Account: defaultSMS}, {Account: spareSMS, SendID: "NX0"}}
		spareAlone  = []route{{Account: spareSMS}}
	)
	return []*policy{
		{Name: "undelivered", Rules: []rule{{undelivered, 3 * time.Second, "UD3", twilioFirst}}},
		{Name: "undelivered soon", Rules: []rule{{undelivered, time.Second, "UD1", byDefault}}},
		{Name: "unread", Rules: []rule{{unread, 4 * time.Second, "UR4", spareFirst}}},
		{Name: "send failed", Rules: []rule{{sendFailed, 2 * time.Second, "SF2", twilioFirst}}},
		{Name: "in turn", Rules: []rule{
			{undelivered, 3 * time.Second, "TA3", twilioFirst}, {unread, 6 * time.Second, "TB6", spareFirst},
			{sendFailed, 0, "TC0", byDefault},
		}},
		{Name: "without a wait", Rules: []rule{{undelivered, 0, "NA0", spareAlone}, {sendFailed, 0, "NB0", ownSenders}}},
		{Name: "patient", Rules: []rule{
			{undelivered, 10 * time.Second, "PA10", spareFirst}, {unread, 10 * time.Second, "PB10", byDefault},
		}},
	}
}

// neverWaits reports whether no rule has a wait, so only a failure fires a rule.
func (p *policy) neverWaits() bool {
	return !slices.ContainsFunc(p.Rules, func(r rule) bool { return r.Wait > 0 })
}

// order is the planned request of one send.
type order struct {
	Scenario  scenario
	Policy    *policy
	Account   string // of WhatsApp; empty: the default account
	Number    string // E.164; different for each order
	Key       string // the idempotency key
	Category  string
	ExpiresIn time.Duration // 0: never
	Text      string        // of the WhatsApp message
	SMSText   string
	After     time.Duration // since the beginning of the load
	SendIn    time.Duration // send_at, from the first request; 0: at once
	EndBy     string        // how the caller ends the send; empty: it does not
	EndAfter  time.Duration // from the 202
}

// Expiries of a send. expiresSoon passes during the run, and expiresFar does not. expiresLate is for policies without a
// wait: it ends a send whose WhatsApp call has an unknown end.
const (
	expiresSoon = 7 * time.Second
	expiresLate = 2 * time.Minute
	expiresFar  = time.Hour
)

// planOrders plans the sends of a run. Every scenario occurs equally often; everything else is random.
func planOrders(random *rand.Rand, count int, duration time.Duration, faults []fault) []order {
	table, known := allScenarios(), allPolicies()
	categories := []string{"", "", marketing, utility, authentication}
	expiries := []time.Duration{0, 0, 0, 0, 0, expiresFar, expiresSoon}
	senders := []string{"", defaultWhatsApp, secondWhatsApp}
	orders := make([]order, 0, count)
	for i := range count {
		s := table[i%len(table)]
		o := order{
			Scenario: s, Policy: known[random.IntN(len(known))], Account: senders[random.IntN(len(senders))],
			Number:   fmt.Sprintf("+447400%04d%s", i, s.digits),
			Key:      fmt.Sprintf("order-%d", i),
			Category: categories[random.IntN(len(categories))], ExpiresIn: expiries[random.IntN(len(expiries))],
			Text:    fmt.Sprintf("Your parcel %dWA comes today.", i),
			SMSText: fmt.Sprintf("Your parcel %dSMS comes today.", i),
			After:   planTime(random, duration, faults),
		}
		o = o.withCaller(random)
		switch {
		case !o.ends():
			o.ExpiresIn = expiresSoon
		case o.Policy.neverWaits() && o.ExpiresIn != expiresSoon:
			o.ExpiresIn = expiresLate
		}
		orders = append(orders, o)
	}
	slices.SortStableFunc(orders, func(a, b order) int { return cmp.Compare(a.After, b.After) })
	return orders
}

// withCaller schedules some of the sends, and lets the caller end some.
func (o order) withCaller(random *rand.Rand) order {
	const one, most = 6, 6 * time.Second
	if random.IntN(one) == 0 {
		o.SendIn = time.Second + time.Duration(random.Int64N(int64(most)))
	}
	if random.IntN(one) == 0 {
		o.EndBy = []string{cancels, confirms}[random.IntN(2)]
		o.EndAfter = time.Duration(random.Int64N(int64(o.SendIn + most)))
	}
	return o
}

// aimed is how long before a fault a send may go out, so that the fault hits its call, its receipts or the wait of its
// rule.
const aimed = 2500 * time.Millisecond

// planTime chooses when a send goes out. About half of the sends go out at any time, the others just before a fault.
func planTime(random *rand.Rand, duration time.Duration, faults []fault) time.Duration {
	anyTime := time.Duration(random.Int64N(int64(duration)))
	if len(faults) == 0 || random.IntN(2) == 0 {
		return anyTime
	}
	before := faults[random.IntN(len(faults))].After - time.Duration(random.Int64N(int64(aimed)))
	if before < 0 || before >= duration {
		return anyTime
	}
	return before
}

// ends reports whether the send ends without an expiry: it falls back, or its message is delivered and satisfies every
// rule. Other sends wait for a failure for 30 days.
func (o order) ends() bool {
	return o.fires() || !slices.ContainsFunc(o.Policy.Rules, func(r rule) bool {
		return !hasReached(o.Scenario.whatsApp, r.goal()) || !hasReached(o.Scenario.whatsApp, delivered)
	})
}

// fires reports whether a rule fires with any faults: the message fails, or never satisfies a rule with a wait.
func (o order) fires() bool {
	return o.Scenario.whatsApp == failed || slices.ContainsFunc(o.Policy.Rules, func(r rule) bool {
		return r.Wait > 0 && !hasReached(o.Scenario.whatsApp, r.goal())
	})
}

// mustFallBack reports whether an SMS must be requested with any faults. A send with expiresSoon need not fall back,
// because a fault may outlast it, and one that its caller ends need not.
func (o order) mustFallBack() bool {
	return o.fires() && !o.mustNotFallBack() && o.ExpiresIn != expiresSoon && o.EndBy == ""
}

// mustNotFallBack reports whether no SMS may be requested: the recipient has opted out of marketing, and the send may be
// marketing.
func (o order) mustNotFallBack() bool { return o.Scenario.optedOut && o.maybeMarketing() }

func (o order) maybeMarketing() bool { return o.Category == "" || o.Category == marketing }

// endsBySTOP reports whether a STOP by SMS ends the send. It is the default of BACKSTOP_STOP_CATEGORIES.
func (o order) endsBySTOP() bool { return o.Category != authentication }

// ruleOf finds the rule of an SMS by its sender ID. It returns false if the policy has no such rule.
func (o order) ruleOf(sendID string) (rule, bool) {
	i := o.ruleIndex(sendID)
	if i < 0 {
		return rule{}, false
	}
	return o.Policy.Rules[i], true
}

// ruleIndex returns the index of the rule of an SMS by its sender ID, or -1.
func (o order) ruleIndex(sendID string) int {
	return slices.IndexFunc(o.Policy.Rules, func(r rule) bool { return r.isSender(sendID) })
}
