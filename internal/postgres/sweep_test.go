package postgres_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// soon is a time at which every stored row may be claimed.
func soon() time.Time { return time.Now().Add(time.Minute) }

const lease = time.Minute

func claimSends(t *testing.T, db *postgres.DB, at time.Time, limit int) []handoff.SendClaim {
	t.Helper()
	claims, err := db.ClaimSends(t.Context(), at, lease, limit)
	require.NoError(t, err)
	return claims
}

func sendIDs(claims []handoff.SendClaim) []string {
	ids := []string{}
	for _, c := range claims {
		ids = append(ids, c.Send.ID)
	}
	return ids
}

func TestDB_ClaimSends(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var all []string
	for range 5 {
		all = append(all, insertSend(t, db).ID)
	}
	require.NoError(t, db.MarkSent(t.Context(), all[4:]))
	require.NoError(t, db.MarkSent(t.Context(), all[4:]))
	require.NoError(t, db.MarkSent(t.Context(), nil))
	requireCode(t, backstop.NotFound, db.MarkSent(t.Context(), []string{all[0], "x"}))

	require.Empty(t, claimSends(t, db, time.Now(), 9), "they are too young")
	at := soon()
	first := claimSends(t, db, at, 3)
	require.Equal(t, all[:3], sendIDs(first), "oldest first")
	for _, c := range first {
		require.NoError(t, c.Err)
		require.Equal(t, plan(), c.Send.Plan)
		require.Zero(t, c.Tries)
		require.Equal(t, getSend(t, db, c.Send.ID).AcceptedAt, c.Send.AcceptedAt)
		require.Empty(t, c.Send.To)
		require.Empty(t, c.Send.Text)
	}
	require.Equal(t, all[3:4], sendIDs(claimSends(t, db, at, 9)), "the others are taken")
	require.Empty(t, claimSends(t, db, at, 9))

	require.NoError(t, db.MarkSent(t.Context(), all[:1]))
	require.NoError(t, db.DeferSends(t.Context(), []handoff.Deferral{
		{ID: all[0], Until: at}, // is handed over
		{ID: all[1], Until: at},
		{ID: all[2], Until: at.Add(time.Minute)}, // twice: the later time holds, and the failure counts
		{ID: all[2], Until: at.Add(time.Hour), Failed: true},
		{ID: all[2], Until: at},
	}))
	require.Equal(t, all[1:2], sendIDs(claimSends(t, db, at, 9)))
	over := at.Add(lease)
	require.Equal(t, []string{all[1], all[3]}, sendIDs(claimSends(t, db, over, 9)), "their leases are over")
	last := claimSends(t, db, at.Add(time.Hour), 9)
	require.Len(t, last, 3)
	for _, c := range last {
		require.Equal(t, c.Send.ID == all[2], c.Tries == 1)
	}
}

// Concurrent sweepers never claim the same send, and together claim all sends.
func TestDB_ClaimSends_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	const total = 40
	for range total {
		insertSend(t, db)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	at := soon()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				claims, err := db.ClaimSends(t.Context(), at, lease, 4)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, c := range claims {
					seen[c.Send.ID]++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	require.Len(t, seen, total)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}

const setRules = `UPDATE sends SET plan = plan || jsonb_build_object('rules', $2::jsonb), revision = revision + 1 WHERE id = $1`

// A send whose plan cannot be decoded blocks no other send, and can be abandoned.
func TestDB_ClaimSends_unreadable(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	broken, good := insertSend(t, db), insertSend(t, db)
	past := postgrestest.Past(t, url)
	plan := func(rules string) { past.Exec(setRules, broken.ID, rules) }
	plan(`7`)
	claims := claimSends(t, db, soon(), 9)
	require.Len(t, claims, 2)
	require.Error(t, claims[0].Err)
	require.NoError(t, claims[1].Err)
	other := postgrestest.Open(t, url)
	require.NoError(t, other.Abandon(t.Context(), broken.ID, "it cannot be read"))
	require.NoError(t, other.Abandon(t.Context(), good.ID, "it was refused"))
	plan(`[]`)
	for _, id := range []string{broken.ID, good.ID} {
		send := getSend(t, db, id)
		require.Equal(t, backstop.OutcomeFailed, send.Outcome)
		require.Equal(t, backstop.Failed, send.Status.WhatsApp)
		require.NotNil(t, send.FinishedAt)
		require.Equal(t, []string{"accepted", "gave_up", "finished"}, kinds(t, db, id))
	}
}

func TestDB_Abandon(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	requireCode(t, backstop.NotFound, db.Abandon(t.Context(), newID(t), "x"))

	sent := underway(t, db)
	require.NoError(t, db.Abandon(t.Context(), sent.ID, "its workflow was lost"))
	require.NoError(t, db.Abandon(t.Context(), sent.ID, "again"))
	require.Equal(t, backstop.OutcomeUnconfirmed, getSend(t, db, sent.ID).Outcome, "the provider has it")
	_, events := timeline(t, db, sent.ID)
	require.Equal(t, backstop.EventFinished, events[len(events)-1].Kind)
	gaveUp := events[len(events)-2]
	require.Equal(t, backstop.EventGaveUp, gaveUp.Kind)
	require.Equal(t, "its workflow was lost", gaveUp.Detail)

	back := underway(t, db)
	fallBack(t, db, back.ID, time.Hour)
	require.NoError(t, db.Abandon(t.Context(), back.ID, "its workflow has ended"))
	require.Equal(t, backstop.OutcomePending, getSend(t, db, back.ID).Outcome, "its receipt is still waited for")
}

func TestDB_ClaimReceipts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	a, b, c, early := underway(t, db), underway(t, db), underway(t, db), insertSend(t, db)
	insert(t, db, receipt(a.ID, 1, backstop.Sent)) // nobody waits for it
	waited := insert(t, db, receipt(a.ID, 1, backstop.Failed))
	waited = append(waited, insert(t, db, receipt(b.ID, 1, backstop.Delivered))...)
	told := insert(t, db, receipt(c.ID, 1, backstop.Delivered))
	require.NoError(t, db.MarkSignalled(t.Context(), []string{told[0].ID}))
	require.NoError(t, db.MarkSignalled(t.Context(), nil))
	finish(t, db, b.ID)
	waited[1].View = view(t, db, b.ID)
	require.Equal(t, backstop.OutcomeWhatsApp, waited[1].View.Outcome)
	last := insert(t, db, receipt(early.ID, 1, backstop.Failed))
	require.Len(t, last, 1)

	claim := func(at time.Time) []handoff.Handover {
		claims, err := db.ClaimReceipts(t.Context(), at, lease, 9)
		require.NoError(t, err)
		list := []handoff.Handover{}
		for _, c := range claims {
			c.View = view(t, db, c.Send)
			list = append(list, c.Handover)
		}
		return list
	}
	require.Empty(t, claim(time.Now()), "they are too young")
	at := soon()
	require.Equal(t, waited, claim(at))
	require.Empty(t, claim(at), "they are taken")
	require.NoError(t, db.MarkSent(t.Context(), []string{early.ID}))
	require.Equal(t, last, claim(at), "its send is handed over now")

	require.NoError(t, db.MarkSignalled(t.Context(), []string{waited[0].ID}))
	require.NoError(t, db.DeferReceipts(t.Context(), []handoff.Deferral{
		{ID: waited[0].ID, Until: at}, {ID: waited[1].ID, Until: at, Failed: true},
		{ID: last[0].ID, Until: at.Add(time.Hour)},
	}))
	claims, err := db.ClaimReceipts(t.Context(), at, lease, 9)
	require.NoError(t, err)
	require.Len(t, claims, 1)
	require.Equal(t, waited[1], claims[0].Handover)
	require.Equal(t, 1, claims[0].Tries)
}

// A send whose plan cannot be decoded blocks no receipt of another send.
func TestDB_ClaimReceipts_unreadable(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	broken, good := underway(t, db), underway(t, db)
	waited := insert(t, db, receipt(broken.ID, 1, backstop.Failed), receipt(good.ID, 1, backstop.Failed))
	require.Len(t, waited, 2)
	postgrestest.Past(t, url).Exec(setRules, broken.ID, `7`)
	claims, err := db.ClaimReceipts(t.Context(), soon(), lease, 9)
	require.NoError(t, err)
	require.Len(t, claims, 2)
	for _, c := range claims {
		require.Equal(t, c.Send == broken.ID, c.Err != nil)
		if c.Send == good.ID {
			require.Equal(t, backstop.Failed, c.View.WhatsApp)
		}
	}
}

// An attempt of a send shows that the engine has it.
func TestDB_ClaimSends_begun(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	begin(t, db, insertSend(t, db).ID, whatsApp)
	require.Empty(t, claimSends(t, db, soon(), 9))
}

// view reads the view of a send.
func view(t *testing.T, db *postgres.DB, send string) backstop.View {
	t.Helper()
	v, err := db.View(t.Context(), send)
	require.NoError(t, err)
	return v
}

// fallBack ends the call of a send's last SMS as accepted, so that the send only waits for the SMS's receipt.
func fallBack(t *testing.T, db *postgres.DB, send string, wait time.Duration) {
	t.Helper()
	end(t, db, begin(t, db, send, firstSMS), backstop.Ending{Failure: &backstop.Failure{Kind: backstop.Rejected}})
	sms := begin(t, db, send, lastSMS)
	end(t, db, sms, backstop.Ending{
		Submission: backstop.Submission{MessageID: messageID(send, lastSMS.Step())}, SMSReceiptWait: wait,
	})
	require.NotNil(t, getSend(t, db, send).ReceiptBy)
}

func TestDB_FinishOverdue(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var ids []string
	for range 5 {
		send := underway(t, db)
		fallBack(t, db, send.ID, time.Millisecond)
		ids = append(ids, send.ID)
	}
	patient := underway(t, db)
	fallBack(t, db, patient.ID, time.Hour)
	finishOverdue := func(limit int) int {
		claims, err := db.ClaimOverdue(t.Context(), time.Now().Add(time.Minute), lease, limit)
		require.NoError(t, err)
		for _, c := range claims {
			require.NoError(t, db.FinishOverdue(t.Context(), c.Send))
		}
		return len(claims)
	}
	time.Sleep(10 * time.Millisecond)
	require.Equal(t, 1, finishOverdue(1), "the one that waited longest first")
	require.Equal(t, backstop.OutcomeUnconfirmed, getSend(t, db, ids[0]).Outcome)
	require.Equal(t, backstop.OutcomePending, getSend(t, db, ids[1]).Outcome)
	insert(t, db, receipt(ids[1], lastSMS.Step(), backstop.Delivered))
	require.Equal(t, 1, finishOverdue(1))
	require.Equal(t, backstop.OutcomeSMS, getSend(t, db, ids[1]).Outcome)

	var group sync.WaitGroup
	for range 4 { // sweepers
		group.Go(func() {
			claims, err := db.ClaimOverdue(t.Context(), time.Now().Add(time.Minute), lease, 9)
			for _, c := range claims {
				err = errors.Join(err, db.FinishOverdue(t.Context(), c.Send))
			}
			assert.NoError(t, err)
		})
	}
	group.Wait()
	for _, id := range ids[2:] {
		require.Equal(t, backstop.OutcomeUnconfirmed, getSend(t, db, id).Outcome)
		_, events := timeline(t, db, id)
		require.Equal(t, backstop.EventFinished, events[len(events)-1].Kind)
		require.NotEqual(t, backstop.EventFinished, events[len(events)-2].Kind, "it was ended once")
	}
	insert(t, db, receipt(ids[4], lastSMS.Step(), backstop.Delivered))
	require.Equal(t, backstop.OutcomeSMS, getSend(t, db, ids[4]).Outcome, "a late receipt betters the outcome")
	require.Zero(t, finishOverdue(9))
	require.Equal(t, backstop.OutcomePending, getSend(t, db, patient.ID).Outcome)
}

// CheckNow makes a check due, but not the check after a restart, and it delays none.
func TestDB_CheckNow(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	raw := postgrestest.Past(t, url)
	now := time.Now()
	for name, tc := range map[string]struct {
		restarts int
		before   time.Duration // when the next check is, from now
		isDue    bool
	}{
		"a later check":           {before: time.Hour, isDue: true},
		"an overdue check":        {before: -time.Hour, isDue: true},
		"a check after a restart": {restarts: 1, before: time.Hour},
	} {
		send := underway(t, db)
		raw.Exec(`UPDATE sends SET check_at = $2, restarts = $3 WHERE id = $1`, send.ID, now.Add(tc.before), tc.restarts)
		require.NoError(t, db.CheckNow(t.Context(), send.ID))
		var at time.Time
		raw.Row(`SELECT check_at FROM sends WHERE id = $1`, []any{send.ID}, &at)
		require.Equal(t, tc.isDue, !at.After(time.Now()), name)
		if tc.before < 0 {
			require.WithinDuration(t, now.Add(tc.before), at, time.Second, name)
		}
	}
}
