package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// longAfter is later than any test runs.
var longAfter = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// act is something that happens to a send. It returns how many receipts need a signal.
type act func(t *testing.T, db *postgres.DB, send string) (signals int, err error)

// acts is what may happen, in any order and more than once. Much of it changes nothing, or is refused.
func acts() map[string]act {
	list := map[string]act{
		"finish": func(t *testing.T, db *postgres.DB, send string) (int, error) {
			t.Helper()
			_, err := db.Finish(t.Context(), send, at(30))
			return 0, err
		},
		"give up": func(t *testing.T, db *postgres.DB, send string) (int, error) {
			t.Helper()
			return 0, db.Record(t.Context(), backstop.Event{
				Send: send, At: at(5), Kind: backstop.EventGaveUp, Channel: backstop.WhatsApp, Status: backstop.Failed,
			})
		},
	}
	for step := 1; step <= 3; step++ {
		name := map[int]string{1: "WhatsApp", 2: "SMS", 3: "WhatsApp again"}[step]
		channel, provider, rule := backstop.WhatsApp, "meta", ""
		if step == 2 {
			channel, provider, rule = backstop.SMS, "twilio", "undelivered"
		}
		attempt := func(send string) backstop.Attempt {
			return backstop.Attempt{
				Ref: backstop.Ref{Send: send, Step: step}, Number: 1, Channel: channel, Provider: provider, Rule: rule, StartedAt: at(step),
			}
		}
		list["call "+name] = func(t *testing.T, db *postgres.DB, send string) (int, error) {
			t.Helper()
			_, err := db.Begin(t.Context(), attempt(send), func(s backstop.Send, newest *backstop.Attempt) bool {
				return newest == nil && !s.WhatsAppStatus.Reached(backstop.Delivered)
			})
			return 0, err
		}
		list[name+" accepted"] = func(t *testing.T, db *postgres.DB, send string) (int, error) {
			t.Helper()
			ended := attempt(send).End(backstop.Submission{MessageID: messageID(send, step)}, nil, at(10))
			if step == 1 {
				ended.LingersUntil = new(longAfter)
			}
			_, err := db.End(t.Context(), ended, 0)
			return 0, err
		}
		list[name+" of unknown end"] = func(t *testing.T, db *postgres.DB, send string) (int, error) {
			t.Helper()
			_, err := db.End(t.Context(), attempt(send).End(backstop.Submission{}, &backstop.Failure{Kind: backstop.Unknown}, at(10)), 0)
			return 0, err
		}
		list["leave "+name] = func(t *testing.T, db *postgres.DB, send string) (int, error) {
			t.Helper()
			_, err := db.Leave(t.Context(), attempt(send))
			return 0, err
		}
		for _, status := range []backstop.Status{backstop.Sent, backstop.Failed, backstop.Delivered, backstop.Read} {
			list[name+" "+string(status)] = func(t *testing.T, db *postgres.DB, send string) (int, error) {
				t.Helper()
				waited, err := db.InsertReceipts(t.Context(), []backstop.Receipt{receipt(send, step, status)})
				return len(waited), err
			}
			list[name+" "+string(status)+", without a reference"] = func(t *testing.T, db *postgres.DB, send string) (int, error) {
				t.Helper()
				r := receipt(send, step, status)
				r.Ref = backstop.Ref{}
				waited, err := db.InsertReceipts(t.Context(), []backstop.Receipt{r})
				return len(waited), err
			}
		}
	}
	return list
}

// account is what can be seen of a send.
type account struct {
	send     backstop.Send
	attempts []backstop.Attempt
	kinds    []string
	revision int
}

func accountOf(t *testing.T, db *postgres.DB, id string) (a account) {
	t.Helper()
	a.send, a.kinds = getSend(t, db, id), kinds(t, db, id)
	var err error
	a.revision, err = db.Revision(t.Context(), id)
	require.NoError(t, err)
	a.attempts, _ = timeline(t, db, id)
	for i := range a.attempts {
		a.attempts[i].Ref.Send = ""
		if a.attempts[i].MessageID != "" {
			a.attempts[i].MessageID = "told"
		}
	}
	s := &a.send
	arrived := s.DeliveredAt != nil
	if s.FinishedAt != nil {
		s.FinishedAt = new(at(30))
	}
	if arrived {
		s.DeliveredAt = new(at(20))
	}
	s.ID, s.AcceptedAt = "", at(0)
	return a
}

// What a process remembers of a send changes nothing but the number of its statements: a process that remembers all of it,
// two that are each overtaken by the other, and many that remember nothing make the same of it.
func TestDB_remembers(t *testing.T) {
	t.Parallel()
	const most = 14
	url := postgrestest.URL(t)
	one := postgrestest.Open(t, url)
	_, err := one.Migrate(t.Context())
	require.NoError(t, err)
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
	recalled := 0
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.SliceOfN(rapid.SampledFrom(names), 1, most).Draw(rt, "script")
		if rapid.Bool().Draw(rt, "as usual") {
			script = append([]string{"call WhatsApp", "WhatsApp accepted"}, script[:min(len(script), most-2)]...)
		}
		sends := [3]string{insertSend(t, one).ID, insertSend(t, both[0]).ID, insertSend(t, fresh[most]).ID}
		for i, name := range script {
			dbs := [3]*postgres.DB{one, both[rapid.IntRange(0, 1).Draw(rt, "by")], fresh[i]}
			var signals [3]int
			var codes [3]backstop.Code
			for n := range sends {
				var err error
				signals[n], err = acts[name](t, dbs[n], sends[n])
				codes[n] = backstop.CodeOf(err)
				if err != nil && codes[n] != backstop.NotFound {
					rt.Fatalf("%s: %v", name, err)
				}
			}
			if signals[0] != signals[2] || signals[1] != signals[2] || codes[0] != codes[2] || codes[1] != codes[2] {
				rt.Fatalf("%s: %v receipts need a signal, refused for %v", name, signals, codes)
			}
			if remembered, ok := one.Remembered(sends[0]); ok {
				recalled++
				stored, err := one.Reread(t.Context(), sends[0])
				require.NoError(rt, err)
				require.Equal(rt, stored, remembered)
			}
		}
		want := accountOf(t, fresh[most], sends[2])
		require.Equal(rt, want, accountOf(t, one, sends[0]))
		require.Equal(rt, want, accountOf(t, one, sends[1]))
	})
	require.Positive(t, recalled, "it remembers nothing")
}

// The last look is at what Postgres has, whatever is remembered.
func TestDB_Begin_overtaken(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	sms := func(send string) backstop.Attempt {
		return backstop.Attempt{Ref: backstop.Ref{Send: send, Step: 2}, Channel: backstop.SMS, Provider: "twilio", Rule: "r", StartedAt: at(2)}
	}
	t.Run("it has arrived meanwhile", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		insert(t, other, receipt(send.ID, 1, backstop.Delivered))
		begun, err := db.Begin(t.Context(), sms(send.ID), func(s backstop.Send, _ *backstop.Attempt) bool {
			return !s.WhatsAppStatus.Reached(backstop.Delivered)
		})
		require.NoError(t, err)
		require.Zero(t, begun)
	})
	t.Run("the call was ended elsewhere", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, 1)
		accept(t, other, attempt, messageID(send.ID, 1))
		var newest backstop.Attempt
		_, err := db.Begin(t.Context(), attempt, func(_ backstop.Send, n *backstop.Attempt) bool { newest = *n; return false })
		require.NoError(t, err)
		require.Equal(t, backstop.Accepted, newest.State)
	})
}
