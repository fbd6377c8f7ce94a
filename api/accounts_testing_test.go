package api_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

func withTests(t *testing.T) (*rig, *accounts) {
	t.Helper()
	a := newAccounts()
	return newRig(t, func(o *api.Options) {
		o.Accounts = a
		o.ErrorCodes = []backstop.ErrorCode{
			{Provider: "meta", Code: "21211", Explained: map[string]backstop.Explanation{"en": {Cause: "Other.", Action: "Other."}}},
			{Provider: "twilio", Code: "21211", Class: backstop.RecipientFault, Explained: map[string]backstop.Explanation{
				"en": {Cause: "No number.", Action: "Correct it."}, "zh-CN": {Cause: "号码无效。", Action: "请更正。"},
			}},
		}
	}), a
}

func TestAccounts_Test(t *testing.T) {
	t.Parallel()
	r, fake := withTests(t)
	const took = 1234567 * time.Microsecond
	for want, tested := range map[string]backstop.AccountTested{
		`{"result":"accepted","message_id":"SM1","segments":2,"took_ms":1234}`: {MessageID: "SM1", Segments: 2, Took: took},
		`{"result":"refused","segments":1,"took_ms":1234,"error":{"kind":"rejected","class":"recipient","code":"21211","reason":"no",
			"explained":{"en":{"cause":"No number.","action":"Correct it."},"zh-CN":{"cause":"号码无效。","action":"请更正。"}}}}`: {
			Segments: 1, Took: took, Failure: &backstop.Failure{
				Kind: backstop.Rejected, Class: backstop.RecipientFault, Code: "21211", Reason: "no",
			},
		},
		`{"result":"refused","segments":1,"took_ms":1234,"error":{"kind":"throttled","code":"7"}}`: {
			Segments: 1, Took: took, Failure: &backstop.Failure{Kind: backstop.Throttled, Code: "7", RetryAfter: time.Second},
		},
		`{"result":"refused","segments":1,"took_ms":1234,"error":{"kind":"unavailable","reason":"dial tcp: refused"}}`: {
			Segments: 1, Took: took, Failure: &backstop.Failure{Kind: backstop.Unavailable, Reason: "dial tcp: refused"},
		},
		`{"result":"unknown","segments":1,"took_ms":1234,"error":{"kind":"unknown","reason":"no answer in time"}}`: {
			Segments: 1, Took: took, Failure: &backstop.Failure{Kind: backstop.Unknown, Reason: "no answer in time"},
		},
	} {
		fake.tested = tested
		got := r.call(t, "POST", "/v1/accounts/second/test", `{"to":"+447400123456"}`)
		require.Equal(t, 200, got.Code, got.Body.String())
		require.JSONEq(t, want, got.Body.String())
	}
	require.Equal(t, backstop.AccountTest{Account: "second", To: "+447400123456"}, fake.test)

	// An account is tested although it is disabled, or is not healthy, or the environment gives it.
	fake.all[fake.index("second")].Health.State = backstop.Unhealthy
	for i, name := range []string{"off", "second", "twilio"} {
		before := fake.tests
		require.Equal(t, 200, r.call(t, "POST", "/v1/accounts/"+name+"/test",
			`{"to":"+447400123456","send_id":"MyShop","text":"Hello"}`).Code, i)
		require.Equal(t, backstop.AccountTest{Account: name, To: "+447400123456", SendID: "MyShop", Text: "Hello"}, fake.test)
		require.Equal(t, before+1, fake.tests)
	}
	require.Zero(t, r.writes)
	require.Empty(t, r.sends, "a test is no send")
	require.NotContains(t, r.logs.String(), "+447400123456")
}

func TestAccounts_Test_refused(t *testing.T) {
	t.Parallel()
	r, fake := withTests(t)
	const path = "/v1/accounts/second/test"
	with := func(field, value string) string {
		return `{"to":"+447400123456","` + field + `":"` + value + `"}`
	}
	r.refuses(t, []bad{
		{"no number", "POST", path, `{}`, nil, 400, "malformed", []string{"to"}},
		{"an empty text", "POST", path, with("text", ""), nil, 400, "malformed", []string{"text"}},
		{"a long text", "POST", path, with("text", strings.Repeat("a", 1601)), nil, 400, "malformed", []string{"text"}},
		{"an unknown field", "POST", path, with("policy", "x"), nil, 400, "malformed", []string{"policy"}},
		{"not a number", "POST", path, `{"to":"0740"}`, nil, 422, "invalid", []string{"to"}},
		{"no possible number", "POST", path, `{"to":"+44740012"}`, nil, 422, "invalid", []string{"to"}},
		{"all fields", "POST", path, `{"to":"+0","send_id":"12","text":" "}`, nil, 422, "invalid", []string{"to", "send_id", "text"}},
		{"many units", "POST", path, with("text", strings.Repeat("👋", 801)), nil, 422, "invalid", []string{"text"}},
		{"no account", "POST", "/v1/accounts/none/test", `{"to":"+0"}`, nil, 404, "not_found", nil},
		{"a key is missing", "POST", path, with("text", "a"), []string{"Authorization", ""}, 401, "unauthorized", nil},
	})
	require.Contains(t, r.call(t, "POST", path, `{"to":"+4407400123456"}`).errors(), "did you mean +447400123456?")
	whatsApp := r.call(t, "POST", "/v1/accounts/meta/test", `{"to":"+447400123456"}`).problem(422, "invalid")
	require.Contains(t, whatsApp.Detail, "whatsapp.account")
	require.Zero(t, fake.tests)
}

// No test goes to a person who has opted out, nor by an account that cannot be opened, nor if Postgres cannot say.
func TestAccounts_Test_forbidden(t *testing.T) {
	t.Parallel()
	r, fake := withTests(t)
	const path = "/v1/accounts/second/test"
	fake.tested = backstop.AccountTested{MessageID: "SM1", Segments: 1}
	r.outs.entries = []backstop.OptOut{{To: "+447400123456", Category: backstop.OptOutUtility}}
	r.call(t, "POST", path, `{"to":"+447400123456"}`).problem(422, "invalid", "to")
	require.Equal(t, 200, r.call(t, "POST", path, `{"to":"+447400123457"}`).Code)
	require.Equal(t, 1, fake.tests)

	fake.all[1].Fault = `key "k1" is missing in BACKSTOP_KEYRING`
	require.Contains(t, r.call(t, "POST", path, `{"to":"+447400123457"}`).problem(409, "conflict").Detail, `key "k1" is missing`)
	r.outs.away = tryLater() // it cannot be told whether the person has opted out
	r.call(t, "POST", path, `{"to":"+447400123457"}`).problem(503, "unavailable")
	fake.away = tryLater()
	r.call(t, "POST", path, `{"to":"+447400123457"}`).problem(503, "unavailable")
	require.Equal(t, 1, fake.tests)
	for _, hidden := range []string{"400123456", "400123457", "s3cret"} {
		require.NotContains(t, r.logs.String(), hidden)
	}
}
