package ledgers_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// actor performs the acts of a script on a send. It keeps the tokens of the calls.
type actor struct {
	desk

	tokens map[int]string // of the newest call of each step
}

// act calls a method on a send, and returns the results of the method.
type act func(t *testing.T, a actor, place int) (answer []any, signals int, err error)

// acts returns all acts by name. A script has them in any order and repeats them, so many have no effect or are refused.
func acts() map[string]act {
	list := map[string]act{
		"finish": func(t *testing.T, a actor, _ int) ([]any, int, error) {
			t.Helper()
			view, err := a.db.Finish(t.Context(), a.id, false)
			return []any{view}, 0, err
		},
		"lapse": func(t *testing.T, a actor, _ int) ([]any, int, error) {
			t.Helper()
			view, err := a.db.Finish(t.Context(), a.id, true)
			return []any{view}, 0, err
		},
		"cancel": func(t *testing.T, a actor, _ int) ([]any, int, error) {
			t.Helper()
			view, err := a.db.Cancel(t.Context(), a.id)
			if backstop.CodeOf(err) == backstop.Conflict {
				return []any{view, err.Error()}, 0, nil
			}
			return []any{view}, 0, err
		},
		"confirm": func(t *testing.T, a actor, _ int) ([]any, int, error) {
			t.Helper()
			view, err := a.db.Confirm(t.Context(), a.id)
			return []any{view}, 0, err
		},
		"end the wait for the last receipt": func(t *testing.T, a actor, _ int) ([]any, int, error) {
			t.Helper()
			return nil, 0, a.db.FinishOverdue(t.Context(), a.id)
		},
	}
	for _, call := range []backstop.Call{whatsApp, resend(whatsApp), firstSMS, resend(firstSMS), lastSMS} {
		addCalls(list, call)
		addEnds(list, call.Step())
		addReceipts(list, call.Step())
	}
	return list
}

func addCalls(list map[string]act, call backstop.Call) {
	name := fmt.Sprintf("%d ", call.Step())
	for how, byFailure := range map[string]bool{"call": false, "call after a failure": true} {
		list[name+how] = func(t *testing.T, a actor, place int) ([]any, int, error) {
			t.Helper()
			call := call
			call.Token, call.ByFailure = fmt.Sprintf("token %d", place), byFailure
			ruling, view, err := a.db.Begin(t.Context(), a.id, call)
			if ruling.Answer == backstop.MayCall {
				a.tokens[call.Step()] = call.Token
			}
			return []any{ruling, view}, 0, err
		}
	}
	list[name+"give up"] = func(t *testing.T, a actor, _ int) ([]any, int, error) {
		t.Helper()
		ruling, view, err := a.db.GiveUp(t.Context(), a.id, call)
		return []any{ruling, view}, 0, err
	}
	list[name+"stop waiting"] = func(t *testing.T, a actor, _ int) ([]any, int, error) {
		t.Helper()
		view, err := a.db.StopWaiting(t.Context(), a.id, call.Step())
		return []any{view}, 0, err
	}
}

func addEnds(list map[string]act, step int) {
	ends := map[string]backstop.Ending{
		"accepted":                  {Submission: backstop.Submission{MessageID: "its own", Segments: 2}},
		"accepted, awaited":         {Submission: backstop.Submission{MessageID: "its own"}, AwaitReceipts: time.Hour},
		"accepted, the last":        {Submission: backstop.Submission{MessageID: "its own"}, SMSReceiptWait: time.Microsecond},
		"accepted, the id was lost": {},
		"unknown":                   {Failure: &backstop.Failure{Kind: backstop.Unknown}},
		"throttled":                 {Failure: &backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Second}},
		"rejected":                  {Failure: &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "7"}},
	}
	for how, e := range ends {
		list[fmt.Sprintf("%d %s", step, how)] = func(t *testing.T, a actor, _ int) ([]any, int, error) {
			t.Helper()
			e := e
			e.Step, e.Token = step, a.tokens[step]
			if e.Submission.MessageID != "" {
				e.Submission.MessageID = a.messageID(step)
			}
			late := lateAnswers(t, a.ledger(), e)
			attempt, view, err := a.db.End(t.Context(), a.id, e)
			return []any{attempt, view}, late, err
		}
	}
}

// lateAnswers counts the receipts that an ending adds, by the ledger as it is before it.
func lateAnswers(t *testing.T, before *backstop.Ledger, e backstop.Ending) int {
	t.Helper()
	if before.Attempt(e.Step) == nil {
		return 0
	}
	stored := len(before.Receipts)
	_, err := before.End(e, time.Now())
	require.NoError(t, err)
	return len(before.Receipts) - stored
}

func addReceipts(list map[string]act, step int) {
	for _, status := range []backstop.Status{backstop.Sent, backstop.Failed, backstop.Delivered, backstop.Read} {
		receipts := map[string]func(a actor) backstop.Receipt{
			"":                      func(a actor) backstop.Receipt { return a.receipt(step, status) },
			", without a reference": func(a actor) backstop.Receipt { return a.lone(step, status) },
		}
		for how, receipt := range receipts {
			list[fmt.Sprintf("%d %s%s", step, status, how)] = func(t *testing.T, a actor, _ int) ([]any, int, error) {
				t.Helper()
				waited, err := a.db.InsertReceipts(t.Context(), []backstop.Receipt{receipt(a)})
				return []any{waited}, len(waited), err
			}
		}
		list[fmt.Sprintf("%d %s, when asked", step, status)] = func(t *testing.T, a actor, _ int) ([]any, int, error) {
			t.Helper()
			view, err := a.db.Learn(t.Context(), a.receipt(step, status))
			return []any{view}, 0, err
		}
	}
}

// The cache changes only the number of statements. A script returns and stores the same in one process that has the send in its
// cache, in two processes that each miss changes of the other, and in processes that each perform one act with an empty cache.
func TestStore_cache(t *testing.T) {
	t.Parallel()
	const most = 14
	url := postgrestest.URL(t)
	one, sqlDB := postgrestest.Open(t, url), postgrestest.Raw(t, url)
	migrate(t, one)
	both := []*postgres.DB{postgrestest.Open(t, url), postgrestest.Open(t, url)}
	fresh := make([]*postgres.DB, most+1)
	for i := range fresh {
		fresh[i] = postgrestest.Open(t, url)
	}
	acts := acts()
	names := make([]string, 0, len(acts))
	for name := range acts {
		names = append(names, name)
	}
	slices.Sort(names)
	cached, desks := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.SliceOfN(rapid.SampledFrom(names), 1, most).Draw(rt, "script")
		if rapid.Bool().Draw(rt, "as usual") {
			script = append([]string{"1 call", "1 accepted"}, script[:min(len(script), most-2)]...)
		}
		var actors [3]actor
		for i, db := range []*postgres.DB{one, both[0], fresh[most]} {
			desks++ // each has its own recipient, because a rejection opts the recipient out
			actors[i] = actor{desk: sendTo(t, db, fmt.Sprintf("+447403%06d", desks), ""), tokens: map[int]string{}}
		}
		signals := [3]int{}
		for place, name := range script {
			dbs := [3]*postgres.DB{one, both[rapid.IntRange(0, 1).Draw(rt, "by")], fresh[place]}
			var answers [3]string
			for i := range actors {
				actors[i].db = dbs[i]
				answer, n, err := acts[name](t, actors[i], place)
				if err != nil && backstop.CodeOf(err) != backstop.NotFound {
					rt.Fatalf("%s: %v", name, err)
				}
				signals[i] += n
				answers[i] = normalized(t, answer, backstop.CodeOf(err))
			}
			if requireCached(rt, one, actors[0].ledger()) { // the caches of the others may be old
				cached++
			}
			require.Equal(rt, answers[2], answers[0], "%s: in one process", name)
			require.Equal(rt, answers[2], answers[1], "%s: in two", name)
		}
		want := normalized(t, actors[2].ledger(), actors[2].events())
		for i, a := range actors {
			require.Equal(rt, want, normalized(t, a.ledger(), a.events()))
			require.Equal(rt, signals[i], needsSignal(t, sqlDB, a.id))
			requireOrdered(rt, a.events())
		}
	})
	require.Positive(t, cached, "nothing is cached")
}
