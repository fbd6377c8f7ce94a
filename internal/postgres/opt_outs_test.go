package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/cutproxy"
	"github.com/backstophq/backstop/internal/handoff"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

// wrote is a message of the person with the number of most sends.
func wrote(id string, when time.Time, in backstop.Inbound) backstop.Receipt {
	in.From, in.To = to, "60777"
	channel := backstop.SMS
	if in.Category != "" {
		channel = backstop.WhatsApp
	}
	return backstop.Receipt{Provider: "twilio", Account: "twilio", Channel: channel, MessageID: id, At: when, Inbound: &in}
}

func listOf(t *testing.T, db *postgres.DB, filter backstop.OptOutFilter) (categories []backstop.OptOutCategory) {
	t.Helper()
	entries, more, err := db.ListOptOuts(t.Context(), filter, backstop.Page{Limit: 100})
	require.NoError(t, err)
	require.False(t, more)
	categories = []backstop.OptOutCategory{}
	for _, o := range entries {
		categories = append(categories, o.Category)
	}
	return categories
}

func historyOf(t *testing.T, db *postgres.DB, number string) (lines []string) {
	t.Helper()
	changes, _, err := db.OptOutChanges(t.Context(), number, backstop.Page{Limit: 100})
	require.NoError(t, err)
	for _, c := range changes {
		way := "in"
		if c.IsOut {
			way = "out"
		}
		lines = append(lines, fmt.Sprintf("%s %s by %s", way, c.Category, c.Source))
	}
	return lines
}

func TestDB_InsertInbound_keywords(t *testing.T) {
	t.Parallel()
	stop, start := backstop.Inbound{Text: "STOP", Keyword: backstop.StopKeyword}, backstop.Inbound{Text: "START", Keyword: backstop.StartKeyword}
	none := backstop.Inbound{Keyword: backstop.StopKeyword, Category: backstop.Marketing} // Meta's preference
	resumed := backstop.Inbound{Keyword: backstop.StartKeyword, Category: backstop.Marketing}
	both := []backstop.OptOutCategory{backstop.OptOutMarketing, backstop.OptOutUtility}
	utility, marketing := both[1:], both[:1]
	late := at(40)
	for name, tc := range map[string]struct {
		batches [][]backstop.Receipt
		want    []backstop.OptOutCategory
	}{
		"a reply":             {[][]backstop.Receipt{{wrote("1", at(30), backstop.Inbound{Text: "Thanks"})}}, nil},
		"STOP":                {[][]backstop.Receipt{{wrote("1", at(30), stop)}}, both},
		"own word":            {[][]backstop.Receipt{{wrote("1", at(30), backstop.Inbound{Text: " Arret"})}}, both},
		"STOP, START":         {[][]backstop.Receipt{{wrote("1", at(30), stop)}, {wrote("2", late, start)}}, nil},
		"STOP, YES":           {[][]backstop.Receipt{{wrote("1", at(30), stop)}, {wrote("2", late, backstop.Inbound{Text: "yes"})}}, nil},
		"in one webhook":      {[][]backstop.Receipt{{wrote("2", late, start), wrote("1", at(30), stop)}}, nil},
		"START, STOP":         {[][]backstop.Receipt{{wrote("1", at(30), start), wrote("2", late, stop)}}, both},
		"STOP comes late":     {[][]backstop.Receipt{{wrote("2", late, start)}, {wrote("1", at(30), stop)}}, nil},
		"START comes late":    {[][]backstop.Receipt{{wrote("2", late, stop)}, {wrote("1", at(30), start)}}, both},
		"in the same second":  {[][]backstop.Receipt{{wrote("1", late.Add(time.Millisecond), stop)}, {wrote("2", late, start)}}, nil},
		"repeated webhook":    {[][]backstop.Receipt{{wrote("1", at(30), stop)}, {wrote("2", late, start)}, {wrote("1", at(30), stop)}}, nil},
		"preference":          {[][]backstop.Receipt{{wrote("1", at(30), none)}}, marketing},
		"preference, resumed": {[][]backstop.Receipt{{wrote("1", at(30), none)}, {wrote("2", late, resumed)}}, nil},
		"STOP, resumed":       {[][]backstop.Receipt{{wrote("1", at(30), stop)}, {wrote("2", late, resumed)}}, utility},
		"resumed, STOP late":  {[][]backstop.Receipt{{wrote("2", late, resumed)}, {wrote("1", at(30), stop)}}, utility},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := postgrestest.URL(t)
			db, err := postgres.Open(t.Context(), url, postgres.Options{OptOuts: backstop.OptOutRules{StopWords: []string{"ARRET"}}})
			require.NoError(t, err)
			defer func() { require.NoError(t, db.Close()) }()
			err = postgrestest.Migrate(t.Context(), db)
			require.NoError(t, err)
			for _, batch := range tc.batches {
				_, err := db.InsertInbound(t.Context(), batch)
				require.NoError(t, err)
			}
			require.ElementsMatch(t, tc.want, listOf(t, db, backstop.OptOutFilter{To: to}))
			isOut, err := db.IsOptedOut(t.Context(), to, "")
			require.NoError(t, err)
			require.Equal(t, len(tc.want) > 0, isOut)
		})
	}
}

// The history keeps who opted out and in again, and how.
func TestDB_OptOutChanges(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	entry := backstop.OptOut{
		To: to, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByConsole, Note: "by phone"},
	}
	first, err := db.PutOptOut(t.Context(), entry)
	require.NoError(t, err)
	entry.Note, entry.Source = "again", backstop.ByAPI
	again, err := db.PutOptOut(t.Context(), entry)
	require.NoError(t, err)
	require.Equal(t, first, again, "an entry that exists stays as it is")
	_, err = db.InsertInbound(t.Context(), []backstop.Receipt{
		wrote("1", db.Now(), backstop.Inbound{Keyword: backstop.StartKeyword, Text: "START"}),
	})
	require.NoError(t, err)
	for range 2 {
		_, err = db.PutOptOut(t.Context(), backstop.OptOut{To: to, Category: backstop.OptOutMarketing, OptOutOrigin: entry.OptOutOrigin})
		require.NoError(t, err)
		require.NoError(t, db.DeleteOptOut(t.Context(), to, backstop.OptOutMarketing, backstop.OptOutOrigin{Source: backstop.ByAPI}))
		require.NoError(t, db.DeleteOptOut(t.Context(), to, backstop.OptOutMarketing, backstop.OptOutOrigin{Source: backstop.ByAPI}))
	}
	require.Equal(t, []string{
		"in marketing by api", "out marketing by api", "in marketing by api", "out marketing by api", "in all by message",
		"out all by console",
	}, historyOf(t, db, to))
	require.Empty(t, historyOf(t, db, "+447400123499"))
	page, more, err := db.OptOutChanges(t.Context(), to, backstop.Page{Limit: 4})
	require.NoError(t, err)
	require.True(t, more)
	page, more, err = db.OptOutChanges(t.Context(), to, backstop.Page{Limit: 4, After: page[3].ID})
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, "by phone", page[1].Note)
	require.Equal(t, "1", page[0].Inbound)
}

func TestDB_ListOptOuts(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var entries []backstop.OptOut
	for i := range 4500 {
		entries = append(entries, backstop.OptOut{
			To: fmt.Sprintf("+44740012%04d", i), Category: backstop.OptOutUtility, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByImport},
		})
	}
	entries = append(entries, entries[7]) // twice in a file
	for _, want := range []int{4500, 0} {
		added, err := db.ImportOptOuts(t.Context(), entries)
		require.NoError(t, err)
		require.Equal(t, want, added)
	}
	bad := backstop.OptOut{To: "nobody", Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByImport}}
	_, err := db.ImportOptOuts(t.Context(), []backstop.OptOut{{To: "+447400999999", Category: backstop.OptOutAll, OptOutOrigin: bad.OptOutOrigin}, bad})
	require.Error(t, err)

	seen := map[string]bool{}
	for page := (backstop.Page{Limit: 1000}); ; {
		list, more, err := db.ListOptOuts(t.Context(), backstop.OptOutFilter{}, page)
		require.NoError(t, err)
		for _, o := range list {
			seen[o.To] = true
			page.After = o.ID
		}
		if !more {
			break
		}
	}
	require.Len(t, seen, 4500)
	for want, filter := range map[int]backstop.OptOutFilter{
		1: {To: "+447400120007"}, 4: {ToEnds: "999"}, 0: {Category: backstop.OptOutAll}, 4500: {Source: backstop.ByImport},
	} {
		total, err := db.CountOptOuts(t.Context(), filter)
		if filter.ToEnds != "" && postgrestest.SealsNumbers() {
			requireCode(t, backstop.Invalid, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, backstop.Total{Count: want, IsExact: true}, total, "%+v", filter)
	}
	_, _, err = db.ListOptOuts(t.Context(), backstop.OptOutFilter{}, backstop.Page{Limit: 1, After: "x"})
	requireCode(t, backstop.Invalid, err)
}

// A send to a person who has opted out is not stored, or it has ended when it is stored.
func TestDB_InsertSend_optedOut(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	_, err := db.PutOptOut(t.Context(), backstop.OptOut{
		To: to, Category: backstop.OptOutMarketing, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
	key := &handoff.Idempotency{Key: "k", Hash: []byte("h")}
	for _, k := range []*handoff.Idempotency{nil, key} {
		send := newSend(t)
		_, _, err := db.InsertSend(t.Context(), send, k)
		require.Equal(t, backstop.ErrOptedOut(), err)
		_, err = db.Send(t.Context(), send.ID)
		requireCode(t, backstop.NotFound, err)
	}
	utility := newSend(t)
	utility.Category = backstop.Utility
	_, created, err := db.InsertSend(t.Context(), utility, nil)
	require.NoError(t, err)
	require.True(t, created)

	skipped := newSend(t)
	skipped.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
	stored, created, err := db.InsertSend(t.Context(), skipped, key)
	require.NoError(t, err)
	require.True(t, created)
	require.True(t, stored.IsSkipped())
	require.Equal(t, backstop.OutcomeFailed, stored.Outcome)
	require.Equal(t, stored, getSend(t, db, skipped.ID))
	_, events := timeline(t, db, skipped.ID)
	require.Equal(t, []string{"accepted", "opted_out whatsapp", "finished"}, postgrestest.Kinds(events))
	claims, err := db.ClaimSends(t.Context(), db.Now().Add(time.Hour), time.Minute, 10)
	require.NoError(t, err)
	for _, claim := range claims {
		require.NotEqual(t, skipped.ID, claim.Send.ID, "no workflow starts for it")
	}
	again, created, err := db.InsertSend(t.Context(), newSend(t), key)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, stored, again)
}

// A send that was skipped, and whose answer was lost, is stored once.
func TestDB_InsertSend_skippedAndLost(t *testing.T) {
	t.Parallel()
	db, proxy := behindProxy(t)
	_, err := db.PutOptOut(t.Context(), backstop.OptOut{
		To: to, Category: backstop.OptOutAll, OptOutOrigin: backstop.OptOutOrigin{Source: backstop.ByAPI},
	})
	require.NoError(t, err)
	for _, key := range []*handoff.Idempotency{nil, {Key: "k", Hash: []byte("h")}} {
		send := newSend(t)
		send.Plan.Override = &backstop.Override{IfOptedOut: backstop.SkipOptedOut}
		struck := proxy.On(cutproxy.Cut{Match: executes("INSERT INTO sends"), After: true, How: cutproxy.Reset, Times: 2})
		stored, created, err := db.InsertSend(t.Context(), send, key)
		require.NoError(t, err)
		require.True(t, created)
		require.Equal(t, send.ID, stored.ID)
		<-struck
	}
}
