package ledgers_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// Two sends with the same history differ in their ids and times.
var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	times = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[0-9:.]+Z"`)
	phone = regexp.MustCompile(`"\+\d+"`)
)

// normalized returns the JSON of the values, without the ids, times and phone numbers.
func normalized(t *testing.T, values ...any) string {
	t.Helper()
	b, err := json.MarshalIndent(values, "", " ")
	require.NoError(t, err)
	text := times.ReplaceAllString(uuids.ReplaceAllString(string(b), "id"), `"time"`)
	return phone.ReplaceAllString(text, `"number"`)
}

// Parts that identify the store's statements.
const (
	insertsSend    = "INSERT INTO sends"
	changesSend    = "UPDATE sends SET revision"
	insertsOrphans = "INSERT INTO receipts"
	countsReceipts = "SELECT count(*) FROM receipts"
)

// writing is a call of one method, and the statement that this method writes with.
type writing struct {
	name, statement string
	do              func(t *testing.T, d desk) []any
}

// life returns calls that make every kind of change to a send, in order.
func life() []writing {
	begin := func(c backstop.Call, token string) func(t *testing.T, d desk) []any {
		c.Token = token
		return func(t *testing.T, d desk) []any {
			t.Helper()
			ruling, view, err := d.db.Begin(t.Context(), d.id, c)
			ruling.Before = nil // Before is nil in a repeated answer
			return []any{ruling, view, err}
		}
	}
	end := func(e backstop.Ending) func(t *testing.T, d desk) []any {
		return func(t *testing.T, d desk) []any {
			t.Helper()
			if e.Failure == nil {
				e.Submission = backstop.Submission{MessageID: d.messageID(e.Step), Segments: 1}
			}
			attempt, view, err := d.db.End(t.Context(), d.id, e)
			return []any{attempt, view, err}
		}
	}
	receive := func(receipt func(d desk) backstop.Receipt) func(t *testing.T, d desk) []any {
		return func(t *testing.T, d desk) []any {
			t.Helper()
			waited, err := d.db.InsertReceipts(t.Context(), []backstop.Receipt{receipt(d)})
			return []any{waited, err}
		}
	}
	first, last := firstSMS.Step(), lastSMS.Step()
	return []writing{
		{"begin", changesSend, begin(whatsApp, "1")},
		{"store an orphan", insertsOrphans, receive(func(d desk) backstop.Receipt { return d.lone(1, backstop.Sent) })},
		{"end, and adopt it", changesSend, end(backstop.Ending{Step: 1, Token: "1", AwaitReceipts: time.Minute})},
		{"stop waiting", changesSend, func(t *testing.T, d desk) []any {
			t.Helper()
			view, err := d.db.StopWaiting(t.Context(), d.id, 1)
			return []any{view, err}
		}},
		{"receive what needs a signal", changesSend, receive(func(d desk) backstop.Receipt { return d.receipt(1, backstop.Failed) })},
		{"fall back", changesSend, begin(firstSMS, "2")},
		{"end in vain", changesSend, end(backstop.Ending{
			Step: first, Token: "2", Failure: &backstop.Failure{Kind: backstop.Throttled, RetryAfter: time.Second},
		})},
		{"begin again", changesSend, begin(firstSMS, "3")},
		{"end in vain again", changesSend, end(backstop.Ending{
			Step: first, Token: "3", Failure: &backstop.Failure{Kind: backstop.Unavailable},
		})},
		{"give up", changesSend, func(t *testing.T, d desk) []any {
			t.Helper()
			ruling, view, err := d.db.GiveUp(t.Context(), d.id, firstSMS)
			return []any{ruling, view, err}
		}},
		{"fall back again", changesSend, begin(lastSMS, "4")},
		{"end of unknown end", changesSend, end(backstop.Ending{
			Step: last, Token: "4", Failure: &backstop.Failure{Kind: backstop.Unknown},
		})},
		{"learn", changesSend, func(t *testing.T, d desk) []any {
			t.Helper()
			view, err := d.db.Learn(t.Context(), d.receipt(last, backstop.Sent))
			return []any{view, err}
		}},
		{"finish", changesSend, func(t *testing.T, d desk) []any {
			t.Helper()
			view, err := d.db.Finish(t.Context(), d.id, false)
			return []any{view, err}
		}},
		{"confirm late", changesSend, func(t *testing.T, d desk) []any {
			t.Helper()
			view, err := d.db.Confirm(t.Context(), d.id)
			return []any{view, err}
		}},
		{"receive late", changesSend, receive(func(d desk) backstop.Receipt { return d.receipt(1, backstop.Read) })},
	}
}

// behindProxy returns a store whose connections pass a proxy, and the address of the same database without it.
func behindProxy(t *testing.T) (db *postgres.DB, address string, proxy *cutproxy.Proxy) {
	t.Helper()
	address = postgrestest.URL(t)
	through, proxy := postgrestest.Proxy(t, address)
	db = postgrestest.Open(t, through)
	migrate(t, db)
	return db, address, proxy
}

func executes(text string) func(cutproxy.Request) bool {
	return func(r cutproxy.Request) bool { return strings.Contains(r.SQL, text) }
}

// The proxy cuts the connection at each statement, before the statement reaches Postgres or before its answer comes back. Every
// method returns and stores the same as without a cut.
func TestStore_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]cutproxy.Cut{
		"reset after": {How: cutproxy.Reset, After: true}, "end after": {How: cutproxy.Finish, After: true},
		"reset before": {How: cutproxy.Reset}, "end before": {How: cutproxy.Finish},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, address, proxy := behindProxy(t)
			direct, sqlDB := postgrestest.Open(t, address), postgrestest.Raw(t, address)
			strike := func(statement string) <-chan struct{} {
				cut := cut
				cut.Match = executes(statement)
				return proxy.On(cut)
			}
			calm := newDesk(t, direct)
			struck := strike(insertsSend)
			d := newDesk(t, db)
			<-struck
			for _, w := range life() {
				want := w.do(t, calm)
				struck := strike(w.statement)
				strike(countsReceipts) // the query whether it was stored is lost too
				got := w.do(t, d)
				select {
				case <-struck:
				default:
					t.Errorf("%s writes nothing", w.name)
				}
				proxy.Clear()
				require.Equal(t, normalized(t, want...), normalized(t, got...), w.name)
				l := d.by(direct).ledger()
				require.Equal(t, normalized(t, calm.ledger(), calm.events()), normalized(t, l, d.by(direct).events()), w.name)
				for step := range lastSMS.Step() {
					want, got := rowsOf(t, sqlDB, calm.messageID(step+1)), rowsOf(t, sqlDB, d.messageID(step+1))
					require.Equal(t, normalized(t, want), normalized(t, got), w.name)
				}
				requireCached(t, db, l)
			}
			require.NotNil(t, d.ledger().Send.FinishedAt)
		})
	}
}

// The database goes away after a commit and before the answer. The caller gets TryLater. When the database is back, the
// repeated call makes no second change.
func TestStore_away(t *testing.T) {
	t.Parallel()
	db, address, proxy := behindProxy(t)
	direct := postgrestest.Open(t, address)
	d := newDesk(t, db)
	call := whatsApp
	call.Token = "1"
	lose := func() {
		proxy.On(cutproxy.Cut{After: true, Match: func(r cutproxy.Request) bool {
			isOurs := strings.Contains(r.SQL, changesSend)
			if isOurs {
				go proxy.Down()
			}
			return isOurs
		}})
	}
	lose()
	_, _, err := db.Begin(t.Context(), d.id, call)
	requireCode(t, backstop.TryLater, err)
	proxy.Up()
	begun := d.by(direct).ledger()
	require.Equal(t, backstop.Calling, begun.Attempt(1).State)
	ruling, view := d.ask(call)
	require.Equal(t, backstop.MayCall, ruling.Answer)
	require.Equal(t, *begun.Attempt(1), ruling.Attempt)
	require.Equal(t, begun.View(), view)

	lose()
	_, err = db.InsertReceipts(t.Context(), []backstop.Receipt{d.receipt(1, backstop.Failed)})
	requireCode(t, backstop.TryLater, err)
	proxy.Up()
	require.Empty(t, d.insert(d.receipt(1, backstop.Failed)))
	require.Equal(t, []string{"accepted", "receipt whatsapp failed"}, d.kinds())
	require.Equal(t, backstop.Failed, d.accept(ruling.Attempt).WhatsApp)
}

// The connection is cut at each query that correlates receipts, before the query or before its answer. InsertReceipts succeeds
// nevertheless, and returns the receipts to signal, so the sweeper need not signal them.
func TestStore_InsertReceipts_lostRead(t *testing.T) {
	t.Parallel()
	unknown := func(t testing.TB, db *postgres.DB) desk {
		t.Helper()
		d := newDesk(t, db)
		d.fail(d.begin(whatsApp), backstop.Unknown)
		return d
	}
	byReference := func(d desk) backstop.Receipt { return d.receipt(1, backstop.Failed) }
	byMessage := func(d desk) backstop.Receipt { return d.lone(1, backstop.Failed) }
	for _, read := range []struct {
		statement string
		desk      func(testing.TB, *postgres.DB) desk
		receipt   func(desk) backstop.Receipt
	}{
		{"FROM sends AS s WHERE id = ANY", underway, byReference},
		{"FROM attempts\nWHERE message_id", underway, byMessage},
		{"FROM receipts\nWHERE provider", unknown, byReference}, // it brings the message id
	} {
		for _, isAfter := range []bool{false, true} {
			db, address, proxy := behindProxy(t)
			d := read.desk(t, postgrestest.Open(t, address)) // not in the cache of db
			struck := proxy.On(cutproxy.Cut{Match: executes(read.statement), How: cutproxy.Finish, After: isAfter})
			waited, err := db.InsertReceipts(t.Context(), []backstop.Receipt{read.receipt(d)})
			require.NoError(t, err, read.statement)
			require.Len(t, waited, 1)
			select {
			case <-struck:
			default:
				t.Errorf("%s is not read", read.statement)
			}
		}
	}
}
