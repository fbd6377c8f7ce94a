package postgres_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestDB_InsertSend(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)

	t.Run("is read back as it was returned", func(t *testing.T) {
		t.Parallel()
		send := newSend(t)
		send.Category, send.ExpiresAt = backstop.Marketing, new(time.Now().Add(time.Hour))
		stored, created, err := db.InsertSend(t.Context(), send, nil)
		require.NoError(t, err)
		require.True(t, created)
		require.Equal(t, stored, getSend(t, db, send.ID))
		require.Equal(t, []string{"accepted"}, kinds(t, db, send.ID))
	})
	t.Run("passes a template through letter for letter", func(t *testing.T) {
		t.Parallel()
		send := newSend(t)
		components := json.RawMessage(`[{"b":1.0,"a":"\u0000 é","b":12345678901234567890}]`)
		send.Text, send.Template = "", &backstop.Template{Name: "code", Language: "en_US", Components: components}
		_, _, err := db.InsertSend(t.Context(), send, nil)
		require.NoError(t, err)
		require.Equal(t, send, getSend(t, db, send.ID))
	})
	t.Run("the schema refuses what the domain refuses", func(t *testing.T) {
		t.Parallel()
		for i, change := range []func(*backstop.Send){
			func(s *backstop.Send) { s.ID = "4f9f1c0e-6c3b-4f0e-9c63-0d2b0e6f1a11" }, // a UUIDv4
			func(s *backstop.Send) { s.To = "07400123456" },
			func(s *backstop.Send) { s.Text = "" },
			func(s *backstop.Send) { s.Template = &backstop.Template{Name: "x"} },
			func(s *backstop.Send) { s.SMSText = "" },
			func(s *backstop.Send) { s.Category = "spam" },
			func(s *backstop.Send) { s.Status.WhatsApp = "" },
			func(s *backstop.Send) { s.Status.SMS = "gone" },
			func(s *backstop.Send) { s.Outcome = backstop.OutcomeFailed },
			func(s *backstop.Send) { s.FinishedAt = new(time.Now()) },
		} {
			send := newSend(t)
			change(&send)
			_, _, err := db.InsertSend(t.Context(), send, nil)
			require.Error(t, err, "%d", i)
			require.Empty(t, backstop.CodeOf(err))
		}
	})
	t.Run("an id that exists", func(t *testing.T) {
		t.Parallel()
		send := insertSend(t, db)
		_, _, err := db.InsertSend(t.Context(), send, nil)
		requireCode(t, backstop.Conflict, err)
	})
}

func TestDB_InsertSend_idempotent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	key := handoff.Idempotency{Key: "order 1", Hash: []byte{0, 1, 255}}
	_, found, err := db.SendByKey(t.Context(), key)
	require.NoError(t, err)
	require.False(t, found)

	first, created, err := db.InsertSend(t.Context(), newSend(t), &key)
	require.NoError(t, err)
	require.True(t, created)
	again, created, err := db.InsertSend(t.Context(), newSend(t), &key)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first, again)
	again, found, err = db.SendByKey(t.Context(), key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, first, again)

	key.Hash = []byte{1}
	_, _, err = db.SendByKey(t.Context(), key)
	requireCode(t, backstop.Mismatch, err)
	other := newSend(t)
	_, _, err = db.InsertSend(t.Context(), other, &key)
	requireCode(t, backstop.Mismatch, err)
	_, err = db.Send(t.Context(), other.ID)
	requireCode(t, backstop.NotFound, err)
}

// Of many requests with one key, one stores a send and the others get that send.
func TestDB_InsertSend_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	key := &handoff.Idempotency{Key: "k", Hash: []byte{7}}
	var mu sync.Mutex
	ids, stored := map[string]bool{}, 0
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			send, created, err := db.InsertSend(t.Context(), newSend(t), key)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			ids[send.ID] = true
			if created {
				stored++
			}
		})
	}
	group.Wait()
	require.Len(t, ids, 1)
	require.Equal(t, 1, stored)
}

func TestDB_Send(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, id := range []string{"", "x", newID(t), "a\x00b"} {
		_, err := db.Send(t.Context(), id)
		requireCode(t, backstop.NotFound, err)
		_, _, err = db.Timeline(t.Context(), id)
		requireCode(t, backstop.NotFound, err)
	}
}

func TestDB_ListSends(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var all []string // newest first
	var middle time.Time
	for i := range 7 {
		send := newSend(t)
		if i == 3 {
			middle = send.AcceptedAt
		}
		if i%2 == 0 {
			send.To = "+33612345678"
		}
		_, _, err := db.InsertSend(t.Context(), send, nil)
		require.NoError(t, err)
		all = append([]string{send.ID}, all...)
		time.Sleep(2 * time.Millisecond)
	}
	finish(t, db, all[0])

	list := func(filter backstop.SendFilter) []string {
		ids, page := []string{}, backstop.Page{Limit: 2}
		for {
			sends, more, err := db.ListSends(t.Context(), filter, page)
			require.NoError(t, err)
			for _, s := range sends {
				ids = append(ids, s.ID)
				page.After = s.ID
			}
			if !more {
				return ids
			}
		}
	}
	require.Equal(t, all, list(backstop.SendFilter{}))
	require.Equal(t, all[1:], list(backstop.SendFilter{Outcomes: []backstop.Outcome{backstop.OutcomePending}}))
	require.Equal(t, []string{all[1], all[3], all[5]}, list(backstop.SendFilter{To: to}))
	require.Equal(t, all, list(backstop.SendFilter{PolicyID: policyID}))
	require.Empty(t, list(backstop.SendFilter{PolicyID: newID(t)}))
	require.Empty(t, list(backstop.SendFilter{PolicyID: "x"}))
	require.Equal(t, all[:4], list(backstop.SendFilter{From: middle}), "from is included")
	require.Equal(t, all[4:], list(backstop.SendFilter{Until: middle}), "until is not")
	require.Empty(t, list(backstop.SendFilter{From: time.Now().Add(time.Hour)}))
	require.Equal(t, all, list(backstop.SendFilter{Until: time.Now().AddDate(100, 0, 0)}))
	require.Empty(t, list(backstop.SendFilter{Until: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)}))
	require.Equal(t, []string{all[1], all[3]}, list(backstop.SendFilter{
		Outcomes: []backstop.Outcome{backstop.OutcomePending}, PolicyID: policyID, To: to, From: middle, Until: time.Now().Add(time.Hour),
	}))
	_, _, err := db.ListSends(t.Context(), backstop.SendFilter{}, backstop.Page{After: "x", Limit: 1})
	requireCode(t, backstop.Invalid, err)
}

// The clock of the machine that accepts a send may be hours off. The send is listed at its true time.
func TestDB_ListSends_skewedClock(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	err := postgrestest.Migrate(t.Context(), db)
	require.NoError(t, err)
	for _, ahead := range []time.Duration{-5 * time.Hour, 5 * time.Hour} {
		skewed := postgrestest.OpenWith(t, url, postgres.Options{Clock: func() time.Time { return time.Now().Add(ahead) }})
		var err error
		send := newSend(t)
		send.AcceptedAt = skewed.Now()
		send.ID, err = skewed.NewID(send.AcceptedAt)
		require.NoError(t, err)
		_, _, err = skewed.InsertSend(t.Context(), send, nil)
		require.NoError(t, err)

		around := backstop.SendFilter{From: time.Now().Add(-time.Minute), Until: time.Now().Add(time.Minute)}
		list, _, err := db.ListSends(t.Context(), around, backstop.Page{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, []backstop.Send{send}, list)
	}
}
