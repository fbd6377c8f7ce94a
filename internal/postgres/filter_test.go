package postgres_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// listIDs returns the ids of all sends that pass the filter, read in pages, and checks that CountSends agrees.
func listIDs(t *testing.T, db *postgres.DB, filter backstop.SendFilter, sort backstop.Sort) []string {
	t.Helper()
	ids, page := []string{}, backstop.Page{Limit: 2, Sort: sort}
	for more := true; more; {
		var sends []backstop.Send
		var err error
		sends, more, err = db.ListSends(t.Context(), filter, page)
		require.NoError(t, err)
		for _, s := range sends {
			ids, page.After = append(ids, s.ID), s.ID
		}
	}
	total, err := db.CountSends(t.Context(), filter)
	require.NoError(t, err)
	require.Equal(t, backstop.Total{Count: len(ids), IsExact: true}, total)
	return ids
}

func failedWith(code string, class backstop.RejectClass) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: class, Code: code, Reason: "no"}
}

// sendsOfAllKinds stores sends with different results, and returns their ids by name.
func sendsOfAllKinds(t *testing.T, db *postgres.DB) map[string]string {
	t.Helper()
	ids := map[string]string{}
	accepted := func(name string, change func(*backstop.Send)) string {
		send := newSend(t)
		change(&send)
		_, _, err := db.InsertSend(t.Context(), send, &handoff.Idempotency{Key: "order " + name, Hash: []byte{1}})
		require.NoError(t, err)
		ids[name] = send.ID
		return send.ID
	}
	unchanged := func(*backstop.Send) {}
	toGermany := func(s *backstop.Send) { s.To, s.Country = "+4915112345678", "DE" }
	refused := func(name string, change func(*backstop.Send)) string { // by WhatsApp
		id := accepted(name, change)
		end(t, db, begin(t, db, id, whatsApp), backstop.Ending{Failure: failedWith("131026", backstop.RecipientFault)})
		return id
	}
	messaged := func(id string, call backstop.Call, status backstop.Status) { // by SMS
		accept(t, db, begin(t, db, id, call))
		if status != "" {
			insert(t, db, receipt(id, call.Step(), status))
		}
	}

	arrived := accepted("arrived", unchanged)
	accept(t, db, begin(t, db, arrived, whatsApp))
	insert(t, db, receipt(arrived, 1, backstop.Delivered))

	ordered := func(s *backstop.Send) { s.CorrelationID = "order of sends" }
	messaged(refused("by sms", ordered), firstSMS, backstop.Delivered)
	messaged(refused("by sms in Germany", toGermany), firstSMS, backstop.Delivered)
	messaged(refused("no receipt", unchanged), firstSMS, "")

	second := refused("by the second rule", toGermany)
	end(t, db, begin(t, db, second, firstSMS), backstop.Ending{Failure: failedWith("21610", backstop.RecipientFault)})
	messaged(second, lastSMS, backstop.Delivered)

	messaged(refused("failed", unchanged), firstSMS, backstop.Failed)
	finish(t, db, ids["failed"])

	late := refused("duplicate", unchanged)
	messaged(late, firstSMS, backstop.Delivered)
	insert(t, db, receipt(late, 1, backstop.Delivered))

	averted := accepted("averted", func(s *backstop.Send) { s.Plan.PolicyID, s.Plan.PolicyName = "", "" })
	accept(t, db, begin(t, db, averted, whatsApp))
	insert(t, db, receipt(averted, 1, backstop.Delivered))
	avert(t, db, averted, firstSMS)

	accepted("open", func(s *backstop.Send) {
		ordered(s)
		s.To, s.Country, s.Plan.PolicyID, s.Plan.PolicyName = "+80012345678", "", "01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e60", "other"
	})
	return ids
}

func TestDB_ListSends_filters(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	ids := sendsOfAllKinds(t, db)
	fallen := []string{"by sms", "by sms in Germany", "no receipt", "by the second rule", "failed", "duplicate"}
	rule := plan().Rules
	for name, c := range map[string]struct {
		filter backstop.SendFilter
		want   []string
	}{
		"nothing":         {backstop.SendFilter{}, slices.Collect(maps.Keys(ids))},
		"several results": {backstop.SendFilter{Outcomes: []backstop.Outcome{"failed", "sms"}}, append(fallen[:2:2], fallen[3:]...)},
		"country":         {backstop.SendFilter{Country: new("DE")}, []string{"by sms in Germany", "by the second rule"}},
		"no country":      {backstop.SendFilter{Country: new("")}, []string{"open"}},
		"last digits":     {backstop.SendFilter{ToEnds: "5678"}, []string{"by sms in Germany", "by the second rule", "open"}},
		"more digits":     {backstop.SendFilter{ToEnds: "15112345678"}, []string{"by sms in Germany", "by the second rule"}},
		"whole number":    {backstop.SendFilter{To: "+4915112345678"}, []string{"by sms in Germany", "by the second rule"}},
		"correlation":     {backstop.SendFilter{CorrelationID: "order of sends"}, []string{"by sms", "open"}},
		"no correlation":  {backstop.SendFilter{CorrelationID: "order"}, nil},
		"own rules":       {backstop.SendFilter{OwnRules: new(true)}, []string{"averted"}},
		"policies":        {backstop.SendFilter{OwnRules: new(false), RuleType: rule[1].Type}, []string{"by the second rule"}},
		"fell back":       {backstop.SendFilter{FellBack: new(true)}, fallen},
		"did not":         {backstop.SendFilter{FellBack: new(false)}, []string{"arrived", "averted", "open"}},
		"averted":         {backstop.SendFilter{Averted: new(true)}, []string{"averted"}},
		"duplicate":       {backstop.SendFilter{Duplicate: new(true)}, []string{"duplicate"}},
		"no duplicate":    {backstop.SendFilter{Duplicate: new(false), Country: new("DE")}, []string{"by sms in Germany", "by the second rule"}},
		"reason":          {backstop.SendFilter{Reasons: []backstop.FallbackReason{backstop.ByFailure}}, fallen},
		"reasons":         {backstop.SendFilter{Reasons: []backstop.FallbackReason{backstop.NotRead, backstop.ByFailure}}, fallen},
		"another reason":  {backstop.SendFilter{Reasons: []backstop.FallbackReason{backstop.NotRead}}, []string{}},
		"rule":            {backstop.SendFilter{Rule: rule[1].Name}, []string{"by the second rule"}},
		"type of rule":    {backstop.SendFilter{RuleType: rule[1].Type}, []string{"by the second rule"}},
		"type and rule":   {backstop.SendFilter{RuleType: rule[1].Type, Rule: rule[0].Name}, []string{}},
		"sender":          {backstop.SendFilter{SMS: backstop.SMSFilter{Sender: rule[1].SendID}}, []string{"by the second rule"}},
		"route":           {backstop.SendFilter{SMS: backstop.SMSFilter{Route: "main"}}, fallen},
		"another route":   {backstop.SendFilter{SMS: backstop.SMSFilter{Route: "bulk"}}, []string{"by the second rule"}},
		"no route":        {backstop.SendFilter{SMS: backstop.SMSFilter{Route: "twilio"}}, []string{}}, // a provider of two
		"sms failed":      {backstop.SendFilter{SMS: backstop.SMSFilter{Result: backstop.SMSFailed}}, []string{"by the second rule", "failed"}},
		"sms delivered": {
			backstop.SendFilter{SMS: backstop.SMSFilter{Result: backstop.SMSDelivered}},
			[]string{"by sms", "by sms in Germany", "by the second rule", "duplicate"},
		},
		"no receipt": {backstop.SendFilter{SMS: backstop.SMSFilter{Result: backstop.SMSNoReceipt}}, []string{"no receipt"}},
		"one SMS fits all": {
			backstop.SendFilter{SMS: backstop.SMSFilter{Sender: rule[0].SendID, Result: backstop.SMSDelivered}, Country: new("DE")},
			[]string{"by sms in Germany"}, // that of the second rule failed from this sender
		},
		"code":                {backstop.SendFilter{Failure: backstop.CodeFilter{Code: "21610"}}, []string{"by the second rule"}},
		"code and provider":   {backstop.SendFilter{Failure: backstop.CodeFilter{Code: "131026", Provider: "meta"}}, fallen},
		"of another provider": {backstop.SendFilter{Failure: backstop.CodeFilter{Code: "21610", Provider: "meta"}}, []string{}},
		"provider": {
			backstop.SendFilter{Failure: backstop.CodeFilter{Provider: "twilio"}}, []string{"by the second rule", "failed"},
		},
		"all at once": {
			backstop.SendFilter{
				Outcomes: []backstop.Outcome{backstop.OutcomeSMS}, PolicyID: policyID, To: "+4915112345678", ToEnds: "5678",
				From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour), FellBack: new(true), Averted: new(false),
				Duplicate: new(false), Reasons: []backstop.FallbackReason{backstop.ByFailure}, Rule: rule[1].Name, RuleType: rule[1].Type,
				Country: new("DE"), SMS: backstop.SMSFilter{Sender: rule[1].SendID, Route: "bulk", Result: backstop.SMSDelivered},
				Failure: backstop.CodeFilter{Code: "21610", Provider: "twilio"},
			},
			[]string{"by the second rule"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.filter.ToEnds != "" && postgrestest.SealsNumbers() {
				_, _, err := db.ListSends(t.Context(), c.filter, backstop.Page{Limit: 1})
				requireCode(t, backstop.Invalid, err)
				return
			}
			want := []string{}
			for _, name := range c.want {
				want = append(want, ids[name])
			}
			slices.Sort(want)
			require.Equal(t, want, listIDs(t, db, c.filter, backstop.ByOldest))
			slices.Reverse(want)
			require.Equal(t, want, listIDs(t, db, c.filter, backstop.ByNewest))
		})
	}
}

func TestDB_Stats_listed(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	sendsOfAllKinds(t, db)
	requireListed(t, db, everything())
}

// smsOf counts the SMS of the listed sends that fit the filter. A send may have two from one sender.
func smsOf(t *testing.T, db *postgres.DB, f backstop.SendFilter) (n int64) {
	t.Helper()
	for _, id := range listIDs(t, db, f, backstop.ByNewest) {
		s := stored{Send: getSend(t, db, id)}
		s.attempts, _ = timeline(t, db, id)
		for _, a := range s.attempts {
			if s.fitsSMS(a, f.SMS) {
				n++
			}
		}
	}
	return n
}

// requireListed checks that each number of the statistics is the length of the list that the console opens for it, or the number
// of SMS in that list.
func requireListed(t *testing.T, db *postgres.DB, of backstop.StatsFilter) {
	t.Helper()
	listed := func(want int64, change func(*backstop.SendFilter)) {
		t.Helper()
		filter := backstop.SendFilter{From: of.From, Until: of.Until, Scheduled: new(false)}
		change(&filter)
		require.Len(t, listIDs(t, db, filter, backstop.ByNewest), int(want))
	}
	counts := func(c backstop.Counts, change func(*backstop.SendFilter)) {
		t.Helper()
		listed(c.Sends, change)
		listed(c.Fallbacks, func(f *backstop.SendFilter) { change(f); f.FellBack = new(true) })
		listed(c.Averted, func(f *backstop.SendFilter) { change(f); f.Averted = new(true) })
		listed(c.Duplicates, func(f *backstop.SendFilter) { change(f); f.Duplicate = new(true) })
		for outcome, n := range c.Outcomes {
			listed(n, func(f *backstop.SendFilter) { change(f); f.Outcomes = []backstop.Outcome{outcome} })
		}
	}
	s := stats(t, db, of)
	counts(s.Totals, func(*backstop.SendFilter) {})
	listed(s.Totals.Scheduled, func(f *backstop.SendFilter) { f.Scheduled = new(true) })
	for _, c := range s.Series {
		in := func(f *backstop.SendFilter) { f.From, f.Until = c.At, c.At.Add(of.Bucket()) }
		counts(c.Counts, in)
		listed(c.Scheduled, func(f *backstop.SendFilter) { in(f); f.Scheduled = new(true) })
		for _, r := range c.ByReason {
			listed(r.Fallbacks, func(f *backstop.SendFilter) { in(f); f.Reasons = []backstop.FallbackReason{r.Reason} })
		}
	}
	for _, c := range s.ByPolicy {
		counts(c.Counts, func(f *backstop.SendFilter) { f.PolicyID, f.OwnRules = c.ID, new(c.ID == "") })
	}
	for _, c := range s.ByCountry {
		counts(c.Counts, func(f *backstop.SendFilter) { f.Country = &c.Country })
	}
	for _, c := range s.ByRule {
		listed(c.Fallbacks, func(f *backstop.SendFilter) { f.Rule, f.RuleType = c.Name, c.Type })
	}
	for _, c := range s.ByType {
		listed(c.Fallbacks, func(f *backstop.SendFilter) { f.RuleType = c.Type })
		listed(c.Missed, func(f *backstop.SendFilter) { f.Reasons = []backstop.FallbackReason{c.Type.Missed()} })
	}
	for _, c := range s.ByReason {
		listed(c.Fallbacks, func(f *backstop.SendFilter) { f.Reasons = []backstop.FallbackReason{c.Reason} })
	}

	m, err := db.MessageStats(t.Context(), of)
	require.NoError(t, err)
	for _, c := range m.BySender {
		sms := func(n backstop.SMSCounts, change func(*backstop.SendFilter)) {
			t.Helper()
			filter := backstop.SendFilter{From: of.From, Until: of.Until}
			change(&filter)
			require.Equal(t, n.SMS, smsOf(t, db, filter))
			for result, n := range n.Results {
				filter.SMS.Result = result
				require.Equal(t, n, smsOf(t, db, filter))
			}
		}
		from := func(f *backstop.SendFilter) { f.SMS.Sender, f.SMS.Route = c.Sender, c.Route }
		sms(c.SMSCounts, from)
		for _, in := range c.ByCountry {
			sms(in.SMSCounts, func(f *backstop.SendFilter) { from(f); f.Country = &in.Country })
		}
	}
	for _, c := range m.ByCode {
		if c.Code == "" { // it has no list
			continue
		}
		listed(c.Sends, func(f *backstop.SendFilter) { f.Failure.Provider, f.Failure.Code = c.Provider, c.Code })
	}
	changes, err := db.StatsChanges(t.Context(), of)
	require.NoError(t, err)
	for _, g := range changes.Groups {
		if g.Code == "" {
			continue
		}
		listed(g.After, func(f *backstop.SendFilter) {
			f.OwnRules = new(g.PolicyID == "")
			f.PolicyID, f.Country, f.Failure.Provider, f.Failure.Code = g.PolicyID, &g.Country, g.Provider, g.Code
			f.Reasons = []backstop.FallbackReason{g.Reason}
		})
	}
}

// No id follows the largest one.
func TestDB_ListSends_afterAll(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	insertSend(t, db)
	list, more, err := db.ListSends(t.Context(), backstop.SendFilter{}, backstop.Page{
		Sort: backstop.ByOldest, After: uuid.Max.String(), Limit: 1,
	})
	require.NoError(t, err)
	require.Empty(t, list)
	require.False(t, more)
}
