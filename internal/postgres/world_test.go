package postgres_test

import (
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// stored is a send as the store returns it.
type stored struct {
	backstop.Send

	attempts []backstop.Attempt
	events   []backstop.Event
}

// world stores random sends with random results.
type world struct {
	*mathrand.Rand

	db *postgres.DB
	t  *testing.T
}

func newWorld(t *testing.T) world {
	t.Helper()
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // it does not fail
	n := binary.LittleEndian.Uint64(seed[:])
	t.Logf("seed %d", n)
	return world{mathrand.New(mathrand.NewPCG(n, 0)), postgrestest.New(t), t}
}

func oneOf[T any](w world, values ...T) T { return values[w.IntN(len(values))] }

// The values of the sends, and of the filters.
var (
	worldNumbers  = []string{"+447400123456", "+447400123457", "+4915112345678", "+80012345678"}
	worldCountry  = map[string]string{"+447400123456": "GB", "+447400123457": "GB", "+4915112345678": "DE", "+80012345678": ""}
	worldPolicies = []string{policyID, "01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e60", ""}
	worldSenders  = []string{"Acme", "60777"}
	worldRoutes   = []string{"twilio", "bulk", "other"}
	worldAccounts = []backstop.Candidate{
		{Account: "number", Provider: "meta"}, {Account: "twilio", Provider: "twilio"}, {Account: "bulk", Provider: "twilio"},
		{Account: "other", Provider: "other", RefusesRepeats: true},
	}
	worldCodes   = []string{"1", "2", "131050", "21610", ""}
	worldClasses = map[string]backstop.RejectClass{
		"1": backstop.RecipientFault, "2": backstop.AccountFault, "131050": backstop.OptedOut, "21610": backstop.OptedOut,
	}
	worldNames  = []string{"a", "b", "A?", "c%"}
	worldOrders = []string{"order?", "order"}
)

// fill stores n sends and returns them, the oldest first.
func (w world) fill(n int) (all []stored) {
	for range n {
		send := w.send()
		_, _, err := w.db.InsertSend(w.t.Context(), send, nil)
		require.NoError(w.t, err)
		for range w.IntN(12) {
			w.step(send)
			w.forgetOptOuts() // they would stop most sends
		}
		s := stored{Send: getSend(w.t, w.db, send.ID)}
		s.attempts, s.events = timeline(w.t, w.db, send.ID)
		all = append(all, s)
	}
	return all
}

func (w world) forgetOptOuts() {
	for _, number := range worldNumbers {
		for _, category := range backstop.OptOutCategories() {
			err := w.db.DeleteOptOut(w.t.Context(), number, category, backstop.OptOutOrigin{Source: backstop.ByAPI})
			require.NoError(w.t, err)
		}
	}
}

func (w world) send() backstop.Send {
	send := newSend(w.t)
	send.To = oneOf(w, worldNumbers...)
	send.Country = worldCountry[send.To]
	send.Category = oneOf(w, "", backstop.Utility, backstop.Marketing)
	// At most an hour ago, so that the waits of some rules are over.
	send.AcceptedAt = send.AcceptedAt.Add(-time.Duration(w.IntN(3600)) * time.Second)
	send.ID = idOf(w.t, send.AcceptedAt)
	send.CorrelationID = oneOf(w, "", worldOrders[0], worldOrders[1])
	if w.IntN(4) == 0 {
		send.ExpiresAt = new(send.AcceptedAt.Add(time.Duration(w.IntN(3600)) * time.Second))
	}
	if w.IntN(8) == 0 {
		send.SendAt = new(send.AcceptedAt.Add(time.Duration(1+w.IntN(3600)) * time.Second))
		if send.ExpiresAt != nil {
			send.ExpiresAt = new(send.SendAt.Add(time.Minute))
		}
		if w.IntN(2) == 0 {
			send.StartedAt = send.SendAt
		}
	}
	send.Plan.PolicyID = oneOf(w, worldPolicies...)
	send.Plan.Rules = nil
	names := slices.Clone(worldNames)
	w.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names[:1+w.IntN(3)] {
		send.Plan.Rules = append(send.Plan.Rules, backstop.Rule{
			ID: policyID, Name: name, Type: oneOf(w, backstop.RuleTypes()...), WaitSeconds: 1 + w.IntN(3600),
			SendID: oneOf(w, worldSenders...), Routes: w.routes(),
		})
	}
	return send
}

// routes returns 1 to 3 accounts. Some have a sender ID of their own.
func (w world) routes() (list []backstop.Route) {
	for _, i := range w.Perm(len(worldRoutes))[:1+w.IntN(len(worldRoutes))] {
		list = append(list, backstop.Route{Account: worldRoutes[i], SendID: oneOf(w, "", "", worldSenders[0])})
	}
	return list
}

func (w world) failure() *backstop.Failure {
	code := oneOf(w, worldCodes...)
	return &backstop.Failure{
		Kind: oneOf(w, backstop.Rejected, backstop.Rejected, backstop.Throttled, backstop.Unavailable, backstop.Unknown),
		Code: code, Class: worldClasses[code], Reason: "no",
	}
}

// step makes a random change of a send. A change that the ledger refuses has no effect.
func (w world) step(send backstop.Send) {
	attempts, _ := timeline(w.t, w.db, send.ID)
	switch n := w.IntN(10); {
	case n < 4:
		w.call(send)
	case n < 9 && len(attempts) > 0:
		w.report(oneOf(w, attempts...))
	case n == 9:
		_, err := w.db.Finish(w.t.Context(), send.ID, w.IntN(2) == 0)
		require.NoError(w.t, err)
	}
}

func (w world) call(send backstop.Send) {
	c := backstop.Call{Channel: backstop.WhatsApp, Candidates: worldAccounts, Token: rand.Text(), Resend: w.IntN(5) == 0}
	if w.IntN(2) == 0 {
		c.Channel, c.Rule = backstop.SMS, w.IntN(len(send.Plan.Rules))
		c.ByFailure = w.IntN(2) == 0
	}
	ruling, _, err := w.db.Begin(w.t.Context(), send.ID, c)
	require.NoError(w.t, err)
	if ruling.Answer != backstop.MayCall || w.IntN(10) == 0 {
		return
	}
	e := backstop.Ending{Failure: w.failure()}
	if w.IntN(2) == 0 {
		e = backstop.Ending{Submission: backstop.Submission{MessageID: messageID(send.ID, ruling.Attempt.Ref.Step), Segments: 1}}
	}
	end(w.t, w.db, ruling.Attempt, e)
	if w.IntN(4) == 0 {
		_, _, err = w.db.GiveUp(w.t.Context(), send.ID, c)
		require.NoError(w.t, err)
	}
}

func (w world) report(a backstop.Attempt) {
	r := receipt(a.Ref.Send, a.Ref.Step, oneOf(w, backstop.Sent, backstop.Delivered, backstop.Read, backstop.Failed))
	r.Channel, r.Provider, r.Account = a.Channel, a.Provider, a.Account
	if r.Channel == backstop.SMS && r.Status == backstop.Read {
		r.Status = backstop.Delivered
	}
	if r.Status == backstop.Failed {
		r.Failure = w.failure()
		r.Failure.Kind = backstop.Rejected
	}
	insert(w.t, w.db, r)
}

// passes is the meaning of a filter, as the contract says it.
func (s stored) passes(f backstop.SendFilter) bool {
	isOf := func(is *bool, value bool) bool { return is == nil || *is == value }
	fired := slices.IndexFunc(s.Plan.Rules, func(r backstop.Rule) bool { return s.Fired != "" && r.Name == s.Fired })
	return (len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, s.Outcome)) &&
		(f.PolicyID == "" || f.PolicyID == s.Plan.PolicyID) &&
		(f.To == "" || f.To == s.To) && strings.HasSuffix(s.To, f.ToEnds) &&
		!s.AcceptedAt.Before(f.From) && (f.Until.IsZero() || s.AcceptedAt.Before(f.Until)) &&
		(f.CorrelationID == "" || f.CorrelationID == s.CorrelationID) && isOf(f.Scheduled, s.IsScheduled()) &&
		isOf(f.OwnRules, s.Plan.PolicyID == "") && isOf(f.FellBack, s.Fired != "") && isOf(f.Duplicate, s.DuplicateDelivery) &&
		isOf(f.Averted, slices.ContainsFunc(s.events, func(e backstop.Event) bool { return e.Kind == backstop.EventAverted })) &&
		(len(f.Reasons) == 0 || s.Fired != "" && slices.Contains(f.Reasons, s.FallbackReason)) &&
		(f.Rule == "" || f.Rule == s.Fired) && (f.RuleType == "" || fired >= 0 && s.Plan.Rules[fired].Type == f.RuleType) &&
		(f.Country == nil || *f.Country == s.Country) &&
		(f.SMS == backstop.SMSFilter{} || slices.ContainsFunc(s.attempts, func(a backstop.Attempt) bool { return s.fitsSMS(a, f.SMS) })) &&
		(f.Failure == backstop.CodeFilter{} || slices.ContainsFunc(s.attempts, func(a backstop.Attempt) bool { return fitsCode(a, f.Failure) }))
}

func (s stored) resultOf(a backstop.Attempt) backstop.SMSResult {
	isRefused := a.State == backstop.StateThrottled || a.State == backstop.StateUnavailable
	switch {
	case a.Status.Reached(backstop.Delivered):
		return backstop.SMSDelivered
	case a.Status == backstop.Failed, a.State == backstop.StateRejected, isRefused && s.FinishedAt != nil:
		return backstop.SMSFailed
	}
	return backstop.SMSNoReceipt
}

func (s stored) fitsSMS(a backstop.Attempt, f backstop.SMSFilter) bool {
	return a.Channel == backstop.SMS && (f.Sender == "" || f.Sender == a.SendID) && (f.Route == "" || f.Route == a.Account) &&
		(f.Result == "" || f.Result == s.resultOf(a))
}

func fitsCode(a backstop.Attempt, f backstop.CodeFilter) bool {
	why := a.Why()
	return why != nil && (f.Code == "" || f.Code == why.Code) && (f.Provider == "" || f.Provider == a.Provider)
}

// mostly draws the zero value in most cases, because a filter with all fields selects nothing.
func mostly[T any](t *rapid.T, name string, g *rapid.Generator[T]) (v T) {
	if rapid.IntRange(0, 4).Draw(t, "no "+name) > 0 {
		return v
	}
	return g.Draw(t, name)
}

func anyFilter(t *rapid.T) backstop.SendFilter {
	is := rapid.Ptr(rapid.Bool(), false)
	now := time.Now().Truncate(time.Microsecond)
	when := rapid.Map(rapid.IntRange(0, 3700), func(s int) time.Time { return now.Add(-time.Duration(s) * time.Second) })
	ends := []string{"5678", "3456", "447400123456", "0000"}
	if postgrestest.SealsNumbers() {
		ends = []string{""}
	}
	return backstop.SendFilter{
		Outcomes: mostly(t, "outcomes", rapid.SliceOfN(rapid.SampledFrom(backstop.Outcomes()), 1, 3)),
		PolicyID: mostly(t, "policy", rapid.SampledFrom(worldPolicies)),
		To:       mostly(t, "to", rapid.SampledFrom(worldNumbers)),
		ToEnds:   mostly(t, "ends", rapid.SampledFrom(ends)),

		OwnRules:      mostly(t, "own rules", is),
		CorrelationID: mostly(t, "order", rapid.SampledFrom(worldOrders)),
		Scheduled:     mostly(t, "scheduled", is),

		From: mostly(t, "from", when), Until: mostly(t, "until", when),
		FellBack: mostly(t, "fell back", is), Averted: mostly(t, "averted", is), Duplicate: mostly(t, "duplicate", is),
		Reasons:  mostly(t, "reasons", rapid.SliceOfN(rapid.SampledFrom(backstop.FallbackReasons()), 1, 3)),
		Rule:     mostly(t, "rule", rapid.SampledFrom(worldNames)),
		RuleType: mostly(t, "type", rapid.SampledFrom(backstop.RuleTypes())),
		Country:  mostly(t, "country", rapid.Ptr(rapid.SampledFrom([]string{"GB", "DE", ""}), false)),
		SMS: mostly(t, "sms", rapid.Custom(func(t *rapid.T) backstop.SMSFilter {
			return backstop.SMSFilter{
				Sender: rapid.SampledFrom([]string{"", "Acme", "60777"}).Draw(t, "sender"),
				Route:  rapid.SampledFrom([]string{"", "twilio", "bulk", "other"}).Draw(t, "route"),
				Result: rapid.SampledFrom([]backstop.SMSResult{
					"", backstop.SMSDelivered, backstop.SMSFailed, backstop.SMSNoReceipt,
				}).Draw(t, "result"),
			}
		})),
		Failure: mostly(t, "failure", rapid.Custom(func(t *rapid.T) backstop.CodeFilter {
			return backstop.CodeFilter{
				Provider: rapid.SampledFrom([]string{"", "meta", "twilio"}).Draw(t, "provider"),
				Code:     rapid.SampledFrom(worldCodes).Draw(t, "code"),
			}
		})),
	}
}

// Random sends are listed and counted as the contract says. The log has the seed of a failure.
func TestDB_randomSends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.fill(100)
	slices.SortFunc(all, func(a, b stored) int { return strings.Compare(a.ID, b.ID) })
	t.Run("lists", func(t *testing.T) { rapid.Check(t, func(t *rapid.T) { w.requireList(t, all) }) })
	t.Run("statistics", func(t *testing.T) {
		of := everything()
		of.From = of.From.Add(-time.Hour)
		requireListed(t, w.db, of)
	})
}

// requireList checks that a list has the sends that fit its filter by the words of the contract, in its order and in pages of any
// size, and that its total is their number.
func (w world) requireList(t *rapid.T, all []stored) {
	f, want := anyFilter(t), []string{}
	for _, s := range all {
		if s.passes(f) {
			want = append(want, s.ID)
		}
	}
	page := backstop.Page{
		Limit: rapid.IntRange(1, 40).Draw(t, "limit"),
		Sort:  rapid.SampledFrom([]backstop.Sort{backstop.ByOldest, backstop.ByNewest}).Draw(t, "sort"),
	}
	if page.Sort == backstop.ByNewest {
		slices.Reverse(want)
	}
	got := []string{}
	for more := true; more; {
		var list []backstop.Send
		var err error
		list, more, err = w.db.ListSends(w.t.Context(), f, page)
		require.NoError(t, err)
		for _, s := range list {
			got, page.After = append(got, s.ID), s.ID
		}
	}
	require.Equal(t, want, got)
	total, err := w.db.CountSends(w.t.Context(), f)
	require.NoError(t, err)
	require.Equal(t, backstop.Total{Count: len(want), IsExact: true}, total)
}
