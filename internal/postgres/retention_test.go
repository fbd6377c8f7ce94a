package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// removal is of all sends that were accepted four days ago.
func removal(what backstop.Removable) backstop.Removal {
	r := records()
	r.What = what
	return r
}

// oldSend stores a send that was accepted 10 days ago.
func oldSend(t *testing.T, db *postgres.DB, change func(*backstop.Send)) backstop.Send {
	t.Helper()
	send := newSend(t)
	send.AcceptedAt = send.AcceptedAt.Add(-10 * aDay)
	send.ID = idOf(t, send.AcceptedAt)
	change(&send)
	_, created, err := db.InsertSend(t.Context(), send, &handoff.Idempotency{Key: send.ID, Hash: []byte{1}})
	require.NoError(t, err)
	require.True(t, created)
	return send
}

func unchanged(*backstop.Send) {}

// delivered ends a send by a receipt of its WhatsApp message.
func delivered(t *testing.T, db *postgres.DB, send string) {
	t.Helper()
	accept(t, db, begin(t, db, send, whatsApp))
	for _, h := range insert(t, db, receipt(send, 1, backstop.Sent), receipt(send, 1, backstop.Delivered)) {
		require.NoError(t, db.MarkSignalled(t.Context(), []string{h.ID}))
	}
	finish(t, db, send)
}

func TestDB_RemoveOld_content(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	text := oldSend(t, db, func(s *backstop.Send) { s.Metadata = map[string]string{"name": "Ann"} })
	template := oldSend(t, db, func(s *backstop.Send) {
		s.Text, s.Template = "", &backstop.Template{Name: "code", Language: "en", Components: []byte(`[{"type":"body"}]`)}
	})
	young := insertSend(t, db)
	for _, id := range []string{text.ID, template.ID, young.ID} {
		delivered(t, db, id)
	}
	require.Equal(t, 2, removeOld(t, db, removal(backstop.RemoveContent), 10))
	require.Zero(t, removeOld(t, db, removal(backstop.RemoveContent), 10))

	got := getSend(t, db, text.ID)
	require.Equal(t, []string{"•", "•", to}, []string{got.Text, got.SMSText, got.To})
	require.Empty(t, got.Metadata)
	require.NotNil(t, got.ContentRemovedAt)
	require.Equal(t, backstop.OutcomeWhatsApp, got.Outcome)
	got = getSend(t, db, template.ID)
	require.Empty(t, got.Text)
	require.Equal(t, "code", got.Template.Name)
	require.Empty(t, got.Template.Components)
	require.Equal(t, "hello", getSend(t, db, young.ID).Text)
	require.Nil(t, getSend(t, db, young.ID).ContentRemovedAt)

	insert(t, db, receipt(text.ID, 1, backstop.Read))
	require.Equal(t, backstop.Read, getSend(t, db, text.ID).Status.WhatsApp, "a late receipt counts")
	repeated, created, err := db.InsertSend(t.Context(), newSend(t), &handoff.Idempotency{Key: text.ID, Hash: []byte{1}})
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, text.ID, repeated.ID, "a repeated request is recognised")
}

func TestDB_RemoveOld_numbers(t *testing.T) {
	t.Parallel()
	db := postgrestest.OpenPlain(t, postgrestest.URL(t))
	require.NoError(t, postgrestest.Migrate(t.Context(), db))
	send := oldSend(t, db, unchanged)
	delivered(t, db, send.ID)
	require.Equal(t, 1, removeOld(t, db, removal(backstop.RemoveNumbers), 10))
	got := getSend(t, db, send.ID)
	require.Equal(t, "+44•••••56", got.To)
	require.False(t, got.HasNumber())
	require.Equal(t, "GB", got.Country)
	require.Equal(t, []string{send.ID}, listIDs(t, db, backstop.SendFilter{ToEnds: "56"}, backstop.ByNewest))
	require.Empty(t, listIDs(t, db, backstop.SendFilter{To: to}, backstop.ByNewest))
	attempts, _ := timeline(t, db, send.ID)
	require.Empty(t, attempts[0].MessageID)

	t.Run("receipts come later", func(t *testing.T) {
		t.Parallel()
		insert(t, db, receipt(send.ID, 1, backstop.Read), receipt(send.ID, 1, backstop.Read))
		require.Equal(t, backstop.Read, getSend(t, db, send.ID).Status.WhatsApp)
		attempts, events := timeline(t, db, send.ID)
		require.NotContains(t, attempts[0].MessageID, messageID(send.ID, 1), "it may contain the number")
		require.Equal(t, backstop.Read, events[len(events)-1].Status)
		require.NotEqual(t, backstop.Read, events[len(events)-2].Status, "once")
	})
	t.Run("a provider says that the person has opted out", func(t *testing.T) {
		t.Parallel()
		send := oldSend(t, db, unchanged)
		delivered(t, db, send.ID)
		removeOld(t, db, removal(backstop.RemoveNumbers), 10)
		late := receipt(send.ID, 1, backstop.Failed)
		late.Failure.Class = backstop.OptedOut
		insert(t, db, late)
		attempts, _ := timeline(t, db, send.ID)
		require.Equal(t, backstop.OptedOut, attempts[0].Refusal.Class)
		require.Empty(t, attempts[0].Refusal.Reason)
	})
}

// A receipt of a send that was removed is stored as one that matches no attempt, and goes after some days. A repeated request makes
// a new send.
func TestDB_RemoveOld_records(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	send := oldSend(t, db, func(s *backstop.Send) { s.Callback = nil })
	delivered(t, db, send.ID)
	require.Equal(t, 1, removeOld(t, db, removal(backstop.RemoveRecords), 10))
	_, err := db.Send(t.Context(), send.ID)
	require.Equal(t, backstop.NotFound, backstop.CodeOf(err))
	require.Empty(t, insert(t, db, receipt(send.ID, 1, backstop.Read)))
	_, created, err := db.InsertSend(t.Context(), newSend(t), &handoff.Idempotency{Key: send.ID, Hash: []byte{1}})
	require.NoError(t, err)
	require.True(t, created)
}

// What still happens is left alone, and removed when it has ended.
func TestDB_RemoveOld_later(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	raw := postgrestest.Raw(t, address)
	exec := func(statement string, args ...any) {
		t.Helper()
		_, err := raw.ExecContext(t.Context(), statement, args...)
		require.NoError(t, err)
	}
	sends := map[string]backstop.Send{
		"underway":  oldSend(t, db, unchanged),
		"scheduled": oldSend(t, db, func(s *backstop.Send) { s.SendAt = new(time.Now().Add(20 * aDay)) }),
		"held":      oldSend(t, db, func(s *backstop.Send) { s.Plan.Override = &backstop.Override{Exclusive: true} }),
		"callback":  oldSend(t, db, func(s *backstop.Send) { s.Callback = &backstop.Callback{URL: "https://example.com/"} }),
		"locked":    oldSend(t, db, unchanged),
	}
	accept(t, db, begin(t, db, sends["underway"].ID, whatsApp))
	accept(t, db, begin(t, db, sends["held"].ID, whatsApp))
	delivered(t, db, sends["callback"].ID)
	delivered(t, db, sends["locked"].ID)
	tx, err := raw.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `SELECT FROM sends WHERE id = $1 FOR UPDATE`, sends["locked"].ID)
	require.NoError(t, err)

	for _, what := range []backstop.Removable{backstop.RemoveContent, backstop.RemoveNumbers, backstop.RemoveRecords} {
		require.Equal(t, len(sends), removeOld(t, db, removal(what), 10), what)
		require.Zero(t, removeOld(t, db, removal(what), 10))
		states, err := db.Removals(t.Context(), []backstop.Removal{removal(what)})
		require.NoError(t, err)
		require.Equal(t, len(sends), states[0].Later)
		require.Zero(t, states[0].Removed)
		require.WithinDuration(t, time.Now(), states[0].RanAt, time.Minute)
		require.WithinDuration(t, sends["locked"].AcceptedAt, states[0].Through, time.Minute)
	}
	for name, send := range sends {
		require.Equal(t, "hello", getSend(t, db, send.ID).Text, name)
		require.Equal(t, to, getSend(t, db, send.ID).To, name)
	}

	require.NoError(t, tx.Rollback())
	finish(t, db, sends["underway"].ID)
	finish(t, db, sends["held"].ID)
	_, err = db.Cancel(t.Context(), sends["scheduled"].ID)
	require.NoError(t, err)
	exec(`UPDATE callbacks SET state = 'delivered', ended_at = now()`)
	exec(`DELETE FROM callback_queues`)
	require.Zero(t, removeOld(t, db, removal(backstop.RemoveRecords), 10), "they are tried once an hour")
	exec(`UPDATE removals_later SET due_at = now()`)
	require.Equal(t, len(sends), removeOld(t, db, removal(backstop.RemoveRecords), 10))
	for name, send := range sends {
		_, err := db.Send(t.Context(), send.ID)
		require.Equal(t, backstop.NotFound, backstop.CodeOf(err), name)
	}
	require.Equal(t, len(sends), removeOld(t, db, removal(backstop.RemoveContent), 10), "that they are gone is found out")
	states, err := db.Removals(t.Context(), []backstop.Removal{removal(backstop.RemoveContent), removal(backstop.RemoveRecords)})
	require.NoError(t, err)
	require.Zero(t, states[0].Later)
	require.Equal(t, int64(len(sends)), states[1].Removed)
}

// A scheduled send is kept for the age after its start, however long it has waited: its receipts come then.
func TestDB_RemoveOld_scheduled(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	db := postgrestest.Open(t, address)
	_, err := db.Migrate(t.Context())
	require.NoError(t, err)
	raw := postgrestest.Raw(t, address)
	start := time.Now().Add(-time.Hour)
	send := oldSend(t, db, func(s *backstop.Send) { s.SendAt, s.ExpiresAt = &start, new(start.Add(aDay)) })
	require.Equal(t, []string{send.ID}, sendIDs(claimScheduled(t, db, time.Now(), 9, quick)))
	delivered(t, db, send.ID)
	due := func() (at time.Time) {
		t.Helper()
		require.NoError(t, raw.QueryRowContext(t.Context(), `SELECT due_at FROM removals_later`).Scan(&at))
		return at
	}
	for range 2 {
		require.Equal(t, 1, removeOld(t, db, records(), 10))
		require.Equal(t, send.ID, getSend(t, db, send.ID).ID)
		require.WithinDuration(t, time.Now().Add(records().Age), due(), time.Minute, "not each hour")
		_, err = raw.ExecContext(t.Context(), `UPDATE removals_later SET due_at = now()`)
		require.NoError(t, err)
	}
	_, err = raw.ExecContext(t.Context(), `UPDATE sends SET send_at = send_at - $1 * interval '1 second',
    started_at = started_at - $1 * interval '1 second'`, int(records().Age.Seconds()))
	require.NoError(t, err)
	require.Equal(t, 1, removeOld(t, db, records(), 10))
	_, err = db.Send(t.Context(), send.ID)
	require.Equal(t, backstop.NotFound, backstop.CodeOf(err))
}

// Categories have ages of their own.
func TestDB_RemoveOld_categories(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	ids := map[backstop.Category]string{}
	for _, c := range []backstop.Category{"", backstop.Authentication, backstop.Utility, backstop.Marketing} {
		ids[c] = oldSend(t, db, func(s *backstop.Send) { s.Category = c }).ID
		finish(t, db, ids[c])
	}
	r := removal(backstop.RemoveContent)
	r.Categories = []backstop.Category{backstop.Authentication, backstop.Utility}
	removeAll(t, db, r, 1)
	for c, id := range ids {
		isRemoved := c == backstop.Authentication || c == backstop.Utility
		require.Equal(t, isRemoved, getSend(t, db, id).ContentRemovedAt != nil, c)
	}
}

func TestDB_RemoveOldInbound(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	db := postgrestest.OpenPlain(t, address)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	raw := postgrestest.Raw(t, address)
	for i, age := range []time.Duration{time.Hour, 5 * aDay, 20 * aDay} {
		at := time.Now().Add(-age)
		_, err := raw.ExecContext(t.Context(), `INSERT INTO inbound (id, provider, account, channel, message_id, sender, recipient, text,
    keyword, reply_to, at, received_at) VALUES ($1, 'meta', 'number', 'whatsapp', $2, $3, 'us', 'hello', '', 'x', $4, $4)`,
			idOf(t, at), strconv.Itoa(i), to, at)
		require.NoError(t, err)
	}
	count := func(condition string) (n int) {
		t.Helper()
		require.NoError(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM inbound WHERE `+condition).Scan(&n))
		return n
	}
	for what, want := range map[backstop.Removable]int{backstop.RemoveContent: 2, backstop.RemoveNumbers: 1} {
		n, err := db.RemoveOldInbound(t.Context(), what, 4*aDay, 10)
		require.NoError(t, err)
		require.Equal(t, want, n, what)
		n, err = db.RemoveOldInbound(t.Context(), what, 4*aDay, 10)
		require.NoError(t, err)
		require.Zero(t, n)
	}
	require.Equal(t, 2, count(`text = ''`))
	require.Equal(t, 1, count(`sender = '+44•••••56' AND reply_to = ''`))
	n, err := db.RemoveOldInbound(t.Context(), backstop.RemoveRecords, 4*aDay, 10)
	require.NoError(t, err)
	require.Equal(t, 1, n, "providers repeat a webhook for a week")
	require.Equal(t, 2, count(`true`))
}
