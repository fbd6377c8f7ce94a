package postgres_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
	"github.com/backstophq/backstop/internal/templates"
)

func aTemplate(name, language string) backstop.MessageTemplate {
	return backstop.MessageTemplate{
		Name: name, Language: language, Status: backstop.TemplateApproved, Category: backstop.Utility, Quality: backstop.QualityGreen,
		Format: backstop.NamedTemplate, TTL: 90 * time.Second,
		Parameters: backstop.TemplateParameters{
			Header: []string{"a"}, Body: []string{"x"}, Buttons: []backstop.TemplateButton{{Index: 2, URL: "https://x.example/{{1}}"}},
		},
		Components: json.RawMessage(`[{"b":1,"a":"é <&> \u0000 \ud83d","type":"BODY"}]`),
	}
}

// claimSync claims an account of version 1, which must be due.
func claimSync(t *testing.T, db *postgres.DB, account string) templates.Claim {
	t.Helper()
	claim, claimed, err := db.ClaimSync(t.Context(), account, 1, time.Minute)
	require.NoError(t, err)
	require.True(t, claimed)
	return claim
}

// saveSync stores a reading, whose claim must not be lost, and returns what was stored before.
func saveSync(t *testing.T, db *postgres.DB, claim templates.Claim, r templates.Reading) templates.Stored {
	t.Helper()
	before, saved, err := db.SaveSync(t.Context(), claim, r)
	require.NoError(t, err)
	require.True(t, saved)
	return before
}

// readAll stores the templates of an account, which is due again at once.
func readAll(t *testing.T, db *postgres.DB, account string, list ...backstop.MessageTemplate) templates.Stored {
	t.Helper()
	return saveSync(t, db, claimSync(t, db, account), templates.Reading{Templates: list, HasTemplates: true})
}

func listTemplates(t *testing.T, db *postgres.DB, filter backstop.TemplateFilter) []backstop.MessageTemplate {
	t.Helper()
	list, more, err := db.ListTemplates(t.Context(), filter, backstop.TemplatePage{Limit: 100})
	require.NoError(t, err)
	require.False(t, more)
	return list
}

// due returns the accounts of version 1 that are due.
func due(t *testing.T, db *postgres.DB, accounts ...string) []string {
	t.Helper()
	versions := map[string]int{}
	for _, name := range accounts {
		versions[name] = 1
	}
	list, err := db.DueSyncs(t.Context(), versions)
	require.NoError(t, err)
	return list
}

func TestDB_SaveSync(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	b, a := aTemplate("b", "en"), aTemplate("a", "de")
	before := readAll(t, db, "main", b, a, aTemplate("a", "de"))
	require.Equal(t, templates.Stored{Templates: []backstop.MessageTemplate{}}, before)
	first := listTemplates(t, db, backstop.TemplateFilter{Accounts: []string{"main"}})
	require.Len(t, first, 2)
	want := a
	want.Account, want.UpdatedAt = "main", first[0].UpdatedAt
	require.Equal(t, want, first[0], "read back as it was read")
	require.WithinDuration(t, db.Now(), first[0].UpdatedAt, time.Minute)

	t.Run("only what has changed is written", func(t *testing.T) {
		b.Status, b.Quality, b.PreviousCategory, b.Reason = "of a later version", "", backstop.Marketing, "why"
		b.Parameters, b.Format, b.TTL = backstop.TemplateParameters{IsPartial: true, HeaderMedia: "image"}, backstop.PositionalTemplate, 0
		require.Equal(t, first, readAll(t, db, "main", a, b, aTemplate("c", "en")).Templates)
		second := listTemplates(t, db, backstop.TemplateFilter{Accounts: []string{"main"}})
		require.Len(t, second, 3)
		require.Equal(t, first[0], second[0])
		b.Account, b.UpdatedAt = "main", second[1].UpdatedAt
		require.Equal(t, b, second[1])
		require.True(t, second[1].UpdatedAt.After(first[1].UpdatedAt))
	})
	t.Run("what is gone is deleted", func(t *testing.T) {
		require.True(t, readAll(t, db, "main", a).IsSynced)
		require.Len(t, listTemplates(t, db, backstop.TemplateFilter{Accounts: []string{"main"}}), 1)
	})
	t.Run("a failure changes no template", func(t *testing.T) {
		claim := claimSync(t, db, "main")
		saveSync(t, db, claim, templates.Reading{Fault: "down"})
		require.Len(t, listTemplates(t, db, backstop.TemplateFilter{Accounts: []string{"main"}}), 1)
		require.Equal(t, 1, claimSync(t, db, "main").Failures)
	})
	t.Run("none", func(t *testing.T) {
		readAll(t, db, "none")
		found, err := db.TemplatesNamed(t.Context(), "none", "a")
		require.NoError(t, err)
		require.Equal(t, backstop.SyncedTemplates{IsSynced: true, Templates: []backstop.MessageTemplate{}}, found)
	})
}

func TestDB_Profiles(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	profiles := func(accounts ...string) map[string]backstop.AccountProfile {
		t.Helper()
		all, err := db.Profiles(t.Context(), accounts)
		require.NoError(t, err)
		return all
	}
	number := backstop.NumberProfile{DisplayNumber: "+1 555", VerifiedName: "Café \"x\"", Status: "connected", Quality: "red"}
	claim := claimSync(t, db, "main")
	require.Empty(t, profiles("main"), "nothing was read yet")
	require.Nil(t, saveSync(t, db, claim, templates.Reading{Profile: &number}).Profile)
	got := profiles("main", "other")
	require.Len(t, got, 1)
	require.Equal(t, number, got["main"].NumberProfile)
	require.WithinDuration(t, db.Now(), got["main"].ReadAt, time.Minute)
	require.Zero(t, got["main"].TemplatesReadAt)

	require.Equal(t, &number, saveSync(t, db, claimSync(t, db, "main"), templates.Reading{HasTemplates: true, Fault: "number: no\x00"}).Profile)
	again := profiles("main")["main"]
	require.Equal(t, number, again.NumberProfile, "the last good one stays")
	require.Equal(t, got["main"].ReadAt, again.ReadAt)
	require.NotZero(t, again.TemplatesReadAt)
	require.Equal(t, "number: no", again.Fault)

	saveSync(t, db, claimSync(t, db, "main"), templates.Reading{DropTemplates: true})
	last := profiles("main")["main"]
	require.Zero(t, last.TemplatesReadAt, "the account names none any more")
	require.Empty(t, last.Fault)
	found, err := db.TemplatesNamed(t.Context(), "main", "a")
	require.NoError(t, err)
	require.False(t, found.IsSynced)
}

func TestDB_ListTemplates(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	paused := aTemplate("order_update", "de")
	paused.Status = backstop.TemplatePaused
	readAll(t, db, "a", aTemplate("order_update", "en"), paused, aTemplate("code", "en"))
	readAll(t, db, "b", aTemplate("order_%", "en"))
	for name, tc := range map[string]struct {
		filter backstop.TemplateFilter
		want   []string
	}{
		"all":       {backstop.TemplateFilter{Accounts: []string{"a", "b"}}, []string{"a code en", "a order_update de", "a order_update en", "b order_% en"}},
		"none":      {backstop.TemplateFilter{}, []string{}},
		"account":   {backstop.TemplateFilter{Accounts: []string{"b", "other"}}, []string{"b order_% en"}},
		"name":      {backstop.TemplateFilter{Accounts: []string{"a", "b"}, Name: "order_u"}, []string{"a order_update de", "a order_update en"}},
		"a percent": {backstop.TemplateFilter{Accounts: []string{"a", "b"}, Name: "%"}, []string{"b order_% en"}},
		"status":    {backstop.TemplateFilter{Accounts: []string{"a"}, Status: "paused"}, []string{"a order_update de"}},
		"language":  {backstop.TemplateFilter{Accounts: []string{"a"}, Language: "en"}, []string{"a code en", "a order_update en"}},
		"odd texts": {backstop.TemplateFilter{Accounts: []string{"a"}, Name: "\x00'\xff"}, []string{}},
	} {
		got := []string{}
		page := backstop.TemplatePage{Limit: 1}
		for {
			list, more, err := db.ListTemplates(t.Context(), tc.filter, page)
			require.NoError(t, err, name)
			for _, found := range list {
				got = append(got, fmt.Sprint(found.Account, " ", found.Name, " ", found.Language))
				page.Account, page.Name, page.Language = found.Account, found.Name, found.Language
			}
			if !more {
				break
			}
		}
		require.Equal(t, tc.want, got, name)
	}
	found, err := db.TemplatesNamed(t.Context(), "a", "order_update")
	require.NoError(t, err)
	require.True(t, found.IsSynced)
	require.Len(t, found.Templates, 2)
	found, err = db.TemplatesNamed(t.Context(), "other", "order_update")
	require.NoError(t, err)
	require.Equal(t, backstop.SyncedTemplates{Templates: []backstop.MessageTemplate{}}, found, "never read")
}

func TestDB_ClaimSync(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	t.Run("one process at a time", func(t *testing.T) {
		t.Parallel()
		var wins atomic.Int32
		var processes sync.WaitGroup
		for range 8 {
			processes.Go(func() {
				if _, claimed, err := db.ClaimSync(t.Context(), "raced", 1, time.Minute); err == nil && claimed {
					wins.Add(1)
				}
			})
		}
		processes.Wait()
		require.Equal(t, int32(1), wins.Load())
	})
	t.Run("due at its time", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"timed"}, due(t, db, "timed"))
		claim := claimSync(t, db, "timed")
		require.Empty(t, due(t, db, "timed"), "it is being read")
		saveSync(t, db, claim, templates.Reading{Next: time.Hour})
		require.Empty(t, due(t, db, "timed"))
		versions, err := db.DueSyncs(t.Context(), map[string]int{"timed": 2})
		require.NoError(t, err)
		require.Equal(t, []string{"timed"}, versions, "a changed account is due at once")
	})
	t.Run("a claim that was lost stores nothing", func(t *testing.T) {
		t.Parallel()
		lost, claimed, err := db.ClaimSync(t.Context(), "lost", 1, -time.Second)
		require.NoError(t, err)
		require.True(t, claimed)
		kept := claimSync(t, db, "lost")
		_, saved, err := db.SaveSync(t.Context(), lost, templates.Reading{Templates: []backstop.MessageTemplate{aTemplate("a", "en")}, HasTemplates: true})
		require.NoError(t, err)
		require.False(t, saved)
		require.Empty(t, listTemplates(t, db, backstop.TemplateFilter{Accounts: []string{"lost"}}))
		saveSync(t, db, kept, templates.Reading{})
	})
}

func TestDB_ApplyNotice(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	apply := func(account string, n backstop.Notice) *backstop.MessageTemplate {
		t.Helper()
		before, err := db.ApplyNotice(t.Context(), account, n)
		require.NoError(t, err)
		return before
	}
	paused := backstop.Notice{Kind: backstop.TemplateStatusNotice, Template: "a", Language: "en", Status: "paused", Detail: "low"}
	require.Nil(t, apply("unknown", paused), "nothing was read yet")

	saveSync(t, db, claimSync(t, db, "main"), templates.Reading{
		Templates: []backstop.MessageTemplate{aTemplate("a", "en"), aTemplate("a", "de")}, HasTemplates: true, Next: time.Hour,
	})
	require.Equal(t, backstop.TemplateApproved, apply("main", paused).Status)
	require.Equal(t, backstop.TemplatePaused, apply("main", paused).Status, "a repeated notice changes nothing")
	list := listTemplates(t, db, backstop.TemplateFilter{Accounts: []string{"main"}})
	require.Equal(t, backstop.TemplateApproved, list[0].Status, "the other language")
	require.Equal(t, backstop.TemplatePaused, list[1].Status)
	require.Equal(t, "low", list[1].Reason)
	require.Equal(t, aTemplate("a", "en").Components, list[1].Components)
	require.Empty(t, due(t, db, "main"), "the change says all; it is read again in a minute")

	for name, n := range map[string]backstop.Notice{
		"unknown-template": {Kind: backstop.TemplateQualityNotice, Template: "none", Language: "en", Quality: "red"},
		"unknown-status":   {Kind: backstop.TemplateStatusNotice, Template: "a", Language: "en", Status: "flagged"},
		"of-number":        {Kind: backstop.NumberNotice},
		"of-account":       {Kind: backstop.AccountNotice, IsRestriction: true},
	} {
		saveSync(t, db, claimSync(t, db, name), templates.Reading{
			Templates: []backstop.MessageTemplate{aTemplate("a", "en")}, HasTemplates: true, Next: time.Hour,
		})
		require.Empty(t, due(t, db, name))
		apply(name, n)
		require.Equal(t, []string{name}, due(t, db, name), "it is read at once")
	}

	claim := claimSync(t, db, "in-flight")
	apply("in-flight", backstop.Notice{Kind: backstop.NumberNotice})
	require.Empty(t, due(t, db, "in-flight"), "the reading goes on")
	saveSync(t, db, claim, templates.Reading{Next: time.Hour})
	require.Equal(t, []string{"in-flight"}, due(t, db, "in-flight"), "it may have read the state before")
	saveSync(t, db, claimSync(t, db, "in-flight"), templates.Reading{Next: time.Hour})
	require.Empty(t, due(t, db, "in-flight"))
}

func TestDB_DeleteAccount_templates(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, name := range []string{"gone", "stays"} {
		record := accountRecord(name)
		record.IsDisabled = true
		createAccount(t, db, record)
		readAll(t, db, name, aTemplate("a", "en"))
	}
	claim := claimSync(t, db, "gone")
	require.NoError(t, db.DeleteAccount(t.Context(), "gone", backstop.AnyVersion))
	_, saved, err := db.SaveSync(t.Context(), claim, templates.Reading{Templates: []backstop.MessageTemplate{aTemplate("b", "en")}, HasTemplates: true})
	require.NoError(t, err)
	require.False(t, saved)
	list := listTemplates(t, db, backstop.TemplateFilter{Accounts: []string{"gone", "stays"}})
	require.Len(t, list, 1)
	require.Equal(t, "stays", list[0].Account)
	profiles, err := db.Profiles(t.Context(), []string{"gone", "stays"})
	require.NoError(t, err)
	require.Len(t, profiles, 1)
}
