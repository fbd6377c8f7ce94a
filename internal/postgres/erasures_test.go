package postgres_test

import (
	"crypto/sha256"
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// The person whom these tests erase, and a word that all texts about the person have.
const (
	thePerson  = "+447400998877"
	personMark = "7400998877"
	textMark   = "zebra-finch"
)

// marks are what must not be left, as text, as bytea and as the parts of a provider's id. A mask is one of them.
func marks() []string {
	list := []string{personMark, textMark, backstop.Mask(thePerson), "+44•••••77"}
	for _, mark := range list[:2] {
		list = append(list, postgrestest.Encodings(mark)[1:]...)
	}
	return list
}

// erasureRig has a person of whom every table knows.
type erasureRig struct {
	callbackRig

	raw   *sql.DB
	sends map[string]string // by what is special about them
}

func newErasureRig(t *testing.T) erasureRig {
	t.Helper()
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	r := erasureRig{raw: postgrestest.Raw(t, address), sends: map[string]string{}}
	r.t, r.DB = t, db
	r.insertSends()
	failed := &backstop.Failure{Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "1", Reason: textMark}
	first := begin(t, db, r.sends["ended"], whatsApp)
	end(t, db, first, backstop.Ending{Submission: backstop.Submission{MessageID: "wamid." + personMark, Segments: 1}})
	refused := receipt(r.sends["ended"], 1, backstop.Failed)
	refused.MessageID, refused.Failure = "wamid."+personMark, failed
	insert(t, db, refused)
	end(t, db, begin(t, db, r.sends["ended"], firstSMS), backstop.Ending{Failure: failed})
	finish(t, db, r.sends["ended"])
	r.answered(r.sends["ended"])
	accept(t, db, begin(t, db, r.sends["under way"], whatsApp))
	accept(t, db, begin(t, db, r.sends["sms under way"], whatsApp))
	begin(t, db, r.sends["sms under way"], firstSMS)

	stop := receipt("", 1, "")
	stop.MessageID = "wamid.in." + personMark
	stop.Inbound = &backstop.Inbound{From: thePerson, To: "123", Text: textMark, Keyword: backstop.StopKeyword}
	insertInbound(t, db, []backstop.Receipt{stop})
	_, err = db.PutOptOut(t.Context(), backstop.OptOut{To: thePerson, Category: "all",
		OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI, Note: textMark}})
	require.NoError(t, err)
	return r
}

func (r erasureRig) insertSends() {
	checks := backstop.GuardChecks{
		Caps: []backstop.CapCheck{{Guard: backstop.GuardRecipientCap, Key: thePerson, Cap: 100}}, TextWindow: time.Hour,
	}
	for name, change := range map[string]func(*backstop.Send){
		"ended":         func(s *backstop.Send) { s.Callback = &backstop.Callback{URL: "https://example.com/"} },
		"under way":     unchanged,
		"sms under way": unchanged,
		"scheduled":     func(s *backstop.Send) { s.SendAt = new(time.Now().Add(aDay)) },
		"held":          func(s *backstop.Send) { s.Plan.Override = &backstop.Override{Exclusive: true} },
		"template": func(s *backstop.Send) {
			s.Text = ""
			s.Template = &backstop.Template{Name: "code", Language: "en", Components: []byte(`["` + textMark + `"]`)}
		},
	} {
		send := newSend(r.t)
		send.To, send.Text, send.SMSText, send.CorrelationID = thePerson, textMark, textMark, "of "+personMark
		send.Metadata = map[string]string{"name": textMark}
		send.Traceparent = "00-" + strings.Repeat("0", 32-len(personMark)) + personMark + "-00f067aa0ba902b7-01"
		change(&send)
		digest := sha256.Sum256([]byte(name))
		checks.Digest = digest[:]
		_, created, err := r.InsertGuarded(r.t.Context(), send, keyOf(name), checks)
		require.NoError(r.t, err)
		require.True(r.t, created)
		r.sends[name] = send.ID
	}
}

func keyOf(name string) *handoff.Idempotency {
	return &handoff.Idempotency{Key: personMark + name, Hash: []byte(personMark)}
}

// answered stores the answer of a receiver of callbacks.
func (r erasureRig) answered(send string) {
	q := r.next(send)
	_, err := r.LeaseCallback(r.t.Context(), q, time.Minute)
	require.NoError(r.t, err)
	e := backstop.CallbackEnding{Try: backstop.CallbackTry{Number: 1, At: q.Now, Status: 200, Answer: textMark}}
	e.Decide(q)
	_, err = r.EndCallback(r.t.Context(), q, e)
	require.NoError(r.t, err)
}

// marked returns the tables that have a mark in any column.
func (r erasureRig) marked() []string {
	r.t.Helper()
	return postgrestest.TablesWith(r.t, r.raw, marks())
}

// erase does what the activity does.
func (r erasureRig) erase(id string) backstop.Erasure {
	r.t.Helper()
	e, err := r.Erasure(r.t.Context(), id)
	require.NoError(r.t, err)
	sends, err := r.SendsToCancel(r.t.Context(), e)
	require.NoError(r.t, err)
	for _, send := range sends {
		if _, err := r.Cancel(r.t.Context(), send); err != nil {
			require.Equal(r.t, backstop.Conflict, backstop.CodeOf(err))
		}
	}
	for more := true; more; {
		e, more, err = r.Erase(r.t.Context(), id, 2)
		require.NoError(r.t, err)
	}
	return e
}

func (r erasureRig) create(keepOptOut bool) backstop.Erasure {
	r.t.Helper()
	e, err := r.CreateErasure(r.t.Context(), thePerson, keepOptOut)
	require.NoError(r.t, err)
	return e
}

// No column of any table has anything of a person who was erased. A table that gets a column with such a text fails this test.
func TestDB_Erase(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	marked := []string{
		"attempts", "audit", "callback_tries", "events", "guard_counts", "inbound", "opt_out_changes", "opt_outs", "receipts", "sends",
	}
	if postgrestest.SealsNumbers() {
		marked = []string{"sends"} // what the caller has chosen: the keys and the trace
	}
	require.Equal(t, marked, r.marked(), "the test has proven nothing of a table that is missing here")
	before := stats(t, r.DB, everything())
	created := r.create(false)
	require.Equal(t, created.ID, r.create(true).ID, "one erasure of a person runs at a time")

	e := r.erase(created.ID)
	require.Nil(t, e.FinishedAt)
	require.Equal(t, 1, e.Pending, "the SMS may be out")
	require.Equal(t, 4, e.Cancelled)
	require.Equal(t, 5, e.Changed["sends"])
	running, err := r.RunningErasures(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, []string{e.ID}, running)

	insert(t, r.DB, receipt(r.sends["sms under way"], firstSMS.Step(), backstop.Delivered))
	finish(t, r.DB, r.sends["sms under way"])
	e = r.erase(e.ID)
	require.NotNil(t, e.FinishedAt)
	require.Zero(t, e.Pending)
	require.Equal(t, map[string]int{
		"sends": 6, "attempts": 5, "receipts": 2, "events": e.Changed["events"], "callback_tries": 1, "guard_texts": 6, "inbound": 1,
		"guard_counts": e.Changed["guard_counts"], "opt_outs": e.Changed["opt_outs"], "opt_out_changes": e.Changed["opt_out_changes"],
		"audit": 2 * e.Changed["opt_outs"], // each is stored and deleted
	}, e.Changed)
	require.Empty(t, r.marked())
	again := r.erase(e.ID)
	require.Equal(t, e, again, "repeated, it changes nothing")

	after := stats(t, r.DB, everything())
	require.Equal(t, before.Totals.Sends+before.Totals.Scheduled, after.Totals.Sends, "the cancelled one was scheduled")
	require.Equal(t, before.Totals.Fallbacks, after.Totals.Fallbacks)
	_, _, err = r.SendByKey(t.Context(), *keyOf("ended"))
	require.Contains(t, coded(t, backstop.Mismatch, err).Message, "erased")
}

// What comes after an erasure does not bring the person back.
func TestDB_Erase_late(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	e := r.create(false)
	r.erase(e.ID)
	finish(t, r.DB, r.sends["sms under way"])
	r.erase(e.ID)
	late := receipt(r.sends["ended"], 1, backstop.Read)
	late.MessageID = "wamid." + personMark
	refused := receipt(r.sends["under way"], 1, backstop.Failed)
	refused.MessageID = "wamid." + personMark
	refused.Failure = &backstop.Failure{Kind: backstop.Rejected, Class: backstop.OptedOut, Code: "131050", Reason: textMark}
	for range 2 {
		insert(t, r.DB, late, refused)
	}
	require.Equal(t, backstop.Read, getSend(t, r.DB, r.sends["ended"]).Status.WhatsApp)
	require.Empty(t, r.marked())
}

// The list of opt-outs still stops messages, and has nothing but the number.
func TestDB_Erase_keepOptOut(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	e := r.create(true)
	r.erase(e.ID)
	finish(t, r.DB, r.sends["sms under way"])
	require.NotNil(t, r.erase(e.ID).FinishedAt)
	marked := []string{"opt_out_changes", "opt_outs"}
	if postgrestest.SealsNumbers() {
		marked = nil
	}
	require.Equal(t, marked, r.marked())
	isOut, err := r.IsOptedOut(t.Context(), thePerson, backstop.Marketing)
	require.NoError(t, err)
	require.True(t, isOut)
	var n int
	require.NoError(t, r.raw.QueryRowContext(t.Context(), `SELECT count(*) FROM opt_outs WHERE note <> '' OR inbound <> ''`).Scan(&n))
	require.Zero(t, n)
}

func TestDB_Erase_unknown(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	e, err := r.CreateErasure(t.Context(), "+447400000001", true)
	require.NoError(t, err)
	e = r.erase(e.ID)
	require.NotNil(t, e.FinishedAt)
	require.Empty(t, e.Changed)
	require.Zero(t, e.Cancelled+e.Pending)
	_, err = r.Erasure(t.Context(), newID(t))
	require.Equal(t, backstop.NotFound, backstop.CodeOf(err))
}

// Two processes erase at the same time, and a batch of a third one fails: each row is counted once.
func TestDB_Erase_concurrent(t *testing.T) {
	t.Parallel()
	r := newErasureRig(t)
	finish(t, r.DB, r.sends["sms under way"])
	e := r.create(true)
	r.exec(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'died'; END $$`)
	r.exec(`CREATE TRIGGER die BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION die()`)
	_, _, err := r.Erase(t.Context(), e.ID, 10)
	require.Error(t, err)
	r.exec(`DROP TRIGGER die ON events`)
	stopped, err := r.Erasure(t.Context(), e.ID)
	require.NoError(t, err)
	require.Empty(t, stopped.Changed)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() { eraseAll(t, r.DB, e) })
	}
	group.Wait()
	done, err := r.Erasure(t.Context(), e.ID)
	require.NoError(t, err)
	require.NotNil(t, done.FinishedAt)
	require.Equal(t, 6, done.Changed["sends"])
	require.Equal(t, 4, done.Cancelled)
}

func (r erasureRig) exec(statement string) {
	r.t.Helper()
	_, err := r.raw.ExecContext(r.t.Context(), statement)
	require.NoError(r.t, err)
}

func eraseAll(t *testing.T, db *postgres.DB, e backstop.Erasure) {
	t.Helper()
	sends, err := db.SendsToCancel(t.Context(), e)
	if err != nil {
		t.Errorf("list: %v", err)
	}
	for _, send := range sends {
		if _, err := db.Cancel(t.Context(), send); err != nil && backstop.CodeOf(err) != backstop.Conflict {
			t.Errorf("cancel: %v", err)
		}
	}
	for more := true; more; {
		if _, more, err = db.Erase(t.Context(), e.ID, 1); err != nil {
			t.Errorf("erase: %v", err)
			return
		}
	}
}
