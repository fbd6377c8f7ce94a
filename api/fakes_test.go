package api_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
)

// now is the present time of every test.
var now = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// store keeps rules, policies and sends in memory. It counts the writes. If away is set, every method returns it.
type store struct {
	mu         sync.Mutex
	rules      []backstop.Rule
	policies   []backstop.Policy
	sends      []backstop.Send
	revision   int // of every send
	attempts   []backstop.Attempt
	events     []backstop.Event
	filter     backstop.SendFilter // of the newest list
	search     string
	ofRules    backstop.RuleFilter
	ofPolicies backstop.PolicyFilter
	total      backstop.Total
	page       backstop.Page
	sessions   map[string]backstop.Session // by their digests
	stats      backstop.Stats
	messages   backstop.MessageStats
	changes    backstop.Changes
	found      backstop.FoundSends
	refused    error                  // of FindSends
	slow       time.Duration          // how long each page of sends takes
	breakOff   int                    // after so many pages of sends the store is away; 0: never
	asked      []backstop.StatsFilter // of all that was counted
	counting   chan struct{}          // counting waits for it, if there is one
	writes     int
	away       error
}

func missing(what string) error {
	return &backstop.Error{Code: backstop.NotFound, Message: "no " + what + " has this id"}
}

func stale() error { return &backstop.Error{Code: backstop.Stale, Message: "it has changed"} }

func (s *store) begin() func() {
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *store) CreateRule(_ context.Context, rule backstop.Rule) (backstop.Rule, error) {
	defer s.begin()()
	if s.away != nil {
		return rule, s.away
	}
	for _, r := range s.rules {
		if strings.EqualFold(r.Name, rule.Name) {
			return rule, &backstop.Error{Code: backstop.Conflict, Message: "a rule has this name"}
		}
	}
	rule.ID, rule.Version, rule.CreatedAt, rule.UpdatedAt = newID(), 1, now, now
	s.rules = append(s.rules, rule)
	s.writes++
	return rule, nil
}

// used returns the rule with the policies that include it, by name.
func (s *store) used(rule backstop.Rule) backstop.Rule {
	rule.UsedBy = nil
	for _, p := range s.policies {
		if slices.ContainsFunc(p.Rules, func(r backstop.Rule) bool { return r.ID == rule.ID }) {
			rule.UsedBy = append(rule.UsedBy, backstop.PolicyRef{ID: p.ID, Name: p.Name})
		}
	}
	slices.SortFunc(rule.UsedBy, func(a, b backstop.PolicyRef) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return rule
}

func (s *store) ruleIndex(id string) int {
	return slices.IndexFunc(s.rules, func(r backstop.Rule) bool { return r.ID == id })
}

func (s *store) Rule(_ context.Context, id string) (backstop.Rule, error) {
	defer s.begin()()
	i := s.ruleIndex(id)
	switch {
	case s.away != nil:
		return backstop.Rule{}, s.away
	case i < 0:
		return backstop.Rule{}, missing("rule")
	}
	return s.used(s.rules[i]), nil
}

func (s *store) ListRules(
	_ context.Context, filter backstop.RuleFilter, page backstop.Page,
) ([]backstop.Rule, bool, error) {
	defer s.begin()()
	s.ofRules, s.page = filter, page
	items, more := cut(s.rules, page, func(r backstop.Rule) string { return r.ID })
	for i := range items {
		items[i] = s.used(items[i])
	}
	return items, more, s.away
}

func (s *store) CountRules(_ context.Context, filter backstop.RuleFilter) (backstop.Total, error) {
	defer s.begin()()
	s.ofRules = filter
	return s.total, s.away
}

func (s *store) CountPolicies(_ context.Context, filter backstop.PolicyFilter) (backstop.Total, error) {
	defer s.begin()()
	s.ofPolicies = filter
	return s.total, s.away
}

func (s *store) ReplaceRule(_ context.Context, rule backstop.Rule, version int) (backstop.Rule, error) {
	defer s.begin()()
	i := s.ruleIndex(rule.ID)
	switch {
	case i < 0:
		return rule, missing("rule")
	case version != backstop.AnyVersion && version != s.rules[i].Version:
		return rule, stale()
	}
	rule.Version, rule.CreatedAt, rule.UpdatedAt = s.rules[i].Version+1, s.rules[i].CreatedAt, now
	s.rules[i] = rule
	s.writes++
	return s.used(rule), nil
}

func (s *store) DeleteRule(_ context.Context, id string, version int) error {
	defer s.begin()()
	i := s.ruleIndex(id)
	switch {
	case i < 0:
		return missing("rule")
	case version != backstop.AnyVersion && version != s.rules[i].Version:
		return stale()
	}
	for _, p := range s.policies {
		if slices.ContainsFunc(p.Rules, func(r backstop.Rule) bool { return r.ID == id }) {
			return &backstop.Error{Code: backstop.Conflict, Message: "the rule is used by: " + p.Name}
		}
	}
	s.rules = slices.Delete(s.rules, i, i+1)
	s.writes++
	return nil
}

func (s *store) named(ids []string) ([]backstop.Rule, error) {
	var rules []backstop.Rule
	for n, id := range ids {
		i := s.ruleIndex(id)
		if i < 0 {
			return nil, &backstop.Error{
				Code: backstop.Invalid, Message: "the policy is not valid",
				Fields: []backstop.Field{backstop.NewField(fmt.Sprintf("rule_ids.%d", n), backstop.FieldNotFound, "names no rule")},
			}
		}
		rules = append(rules, s.rules[i])
	}
	return rules, nil
}

func (s *store) CreatePolicy(_ context.Context, in backstop.PolicyInput) (backstop.Policy, error) {
	defer s.begin()()
	if s.away != nil {
		return backstop.Policy{}, s.away
	}
	rules, err := s.named(in.RuleIDs)
	if err != nil {
		return backstop.Policy{}, err
	}
	p := backstop.Policy{
		ID: newID(), Name: in.Name, Account: in.Account, Rules: rules, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	s.policies = append(s.policies, p)
	s.writes++
	return p, nil
}

func (s *store) policyIndex(id string) int {
	return slices.IndexFunc(s.policies, func(p backstop.Policy) bool { return p.ID == id })
}

func (s *store) Policy(_ context.Context, id string) (backstop.Policy, error) {
	defer s.begin()()
	i := s.policyIndex(id)
	switch {
	case s.away != nil:
		return backstop.Policy{}, s.away
	case i < 0:
		return backstop.Policy{}, missing("policy")
	}
	return s.policies[i], nil
}

func (s *store) ListPolicies(
	_ context.Context, filter backstop.PolicyFilter, page backstop.Page,
) ([]backstop.Policy, bool, error) {
	defer s.begin()()
	s.ofPolicies, s.page = filter, page
	items, more := cut(s.policies, page, func(p backstop.Policy) string { return p.ID })
	return items, more, s.away
}

func (s *store) ReplacePolicy(
	_ context.Context, id string, in backstop.PolicyInput, version int,
) (backstop.Policy, error) {
	defer s.begin()()
	i := s.policyIndex(id)
	switch {
	case i < 0:
		return backstop.Policy{}, missing("policy")
	case version != backstop.AnyVersion && version != s.policies[i].Version:
		return backstop.Policy{}, stale()
	}
	rules, err := s.named(in.RuleIDs)
	if err != nil {
		return backstop.Policy{}, err
	}
	s.policies[i].Name, s.policies[i].Account, s.policies[i].Rules = in.Name, in.Account, rules
	s.policies[i].Version++
	s.writes++
	return s.policies[i], nil
}

func (s *store) DeletePolicy(_ context.Context, id string, version int) error {
	defer s.begin()()
	i := s.policyIndex(id)
	switch {
	case i < 0:
		return missing("policy")
	case version != backstop.AnyVersion && version != s.policies[i].Version:
		return stale()
	}
	s.policies = slices.Delete(s.policies, i, i+1)
	s.writes++
	return nil
}

func (s *store) Send(_ context.Context, id string) (backstop.Send, error) {
	defer s.begin()()
	i := slices.IndexFunc(s.sends, func(v backstop.Send) bool { return v.ID == id })
	switch {
	case s.away != nil:
		return backstop.Send{}, s.away
	case i < 0:
		return backstop.Send{}, missing("send")
	}
	return s.sends[i], nil
}

func (s *store) Revision(_ context.Context, id string) (int, error) {
	defer s.begin()()
	switch {
	case s.away != nil:
		return 0, s.away
	case !slices.ContainsFunc(s.sends, func(v backstop.Send) bool { return v.ID == id }):
		return 0, missing("send")
	}
	return s.revision, nil
}

// change sets a status of a send and raises its revision, as a receipt does.
func (s *store) change(status backstop.Status) {
	defer s.begin()()
	s.sends[0].Status.WhatsApp = status
	s.revision++
}

func (s *store) lose(err error) {
	defer s.begin()()
	s.away = err
}

func (s *store) Timeline(context.Context, string) ([]backstop.Attempt, []backstop.Event, error) {
	defer s.begin()()
	return s.attempts, s.events, s.away
}

// ListSends returns all sends. If the filter has a CorrelationID, it returns the sends with that id and with one of the outcomes.
func (s *store) ListSends(
	ctx context.Context, filter backstop.SendFilter, page backstop.Page,
) ([]backstop.Send, bool, error) {
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case <-time.After(s.slow):
	}
	defer s.begin()()
	s.filter, s.page = filter, page
	if s.breakOff > 0 {
		if s.breakOff--; s.breakOff == 0 {
			s.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
		}
	}
	sends := slices.DeleteFunc(slices.Clone(s.sends), func(v backstop.Send) bool {
		return filter.PolicyID != "" && filter.CorrelationID != "" && v.Plan.PolicyID != filter.PolicyID ||
			filter.CorrelationID != "" && (v.CorrelationID != filter.CorrelationID ||
				len(filter.Outcomes) > 0 && !slices.Contains(filter.Outcomes, v.Outcome))
	})
	items, more := cut(sends, page, func(v backstop.Send) string { return v.ID })
	return items, more, s.away
}

// CountSends counts all sends.
func (s *store) CountSends(_ context.Context, filter backstop.SendFilter) (backstop.Total, error) {
	defer s.begin()()
	s.filter = filter
	return backstop.Total{Count: len(s.sends), IsExact: true}, s.away
}

// MessageStats returns the counts that the test has set.
func (s *store) MessageStats(_ context.Context, filter backstop.StatsFilter) (backstop.MessageStats, error) {
	defer s.begin()()
	s.messages.Filter = filter
	return s.messages, s.away
}

// StatsChanges returns the changes that the test has set.
func (s *store) StatsChanges(_ context.Context, filter backstop.StatsFilter) (backstop.Changes, error) {
	defer s.begin()()
	s.asked = append(s.asked, filter)
	return s.changes, s.away
}

// FindSends returns the result that the test has set.
func (s *store) FindSends(_ context.Context, text string, _ int) (backstop.FoundSends, error) {
	defer s.begin()()
	s.search = text
	return s.found, cmp.Or(s.refused, s.away)
}

// Stats waits without the lock, so other requests for the same statistics can arrive.
func (s *store) Stats(_ context.Context, filter backstop.StatsFilter) (backstop.Stats, error) {
	unlock := s.begin()
	s.asked = append(s.asked, filter)
	stats, err, counting := s.stats, s.away, s.counting
	unlock()
	if counting != nil {
		<-counting
	}
	stats.Filter = filter
	return stats, err
}

func (s *store) counted() int {
	defer s.begin()()
	return len(s.asked)
}

func (s *store) Ping(context.Context) error {
	defer s.begin()()
	return s.away
}

// cut returns a page of items, newest first.
func cut[T any](items []T, page backstop.Page, id func(T) string) ([]T, bool) {
	var found []T
	for _, item := range slices.Backward(items) {
		if page.After == "" || id(item) < page.After {
			found = append(found, item)
		}
	}
	if len(found) <= page.Limit {
		return found, false
	}
	return found[:page.Limit], true
}

// door is a Handoff that stores sends in the store, and keeps receipts.
type door struct {
	checks backstop.GuardChecks // of the newest send
	refuse error                // of a guard

	store    *store
	mu       sync.Mutex
	keys     map[string]backstop.Send
	hashes   map[string][]byte
	receipts []backstop.Receipt
	away     error
	accept   func() // called within Accept
	outs     *optOuts
}

func (d *door) Accepted(_ context.Context, key handoff.Idempotency) (backstop.Send, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away != nil {
		return backstop.Send{}, false, d.away
	}
	send, found := d.keys[key.Key]
	if found && !bytes.Equal(d.hashes[key.Key], key.Hash) {
		return backstop.Send{}, false, &backstop.Error{
			Code: backstop.Mismatch, Message: "this Idempotency-Key was used with another body",
		}
	}
	return send, found, nil
}

func (d *door) AcceptGuarded(
	ctx context.Context, send backstop.Send, key *handoff.Idempotency, checks backstop.GuardChecks,
) (backstop.Send, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checks = checks
	if d.refuse != nil {
		return backstop.Send{}, false, d.refuse
	}
	if d.accept != nil {
		d.accept()
	}
	if d.away != nil {
		return backstop.Send{}, false, d.away
	}
	send = send.AcceptAt(now)
	send.ID = newID()
	send.Status.WhatsApp, send.Outcome = backstop.Queued, backstop.OutcomePending
	if isOut, _ := d.outs.IsOptedOut(ctx, send.To, send.Category); isOut {
		if !send.SkipsOptedOut() {
			return backstop.Send{}, false, backstop.ErrOptedOut()
		}
		send.FinishedAt, send.Outcome = new(now), backstop.OutcomeFailed
	}
	if key != nil {
		d.keys[key.Key], d.hashes[key.Key] = send, key.Hash
	}
	defer d.store.begin()()
	d.store.sends = append(d.store.sends, send)
	d.store.writes++
	return send, true, nil
}

func (d *door) Cancel(_ context.Context, id string) error {
	return d.change(id, func(l *backstop.Ledger) error { return l.Cancel(now) })
}

func (d *door) Confirm(_ context.Context, id string) error {
	return d.change(id, func(l *backstop.Ledger) error { l.Confirm(now); return nil })
}

// change changes a send in the store by its ledger.
func (d *door) change(id string, change func(*backstop.Ledger) error) error {
	defer d.store.begin()()
	if d.away != nil {
		return d.away
	}
	i := slices.IndexFunc(d.store.sends, func(s backstop.Send) bool { return s.ID == id })
	if i < 0 {
		return missing("send")
	}
	l := backstop.NewLedger(d.store.sends[i])
	for _, a := range d.store.attempts {
		if a.Ref.Send == id {
			l.Attempts = append(l.Attempts, a)
		}
	}
	if err := change(l); err != nil {
		return err
	}
	d.store.sends[i] = l.Send
	d.store.events = append(d.store.events, l.Events...)
	return nil
}

func (d *door) Deliver(_ context.Context, receipts []backstop.Receipt) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away != nil {
		return d.away
	}
	d.receipts = append(d.receipts, receipts...)
	return nil
}

func (d *door) delivered() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.receipts)
}

// driver is a WebhookReader made of a function.
type driver struct {
	read func(r *http.Request, body []byte) ([]backstop.Receipt, error)
}

func (d driver) Receipts(r *http.Request, body []byte) ([]backstop.Receipt, error) {
	return d.read(r, body)
}

// shaker is a driver with a handshake.
type shaker struct{ driver }

func (shaker) Challenge(query url.Values) (string, error) {
	if query.Get("hub.verify_token") != "letmein" {
		return "", &backstop.Error{Code: backstop.Forged, Message: "the verify token is wrong"}
	}
	return query.Get("hub.challenge"), nil
}

// answerer is a driver whose provider expects an answer, and sends receipts by GET.
type answerer struct{ driver }

func (answerer) ReceivesGet() bool { return true }

func (answerer) WebhookAnswer() (contentType string, body []byte) {
	return "text/plain", []byte("ACK/Jasmin")
}

// erasures has one erasure.
type erasures struct {
	backstop.Erasure
}

func (e *erasures) Create(_ context.Context, to string, keepOptOut bool) (backstop.Erasure, error) {
	e.Erasure = backstop.Erasure{ID: someID, To: to, KeepOptOut: keepOptOut, CreatedAt: now, Pending: 1}
	return e.Erasure, nil
}

func (e *erasures) Get(_ context.Context, id string) (backstop.Erasure, error) {
	if id != e.ID {
		return backstop.Erasure{}, &backstop.Error{Code: backstop.NotFound, Message: "no erasure has this id"}
	}
	return e.Erasure, nil
}
