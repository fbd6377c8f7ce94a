package templates_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/accounts"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/templates"
)

func template(change ...func(*backstop.MessageTemplate)) backstop.MessageTemplate {
	t := backstop.MessageTemplate{
		Name: "a", Language: "en", Status: backstop.TemplateApproved, Category: backstop.Utility, Quality: backstop.QualityGreen,
	}
	for _, f := range change {
		f(&t)
	}
	return t
}

func TestNew_missing(t *testing.T) {
	t.Parallel()
	_, err := templates.New(templates.Options{})
	require.ErrorContains(t, err, "Store, Accounts and Log are required")
}

func TestSyncer_SyncDue(t *testing.T) {
	t.Parallel()
	disabled := func(o *accounts.Open) { o.IsDisabled = true }
	r := newRig(t, open("off", &client{}, disabled), open("broken", nil), open("sms", plain{}))
	r.store.due = []string{"main", "off", "broken", "sms"}
	r.client.templates = []backstop.MessageTemplate{template()}
	require.Contains(t, r.sync(t), `level=INFO msg="templates of an account are read" account=main templates=1`)
	require.Equal(t, map[string]int{"main": 3}, r.store.versions, "no other account can be read")
	require.Len(t, r.store.readings, 1)
	reading := r.store.readings[0]
	require.True(t, reading.HasTemplates)
	require.Equal(t, backstop.NumberConnected, reading.Profile.Status)
	require.InDelta(t, templates.Every, reading.Next, float64(templates.Every/10))
	require.Empty(t, r.sync(t), "nothing has changed")

	r.store.claimed = []string{"main"}
	require.Empty(t, r.sync(t))
	require.Len(t, r.store.readings, 2, "another process reads it")
	r.store.claimed, r.store.isLost = nil, true
	r.client.templates = nil
	require.Empty(t, r.sync(t), "another process has what is newer")

	r.store.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	require.Error(t, r.syncer.SyncDue(t.Context()))
}

// What cannot be read leaves the rest, and is tried again after a growing time if nothing can be read.
func TestSyncer_SyncDue_failures(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	newest := func() templates.Reading { return r.store.readings[len(r.store.readings)-1] }
	r.client.listing, r.client.profiling = errDown, errDown
	require.Contains(t, r.sync(t), `level=WARN msg="templates or number of an account cannot be read" account=main reason="templates: unavailable: down; number: unavailable: down"`)
	require.False(t, newest().HasTemplates)
	require.False(t, newest().DropTemplates, "the last good list stays")
	require.Nil(t, newest().Profile)
	for failures, want := range map[int]time.Duration{0: time.Minute, 1: 2 * time.Minute, 3: 8 * time.Minute, 6: time.Hour, 100: time.Hour} {
		r.store.failures = failures
		logged := r.sync(t)
		require.Equal(t, failures == 0, logged != "", "one line for a row of failures")
		require.InDelta(t, want, newest().Next, float64(want)/10)
	}
	r.store.failures, r.client.profiling = 1, nil
	r.sync(t)
	require.Equal(t, "templates: unavailable: down", newest().Fault)
	require.InDelta(t, templates.Every, newest().Next, float64(templates.Every)/10, "a part was read")
	r.client.listing = nil
	require.Contains(t, r.sync(t), `level=INFO msg="templates and number of an account are read again" account=main`)
	require.Empty(t, newest().Fault)

	r.client.listing = provider.ErrNoTemplates
	r.sync(t)
	require.True(t, newest().DropTemplates)
	require.Empty(t, newest().Fault, "the account names no templates: that is no fault")
}

func TestSyncer_logsTemplates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after []backstop.MessageTemplate
		want          string // empty: no line
	}{
		"paused":       {[]backstop.MessageTemplate{template()}, []backstop.MessageTemplate{template(status("paused"))}, `level=ERROR msg="template cannot be sent any more" account=main template.name=a template.language=en from=approved to=paused`},
		"disabled":     {[]backstop.MessageTemplate{template()}, []backstop.MessageTemplate{template(status("disabled"))}, "level=ERROR"},
		"rejected":     {[]backstop.MessageTemplate{template()}, []backstop.MessageTemplate{template(status("rejected"))}, "level=ERROR"},
		"never in use": {[]backstop.MessageTemplate{template(status("pending"))}, []backstop.MessageTemplate{template(status("rejected"))}, `level=INFO msg="status of a template has changed"`},
		"approved":     {[]backstop.MessageTemplate{template(status("paused"))}, []backstop.MessageTemplate{template()}, "level=INFO"},
		"quality red":  {[]backstop.MessageTemplate{template()}, []backstop.MessageTemplate{template(quality("red"))}, `level=ERROR msg="quality is low`},
		"quality":      {[]backstop.MessageTemplate{template(quality("red"))}, []backstop.MessageTemplate{template()}, "level=INFO"},
		"category": {[]backstop.MessageTemplate{template()}, []backstop.MessageTemplate{template(func(t *backstop.MessageTemplate) {
			t.Category = backstop.Marketing
		})}, `level=INFO msg="category of a template has changed, and its price" account=main template.name=a template.language=en from=utility to=marketing`},
		"new":     {[]backstop.MessageTemplate{}, []backstop.MessageTemplate{template()}, `level=INFO msg="template is new"`},
		"deleted": {[]backstop.MessageTemplate{template()}, nil, `level=INFO msg="template is deleted"`},
		"another text": {[]backstop.MessageTemplate{template()}, []backstop.MessageTemplate{template(func(t *backstop.MessageTemplate) {
			t.Components = []byte(`[]`)
		})}, ""},
	} {
		r := newRig(t)
		r.client.templates = tc.before
		r.sync(t)
		r.client.templates = tc.after
		logged := r.sync(t)
		require.Equal(t, tc.want != "", logged != "", name)
		require.Contains(t, logged, tc.want, name)
		require.LessOrEqual(t, strings.Count(logged, "\n"), 1, name)
	}
}

func status(s backstop.TemplateStatus) func(*backstop.MessageTemplate) {
	return func(t *backstop.MessageTemplate) { t.Status = s }
}

func quality(q backstop.Quality) func(*backstop.MessageTemplate) {
	return func(t *backstop.MessageTemplate) { t.Quality = q }
}

func TestSyncer_logsNumber(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.client.listing = provider.ErrNoTemplates
	r.client.profile = backstop.NumberProfile{DisplayNumber: "+1 555 078 3881", Status: "flagged", Quality: backstop.QualityRed}
	logged := r.sync(t)
	require.Contains(t, logged, `level=ERROR msg="number is not connected" account=main from=connected to=flagged`, "also at the first reading")
	require.Contains(t, logged, `level=ERROR msg="quality is low: the provider may pause or limit it" account=main of=number from="" to=red`)
	require.NotContains(t, logged, "555", "no number is logged")
	require.Empty(t, r.sync(t), "once")
	r.client.profile = backstop.NumberProfile{Status: "connected", Quality: "yellow", MessagingLimit: "tier_1k"}
	logged = r.sync(t)
	require.Contains(t, logged, `level=INFO msg="number is connected"`)
	require.Contains(t, logged, `level=INFO msg="quality has changed"`)
	require.Contains(t, logged, `level=INFO msg="limits of a number have changed" account=main messaging_limit=tier_1k`)
	require.NotContains(t, logged, "ERROR")
	r.client.profile.Status = ""
	require.Empty(t, r.sync(t), "a version that does not report it")
}

func TestSyncer_Apply(t *testing.T) {
	t.Parallel()
	other := &client{reported: []backstop.Notice{{Kind: backstop.NumberNotice}}}
	r := newRig(t, open("other", other, func(o *accounts.Open) { o.Provider = "infobip" }), open("broken", nil), open("sms", plain{}))
	r.client.templates = []backstop.MessageTemplate{template()}
	r.sync(t)
	of := func(kind backstop.NoticeKind, change func(*backstop.Notice)) backstop.Notice {
		n := backstop.Notice{Kind: kind, Template: "a", Language: "en"}
		change(&n)
		return n
	}
	request := httptest.NewRequestWithContext(t.Context(), "POST", "/", nil)
	for name, tc := range map[string]struct {
		notice backstop.Notice
		want   string
	}{
		"paused":         {of(backstop.TemplateStatusNotice, func(n *backstop.Notice) { n.Status, n.Detail = "paused", "low" }), `level=ERROR msg="template cannot be sent any more" account=main template.name=a template.language=en from=approved to=paused reason=low`},
		"quality":        {of(backstop.TemplateQualityNotice, func(n *backstop.Notice) { n.Quality = "red" }), `level=ERROR msg="quality is low`},
		"category":       {of(backstop.TemplateCategoryNotice, func(n *backstop.Notice) { n.Category, n.PreviousCategory = "marketing", "utility" }), `level=INFO msg="category of a template has changed`},
		"category later": {of(backstop.TemplateCategoryNotice, func(n *backstop.Notice) { n.Category, n.Detail = "utility", "becomes marketing" }), `level=INFO msg="category of a template will change, and its price"`},
		"restricted":     {backstop.Notice{Kind: backstop.AccountNotice, IsRestriction: true, Detail: "spam"}, `level=ERROR msg="account is restricted by its provider" account=main reason=spam`},
		"reinstated":     {backstop.Notice{Kind: backstop.AccountNotice}, `level=INFO msg="account is not restricted any more"`},
		"number":         {backstop.Notice{Kind: backstop.NumberNotice}, `level=INFO msg="provider reports a change of a number"`},
		"new template":   {backstop.Notice{Kind: backstop.TemplateStatusNotice, Template: "b", Language: "en", Status: "approved"}, `level=INFO msg="provider reports a change of a template"`},
	} {
		r.log.Reset()
		r.store.notices, r.client.reported = nil, []backstop.Notice{tc.notice}
		require.NoError(t, r.syncer.Apply(t.Context(), "meta", request, nil))
		require.Equal(t, []string{"main " + string(tc.notice.Kind)}, r.store.notices, "the other provider's accounts are not asked")
		require.Contains(t, r.log.String(), tc.want, name)
		require.Equal(t, 1, strings.Count(r.log.String(), "\n"), name)
	}
	r.store.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	require.Equal(t, backstop.TryLater, backstop.CodeOf(r.syncer.Apply(t.Context(), "meta", request, nil)))
}

// Run reads what is due every few seconds, goes on after a failure of the store, and ends with its context.
func TestSyncer_Run(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.syncer.Run(ctx)
		}()
		readings := func() int {
			r.store.mu.Lock()
			defer r.store.mu.Unlock()
			return len(r.store.readings)
		}
		synctest.Wait()
		require.Equal(t, 1, readings(), "at once")
		time.Sleep(6 * time.Second)
		require.Equal(t, 2, readings())
		r.store.mu.Lock()
		r.store.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
		r.store.mu.Unlock()
		time.Sleep(time.Minute)
		require.Equal(t, 2, readings())
		r.store.mu.Lock()
		r.store.away = nil
		r.store.mu.Unlock()
		time.Sleep(6 * time.Second)
		require.Positive(t, readings()-2)
		cancel()
		<-ended
		require.Equal(t, 1, strings.Count(r.log.String(), "templates are not read"), "one line for an outage")
		require.Equal(t, 1, strings.Count(r.log.String(), "recipients are not counted"))
		require.Contains(t, r.log.String(), "templates are read again")
	})
}
