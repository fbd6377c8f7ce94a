package postgres_test

import (
	"database/sql"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// Whatever the order, however often and in whatever batches the same receipts come, what is stored is what the domain
// makes of them in one go.
func TestDB_InsertReceipts_orderFree(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	type key struct {
		step   int
		status backstop.Status
	}
	keys := rapid.Custom(func(rt *rapid.T) key {
		statuses := []backstop.Status{backstop.Sent, backstop.Failed, backstop.Delivered, backstop.Read}
		return key{rapid.IntRange(1, 4).Draw(rt, "step"), rapid.SampledFrom(statuses).Draw(rt, "status")}
	})
	rapid.Check(t, func(rt *rapid.T) {
		send := insertSend(t, db)
		for step := 1; step <= 4; step++ {
			send = accept(t, db, begin(t, db, send.ID, step), messageID(send.ID, step))
		}
		once := rapid.SliceOfNDistinct(keys, 1, 8, rapid.ID[key]).Draw(rt, "receipts")
		again := rapid.SliceOfN(rapid.SampledFrom(once), 0, 6).Draw(rt, "again")
		shuffled := rapid.Permutation(append(again, once...)).Draw(rt, "order")
		byMessage, late := rapid.Bool().Draw(rt, "by message id"), rapid.Bool().Draw(rt, "late")

		want := send
		for _, k := range once {
			r := receipt(send.ID, k.step, k.status)
			want = want.Absorb(r.Channel, r.Status, k.step > 2) // the steps 3 and 4 replaced 1 and 2
		}
		want.FinishedAt = new(at(30))
		finish := func() {
			_, err := db.Finish(t.Context(), send.ID, at(30))
			require.NoError(t, err)
		}
		if late {
			finish()
		}
		for part := range slices.Chunk(shuffled, rapid.IntRange(1, 5).Draw(rt, "batch")) {
			receipts := make([]backstop.Receipt, len(part))
			for i, k := range part {
				receipts[i] = receipt(send.ID, k.step, k.status)
				if byMessage {
					receipts[i].Ref = backstop.Ref{}
				}
			}
			insert(t, db, receipts...)
		}
		finish()
		got := getSend(t, db, send.ID)
		if want.WhatsAppStatus != got.WhatsAppStatus || want.SMSStatus != got.SMSStatus || want.Decide() != got.Outcome {
			rt.Fatalf("want %s, %s, %s; got %s, %s, %s", want.WhatsAppStatus, want.SMSStatus, want.Decide(),
				got.WhatsAppStatus, got.SMSStatus, got.Outcome)
		}
	})
}

// The last look and a receipt at the same moment: either the look sees the receipt and there is no SMS, or the
// receipt sees the SMS and the send is flagged as delivered twice.
func TestDB_Begin_lastLook(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	averted, duplicate := 0, 0
	for range 200 {
		send := underway(t, db)
		sms := backstop.Attempt{
			Ref: backstop.Ref{Send: send.ID, Step: 2}, Channel: backstop.SMS, Provider: "twilio", SendID: "Acme",
			Rule: "undelivered", Reason: "late", StartedAt: at(2),
		}
		var began backstop.Attempt
		var errs [2]error
		var group sync.WaitGroup
		group.Go(func() {
			began, errs[0] = db.Begin(t.Context(), sms, func(s backstop.Send, _ *backstop.Attempt) bool {
				return !s.WhatsAppStatus.Reached(backstop.Delivered)
			})
			if errs[0] == nil && began.State == backstop.Calling {
				_, errs[0] = db.End(t.Context(), began.End(backstop.Submission{MessageID: "SM." + send.ID}, nil, at(3)), 0)
			}
		})
		group.Go(func() {
			_, errs[1] = db.InsertReceipts(t.Context(), []backstop.Receipt{receipt(send.ID, 1, backstop.Delivered)})
		})
		group.Wait()
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		s := getSend(t, db, send.ID)
		require.Equal(t, backstop.Delivered, s.WhatsAppStatus)
		if began.State == backstop.Calling {
			duplicate++
			require.True(t, s.DuplicateDelivery)
			require.Contains(t, kinds(t, db, send.ID), "rule_fired sms")
			continue
		}
		averted++
		require.False(t, s.DuplicateDelivery)
		require.Empty(t, s.SMSStatus)
	}
	t.Logf("averted %d, delivered twice %d", averted, duplicate)
}

// A receipt that comes while the call ends, with a reference or without, and twice, is merged once, whichever of them is
// first. And the workflow hears of it: from the call's end, or by a signal.
func TestDB_End_receiptConcurrently(t *testing.T) {
	t.Parallel()
	for name, hasRef := range map[string]bool{"with a reference": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := postgrestest.New(t)
			byEnd := 0
			for range 200 {
				send := insertSend(t, db)
				attempt := begin(t, db, send.ID, 1)
				r := receipt(send.ID, 1, backstop.Delivered)
				if !hasRef {
					r.Ref = backstop.Ref{}
				}
				var ended backstop.Send
				var waited [2][]handoff.Handover
				var errs [3]error
				var group sync.WaitGroup
				group.Go(func() {
					ended, errs[0] = db.End(t.Context(), attempt.End(backstop.Submission{MessageID: r.MessageID}, nil, at(3)), 0)
				})
				for i := range 2 { // the provider sends its webhook twice
					group.Go(func() { waited[i], errs[1+i] = db.InsertReceipts(t.Context(), []backstop.Receipt{r}) })
				}
				group.Wait()
				for _, err := range errs {
					require.NoError(t, err)
				}
				require.Equal(t, backstop.Delivered, getSend(t, db, send.ID).WhatsAppStatus)
				require.Len(t, kinds(t, db, send.ID), 3, "accepted, attempt, receipt")
				signals := len(waited[0]) + len(waited[1])
				if ended.WhatsAppStatus == backstop.Delivered {
					byEnd++
				} else {
					require.Equal(t, 1, signals)
				}
				require.LessOrEqual(t, signals, 1)
			}
			t.Logf("the end of the call told of %d, a signal of the others", byEnd)
		})
	}
}

// A worker that died after it had stored the message id and before it looked for receipts: its successor looks.
func TestDB_Begin_adopts(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	send := underway(t, db)
	lone := receipt(send.ID, 1, backstop.Delivered)
	lone.Ref, lone.MessageID = backstop.Ref{}, "told later"
	require.Empty(t, insert(t, db, lone))
	raw, err := sql.Open("postgres", url)
	require.NoError(t, err)
	defer func() { require.NoError(t, raw.Close()) }()
	_, err = raw.ExecContext(t.Context(), `UPDATE attempts SET message_id = 'told later'`)
	require.NoError(t, err)

	var seen backstop.Send
	begun, err := db.Begin(t.Context(), backstop.Attempt{
		Ref: backstop.Ref{Send: send.ID, Step: 1}, Channel: backstop.WhatsApp, Provider: "meta",
	}, func(s backstop.Send, _ *backstop.Attempt) bool { seen = s; return false })
	require.NoError(t, err)
	require.Zero(t, begun)
	require.Equal(t, backstop.Delivered, seen.WhatsAppStatus)
}

// Batches that name the same sends in different orders, with receipts that match nothing, never fail.
func TestDB_InsertReceipts_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	sends := make([]backstop.Send, 6)
	for i := range sends {
		sends[i] = underway(t, db)
	}
	batch := func(status backstop.Status, backwards bool) (receipts []backstop.Receipt) {
		for _, s := range sends {
			stray := receipt(s.ID, 1, status)
			stray.Ref, stray.MessageID = backstop.Ref{}, "stray "+s.ID
			receipts = append(receipts, receipt(s.ID, 1, status), stray)
		}
		if backwards {
			slices.Reverse(receipts)
		}
		return receipts
	}
	errs := make([]error, 12)
	var group sync.WaitGroup
	for i := range errs {
		status := []backstop.Status{backstop.Sent, backstop.Delivered, backstop.Read}[i%3]
		group.Go(func() { _, errs[i] = db.InsertReceipts(t.Context(), batch(status, i%2 == 0)) })
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	for _, s := range sends {
		require.Equal(t, backstop.Read, getSend(t, db, s.ID).WhatsAppStatus)
		require.Len(t, kinds(t, db, s.ID), 6, "accepted, attempt, three receipts, finished")
	}
}

// Two workers that take up the same step: one calls, the other sees its call.
func TestDB_Begin_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for range 50 {
		send := underway(t, db)
		called := make([]backstop.Attempt, 4)
		var group sync.WaitGroup
		for i := range called {
			group.Go(func() { called[i] = beginOnce(t, db, send.ID) })
		}
		group.Wait()
		called = slices.DeleteFunc(called, func(a backstop.Attempt) bool { return a.State != backstop.Calling })
		require.Len(t, called, 1)
		require.Equal(t, []string{"accepted", "attempt whatsapp submitted", "rule_fired sms"}, kinds(t, db, send.ID))
	}
}

func beginOnce(t *testing.T, db *postgres.DB, send string) backstop.Attempt {
	t.Helper()
	begun, err := db.Begin(t.Context(), backstop.Attempt{
		Ref: backstop.Ref{Send: send, Step: 2}, Channel: backstop.SMS, Provider: "twilio", Rule: "r", StartedAt: at(1),
	}, func(_ backstop.Send, newest *backstop.Attempt) bool { return newest == nil })
	if err != nil {
		t.Error(err)
	}
	return begun
}

// So many writers of one send at once that each but the last is overtaken.
func TestDB_Record_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send := underway(t, db)
	errs := make([]error, 12)
	var group sync.WaitGroup
	for i := range errs {
		event := backstop.Event{Send: send.ID, At: at(4), Kind: backstop.EventOptedOut, Rule: string(rune('a' + i/2))}
		group.Go(func() { errs[i] = db.Record(t.Context(), event) })
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, kinds(t, db, send.ID), 2+len(errs)/2, "each event once")
}
