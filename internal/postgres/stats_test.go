package postgres_test

import (
	"encoding/binary"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// avert proposes an SMS for a send whose WhatsApp message has arrived. Begin refuses it.
func avert(t *testing.T, db *postgres.DB, send string, c backstop.Call) {
	t.Helper()
	ruling, _, err := db.Begin(t.Context(), send, c)
	require.NoError(t, err)
	require.Equal(t, backstop.Satisfied, ruling.Answer)
}

func TestSend_DeliveredAt(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	arrived := func(t *testing.T, id string, by backstop.Channel) time.Time {
		t.Helper()
		s := getSend(t, db, id)
		require.NotNil(t, s.DeliveredAt)
		require.WithinDuration(t, time.Now(), *s.DeliveredAt, time.Minute, "by our clock, not the provider's")
		require.Equal(t, by, s.DeliveredBy)
		return *s.DeliveredAt
	}

	t.Run("set once", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		insert(t, db, receipt(send.ID, 1, backstop.Sent))
		require.Nil(t, getSend(t, db, send.ID).DeliveredAt)
		insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		first := arrived(t, send.ID, backstop.WhatsApp)
		insert(t, db, receipt(send.ID, 1, backstop.Read))
		require.Equal(t, first, arrived(t, send.ID, backstop.WhatsApp))
	})
	t.Run("read without delivered", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		insert(t, db, receipt(send.ID, 1, backstop.Read))
		first := arrived(t, send.ID, backstop.WhatsApp)
		insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		require.Equal(t, first, arrived(t, send.ID, backstop.WhatsApp))
	})
	t.Run("after a failure", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		insert(t, db, receipt(send.ID, 1, backstop.Failed))
		require.Nil(t, getSend(t, db, send.ID).DeliveredAt)
		insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		arrived(t, send.ID, backstop.WhatsApp)
	})
	t.Run("by SMS, and then by WhatsApp too", func(t *testing.T) {
		t.Parallel()
		send := underway(t, db)
		accept(t, db, begin(t, db, send.ID, firstSMS))
		insert(t, db, receipt(send.ID, firstSMS.Step(), backstop.Delivered))
		first := arrived(t, send.ID, backstop.SMS)
		insert(t, db, receipt(send.ID, 1, backstop.Delivered))
		require.Equal(t, first, arrived(t, send.ID, backstop.SMS))
	})
	t.Run("before the call's end was stored", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		attempt := begin(t, db, send.ID, whatsApp)
		lone := receipt(send.ID, 1, backstop.Delivered)
		lone.Ref = backstop.Ref{}
		insert(t, db, lone)
		require.Nil(t, getSend(t, db, send.ID).DeliveredAt)
		accept(t, db, attempt)
		arrived(t, send.ID, backstop.WhatsApp)
	})
}

// counted is a send for the statistics; what it does not say is as in newSend.
func counted(t *testing.T, db *postgres.DB, change func(*backstop.Send)) backstop.Send {
	t.Helper()
	send := newSend(t)
	change(&send)
	send.Status.WhatsApp = backstop.Submitted
	if send.Outcome != backstop.OutcomePending {
		send.FinishedAt = &send.AcceptedAt
	}
	send, created, err := db.InsertSend(t.Context(), send, nil)
	require.NoError(t, err)
	require.True(t, created)
	return send
}

func everything() backstop.StatsFilter {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return backstop.StatsFilter{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}
}

func stats(t *testing.T, db *postgres.DB, filter backstop.StatsFilter) backstop.Stats {
	t.Helper()
	s, err := db.Stats(t.Context(), filter)
	require.NoError(t, err)
	require.Equal(t, filter, s.Filter)
	sum := backstop.Counts{}
	for _, c := range s.Series {
		sum = sum.Plus(c.Counts)
	}
	require.Equal(t, s.Totals.Plus(backstop.Counts{}), sum.Plus(backstop.Counts{}), "the series adds up to the totals")
	return s
}

func TestDB_Stats_empty(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	filter := everything()
	s := stats(t, db, filter)
	require.Zero(t, s.Totals.Sends)
	require.Len(t, s.Series, len(filter.Buckets()))
	require.Empty(t, s.ByPolicy)
	require.Empty(t, s.ByRule)
	require.Zero(t, s.TimeToDelivery)
}

func TestDB_Stats(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	want := backstop.Counts{Outcomes: map[backstop.Outcome]int64{}}
	add := func(n int, change func(*backstop.Send)) {
		for range n {
			send := counted(t, db, change)
			want.Sends++
			want.Outcomes[send.Outcome]++
			if send.Fired != "" {
				want.Fallbacks++
			}
			if send.DuplicateDelivery {
				want.Duplicates++
			}
		}
	}
	for i, outcome := range backstop.Outcomes() {
		add(i+1, func(s *backstop.Send) { s.Outcome = outcome })
	}
	for i, reason := range backstop.FallbackReasons() {
		add(i+1, func(s *backstop.Send) {
			s.Outcome, s.Fired, s.FallbackReason, s.Country = backstop.OutcomeSMS, "undelivered", reason, "DE"
		})
	}
	other := backstop.Plan{PolicyID: newID(t), PolicyName: "old name", Rules: []backstop.Rule{
		{Name: "unread", Type: backstop.SendFailed, SendID: "A"}, // of the same name as a rule of another type
		{Name: "and another", Type: backstop.SendFailed, SendID: "B"},
	}}
	add(1, func(s *backstop.Send) { s.Plan, s.DuplicateDelivery, s.Country = other, true, "" })
	other.PolicyName = "new name"
	add(1, func(s *backstop.Send) {
		s.Plan, s.Outcome, s.Fired, s.FallbackReason, s.Country = other, backstop.OutcomeSMS, "unread", backstop.NotSent, ""
	})
	averted := underway(t, db)
	insert(t, db, receipt(averted.ID, 1, backstop.Delivered))
	avert(t, db, averted.ID, firstSMS)
	avert(t, db, averted.ID, lastSMS) // the send counts once
	want.Sends++
	want.Averted++
	want.Outcomes[backstop.OutcomePending]++

	s := stats(t, db, everything())
	require.Equal(t, want, s.Totals)
	require.Equal(t, []backstop.CountsOfReason{
		{Reason: backstop.ByFailure, Fallbacks: 1}, {Reason: backstop.NotSent, Fallbacks: 3},
		{Reason: backstop.NotDelivered, Fallbacks: 3}, {Reason: backstop.NotRead, Fallbacks: 4},
		{Reason: backstop.TooLate, Fallbacks: 5},
	}, s.ByReason)
	require.Equal(t, []backstop.CountsOfRule{
		{Name: "undelivered", Type: backstop.Undelivered, Sends: want.Sends - 2, Fallbacks: 15},
		{Name: "unread", Type: backstop.SendFailed, Sends: 2, Fallbacks: 1},
		{Name: "unread", Type: backstop.Unread, Sends: want.Sends - 2},
		{Name: "and another", Type: backstop.SendFailed, Sends: 2},
	}, s.ByRule)
	require.Equal(t, []backstop.CountsOfType{
		{Type: backstop.SendFailed, Sends: 2, Fallbacks: 1, Missed: 3},
		{Type: backstop.Undelivered, Sends: want.Sends - 2, Fallbacks: 15, Missed: 3},
		{Type: backstop.Unread, Sends: want.Sends - 2, Missed: 4},
	}, s.ByType)

	require.Len(t, s.ByPolicy, 2)
	require.Equal(t, policyID, s.ByPolicy[0].ID)
	require.Equal(t, "p", s.ByPolicy[0].Name)
	require.Equal(t, want.Sends-2, s.ByPolicy[0].Sends)
	require.Equal(t, int64(1), s.ByPolicy[0].Averted)
	require.Equal(t, backstop.CountsOfPolicy{ID: other.PolicyID, Name: "new name", Counts: backstop.Counts{
		Sends: 2, Fallbacks: 1, Duplicates: 1,
		Outcomes: map[backstop.Outcome]int64{backstop.OutcomePending: 1, backstop.OutcomeSMS: 1},
	}}, s.ByPolicy[1])
	require.Len(t, s.ByCountry, 3)
	require.Equal(t, []string{"GB", "DE", ""}, []string{s.ByCountry[0].Country, s.ByCountry[1].Country, s.ByCountry[2].Country})
	require.Equal(t, int64(15), s.ByCountry[1].Fallbacks)

	filter := everything()
	filter.PolicyID = other.PolicyID
	of := stats(t, db, filter)
	require.Equal(t, s.ByPolicy[1:], of.ByPolicy)
	require.Equal(t, s.ByPolicy[1].Counts, of.Totals)
	for _, id := range []string{newID(t), "x"} {
		filter.PolicyID = id
		require.Zero(t, stats(t, db, filter).Totals.Sends)
	}
}

// No statistics have the sends of test keys: by their rows, by the counters of days, or after their removal.
func TestDB_Stats_testSends(t *testing.T) {
	t.Parallel()
	w, none := newOldWorld(t, 20), newOldWorld(t, 0)
	require.NotEqual(t, none.numbers(), w.numbers())
	w.exec(`UPDATE sends SET is_test = true`)
	require.Equal(t, none.numbers(), w.numbers())
	w.countDays()
	require.Equal(t, none.numbers(), w.numbers())
	removeAll(t, w.db, records(), 7)
	require.Less(t, w.count(`SELECT count(*) FROM sends`), 20)
	require.Equal(t, none.numbers(), w.numbers())
}

// idOf makes the id of a send that was accepted then.
func idOf(t *testing.T, at time.Time) string {
	t.Helper()
	id, err := uuid.NewV7()
	require.NoError(t, err)
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	return id.String()
}

// A range includes its beginning and not its end, in every slice and bucket.
func TestDB_Stats_edges(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	filter := everything()
	accepted := func(at time.Time) {
		counted(t, db, func(s *backstop.Send) {
			s.ID, s.AcceptedAt = idOf(t, at), at
		})
	}
	accepted(filter.From.Add(-time.Microsecond))
	accepted(filter.Until)
	require.Zero(t, stats(t, db, filter).Totals.Sends)

	last := filter.Until.Add(-time.Microsecond)
	accepted(filter.From)
	accepted(last)
	s := stats(t, db, filter)
	require.Equal(t, int64(2), s.Totals.Sends)
	require.Equal(t, int64(1), s.Series[0].Sends)
	require.Equal(t, last.Truncate(filter.Bucket()), s.Series[len(s.Series)-1].At)
	require.Equal(t, int64(1), s.Series[len(s.Series)-1].Sends)
}

// Many sends are counted in slices; each is counted once, also where the slices meet.
func TestDB_Stats_slices(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	db := postgrestest.OpenPlain(t, address)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	raw := postgrestest.Raw(t, address)
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const n = 28_800 // one each quarter of a second, for two hours
	_, err = raw.ExecContext(t.Context(), `INSERT INTO sends (id, recipient, country, text, sms_text, category, policy_id, plan, accepted_at,
    whatsapp_status, sms_status, duplicate_delivery, fired, fired_reason, expired, finished_at, outcome, delivered_at, delivered_by,
    changed_at, check_at)
SELECT (lpad(to_hex($1::bigint + i * 250), 12, '0') || '70008' || lpad(to_hex(i), 15, '0'))::uuid,
    '+447400123456', 'GB', 'x', 'x', '', $2, jsonb_build_object('policy_id', $2::uuid), at,
    'delivered', '', false, '', '', false, at, 'whatsapp', at + interval '1 second', 'whatsapp', at, at
FROM generate_series(0, $3 - 1) AS i, LATERAL (SELECT to_timestamp(($1::bigint + i * 250) / 1000.0) AS at) AS l`,
		start.UnixMilli(), policyID, n)
	require.NoError(t, err)
	s := stats(t, db, backstop.StatsFilter{From: start, Until: start.Add(2 * time.Hour)})
	require.Equal(t, int64(n), s.Totals.Sends)
	require.Len(t, s.Series, 120)
	for _, c := range s.Series {
		require.Equal(t, int64(n/120), c.Sends, c.At)
	}
	require.Equal(t, int64(n), s.ByPolicy[0].Sends)
	require.Equal(t, backstop.Quantiles{Count: n, P50: time.Second, P95: time.Second, P99: time.Second}, s.TimeToWhatsApp)
}

func TestDB_Stats_times(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	took := func(by backstop.Channel, delay time.Duration) {
		counted(t, db, func(s *backstop.Send) { s.DeliveredAt, s.DeliveredBy = new(s.AcceptedAt.Add(delay)), by })
	}
	for i := range 100 {
		took(backstop.WhatsApp, time.Duration(i+1)*100*time.Millisecond)
	}
	took(backstop.SMS, time.Hour)
	took(backstop.SMS, -time.Second) // the clocks of two machines
	counted(t, db, func(*backstop.Send) {})

	s := stats(t, db, everything())
	require.Equal(t, int64(100), s.TimeToWhatsApp.Count)
	for _, q := range []struct{ want, got time.Duration }{
		{5 * time.Second, s.TimeToWhatsApp.P50}, {9500 * time.Millisecond, s.TimeToWhatsApp.P95},
		{9900 * time.Millisecond, s.TimeToWhatsApp.P99},
	} {
		require.InEpsilon(t, q.want, q.got, 0.011, "a step is one percent")
	}
	require.Equal(t, backstop.Quantiles{Count: 2, P95: time.Hour, P99: time.Hour}, s.TimeToSMS)
	require.Equal(t, int64(102), s.TimeToDelivery.Count)
	require.Less(t, s.TimeToDelivery.P50, s.TimeToWhatsApp.P95)
}

// A count that takes too long asks its caller for a shorter range.
func TestDB_Stats_tooMany(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	err := postgrestest.Migrate(t.Context(), postgrestest.Open(t, address))
	require.NoError(t, err)
	raw := postgrestest.Raw(t, address)
	tx, err := raw.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	_, err = tx.ExecContext(t.Context(), `LOCK TABLE sends`)
	require.NoError(t, err)

	hasty, err := url.Parse(address)
	require.NoError(t, err)
	query := hasty.Query()
	query.Set("statement_timeout", "50ms")
	hasty.RawQuery = query.Encode()
	_, err = postgrestest.Open(t, hasty.String()).Stats(t.Context(), everything())
	require.Contains(t, coded(t, backstop.TryLater, err).Message, "choose a shorter one")
}
