package postgres_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// The person of these tests, and another one, who has opted out.
const (
	someone = "+447400776655"
	stopped = "+447400776656"
)

// theyWrote are words of a provider, a receiver or a colleague that repeat the number, as people write it.
const theyWrote = "no +447400776655, 447400776655, 00447400776655, 07400776655, 07400 776655, (0)7400-776-655"

// numberMarks are all notations of the number, also in base64 as Meta has it in its ids, and the digests of the number.
func numberMarks() (marks []string) {
	for _, number := range []string{"7400776655", "7400 776655", "7400-776-655", "7400776656"} {
		marks = append(marks, postgrestest.Encodings(number)...)
	}
	for _, number := range []string{someone, someone[1:], stopped} {
		digest := sha256.Sum256([]byte(number))
		marks = append(marks, hex.EncodeToString(digest[:]), postgrestest.Encodings(number)[2])
	}
	return marks
}

// numberRig has stores with different settings on one database.
type numberRig struct {
	t       *testing.T
	address string
	raw     *sql.DB
}

func newNumberRig(t *testing.T) numberRig {
	t.Helper()
	r := numberRig{t: t, address: postgrestest.URL(t)}
	_, err := r.open().Migrate(t.Context())
	require.NoError(t, err)
	r.raw = postgrestest.Raw(t, r.address)
	return r
}

// open returns the store of a process. It seals numbers with the first key. Without a key it seals none.
func (r numberRig) open(keys ...string) *postgres.DB {
	r.t.Helper()
	return postgrestest.OpenWith(r.t, r.address, postgres.Options{
		Keyring: postgrestest.Keyring(r.t, "k1"), SealTexts: true, NumberKeys: postgrestest.Keyring(r.t, keys...),
		SealNumbers: len(keys) > 0,
	})
}

// decrypting returns the store of a process that opens numbers, and does not seal them.
func (r numberRig) decrypting(keys ...string) *postgres.DB {
	r.t.Helper()
	return postgrestest.OpenWith(r.t, r.address, postgres.Options{
		Keyring: postgrestest.Keyring(r.t, "k1"), SealTexts: true, NumberKeys: postgrestest.Keyring(r.t, keys...),
	})
}

func convert(ctx context.Context, db *postgres.DB) error {
	return db.ConvertNumbers(ctx, func(postgres.Converted) {})
}

func (r numberRig) plain() []string {
	r.t.Helper()
	return postgrestest.TablesWith(r.t, r.raw, numberMarks())
}

// everywhere are the tables that have a number after live.
func everywhere() []string {
	return []string{
		"attempts", "audit", "callback_endpoints", "callback_tries", "erasures", "events", "guard_counts", "inbound",
		"opt_out_changes", "opt_outs", "receipts", "sends",
	}
}

func (r numberRig) wamid(n int) string {
	return "wamid." + postgrestest.Encodings(someone[1:])[2] + fmt.Sprintf("FQIAERgS%d", n)
}

func refusedBy(class backstop.RejectClass, code string) *backstop.Failure {
	return &backstop.Failure{Kind: backstop.Rejected, Class: class, Code: code, Reason: theyWrote}
}

// live lets sends of a person have all that may happen to them, and returns their ids.
func (r numberRig) live(db *postgres.DB) (sends []string) {
	r.t.Helper()
	add := func(change func(*backstop.Send)) string {
		send := newSend(r.t)
		send.To = someone
		change(&send)
		_, created, err := db.InsertGuarded(r.t.Context(), send, nil, backstop.GuardChecks{
			Digest: contentHash(), TextWindow: time.Microsecond, Caps: []backstop.CapCheck{
				{Guard: backstop.GuardRecipientCap, Key: someone, Cap: 100},
				{Guard: backstop.GuardPrefixCap, Key: "+447400776655", Cap: 100},
				{Guard: backstop.GuardCountryCap, Key: "GB", Cap: 100},
			},
		})
		require.NoError(r.t, err)
		require.True(r.t, created)
		sends = append(sends, send.ID)
		return send.ID
	}
	r.fallBack(db, add(func(s *backstop.Send) { s.Callback = &backstop.Callback{URL: hook} }))

	optedOut := add(func(s *backstop.Send) { s.Category = backstop.Marketing })
	end(r.t, db, begin(r.t, db, optedOut, whatsApp), backstop.Ending{Failure: refusedBy(backstop.OptedOut, "131050")})
	finish(r.t, db, optedOut)
	code := func(s *backstop.Send) { s.Category = backstop.Authentication } // the opt-out does not stop it
	abandoned := add(code)
	require.NoError(r.t, db.Abandon(r.t.Context(), abandoned, theyWrote))
	add(code) // it waits

	orphan := receipt("", 1, backstop.Failed)
	orphan.MessageID, orphan.Failure = r.wamid(9), refusedBy(backstop.RecipientFault, "1")
	insert(r.t, db, orphan)
	r.write(db)
	require.NoError(r.t, db.AddAuditEntry(r.t.Context(), backstop.AuditEntry{
		Action: backstop.AuditTest, Kind: backstop.AuditAccount, To: someone,
	}))
	_, err := db.CreateErasure(r.t.Context(), someone, true)
	require.NoError(r.t, err)
	return sends
}

// fallBack lets a send fail by WhatsApp and by the first SMS, and arrive by the second. The receiver of its callbacks repeats the
// number.
func (r numberRig) fallBack(db *postgres.DB, send string) {
	r.t.Helper()
	end(r.t, db, begin(r.t, db, send, whatsApp), backstop.Ending{
		Submission: backstop.Submission{MessageID: r.wamid(1), Segments: 1},
	})
	refused := receipt("", 1, backstop.Failed)
	refused.MessageID, refused.Failure = r.wamid(1), refusedBy(backstop.RecipientFault, "131026")
	insert(r.t, db, refused)
	end(r.t, db, begin(r.t, db, send, firstSMS), backstop.Ending{Failure: refusedBy(backstop.RecipientFault, "21211")})
	end(r.t, db, begin(r.t, db, send, lastSMS), backstop.Ending{
		Submission: backstop.Submission{MessageID: "SM" + someone, Segments: 1},
	})
	arrived := receipt(send, lastSMS.Step(), backstop.Delivered)
	arrived.MessageID = "SM" + someone
	insert(r.t, db, arrived)
	finish(r.t, db, send)
	q, err := db.NextCallback(r.t.Context(), send)
	require.NoError(r.t, err)
	_, err = db.LeaseCallback(r.t.Context(), q, time.Minute)
	require.NoError(r.t, err)
	e := backstop.CallbackEnding{Try: backstop.CallbackTry{Number: 1, At: q.Now, Status: 500, Answer: theyWrote, Error: theyWrote}}
	e.Decide(q)
	_, err = db.EndCallback(r.t.Context(), q, e)
	require.NoError(r.t, err)
}

// write lets people write, opt out and in again, and be skipped.
func (r numberRig) write(db *postgres.DB) {
	r.t.Helper()
	stop, reply := receipt("", 1, ""), receipt("", 1, "")
	stop.MessageID, stop.Inbound = r.wamid(2), &backstop.Inbound{From: stopped, To: "1", Text: "Stop", Keyword: backstop.StopKeyword}
	reply.MessageID = r.wamid(3)
	reply.Inbound = &backstop.Inbound{From: someone, To: "1", Text: "I am " + someone, ReplyTo: r.wamid(1)}
	read := insertInbound(r.t, db, []backstop.Receipt{stop, reply})
	require.Len(r.t, read, 1, "the reply has found its message")
	insert(r.t, db, read...)
	entry := backstop.OptOut{To: someone, Category: backstop.OptOutMarketing, OptOutOrigin: backstop.OptOutOrigin{
		Source: backstop.ByConsole, Note: theyWrote, Inbound: r.wamid(4),
	}}
	require.NoError(r.t, db.DeleteOptOut(r.t.Context(), someone, backstop.OptOutMarketing, entry.OptOutOrigin))
	_, err := db.PutOptOut(r.t.Context(), entry)
	require.NoError(r.t, err)
	skipped := newSend(r.t)
	skipped.To, skipped.Plan.Override = stopped, &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
	skipped, created, err := db.InsertSend(r.t.Context(), skipped, nil)
	require.NoError(r.t, err)
	require.True(r.t, created)
	require.True(r.t, skipped.IsSkipped())
}

// shown returns all that a store shows, as text.
func (r numberRig) shown(db *postgres.DB) string {
	r.t.Helper()
	var b strings.Builder
	note := func(what any, err error) {
		require.NoError(r.t, err)
		fmt.Fprintf(&b, "%+v\n", what)
	}
	page := backstop.Page{Limit: 100}
	list, _, err := db.ListSends(r.t.Context(), backstop.SendFilter{To: someone}, page)
	require.Len(r.t, list, 4)
	for _, send := range list {
		require.Empty(r.t, send.Unreadable)
		note(send.To+send.FiredReason+string(send.Outcome), err)
		attempts, events, err := db.Timeline(r.t.Context(), send.ID)
		for _, a := range attempts {
			note([]any{a.MessageID, a.Reason, a.Failure, a.Refusal}, err)
		}
		note(events, err)
		callbacks, _, err := db.ListCallbacks(r.t.Context(), backstop.CallbackFilter{Send: send.ID}, page)
		for _, c := range callbacks {
			_, tries, err := db.Callback(r.t.Context(), c.ID)
			note(tries, err)
		}
		note(len(callbacks), err)
	}
	for _, number := range []string{someone, stopped} {
		optOuts, _, err := db.ListOptOuts(r.t.Context(), backstop.OptOutFilter{To: number}, page)
		note(optOuts, err)
		changes, _, err := db.OptOutChanges(r.t.Context(), number, page)
		note(changes, err)
		audit, _, err := db.ListAudit(r.t.Context(), backstop.AuditFilter{To: number}, page)
		for _, e := range audit {
			note([]string{e.ID, e.To, string(e.Before), string(e.After)}, err)
		}
		person, err := db.PersonalData(r.t.Context(), number)
		if person.Erasure != nil {
			note(*person.Erasure, err)
			person.Erasure = nil
		}
		note(person, err)
		note(db.IsOptedOut(r.t.Context(), number, backstop.Marketing))
		for part, err := range db.ExportPerson(r.t.Context(), number) {
			for _, row := range part.Rows {
				note(part.Table+string(row), err)
			}
		}
	}
	note(db.FailingEndpoints(r.t.Context(), 9))
	for _, text := range []string{someone, r.wamid(1)} {
		found, err := db.FindSends(r.t.Context(), text, 9)
		require.NoError(r.t, err)
		require.NotEmpty(r.t, found.Sends, text)
		note(len(found.Sends), err)
	}
	return b.String()
}

// TestNumbers: after a whole life of sends no column of any table has a number, in any notation; and all that is shown has it.
func TestNumbers(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	require.NoError(t, convert(t.Context(), r.open("n1")))
	db := r.open("n1")
	require.NoError(t, db.CheckNumbers(t.Context()))
	sends := r.live(db)
	require.Empty(t, r.plain())
	other := r.open("n1") // without a cache
	shown := r.shown(other)
	require.NotContains(t, shown, "~", "nothing is shown as a token")
	for _, words := range []string{theyWrote, r.wamid(1), r.wamid(4), "SM" + someone, "I am " + someone} {
		require.Contains(t, shown, words)
	}
	_, _, err := other.Begin(t.Context(), sends[3], whatsApp)
	require.NoError(t, err)
	_, _, err = other.InsertSend(t.Context(), func() backstop.Send { s := newSend(t); s.To = stopped; return s }(), nil)
	require.EqualError(t, err, backstop.ErrOptedOut().Error(), "the opt-out of another process stops a send")
	require.Empty(t, r.plain())

	for _, search := range []func() error{
		func() error {
			_, _, err := db.ListSends(t.Context(), backstop.SendFilter{ToEnds: "6655"}, backstop.Page{Limit: 1})
			return err
		},
		func() error { _, err := db.CountSends(t.Context(), backstop.SendFilter{ToEnds: "6655"}); return err },
		func() error {
			_, _, err := db.ListOptOuts(t.Context(), backstop.OptOutFilter{ToEnds: "6655"}, backstop.Page{Limit: 1})
			return err
		},
		func() error {
			_, err := db.CountOptOuts(t.Context(), backstop.OptOutFilter{ToEnds: "6655"})
			return err
		},
		func() error { _, err := db.FindSends(t.Context(), "776655", 1); return err },
	} {
		refused := coded(t, backstop.Invalid, search())
		require.Equal(t, backstop.FieldWholeNumber, refused.Fields[0].Code)
	}
}

// Without the setting the numbers are there: the test above has looked where they are.
func TestNumbers_off(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	db := r.open()
	require.NoError(t, db.CheckNumbers(t.Context()))
	r.live(db)
	require.Equal(t, everywhere(), r.plain())
}

// TestNumbers_convert: a database becomes sealed, gets another key and becomes plain again, and shows the same all the time. A
// conversion that dies goes on where it was.
func TestNumbers_convert(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	r.live(r.open())
	before := r.shown(r.open())
	entries := auditSize(t, r)

	require.ErrorContains(t, r.open("n1").CheckNumbers(t.Context()), "those in the database are plain")
	r.dieEverywhere("n1")
	require.ErrorContains(t, r.open("n1").CheckNumbers(t.Context()), "half converted")
	require.ErrorContains(t, r.open().CheckNumbers(t.Context()), "half converted")
	require.NoError(t, convert(t.Context(), r.open("n1")))
	require.NoError(t, r.open("n1").CheckNumbers(t.Context()))
	require.Empty(t, r.plain())
	require.Equal(t, before, r.shown(r.open("n1")))
	require.NoError(t, r.open("n1").ConvertNumbers(t.Context(), func(postgres.Converted) { t.Error("nothing is left") }))

	require.ErrorContains(t, r.open().CheckNumbers(t.Context()), `encrypted with key "n1"`)
	require.ErrorContains(t, r.open("n2", "n1").CheckNumbers(t.Context()), `"n2", another one`)
	require.ErrorContains(t, convert(t.Context(), r.open("n2")), "is missing in BACKSTOP_NUMBER_KEY")
	require.NoError(t, r.open("n1").CheckNumbers(t.Context()), "a conversion without the key changes nothing")
	require.NoError(t, convert(t.Context(), r.open("n2", "n1")))
	require.NoError(t, r.open("n2").CheckNumbers(t.Context()))
	require.Empty(t, r.plain())
	require.Equal(t, before, r.shown(r.open("n2")))

	require.NoError(t, convert(t.Context(), r.decrypting("n2")))
	require.NoError(t, r.open().CheckNumbers(t.Context()))
	require.Equal(t, everywhere(), r.plain())
	require.Equal(t, before, r.shown(r.open()))
	require.Equal(t, entries, auditSize(t, r), "a conversion is no change of an opt-out")
	running := r.open("n2") // was not stopped
	_, _, err := running.InsertSend(t.Context(), newSend(t), nil)
	require.ErrorContains(t, err, "sends_tokens_recipient")
	_, err = running.PutOptOut(t.Context(), backstop.OptOut{To: to, Category: "all", OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI}})
	require.ErrorContains(t, err, "opt_outs_tokens_")
}

// TestNumbers_serving: no conversion begins while a process serves, and no process serves after one has begun. A process that died
// counts for some seconds.
func TestNumbers_serving(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	plain, sealed := r.open(), r.open("n1")
	process := newID(t)
	var refused postgres.NumberModeError
	require.NoError(t, plain.Serve(t.Context(), process))
	require.ErrorAs(t, sealed.Serve(t.Context(), newID(t)), &refused)
	require.ErrorAs(t, convert(t.Context(), sealed), &refused)
	require.ErrorContains(t, refused, "1 processes serve")
	require.NoError(t, plain.CheckNumbers(t.Context()), "nothing has begun")
	require.NoError(t, plain.Serve(t.Context(), process), "once more")

	require.NoError(t, plain.StopServing(t.Context(), process))
	require.NoError(t, convert(t.Context(), sealed))
	require.ErrorAs(t, plain.Serve(t.Context(), process), &refused)
	require.NoError(t, sealed.Serve(t.Context(), process))
	require.ErrorAs(t, convert(t.Context(), r.decrypting("n1")), &refused)
	_, err := r.raw.ExecContext(t.Context(), `UPDATE serving SET seen_at = now() - interval '21 seconds'`)
	require.NoError(t, err)
	require.NoError(t, convert(t.Context(), r.decrypting("n1")))
}

// TestNumbers_serving_atOnce: of a process that begins and a conversion that begins, one is refused.
func TestNumbers_serving_atOnce(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	for range 10 {
		from, into := r.open(), r.open("n1")
		process := newID(t)
		served := make(chan error, 1)
		go func() { served <- from.Serve(t.Context(), process) }()
		converted := convert(t.Context(), into)
		require.NotEqual(t, converted == nil, <-served == nil, "%v", converted)
		require.NoError(t, from.StopServing(t.Context(), process))
		require.NoError(t, convert(t.Context(), r.decrypting("n1")))
	}
}

func auditSize(t *testing.T, r numberRig) (n int) {
	t.Helper()
	require.NoError(t, r.raw.QueryRowContext(t.Context(), `SELECT count(*) FROM audit`).Scan(&n))
	return n
}

// dieEverywhere lets the conversion die after each of its batches in turn, until it has only its end before it.
func (r numberRig) dieEverywhere(key string) {
	r.t.Helper()
	errDied := errors.New("died")
	for batches := 1; batches <= len(everywhere()); batches++ {
		ctx, die := context.WithCancelCause(r.t.Context())
		n := 0
		err := r.open(key).ConvertNumbers(ctx, func(postgres.Converted) {
			if n++; n == batches {
				die(errDied)
			}
		})
		require.Error(r.t, err, "batch %d", batches)
		die(nil)
	}
}

// TestNumbers_running: a process that was not stopped before the conversion stores no number, and sends none of what is converted.
func TestNumbers_running(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	running := r.open()
	sends := r.live(running)
	require.NoError(t, convert(t.Context(), r.open("n1")))

	_, _, err := running.InsertSend(t.Context(), newSend(t), nil)
	require.ErrorContains(t, err, "sends_tokens_recipient")
	_, err = running.PutOptOut(t.Context(), backstop.OptOut{To: to, Category: "all", OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI}})
	require.ErrorContains(t, err, "opt_outs_tokens_")
	late := receipt(sends[0], 1, backstop.Delivered)
	late.MessageID = r.wamid(1)
	_, err = running.InsertReceipts(t.Context(), []backstop.Receipt{late})
	require.Error(t, err)
	fresh := r.open() // without a cache
	_, _, err = fresh.Begin(t.Context(), sends[3], whatsApp)
	require.ErrorContains(t, err, "the key of this number is missing")
	list, _, err := fresh.ListSends(t.Context(), backstop.SendFilter{}, backstop.Page{Limit: 9})
	require.NoError(t, err)
	for _, send := range list {
		require.NotEmpty(t, send.Unreadable)
		require.False(t, send.HasNumber())
	}
	require.Empty(t, r.plain())
}

// TestNumbers_runningCalls: however far a conversion has come, a process that was not stopped calls nobody: not with the number
// that it remembers, and not past an opt-out that has another form than the number. It ends no erasure without having erased.
func TestNumbers_runningCalls(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]bool{"on": false, "off": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newNumberRig(t)
			var before []string
			convertTo := func() *postgres.DB { return r.open("n1") }
			if off {
				require.NoError(t, convert(t.Context(), r.open("n1")))
				before, convertTo = []string{"n1"}, func() *postgres.DB { return r.decrypting("n1") }
			}
			running := r.open(before...)
			r.live(running)
			var optedOut, others []string
			for range everywhere() {
				for number, list := range map[string]*[]string{"+447400776699": &optedOut, "+447400776600": &others} {
					send := newSend(t)
					send.To = number
					_, created, err := running.InsertSend(t.Context(), send, nil)
					require.NoError(t, err)
					require.True(t, created)
					*list = append(*list, send.ID)
				}
			}
			require.NoError(t, running.Preload(t.Context(), append(optedOut, others...)), "it has a cache")
			_, err := running.PutOptOut(t.Context(), backstop.OptOut{
				To: "+447400776699", Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
			})
			require.NoError(t, err)
			erasures, err := running.RunningErasures(t.Context(), 2)
			require.NoError(t, err)
			require.Len(t, erasures, 1)
			for i := range everywhere() {
				var at string
				ctx, die := context.WithCancel(t.Context())
				n := 0
				require.Error(t, convertTo().ConvertNumbers(ctx, func(c postgres.Converted) {
					if at = c.Table; n == i {
						die()
					}
					n++
				}))
				die()
				for _, send := range []string{optedOut[i], others[i]} {
					c := whatsApp
					c.Token = rand.Text()
					ruling, _, err := running.Begin(t.Context(), send, c)
					require.Falsef(t, err == nil && ruling.Answer == backstop.MayCall, "after a batch of %s", at)
				}
				_, _, err = running.Erase(t.Context(), erasures[0], 100)
				require.Errorf(t, err, "after a batch of %s", at)
			}
		})
	}
}

// TestNumbers_notes: each note is stored and converted. One is very long, and one looks like a token.
func TestNumbers_notes(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	const most = 200
	notes := []string{"~w" + strings.Repeat("a", most-2), strings.Repeat("a", most), strings.Repeat("\U0001F600", most)}
	put := func(db *postgres.DB, first int) {
		for i, note := range notes {
			_, err := db.PutOptOut(t.Context(), backstop.OptOut{
				To: fmt.Sprintf("+4474007766%d", first+i), Category: backstop.OptOutMarketing,
				OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI, Note: note},
			})
			require.NoError(t, err, note)
		}
	}
	put(r.open(), 10)
	require.NoError(t, convert(t.Context(), r.open("n1")))
	put(r.open("n1"), 20)
	require.NoError(t, convert(t.Context(), r.decrypting("n1")))
	list, _, err := r.open().ListOptOuts(t.Context(), backstop.OptOutFilter{}, backstop.Page{Limit: 9})
	require.NoError(t, err)
	require.Len(t, list, 2*len(notes))
	for _, o := range list {
		require.Len(t, []rune(o.Note), most)
	}
}

// TestNumbers_removed: retention and erasure remove what they remove of plain numbers.
func TestNumbers_removed(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	require.NoError(t, convert(t.Context(), r.open("n1")))
	db := r.open("n1")
	sends := r.live(db)
	finishAll(t, db)
	_, err := r.raw.ExecContext(t.Context(), `UPDATE receipts SET needs_signal = false`)
	require.NoError(t, err)
	_, err = r.raw.ExecContext(t.Context(), `DELETE FROM callback_queues`)
	require.NoError(t, err)
	_, err = r.raw.ExecContext(t.Context(), `UPDATE callbacks SET state = 'failed', ended_at = now() WHERE state = 'pending'`)
	require.NoError(t, err)
	running, err := db.RunningErasures(t.Context(), 2)
	require.NoError(t, err)
	require.Len(t, running, 1)
	e, err := db.Erasure(t.Context(), running[0])
	require.NoError(t, err)
	require.Equal(t, someone, e.To)

	removal := backstop.Removal{What: backstop.RemoveNumbers, Categories: []backstop.Category{"", backstop.Marketing}, Age: -time.Minute}
	n, err := db.RemoveOld(t.Context(), removal, 2)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, "+•••••", getSend(t, r.open("n1"), sends[0]).To)
	eraseAll(t, db, e)
	person, err := db.PersonalData(t.Context(), someone)
	require.NoError(t, err)
	require.Zero(t, person.Sends+person.Inbound+person.AuditEntries)
	require.Equal(t, 1, person.OptOuts, "it is kept")
	isOut, err := db.IsOptedOut(t.Context(), someone, backstop.Marketing)
	require.NoError(t, err)
	require.True(t, isOut)
	_, err = r.raw.ExecContext(t.Context(), `UPDATE inbound SET id = audit_id(now() - interval '9 days')`)
	require.NoError(t, err)
	_, err = db.RemoveOldInbound(t.Context(), backstop.RemoveNumbers, 0, 9)
	require.NoError(t, err)
	var sender string
	require.NoError(t, r.raw.QueryRowContext(t.Context(), `SELECT sender FROM inbound`).Scan(&sender))
	require.Equal(t, "+•••••", sender)
	require.Empty(t, r.plain())
	require.NoError(t, convert(t.Context(), r.decrypting("n1")), "masks stay as they are")
}

// TestNumbers_damaged: a token that was changed, or is of another kind, breaks no list, and nothing goes out to it.
func TestNumbers_damaged(t *testing.T) {
	t.Parallel()
	r := newNumberRig(t)
	require.NoError(t, convert(t.Context(), r.open("n1")))
	sends := r.live(r.open("n1"))
	_, err := r.raw.ExecContext(t.Context(), `UPDATE sends SET recipient = left(recipient, 48) || CASE right(recipient, 1)
    WHEN 'A' THEN 'B' ELSE 'A' END, revision = revision + 1 WHERE id = $1`, sends[3])
	require.NoError(t, err)
	db := r.open("n1")
	list, _, err := db.ListSends(t.Context(), backstop.SendFilter{}, backstop.Page{Limit: 9})
	require.NoError(t, err)
	i := slices.IndexFunc(list, func(s backstop.Send) bool { return s.ID == sends[3] })
	require.Contains(t, list[i].Unreadable, "damaged")
	_, _, err = db.Begin(t.Context(), sends[3], whatsApp)
	require.ErrorContains(t, err, "damaged")
}

// TestNumbers_noKey: a process that wants numbers sealed, and has no key, gets no store.
func TestNumbers_noKey(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(t.Context(), postgrestest.URL(t), postgres.Options{SealNumbers: true})
	require.ErrorContains(t, err, "BACKSTOP_NUMBER_KEY")
}
