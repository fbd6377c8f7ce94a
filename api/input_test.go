package api_test

import (
	"maps"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const someID = "01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e5f"

// bad is a request that must be refused and must change nothing.
type bad struct {
	name    string
	method  string
	path    string
	body    string
	headers []string
	status  int
	code    string
	fields  []string
}

func (r *rig) refuses(t *testing.T, cases []bad) {
	t.Helper()
	before := r.writes
	for _, c := range cases {
		t.Run(c.method+" "+c.path[:min(len(c.path), 24)]+" "+c.name, func(t *testing.T) {
			t.Parallel()
			r.call(t, c.method, c.path, c.body, c.headers...).problem(c.status, c.code, c.fields...)
			require.Equal(t, before, r.writes, "something was written")
			require.Empty(t, r.sends)
		})
	}
}

// document is a valid body with some members replaced; nil removes a member.
func document(t *testing.T, base, change map[string]any) string {
	t.Helper()
	d := maps.Clone(base)
	for name, v := range change {
		if v == nil {
			delete(d, name)
			continue
		}
		d[name] = v
	}
	return text(t, d)
}

// shapeless are bodies that every endpoint with a body refuses.
func shapeless(method, path string, headers ...string) []bad {
	huge := `{"name":"` + strings.Repeat("x", 2<<20) + `"}`
	at := func(name, body string, status int, code string, fields ...string) bad {
		return bad{name, method, path, body, headers, status, code, fields}
	}
	return []bad{
		at("no body", "", 400, "malformed"),
		at("broken JSON", `{"name":`, 400, "malformed"),
		at("not JSON", `name=x`, 400, "malformed"),
		at("garbage after", `{} {}`, 400, "malformed"),
		at("not UTF-8", "{\"name\":\"\xff\"}", 400, "malformed"),
		at("array", `[]`, 400, "malformed", "body"),
		at("null", `null`, 400, "malformed", "body"),
		at("text", `"x"`, 400, "malformed", "body"),
		at("twice the same name", `{"name":"a","name":"b"}`, 400, "malformed", "name"),
		at("nested twice", `{"a":[{"b":1},{"b":1,"b":2}]}`, 400, "malformed", "a.1.b"),
		at("NUL", `{"name":"a\u0000b"}`, 400, "malformed", "name"),
		at("NUL in a name", `{"a\u0000b":1}`, 400, "malformed", ""),
		at("2 MB", huge, 413, "too_large"),
		{"wrong type", method, path, `{}`, append([]string{"Content-Type", "text/plain"}, headers...), 415, "unsupported_media_type", nil},
		{"no type", method, path, `{}`, append([]string{"Content-Type", ""}, headers...), 415, "unsupported_media_type", nil},
	}
}

func TestRules_BadInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, _ := r.seed(t)
	base := map[string]any{"name": "A", "type": "undelivered", "wait_seconds": 60, "send_id": "MyShop"}
	for _, to := range []struct {
		method, path string
		headers      []string
	}{{"POST", "/v1/rules", nil}, {"PUT", "/v1/rules/" + rule.ID, []string{"If-Match", `"1"`}}} {
		r.refuses(t, shapeless(to.method, to.path, to.headers...))
		for _, c := range []struct {
			name   string
			change map[string]any
			status int
			code   string
			fields []string
		}{
			{"missing fields", map[string]any{"name": nil, "type": nil, "send_id": nil}, 400, "malformed", []string{"name", "type", "send_id"}},
			{"unknown field", map[string]any{"wait": 60, "sender": "x"}, 400, "malformed", []string{"wait", "sender"}},
			{"other case", map[string]any{"Name": "x"}, 400, "malformed", []string{"Name"}},
			{"wrong types", map[string]any{"name": 1, "type": true, "wait_seconds": "60", "send_id": []int{1}, "countries": "GB"}, 400, "malformed", []string{"name", "type", "wait_seconds", "send_id", "countries"}},
			{"null", map[string]any{"countries": []any{nil}}, 400, "malformed", []string{"countries.0"}},
			{"unknown type", map[string]any{"type": "unseen"}, 400, "malformed", []string{"type"}},
			{"fraction", map[string]any{"wait_seconds": 1.5}, 400, "malformed", []string{"wait_seconds"}},
			{"negative", map[string]any{"wait_seconds": -1}, 400, "malformed", []string{"wait_seconds"}},
			{"too long a wait", map[string]any{"wait_seconds": 2592001}, 400, "malformed", []string{"wait_seconds"}},
			{"far too long a wait", map[string]any{"wait_seconds": 1e300}, 400, "malformed", []string{"wait_seconds"}},
			{"over-long", map[string]any{"name": strings.Repeat("x", 65), "send_id": strings.Repeat("1", 35)}, 400, "malformed", []string{"name", "send_id"}},
			{"empty", map[string]any{"name": "", "send_id": ""}, 400, "malformed", []string{"name", "send_id"}},
			{"space at an end", map[string]any{"name": " A"}, 422, "invalid", []string{"name"}},
			{"no sender", map[string]any{"send_id": "toolongname1"}, 422, "invalid", []string{"send_id"}},
			{"routes of another type", map[string]any{"routes": "twilio"}, 400, "malformed", []string{"routes"}},
			{"a route of another type", map[string]any{"routes": []any{"twilio"}}, 400, "malformed", []string{"routes.0"}},
			{"an empty route", map[string]any{"routes": []any{map[string]any{}}}, 400, "malformed", []string{"routes.0.account"}},
			{"over-long route", map[string]any{"routes": []any{map[string]any{"account": strings.Repeat("x", 65)}}}, 400, "malformed", []string{"routes.0.account"}},
			{"no such route", map[string]any{"routes": []any{map[string]any{"account": "nowhere"}}}, 422, "invalid", []string{"routes.0.account"}},
			{"no such route, and no country", map[string]any{"routes": []any{map[string]any{"account": "Twilio"}}, "countries": []string{"gb"}}, 422, "invalid", []string{"routes.0.account", "countries.0"}},
			{"no country", map[string]any{"countries": []string{"GB", "gb", "GB"}}, 422, "invalid", []string{"countries.1", "countries.2"}},
			{"unread without a wait", map[string]any{"type": "unread", "wait_seconds": nil}, 422, "invalid", []string{"wait_seconds"}},
		} {
			r.refuses(t, []bad{{c.name, to.method, to.path, document(t, base, c.change), to.headers, c.status, c.code, c.fields}})
		}
	}
	r.refuses(t, []bad{
		{"bad id", "GET", "/v1/rules/7", "", nil, 400, "malformed", []string{"id"}},
		{"bad id", "DELETE", "/v1/rules/" + strings.Repeat("a", 300), "", []string{"If-Match", "*"}, 400, "malformed", []string{"id"}},
		{"unknown id", "GET", "/v1/rules/" + someID, "", nil, 404, "not_found", nil},
		{"unknown id", "PUT", "/v1/rules/" + someID, text(t, base), []string{"If-Match", "*"}, 404, "not_found", nil},
		{"unknown id", "DELETE", "/v1/rules/" + someID, "", []string{"If-Match", `"1"`}, 404, "not_found", nil},
		{"bad page", "GET", "/v1/rules?limit=0&cursor=", "", nil, 400, "malformed", []string{"limit", "cursor"}},
		{"bad page", "GET", "/v1/rules?limit=201", "", nil, 400, "malformed", []string{"limit"}},
		{"bad page", "GET", "/v1/rules?limit=ten", "", nil, 400, "malformed", []string{"limit"}},
		{"bad cursor", "GET", "/v1/rules?cursor=abc", "", nil, 400, "malformed", []string{"cursor"}},
		{"bad cursor", "GET", "/v1/rules?cursor=!!", "", nil, 400, "malformed", []string{"cursor"}},
		{"unknown parameter", "GET", "/v1/rules?name=x", "", nil, 400, "malformed", []string{"name"}},
		{"twice", "GET", "/v1/rules?search=x&search=y", "", nil, 400, "malformed", []string{"search"}},
		{"NUL", "GET", "/v1/rules?search=%00", "", nil, 400, "malformed", []string{"search"}},
		{"not UTF-8", "GET", "/v1/rules?search=%ff", "", nil, 400, "malformed", []string{"search"}},
		{"broken query", "GET", "/v1/rules?search=%zz", "", nil, 400, "malformed", nil},
		{"over-long", "GET", "/v1/rules?search=" + strings.Repeat("x", 65), "", nil, 400, "malformed", []string{"search"}},
		{"a body", "GET", "/v1/rules", "{}", nil, 400, "malformed", nil},
		{"2 MB", "GET", "/v1/rules", strings.Repeat("x", 2<<20), nil, 413, "too_large", nil},
	})
}

func TestPolicies_BadInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, policy := r.seed(t)
	base := map[string]any{"name": "A", "rule_ids": []string{rule.ID}}
	for _, to := range []struct {
		method, path string
		headers      []string
	}{{"POST", "/v1/policies", nil}, {"PUT", "/v1/policies/" + policy.ID, []string{"If-Match", `"1"`}}} {
		r.refuses(t, shapeless(to.method, to.path, to.headers...))
		for _, c := range []struct {
			name   string
			change map[string]any
			status int
			code   string
			fields []string
		}{
			{"missing fields", map[string]any{"name": nil, "rule_ids": nil}, 400, "malformed", []string{"name", "rule_ids"}},
			{"unknown field", map[string]any{"rules": []string{}}, 400, "malformed", []string{"rules"}},
			{"wrong types", map[string]any{"name": 1, "rule_ids": someID}, 400, "malformed", []string{"name", "rule_ids"}},
			{"wrong items", map[string]any{"rule_ids": []any{rule.ID, 7, "seven"}}, 400, "malformed", []string{"rule_ids.1", "rule_ids.2"}},
			{"no rule", map[string]any{"rule_ids": []string{}}, 400, "malformed", []string{"rule_ids"}},
			{"too many", map[string]any{"rule_ids": strings.Split(strings.Repeat(someID+",", 10)+someID, ",")}, 400, "malformed", []string{"rule_ids"}},
			{"over-long", map[string]any{"name": strings.Repeat("x", 65)}, 400, "malformed", []string{"name"}},
			{"twice, in another case", map[string]any{"rule_ids": []string{rule.ID, strings.ToUpper(rule.ID)}}, 422, "invalid", []string{"rule_ids.1"}},
			{"unknown rule", map[string]any{"rule_ids": []string{rule.ID, someID}}, 422, "invalid", []string{"rule_ids.1"}},
			{"control character", map[string]any{"name": "a\nb"}, 422, "invalid", []string{"name"}},
		} {
			r.refuses(t, []bad{{c.name, to.method, to.path, document(t, base, c.change), to.headers, c.status, c.code, c.fields}})
		}
	}
	r.refuses(t, []bad{
		{"bad id", "GET", "/v1/policies/x", "", nil, 400, "malformed", []string{"id"}},
		{"unknown id", "GET", "/v1/policies/" + someID, "", nil, 404, "not_found", nil},
		{"unknown id", "PUT", "/v1/policies/" + someID, text(t, base), []string{"If-Match", "*"}, 404, "not_found", nil},
		{"unknown id", "DELETE", "/v1/policies/" + someID, "", []string{"If-Match", "*"}, 404, "not_found", nil},
		{"bad page", "GET", "/v1/policies?limit=-1", "", nil, 400, "malformed", []string{"limit"}},
	})
}

func TestSends_BadInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.refuses(t, shapeless("POST", "/v1/sends"))
	r.refuses(t, shapeless("POST", "/v1/sends", "Idempotency-Key", "k"))
	r.refuses(t, shapeless("POST", "/v1/sends/preview"))
	whatsapp := map[string]any{"text": "hello"}
	fallback := map[string]any{"policy_id": policy.ID, "text": "hello"}
	base := map[string]any{"to": "+447400123456", "whatsapp": whatsapp, "fallback": fallback}
	in := func(change map[string]any) string { return document(t, base, change) }
	inFallback := func(change map[string]any) string {
		return document(t, base, map[string]any{"fallback": maps.Clone(merge(fallback, change))})
	}
	inTemplate := func(template map[string]any) string {
		return document(t, base, map[string]any{"whatsapp": map[string]any{"template": template}})
	}
	var cases []bad
	add := func(name, body string, status int, code string, fields ...string) {
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} { // what the one refuses the other does
			cases = append(cases, bad{name, "POST", path, body, nil, status, code, fields})
		}
	}
	add("missing fields", `{}`, 400, "malformed", "to", "fallback")
	add("no content", document(t, map[string]any{"to": "+447400123456"}, map[string]any{"fallback": map[string]any{"policy_id": someID}}),
		422, "invalid", "whatsapp", "fallback.text")
	add("missing fields below", in(map[string]any{"fallback": map[string]any{}, "whatsapp": map[string]any{"template": map[string]any{}}}),
		400, "malformed", "whatsapp.template.name", "whatsapp.template.language")
	add("unknown fields", in(map[string]any{"sms": "x", "whatsapp": map[string]any{"text": "a", "body": "b"}}), 400, "malformed", "sms", "whatsapp.body")
	add("wrong types", in(map[string]any{"to": 447400123456, "whatsapp": "hello", "expires_at": 12, "category": 1}), 400, "malformed", "to", "whatsapp", "expires_at", "category")
	add("wrong types below", inFallback(map[string]any{"wait_seconds": "30", "policy_id": 1, "text": false, "type": "never"}), 400, "malformed",
		"fallback.wait_seconds", "fallback.policy_id", "fallback.text", "fallback.type")
	add("null", in(map[string]any{"fallback": map[string]any{"policy_id": policy.ID, "text": "a", "send_id": []any{nil}[0]}}), 400, "malformed", "fallback.send_id")
	add("over-long texts", in(map[string]any{"whatsapp": map[string]any{"text": strings.Repeat("é", 4097)}, "fallback": merge(fallback, map[string]any{"text": strings.Repeat("x", 1601)})}),
		400, "malformed", "whatsapp.text", "fallback.text")
	add("over-long number", in(map[string]any{"to": "+" + strings.Repeat("4", 40)}), 400, "malformed", "to")
	for _, never := range []string{"tomorrow", "2031-05-05T23:59:60Z", "2031-02-30T00:00:00Z", "10000-01-01T00:00:00Z", "2031-05-05T00:00:00+24:00"} {
		add("bad time", in(map[string]any{"expires_at": never}), 400, "malformed", "expires_at")
	}
	add("bad policy id", inFallback(map[string]any{"policy_id": "p"}), 400, "malformed", "fallback.policy_id")
	add("components no list", inTemplate(map[string]any{"name": "a", "language": "en", "components": map[string]any{}}), 400, "malformed", "whatsapp.template.components")
	add("component no object", inTemplate(map[string]any{"name": "a", "language": "en", "components": []any{1}}), 400, "malformed", "whatsapp.template.components.0")
	add("NUL in a component", inTemplate(map[string]any{"name": "a", "language": "en", "components": []any{map[string]any{"t": "\x00"}}}), 400, "malformed", "whatsapp.template.components.0.t")
	for _, never := range []string{"9999-12-31T23:59:59-05:00", "9999-12-31T23:30:00-00:31"} { // the year 10000 in UTC
		add("after the last time", in(map[string]any{"expires_at": never}), 422, "invalid", "expires_at")
	}
	add("local number", in(map[string]any{"to": "07400123456"}), 422, "invalid", "to")
	add("no number", in(map[string]any{"to": "+44abc"}), 422, "invalid", "to")
	add("impossible number", in(map[string]any{"to": "+447400123456789"}), 422, "invalid", "to")
	add("all at once", in(map[string]any{"to": "x", "expires_at": "2001-01-01T00:00:00Z", "whatsapp": map[string]any{}}), 422, "invalid", "to", "expires_at", "whatsapp")
	add("text and template", in(map[string]any{"whatsapp": map[string]any{"text": "a", "template": map[string]any{"name": "a", "language": "en"}}}), 422, "invalid", "whatsapp")
	add("bad template", inTemplate(map[string]any{"name": "A b", "language": "english"}), 422, "invalid", "whatsapp.template.name", "whatsapp.template.language")
	add("unknown policy", inFallback(map[string]any{"policy_id": someID}), 422, "invalid", "fallback.policy_id")
	add("bad sender", inFallback(map[string]any{"send_id": "12345678901"}), 422, "invalid", "fallback.send_id")
	add("unread without a wait", inFallback(map[string]any{"type": "unread", "wait_seconds": 0}), 422, "invalid", "fallback.wait_seconds")
	r.refuses(t, cases)
	r.refuses(t, []bad{
		{"bad key", "POST", "/v1/sends", text(t, base), []string{"Idempotency-Key", "é"}, 400, "malformed", []string{"Idempotency-Key"}},
		{"over-long key", "POST", "/v1/sends", text(t, base), []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, "malformed", []string{"Idempotency-Key"}},
		{"bad id", "GET", "/v1/sends/x", "", nil, 400, "malformed", []string{"id"}},
		{"no such send", "GET", "/v1/sends/preview", "", nil, 400, "malformed", []string{"id"}},
		{"unknown id", "GET", "/v1/sends/" + someID, "", nil, 404, "not_found", nil},
		{"bad filters", "GET", "/v1/sends?outcome=lost&policy_id=x&to=0740&from=now&until=2031&limit=x", "", nil, 400, "malformed",
			[]string{"outcome", "policy_id", "to", "from", "until", "limit"}},
		{"before the first time", "GET", "/v1/sends?from=1999-12-31T23:59:59Z&until=0001-01-01T00:00:00Z", "", nil, 422, "invalid",
			[]string{"from", "until"}},
		{"after the last time", "GET", "/v1/sends?until=9999-12-31T23:59:59-05:00", "", nil, 422, "invalid", []string{"until"}},
		{"plus not written as %2B", "GET", "/v1/sends?to=+447400123456", "", nil, 400, "malformed", []string{"to"}},
	})
}

// A repeated header is refused.
func TestSends_TwoKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	request := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/sends", strings.NewReader(
		`{"to":"+447400123456","whatsapp":{"text":"a"},"fallback":{"policy_id":"`+policy.ID+`","text":"a"}}`))
	request.Header = map[string][]string{
		"Authorization": {"Bearer " + apiKey}, "Content-Type": {"application/json"}, "Idempotency-Key": {"a", "b"},
	}
	r.serve(t, request).problem(400, "malformed")
	require.Empty(t, r.sends)
}

func merge(base, change map[string]any) map[string]any {
	m := maps.Clone(base)
	maps.Copy(m, change)
	return m
}
