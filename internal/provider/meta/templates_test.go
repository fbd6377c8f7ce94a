package meta_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/sandbox"
)

const wabaID = "102290129340398"

// ofBusiness returns a client that knows its WhatsApp Business account.
func ofBusiness(t *testing.T, baseURL string, values ...string) *meta.Client {
	t.Helper()
	s := options(baseURL)
	s.Values["waba_id"] = wabaID
	for i := 0; i+1 < len(values); i += 2 {
		s.Values[values[i]] = values[i+1]
	}
	return newClient(t, s)
}

// graph answers GETs with what answer returns for a query.
func graph(t *testing.T, answer func(path string, query map[string][]string) (status int, body string)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		status, body := answer(r.URL.Path, r.URL.Query())
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const nonexisting = `{"error":{"message":"(#100) Tried accessing nonexisting field (x)","type":"OAuthException","code":100}}`

// simulated returns the address of a sandbox, and the sandbox.
func simulated(t *testing.T, webhookURL string) (string, *sandbox.Server) {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{
		Meta: sandbox.Meta{
			AccessToken: accessToken, AppSecret: appSecret, PhoneNumberID: phoneID, VerifyToken: verifyToken, WebhookURL: webhookURL,
		},
		Twilio: sandbox.Twilio{AccountSID: "AC0123456789abcdef0123456789abcdef", AuthToken: "x"},
		Speed:  math.Inf(1),
	})
	require.NoError(t, err)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.WithoutCancel(t.Context()))) })
	return server.URL, s
}

func TestClient_Templates_sandbox(t *testing.T) {
	t.Parallel()
	address, _ := simulated(t, "")
	list, err := ofBusiness(t, address).Templates(t.Context())
	require.NoError(t, err)
	got := map[string]backstop.MessageTemplate{}
	for _, found := range list {
		got[found.Name+" "+found.Language] = found
	}
	require.Len(t, got, 7)
	order := got["order_update en_US"]
	require.Equal(t, backstop.MessageTemplate{
		Name: "order_update", Language: "en_US", Status: backstop.TemplateApproved, Category: backstop.Utility,
		Quality: backstop.QualityGreen, Format: backstop.PositionalTemplate, TTL: 12 * time.Hour,
		Parameters: backstop.TemplateParameters{Body: []string{"1", "2"}}, Components: order.Components,
	}, order)
	require.Contains(t, string(order.Components), `"text":"Hello {{1}}, your order {{2}} is on its way."`)
	require.Equal(t, backstop.TemplatePaused, got["welcome_offer en_US"].Status)
	require.Equal(t, backstop.QualityRed, got["welcome_offer en_US"].Quality)
	require.Equal(t, backstop.TemplateRejected, got["summer_sale en_US"].Status)
	require.Equal(t, "promotional", got["summer_sale en_US"].Reason)
	require.Equal(t, backstop.NamedTemplate, got["appointment en_US"].Format)
	require.Equal(t, []string{"first_name", "time"}, got["appointment en_US"].Parameters.Body)
	require.Equal(t, "image", got["parcel_photo en_US"].Parameters.HeaderMedia)
	require.Equal(t, 1, got["parcel_photo en_US"].Parameters.Buttons[0].Index)
	require.Equal(t, 10*time.Minute, got["verification_code en_US"].TimeToLive())
}

// Pages follow each other until one has no next.
func TestClient_Templates_pages(t *testing.T) {
	t.Parallel()
	template := func(name string) string {
		return `{"name":"` + name + `","language":"en","status":"APPROVED","components":[]}`
	}
	address := graph(t, func(path string, query map[string][]string) (int, string) {
		if path != "/v23.0/"+wabaID+"/message_templates" {
			return 404, ""
		}
		switch after := query["after"]; {
		case len(after) == 0:
			return 200, `{"data":[` + template("a") + `],"paging":{"cursors":{"after":"1"},"next":"https://other.example"}}`
		case after[0] == "1":
			return 200, `{"data":[` + template("b") + `],"paging":{"cursors":{"after":"2"},"next":"https://other.example"}}`
		}
		return 200, `{"data":[` + template("c") + `],"paging":{"cursors":{"after":"3"}}}`
	})
	list, err := ofBusiness(t, address).Templates(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, "c", list[2].Name)
}

// A cursor that is no longer valid begins the list anew, once.
func TestClient_Templates_cursor(t *testing.T) {
	t.Parallel()
	var lost atomic.Int32
	address := graph(t, func(_ string, query map[string][]string) (int, string) {
		switch {
		case len(query["after"]) == 0:
			return 200, `{"data":[],"paging":{"cursors":{"after":"1"},"next":"x"}}`
		case lost.Add(-1) >= 0:
			return 400, `{"error":{"code":131059,"message":"Invalid cursor"}}`
		}
		return 200, `{"data":[]}`
	})
	lost.Store(1)
	_, err := ofBusiness(t, address).Templates(t.Context())
	require.NoError(t, err)
	lost.Store(2)
	_, err = ofBusiness(t, address).Templates(t.Context())
	require.ErrorContains(t, err, "131059")
}

// A version that lacks a field refuses the request, and is asked for the others.
func TestClient_Templates_olderVersion(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	address := graph(t, func(_ string, query map[string][]string) (int, string) {
		calls.Add(1)
		if strings.Contains(query["fields"][0], "parameter_format") {
			return 400, nonexisting
		}
		next := `,"next":"x"`
		if len(query["after"]) > 0 {
			next = ""
		}
		return 200, `{"data":[{"name":"a","language":"en","status":"APPROVED","category":"UTILITY","components":[{"type":"BODY","text":"{{name}}"}]}],
			"paging":{"cursors":{"after":"1"}` + next + `}}`
	})
	list, err := ofBusiness(t, address).Templates(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, backstop.NamedTemplate, list[0].Format, "the text says it")
	require.Equal(t, int32(3), calls.Load(), "the second page asks for what was answered")
}

// A template that cannot be read costs only itself, and an odd field only the field.
func TestClient_Templates_odd(t *testing.T) {
	t.Parallel()
	address := graph(t, func(string, map[string][]string) (int, string) {
		return 200, `{"data":[7,null,"x",{},{"name":"no_status","language":"en"},{"name":"bad name","language":"en","status":"APPROVED"},
			{"name":"odd","language":"en-GB","status":"flagged by a later version","category":{"x":1},"quality_score":["GREEN"],
			"message_send_ttl_seconds":"soon","previous_category":7,"rejected_reason":[],"parameter_format":1,"components":{"x":1}},
			{"name":"plain","language":"en","status":"approved","category":"UTILITY","previous_category":"UTILITY","quality_score":"YELLOW",
			"message_send_ttl_seconds":-1,"rejected_reason":"NONE","components":[]}]}`
	})
	list, err := ofBusiness(t, address).Templates(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, backstop.MessageTemplate{
		Name: "odd", Language: "en_GB", Status: "flagged by a later version", Category: "", PreviousCategory: "7",
		Format: backstop.PositionalTemplate, Parameters: backstop.TemplateParameters{IsPartial: true}, Components: json.RawMessage("[]"),
	}, list[0])
	require.Equal(t, backstop.MessageTemplate{
		Name: "plain", Language: "en", Status: backstop.TemplateApproved, Category: backstop.Utility, Quality: backstop.QualityYellow,
		Format: backstop.PositionalTemplate, TTL: 30 * 24 * time.Hour, Components: json.RawMessage("[]"),
	}, list[1])
}

func TestClient_Templates_failures(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, options("http://127.0.0.1:1")).Templates(t.Context())
	require.ErrorIs(t, err, provider.ErrNoTemplates)
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"no list":          {200, `{}`, "unavailable: the answer has no list of templates"},
		"not JSON":         {200, `<html>`, "unavailable: the answer is not readable, or too long"},
		"a proxy":          {502, `<html>`, "unavailable: HTTP 502 without the provider's error"},
		"the token":        {401, `{"error":{"code":190,"message":"expired"}}`, "rejected (account) 190: expired"},
		"the account":      {400, `{"error":{"code":100,"error_subcode":33,"message":"does not exist"}}`, "rejected (account) 100: does not exist"},
		"fields of no use": {400, nonexisting, "rejected (template) 100: (#100) Tried accessing nonexisting field (x)"},
		"too often":        {400, `{"error":{"code":80007,"message":"rate"}}`, "throttled 80007: rate"},
	} {
		address := graph(t, func(string, map[string][]string) (int, string) { return tc.status, tc.body })
		_, err := ofBusiness(t, address).Templates(t.Context())
		require.EqualError(t, err, tc.want, name)
		_, isFailure := errors.AsType[*backstop.Failure](err)
		require.True(t, isFailure, name)
	}
	_, err = ofBusiness(t, "http://127.0.0.1:1").Templates(t.Context())
	require.ErrorContains(t, err, "unavailable")
	endless := graph(t, func(_ string, query map[string][]string) (int, string) {
		after := "1"
		if len(query["after"]) > 0 {
			after += query["after"][0]
		}
		return 200, `{"data":[],"paging":{"cursors":{"after":"` + after + `"},"next":"x"}}`
	})
	_, err = ofBusiness(t, endless).Templates(t.Context())
	require.ErrorContains(t, err, "pages")
}

func TestClient_Profile(t *testing.T) {
	t.Parallel()
	address, _ := simulated(t, "")
	want := backstop.NumberProfile{
		DisplayNumber: "15550783881", VerifiedName: "Sandbox", Status: backstop.NumberConnected, NameStatus: "approved",
		Quality: backstop.QualityGreen, Throughput: "standard", MessagingLimit: "tier_1k",
	}
	for _, version := range []string{"v23.0", "v24.0"} { // the limit has another name in each
		got, err := ofBusiness(t, address, "version", version).Profile(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got, version)
	}
	_, err := ofBusiness(t, address, "phone_number_id", "1").Profile(t.Context())
	require.ErrorContains(t, err, "rejected (account) 100")

	oldest := graph(t, func(_ string, query map[string][]string) (int, string) {
		if strings.Contains(query["fields"][0], "status") {
			return 400, nonexisting
		}
		return 200, `{"display_phone_number":"+1 555\u0000","verified_name":["x"],"quality_rating":"UNKNOWN","throughput":"odd"}`
	})
	got, err := ofBusiness(t, oldest).Profile(t.Context())
	require.NoError(t, err)
	require.Equal(t, backstop.NumberProfile{DisplayNumber: "+1 555", Quality: "unknown"}, got)
}
