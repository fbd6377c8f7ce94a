package meta_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider/meta"
)

// The numbers of a WhatsApp Business account share a limit. Without the account's id, only accounts of the same number do.
func TestClient_LimitGroup(t *testing.T) {
	t.Parallel()
	const base = "http://127.0.0.1:1"
	a, b := ofBusiness(t, base, "phone_number_id", "1"), ofBusiness(t, base, "phone_number_id", "2")
	require.Equal(t, a.LimitGroup(), b.LimitGroup())
	require.NotEqual(t, a.LimitGroup(), ofBusiness(t, base, "waba_id", "1").LimitGroup())
	single := newClient(t, options(base))
	require.NotEqual(t, a.LimitGroup(), single.LimitGroup())
	require.Equal(t, single.LimitGroup(), newClient(t, options(base)).LimitGroup())
	require.NotEqual(t, single.LimitGroup(), ofBusiness(t, base, "waba_id", single.LimitGroup()[len("number "):]).LimitGroup())
}

// notices returns what a client reads in a signed webhook with these changes.
func notices(t *testing.T, c *meta.Client, waba, changes string) []backstop.Notice {
	t.Helper()
	body := `{"object":"whatsapp_business_account","entry":[{"id":"` + waba + `","time":1764000000,"changes":[` + changes + `]}]}`
	return read(t, c, body, sign)
}

func read(t *testing.T, c *meta.Client, body string, sign func(*http.Request, []byte)) []backstop.Notice {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/meta", nil)
	sign(r, []byte(body))
	return c.Notices(r, []byte(body))
}

// template is a change of a template.
func template(field, members string) string {
	return `{"field":"` + field + `","value":{"message_template_id":1,"message_template_name":"order_update","message_template_language":"en-US",` +
		members + `}}`
}

func TestClient_Notices(t *testing.T) {
	t.Parallel()
	of := func(kind backstop.NoticeKind, change func(*backstop.Notice)) backstop.Notice {
		n := backstop.Notice{Kind: kind, Template: "order_update", Language: "en_US"}
		change(&n)
		return n
	}
	account := func(detail string, isRestriction bool) backstop.Notice {
		return backstop.Notice{Kind: backstop.AccountNotice, Detail: detail, IsRestriction: isRestriction}
	}
	update := func(members string) string { return `{"field":"account_update","value":{` + members + `}}` }
	c := ofBusiness(t, "http://127.0.0.1:1")
	for name, tc := range map[string]struct {
		change string
		want   backstop.Notice // zero: none
	}{
		"paused": {
			template("message_template_status_update", `"event":"PAUSED","reason":"NONE","other_info":{"title":"FIRST_PAUSE","description":"low quality"}`),
			of(backstop.TemplateStatusNotice, func(n *backstop.Notice) {
				n.Status, n.Detail = backstop.TemplatePaused, "first_pause: low quality"
			}),
		},
		"rejected": {
			template("message_template_status_update", `"event":"REJECTED","reason":"PROMOTIONAL","rejection_info":{"reason":"Too loud"}`),
			of(backstop.TemplateStatusNotice, func(n *backstop.Notice) { n.Status, n.Detail = backstop.TemplateRejected, "too loud" }),
		},
		"approved": {
			template("message_template_status_update", `"event":"APPROVED","reason":null,"other_info":7`),
			of(backstop.TemplateStatusNotice, func(n *backstop.Notice) { n.Status = backstop.TemplateApproved }),
		},
		"quality": {
			template("message_template_quality_update", `"previous_quality_score":"GREEN","new_quality_score":"RED"`),
			of(backstop.TemplateQualityNotice, func(n *backstop.Notice) { n.Quality = backstop.QualityRed }),
		},
		"category": {
			template("template_category_update", `"previous_category":"UTILITY","new_category":"MARKETING"`),
			of(backstop.TemplateCategoryNotice, func(n *backstop.Notice) {
				n.Category, n.PreviousCategory = backstop.Marketing, backstop.Utility
			}),
		},
		"category, in a day": {
			template("template_category_update", `"correct_category":"MARKETING","new_category":"UTILITY","category_update_timestamp":1764000000`),
			of(backstop.TemplateCategoryNotice, func(n *backstop.Notice) { n.Category, n.Detail = backstop.Utility, "becomes marketing" }),
		},
		"number": {
			`{"field":"phone_number_quality_update","value":{"display_phone_number":"15550783881","event":"THROUGHPUT_UPGRADE"}}`,
			backstop.Notice{Kind: backstop.NumberNotice, Detail: "throughput_upgrade"},
		},
		"restricted": {
			update(`"event":"ACCOUNT_RESTRICTION","restriction_info":[7,{"restriction_type":"RESTRICTED_BIZ_INITIATED_MESSAGING"}]`),
			account("account_restriction: restricted_biz_initiated_messaging", true),
		},
		"violation":          {update(`"event":"ACCOUNT_VIOLATION","violation_info":{"violation_type":"SPAM"}`), account("account_violation: spam", true)},
		"banned":             {update(`"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"DISABLE"}`), account("disabled_update: disable", true)},
		"reinstated":         {update(`"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":"REINSTATE"}`), account("disabled_update: reinstate", false)},
		"another event":      {update(`"event":"PARTNER_ADDED"`), backstop.Notice{}},
		"another field":      {`{"field":"phone_number_name_update","value":{"event":"APPROVED"}}`, backstop.Notice{}},
		"messages":           {`{"field":"messages","value":{"x":"_update"}}`, backstop.Notice{}},
		"without a name":     {`{"field":"message_template_status_update","value":{"event":"PAUSED","message_template_language":"en"}}`, backstop.Notice{}},
		"a strange language": {`{"field":"message_template_status_update","value":{"event":"PAUSED","message_template_name":"a","message_template_language":"e n"}}`, backstop.Notice{}},
		"without an event":   {template("message_template_status_update", `"event":{}`), backstop.Notice{}},
		"not an object":      {`{"field":"message_template_status_update","value":[]}`, backstop.Notice{}},
		"odd":                {`7,"x",null`, backstop.Notice{}},
	} {
		var want []backstop.Notice
		if tc.want != (backstop.Notice{}) {
			want = []backstop.Notice{tc.want}
		}
		require.Equal(t, want, notices(t, c, wabaID, tc.change), name)
	}
	two := notices(t, c, wabaID, template("message_template_status_update", `"event":"PAUSED"`)+",7,"+
		template("message_template_quality_update", `"new_quality_score":"RED"`))
	require.Len(t, two, 2, "one that cannot be read costs only itself")
}

// A notice counts only for its own WhatsApp Business account, and only if Meta signed it with a secret of the client.
func TestClient_Notices_others(t *testing.T) {
	t.Parallel()
	paused := template("message_template_status_update", `"event":"PAUSED"`)
	c := ofBusiness(t, "http://127.0.0.1:1")
	require.Len(t, notices(t, c, wabaID, paused), 1)
	require.Empty(t, notices(t, c, "1", paused))
	require.Empty(t, notices(t, newClient(t, options("http://127.0.0.1:1")), wabaID, paused), "it has no WhatsApp Business account")
	require.Empty(t, notices(t, ofBusiness(t, "http://127.0.0.1:1", "app_secret", "another-app"), wabaID, paused))
	body := `{"object":"whatsapp_business_account","entry":[{"id":"` + wabaID + `","changes":[` + paused + `]}]}`
	require.Empty(t, read(t, c, body, func(*http.Request, []byte) {}))
	require.Len(t, read(t, c, body, sign), 1)
	for _, broken := range []string{``, `[]`, `{"_update":`, `{"object":"page","entry":[{"id":"` + wabaID + `","changes":[` + paused + `]}]}`} {
		require.Empty(t, read(t, c, broken, sign))
	}
}

// The sandbox posts a webhook about each change of a template.
func TestClient_Notices_sandbox(t *testing.T) {
	t.Parallel()
	c := ofBusiness(t, "http://127.0.0.1:1")
	var got []backstop.Notice
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			got = append(got, c.Notices(r, body)...)
		}
	}))
	t.Cleanup(hooks.Close)
	_, s := simulated(t, hooks.URL)
	for _, path := range []string{"/meta/templates/order_update?status=PAUSED&language=en_US", "/meta/number?quality=RED"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPut, path, nil))
		require.Equal(t, http.StatusNoContent, w.Code)
	}
	require.Equal(t, []backstop.Notice{
		{Kind: backstop.TemplateStatusNotice, Template: "order_update", Language: "en_US", Status: backstop.TemplatePaused, Detail: "first_pause: its quality was low."},
		{Kind: backstop.NumberNotice, Detail: "onboarding"},
	}, got)
}

// FuzzClient_Notices: no body breaks it, and each notice is complete.
func FuzzClient_Notices(f *testing.F) {
	f.Add(`{"object":"whatsapp_business_account","entry":[{"id":"` + wabaID + `","changes":[` +
		template("message_template_status_update", `"event":"PAUSED","other_info":{"title":"x"}`) + `]}]}`)
	f.Add(`{"object":"whatsapp_business_account","entry":[{"id":"` + wabaID + `","changes":[{"field":"account_update","value":{"event":"ACCOUNT_RESTRICTION","restriction_info":[{}]}}]}]}`)
	s := options("http://127.0.0.1:1")
	s.Values["waba_id"] = wabaID
	c := newClient(f, s)
	f.Fuzz(func(t *testing.T, body string) {
		for _, n := range read(t, c, body, sign) {
			isOfTemplate := n.Kind != backstop.NumberNotice && n.Kind != backstop.AccountNotice
			require.Equal(t, isOfTemplate, n.Template != "" && n.Language != "")
			require.LessOrEqual(t, len(n.Template), 512)
		}
	})
}
