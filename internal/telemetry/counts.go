package telemetry

import (
	"errors"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/backstophq/backstop"
)

// The metrics that a process counts itself.
var (
	sendsAccepted = Metric{
		Name: "backstop.sends.accepted", Kind: Counter, Unit: "{send}", Labels: []string{"policy", "policy_name"},
		Help: "Sends that were stored.",
	}
	sendsFinished = Metric{
		Name: "backstop.sends.finished", Kind: Counter, Unit: "{send}", Labels: []string{"policy", "policy_name", "outcome"},
		Help: "Sends that ended, by their outcome at that time.",
	}
	fallbacks = Metric{
		Name: "backstop.fallbacks", Kind: Counter, Unit: "{send}", Labels: []string{"policy", "policy_name", "reason"},
		Help: "Sends that fell back to SMS, by the reason of the first rule that fired.",
	}
	duplicates = Metric{
		Name: "backstop.duplicate_deliveries", Kind: Counter, Unit: "{send}",
		Help: "Sends that arrived by WhatsApp after an SMS that did not fail.",
	}
	deliveryTime = Metric{
		Name: "backstop.delivery.time", Kind: Histogram, Unit: seconds, Labels: []string{"channel"},
		Help:    "From the acceptance or the start of a send to its first receipt of a delivery.",
		buckets: []float64{1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400},
	}
	ruleLateness = Metric{
		Name: "backstop.rule.lateness", Kind: Histogram, Unit: seconds, Labels: []string{"reason"},
		Help:    "From the moment when a rule was due to the begin of its first SMS call.",
		buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600},
	}
	attempts = Metric{
		Name: "backstop.attempts", Kind: Counter, Unit: "{call}", Labels: []string{"account", "channel", "kind", "class"},
		Help: "Provider calls that ended: accepted, or the kind and class of the failure.",
	}
	callTime = Metric{
		Name: "backstop.call.time", Kind: Histogram, Unit: seconds, Labels: []string{"account", "channel"},
		Help:    "Duration of a provider call, with the write of its end.",
		buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30},
	}
	receipts = Metric{
		Name: "backstop.receipts", Kind: Counter, Unit: "{receipt}", Labels: []string{"account", "channel", "status", "class"},
		Help: "New receipts of messages; of failed, the class of the failure.",
	}
	receiptLag = Metric{
		Name: "backstop.receipt.lag", Kind: Histogram, Unit: seconds, Labels: []string{"account", "channel"},
		Help:    "From the provider's time of a receipt to its storage.",
		buckets: []float64{.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400},
	}
	guardHits = Metric{
		Name: "backstop.guard.hits", Kind: Counter, Unit: "{send}", Labels: []string{"guard", "result"},
		Help: "Sends that a guard refused, answered or watched.",
	}
	optOutsRefused = Metric{
		Name: "backstop.opt_outs.refused", Kind: Counter, Unit: "{send}", Labels: []string{"at"},
		Help: "Messages that were not sent because the recipient has opted out: refused, skipped, or stopped later.",
	}
	callbackPosts = Metric{
		Name: "backstop.callback.posts", Kind: Counter, Unit: "{post}", Labels: []string{"result"},
		Help: "Callbacks that were posted.",
	}
	requestTime = Metric{
		Name: "backstop.http.request", Kind: Histogram, Unit: seconds, Labels: []string{"method", "route", "status"},
		Help:    "Duration of an HTTP request.",
		buckets: []float64{.005, .01, .025, .05, .1, .25, 1, 5, 30},
	}
)

// Metrics returns all metrics of Backstop. The endpoint also has those of Temporal's SDK, of Go and of the process.
func Metrics() []Metric {
	return slices.Concat([]Metric{
		sendsAccepted, sendsFinished, fallbacks, duplicates, deliveryTime, ruleLateness, attempts, callTime, receipts, receiptLag,
		guardHits, optOutsRefused, callbackPosts, requestTime,
	}, gauges())
}

// counts are the instruments of the metrics above.
type counts struct {
	accepted, finished, fallbacks, duplicates, attempts, receipts, guards, optOuts, posts *counter
	delivery, lateness, calls, lag, requests                                              *histogram

	policies, accounts *limiter
}

func newCounts(meter metric.Meter) (*counts, error) {
	c := &counts{policies: &limiter{}, accounts: &limiter{}}
	var errs []error
	for m, into := range map[*Metric]**counter{
		&sendsAccepted: &c.accepted, &sendsFinished: &c.finished, &fallbacks: &c.fallbacks, &duplicates: &c.duplicates,
		&attempts: &c.attempts, &receipts: &c.receipts, &guardHits: &c.guards, &optOutsRefused: &c.optOuts,
		&callbackPosts: &c.posts,
	} {
		made, err := newCounter(meter, *m)
		*into, errs = made, append(errs, err)
	}
	for m, into := range map[*Metric]**histogram{
		&deliveryTime: &c.delivery, &ruleLateness: &c.lateness, &callTime: &c.calls, &receiptLag: &c.lag,
		&requestTime: &c.requests,
	} {
		made, err := newHistogram(meter, *m)
		*into, errs = made, append(errs, err)
	}
	return c, errors.Join(errs...)
}

// ownRules is the label of sends whose rules are their own.
const ownRules = "none"

// policy returns the labels of a plan's policy.
func (c *counts) policy(p backstop.Plan) (id, name string) {
	switch {
	case p.PolicyID == "":
		return ownRules, ""
	case !c.policies.isWithin(p.PolicyID + "\n" + p.PolicyName):
		return other, ""
	default:
		return p.PolicyID, p.PolicyName
	}
}

// SendAccepted counts a send that was stored. It may have ended at once, because its recipient has opted out.
func (t *Telemetry) SendAccepted(s backstop.Send) {
	id, name := t.counts.policy(s.Plan)
	t.counts.accepted.add(id, name)
	if s.FinishedAt != nil {
		t.counts.finished.add(id, name, string(s.Outcome))
		t.counts.optOuts.add("skipped")
	}
}

// SendRefused counts a request that was refused because the recipient has opted out.
func (t *Telemetry) SendRefused() { t.counts.optOuts.add("refused") }

// SendChanged counts what a stored change has brought. After has the events and receipts of the change.
func (t *Telemetry) SendChanged(before, after *backstop.Ledger) {
	c, s := t.counts, after.Send
	id, name := c.policy(s.Plan)
	if before.Send.FinishedAt == nil && s.FinishedAt != nil {
		c.finished.add(id, name, string(s.Outcome))
	}
	if before.Send.FallbackReason == "" && s.FallbackReason != "" {
		c.fallbacks.add(id, name, string(s.FallbackReason))
	}
	if !before.Send.DuplicateDelivery && s.DuplicateDelivery {
		c.duplicates.add()
	}
	if before.Send.DeliveredAt == nil && s.DeliveredAt != nil {
		c.delivery.record(s.DeliveredAt.Sub(s.Origin()), string(s.DeliveredBy))
	}
	for _, e := range after.Events {
		if e.Kind == backstop.EventOptedOut {
			c.optOuts.add("stopped")
		}
	}
	for _, a := range after.Attempts {
		c.addAttempt(before, after, a)
	}
	for _, r := range after.Receipts {
		account := c.accounts.label(r.Account)
		c.receipts.add(account, string(r.Channel), string(r.Status), classOf(r.Failure))
		c.lag.record(after.At.Sub(r.At), account, string(r.Channel))
	}
}

// addAttempt counts what a change says of an attempt.
func (c *counts) addAttempt(before, after *backstop.Ledger, a backstop.Attempt) {
	was := before.Attempt(a.Ref.Step)
	if was == nil {
		was = &backstop.Attempt{}
	}
	if a.State == backstop.Calling && a.Number == 1 && was.Number == 0 {
		if due, ok := dueOf(before, after, a); ok {
			c.lateness.record(a.StartedAt.Sub(due), string(a.Cause))
		}
	}
	if was.State != backstop.Calling || a.EndedAt == nil || was.Number != a.Number {
		return
	}
	account := c.accounts.label(a.Account)
	c.attempts.add(account, string(a.Channel), string(a.State), classOf(a.Failure))
	c.calls.record(a.EndedAt.Sub(a.StartedAt), account, string(a.Channel))
}

// dueOf returns when the rule of a first SMS call was due: at the end of its wait, or when the newest event before the call was
// stored, if that fired the rule: a failure, of WhatsApp or of another rule's SMS. It returns false if the call fired no rule.
func dueOf(before, after *backstop.Ledger, a backstop.Attempt) (due time.Time, isFired bool) {
	isFired = slices.ContainsFunc(after.Events, func(e backstop.Event) bool {
		return e.Kind == backstop.EventFired && e.Rule == a.Rule
	})
	i := slices.IndexFunc(after.Send.Plan.Rules, func(r backstop.Rule) bool { return r.Name == a.Rule })
	if !isFired || i < 0 {
		return time.Time{}, false
	}
	deadline, _ := after.Send.Plan.Rules[i].Deadline(after.Send.Origin())
	isSMS := func(other backstop.Attempt) bool { return other.Channel == backstop.SMS }
	switch {
	case a.Cause == backstop.ByFailure:
		return before.At, true
	case slices.ContainsFunc(before.Attempts, isSMS) && before.At.After(deadline):
		return before.At, true
	default:
		return deadline, true
	}
}

func classOf(f *backstop.Failure) string {
	if f == nil {
		return ""
	}
	return string(f.Class)
}
