package ledgers_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// stored returns a ledger as it is read back: an averted event has only its kind, rule and status.
func stored(l *backstop.Ledger) backstop.Ledger {
	c := *l.Clone()
	if len(c.Attempts) == 0 {
		c.Attempts = nil
	}
	averted := c.Averted
	c.Averted = nil
	for _, e := range averted {
		c.Averted = append(c.Averted, backstop.Event{Kind: e.Kind, Rule: e.Rule, Status: e.Status})
	}
	return c
}

// requireCached checks that the cached ledger equals the stored one, if the send is cached. It has no list of opt-outs.
func requireCached(t require.TestingT, db *postgres.DB, l *backstop.Ledger) (isCached bool) {
	cached, isCached := db.Cached(l.Send.ID)
	if isCached {
		want := stored(l)
		want.OptedOutOf = nil
		require.Equal(t, want, stored(cached))
	}
	return isCached
}

// check reads the ledger from Postgres, and checks that the cached one is equal.
func (d desk) check() *backstop.Ledger {
	d.t.Helper()
	l := d.ledger()
	requireCached(d.t, d.db, l)
	return l
}

// seen collects the fields that were not zero in at least one value.
type seen map[string]bool

func (s seen) add(v any) {
	of := reflect.ValueOf(v)
	for i := range of.NumField() {
		if !of.Field(i).IsZero() {
			s[of.Type().Field(i).Name] = true
		}
	}
}

func (s seen) requireAll(t *testing.T, v any) {
	t.Helper()
	for field := range reflect.TypeOf(v).Fields() {
		if field.Name == "Unreadable" { // it is about a missing key: TestSealed_lostKey
			continue
		}
		require.True(t, s[field.Name], "%T.%s was never set", v, field.Name)
	}
}

// Every field of every change is read back as it was written.
func TestStore_roundTrip(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	sends, attempts, events := seen{}, seen{}, seen{}
	look := func(d desk) {
		l := d.check()
		sends.add(l.Send)
		for _, a := range l.Attempts {
			require.Equal(t, d.id, a.Ref.Send)
			attempts.add(a)
		}
		for _, e := range d.events() {
			events.add(e)
		}
	}

	send := newSend(t)
	send.Text, send.Template = "", &backstop.Template{
		Name: "code", Language: "en_US", Components: json.RawMessage(`[{"b":1.0,"a":"\u0000 é"}]`),
	}
	send.Message = &backstop.UsedMessage{ID: uuid.NewString(), Name: "Parcel", Version: 3}
	send.Category, send.ExpiresAt = backstop.Utility, new(time.Now().Add(time.Hour))
	send.Plan.Override = &backstop.Override{Type: new(backstop.Unread), WaitSeconds: new(30), SendID: new("60777"), Exclusive: true}
	send.Plan.Template = &backstop.PlanTemplate{Category: backstop.Authentication, TTLSeconds: 600, IsTTLAssumed: true}
	send.Plan.GraceSeconds, send.Plan.Rules[0].GraceSeconds = 15, 15
	send.Callback = &backstop.Callback{URL: "https://shop.example/hook", Events: []backstop.CallbackEvent{"read", "finished"}}
	send.CorrelationID, send.CorrelationUnique, send.Metadata = "order-7", true, map[string]string{"shop": "Berlin", "items": ""}
	d := insertSend(t, db, send)
	require.Equal(t, send.Callback, d.check().Send.Callback)
	require.Equal(t, send.Plan, d.check().Send.Plan)
	look(d)
	first := d.begin(whatsApp)
	require.Equal(t, first, *d.ledger().Attempt(1), "the attempt is returned as it is stored")
	look(d)
	ended, view, err := db.End(t.Context(), d.id, backstop.Ending{
		Step: 1, Token: first.Token, Submission: backstop.Submission{MessageID: d.messageID(1)},
		AwaitReceipts: time.Hour + time.Nanosecond,
	})
	require.NoError(t, err)
	require.Equal(t, ended, *d.ledger().Attempt(1))
	require.Equal(t, view, d.ledger().View())
	look(d)
	d.insert(d.receipt(1, backstop.Sent), d.receipt(1, backstop.Failed))
	look(d)
	retried := d.begin(firstSMS)
	d.end(retried, backstop.Ending{
		Failure: &backstop.Failure{Kind: backstop.Throttled, Code: "20429", Reason: "slow down", RetryAfter: 1500 * time.Millisecond},
	})
	look(d)
	retried = d.begin(firstSMS)
	require.Equal(t, 2, retried.Number)
	d.fail(retried, backstop.Rejected)
	last := d.begin(lastSMS)
	d.end(last, backstop.Ending{
		Submission:     backstop.Submission{MessageID: d.messageID(last.Ref.Step), Segments: 3},
		SMSReceiptWait: time.Hour + time.Nanosecond,
	})
	look(d)
	require.Equal(t, "bulk", d.ledger().Attempt(last.Ref.Step).Account)
	d.insert(d.receipt(last.Ref.Step, backstop.Delivered), d.receipt(1, backstop.Delivered))
	look(d)

	send = newSend(t)
	send.SendAt, send.StartedAt = new(send.AcceptedAt.Add(time.Minute)), new(send.AcceptedAt.Add(2*time.Minute))
	send.Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	send.IsTest, send.ContentRemovedAt = true, new(send.AcceptedAt.Add(24*time.Hour))
	scheduled := insertSend(t, db, send)
	scheduled.begin(whatsApp)
	look(scheduled)

	send = newSend(t)
	send.ExpiresAt = new(send.AcceptedAt.Add(time.Second))
	expired := insertSend(t, db, send)
	ruling, _ := expired.ask(whatsApp)
	require.Equal(t, backstop.SendExpired, ruling.Answer)
	look(expired)

	twice := underway(t, db)
	twice.accept(twice.begin(firstSMS))
	twice.insert(twice.receipt(1, backstop.Delivered))
	look(twice)

	averted := underway(t, db)
	averted.insert(averted.receipt(1, backstop.Delivered))
	ruling, _ = averted.ask(firstSMS)
	require.Equal(t, backstop.Satisfied, ruling.Answer)
	require.NotEmpty(t, averted.check().Averted)

	routed := underway(t, db)
	routed.fail(routed.begin(firstSMS), backstop.Rejected)
	refused := routed.begin(lastSMS)
	routed.end(refused, backstop.Ending{Failure: &backstop.Failure{Kind: backstop.Rejected, Class: backstop.AccountFault, Code: "20003"}})
	for range 2 {
		spare := routed.begin(lastSMS)
		require.Equal(t, "spare", spare.Account)
		require.Equal(t, "Spare", spare.SendID)
		require.Equal(t, spare, *routed.ledger().Attempt(spare.Ref.Step), "the attempt is returned as it is stored")
		routed.end(spare, backstop.Ending{Failure: &backstop.Failure{Kind: backstop.Unknown}})
		look(routed)
	}

	confirmed := underway(t, db)
	_, err = db.Confirm(t.Context(), confirmed.id)
	require.NoError(t, err)
	look(confirmed)

	sends.requireAll(t, backstop.Send{})
	attempts.requireAll(t, backstop.Attempt{})
	events.requireAll(t, backstop.Event{})
}

// A receipt or the end of a call is stored even if Postgres cannot store the text of the provider.
func TestStore_oddTexts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	d := newDesk(t, db)
	attempt := d.begin(whatsApp)
	d.end(attempt, backstop.Ending{Failure: &backstop.Failure{Kind: backstop.Rejected, Code: "1\x00", Reason: "bad \x00\xff text"}})
	l := d.check()
	require.Equal(t, "bad \uFFFD text", l.Attempt(1).Failure.Reason)
	d.begin(firstSMS)
	require.Contains(t, d.check().Send.FiredReason, "bad \uFFFD text")

	d = newDesk(t, db)
	d.end(d.begin(whatsApp), backstop.Ending{Submission: backstop.Submission{MessageID: "\x00a\xff"}})
	require.Equal(t, "a\uFFFD", d.check().Attempt(1).MessageID)

	d = underway(t, db)
	r := d.receipt(1, backstop.Failed)
	r.At, r.Failure.Reason, r.Failure.Code = time.Unix(1<<60, 0), "\xff\x00", "\x00"
	d.insert(r)
	require.Equal(t, "\uFFFD", d.check().Attempt(1).Refusal.Reason)
	require.WithinDuration(t, time.Now(), d.events()[2].At, time.Minute, "the time is ours, not the provider's")
	read := d.receipt(1, backstop.Read)
	r.MessageID = "\x00"
	_, err := db.InsertReceipts(t.Context(), []backstop.Receipt{read, r})
	requireCode(t, backstop.Invalid, err)
	require.Equal(t, backstop.Read, d.check().Send.Status.WhatsApp, "the other receipt is stored")
	require.Empty(t, d.insert())
}

func TestStore_NotFound(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, id := range []string{newID(t), "", "x", "a\x00b"} {
		ctx := t.Context()
		_, _, err := db.Begin(ctx, id, whatsApp)
		requireCode(t, backstop.NotFound, err)
		_, _, err = db.End(ctx, id, backstop.Ending{Step: 1})
		requireCode(t, backstop.NotFound, err)
		_, err = db.StopWaiting(ctx, id, 1)
		requireCode(t, backstop.NotFound, err)
		_, _, err = db.GiveUp(ctx, id, whatsApp)
		requireCode(t, backstop.NotFound, err)
		_, err = db.Finish(ctx, id, false)
		requireCode(t, backstop.NotFound, err)
		requireCode(t, backstop.NotFound, db.FinishOverdue(ctx, id))
		_, err = db.Cancel(ctx, id)
		requireCode(t, backstop.NotFound, err)
		_, err = db.Confirm(ctx, id)
		requireCode(t, backstop.NotFound, err)
		_, err = db.View(ctx, id)
		requireCode(t, backstop.NotFound, err)
		_, err = db.Ledger(ctx, id)
		requireCode(t, backstop.NotFound, err)
		_, err = db.Learn(ctx, backstop.Receipt{
			Ref: backstop.Ref{Send: id, Step: 1}, Channel: backstop.WhatsApp, Provider: "meta", MessageID: "m", Status: backstop.Sent,
		})
		requireCode(t, backstop.NotFound, err)
	}
	d := newDesk(t, db)
	_, _, err := db.End(t.Context(), d.id, backstop.Ending{Step: 1})
	requireCode(t, backstop.NotFound, err)
	call := whatsApp
	call.Channel, call.Rule = backstop.SMS, 9
	_, _, err = db.Begin(t.Context(), d.id, call)
	require.Error(t, err)
	require.Empty(t, backstop.CodeOf(err), "a fault of the program")
}

// A method that is repeated, in the same process or in another one, returns the same and changes nothing.
func TestStore_repeated(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	type answer struct {
		what any
		view backstop.View
		err  error
	}
	pair := func(what any, view backstop.View, err error) answer { return answer{what, view, err} }
	d := newDesk(t, db)
	wa, sms := whatsApp, lastSMS
	wa.Token, sms.Token = "token 1", "token 2"
	for name, act := range []func(db *postgres.DB) answer{
		func(db *postgres.DB) answer { return pair(db.Begin(t.Context(), d.id, wa)) },
		func(db *postgres.DB) answer {
			return pair(db.End(t.Context(), d.id, backstop.Ending{
				Step: 1, Token: wa.Token, Submission: backstop.Submission{MessageID: d.messageID(1)}, AwaitReceipts: time.Minute,
			}))
		},
		func(db *postgres.DB) answer {
			view, err := db.StopWaiting(t.Context(), d.id, 1)
			return answer{nil, view, err}
		},
		func(db *postgres.DB) answer {
			view, err := db.Learn(t.Context(), d.receipt(1, backstop.Failed))
			return answer{nil, view, err}
		},
		func(db *postgres.DB) answer { return pair(db.Begin(t.Context(), d.id, sms)) },
		func(db *postgres.DB) answer {
			return pair(db.End(t.Context(), d.id, backstop.Ending{
				Step: sms.Step(), Token: sms.Token, Failure: &backstop.Failure{Kind: backstop.Unavailable},
			}))
		},
		func(db *postgres.DB) answer { return pair(db.GiveUp(t.Context(), d.id, sms)) },
		func(db *postgres.DB) answer {
			view, err := db.Cancel(t.Context(), d.id)
			return answer{nil, view, err}
		},
		func(db *postgres.DB) answer {
			view, err := db.Finish(t.Context(), d.id, false)
			return answer{nil, view, err}
		},
		func(db *postgres.DB) answer {
			view, err := db.Confirm(t.Context(), d.id)
			return answer{nil, view, err}
		},
	} {
		first := act(db)
		require.NoError(t, first.err)
		before := d.events()
		for _, again := range []*postgres.DB{db, other, db} {
			require.Equal(t, first, act(again), name)
			require.Equal(t, before, d.events(), name)
			requireCached(t, again, d.ledger())
		}
		require.Equal(t, d.ledger().Revision, first.view.Revision, name)
	}
}

func TestStore_View(t *testing.T) {
	t.Parallel()
	db, other := twoProcesses(t)
	d := underway(t, db)
	view := func(by *postgres.DB) backstop.View {
		v, err := by.View(t.Context(), d.id)
		require.NoError(t, err)
		return v
	}
	require.Equal(t, backstop.View{Revision: 3, Statuses: backstop.Statuses{WhatsApp: backstop.Submitted}}, view(db))
	d.by(other).insert(d.receipt(1, backstop.Delivered))
	require.Equal(t, backstop.View{Revision: 4, Statuses: backstop.Statuses{WhatsApp: backstop.Delivered}}, view(db), "as it is stored, not as it is cached")
	require.Equal(t, view(db), view(other))
	revision, err := db.Revision(t.Context(), d.id)
	require.NoError(t, err)
	require.Equal(t, 4, revision)
}
