package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// operation is a method and a path of the contract, with values in the place of its parameters.
type operation struct{ method, path string }

// operations returns all operations of the contract but the stream, which does not end, in a fixed order.
func operations(tb testing.TB) (list []operation) {
	tb.Helper()
	contract, err := readContract()
	require.NoError(tb, err)
	values := strings.NewReplacer(
		"{id}", "01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e5f", "{name}", "sms-uk", "{to}", "+447400123456", "{version}", "1",
	)
	for _, path := range slices.Sorted(func(yield func(string) bool) {
		for path := range contract.Paths.Map() {
			if !yield(path) {
				return
			}
		}
	}) {
		for method := range contract.Paths.Value(path).Operations() {
			if !strings.HasSuffix(path, "/watch") && !strings.HasPrefix(path, "/webhooks") {
				list = append(list, operation{method: method, path: values.Replace(path)})
			}
		}
	}
	slices.SortFunc(list, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return list
}

// FuzzServer: no query, body or header makes an operation fail with a 5xx, and every answer fits the contract.
func FuzzServer(f *testing.F) {
	all := operations(f)
	for i := range all {
		f.Add(uint8(i), "limit=1&cursor=AAAA&q=07400&to=%2B44", `"1"`, `{"name":"a","rule_ids":[],"to":"+447400123456"}`)
	}
	for i, body := range []string{
		`{"to":"+447400123456","whatsapp":{"text":"{{a}}"},"variables":{"a":"b"},"fallback":{"rules":[{"type":"unsent","send_id":"A"}]}}`,
		`{"to":"+447400123456","whatsapp":{"template":{"name":"a","language":"en","components":[{"type":"body"}]}},"fallback":{}}`,
		`{"to":"+447400123456","send_at":"2031-05-04T10:00:00Z","metadata":{"a":"b"},"callback":{"url":"https://a.example"}}`,
	} {
		post := slices.Index(all, operation{"POST", "/v1/sends"})
		require.GreaterOrEqual(f, post, 0)
		f.Add(uint8(post), "", strings.Repeat(",", i), body)
	}
	var r *rig
	f.Fuzz(func(t *testing.T, index uint8, query, ifMatch, body string) {
		if r == nil {
			r = newRig(t)
		}
		o := all[int(index)%len(all)]
		request := httptest.NewRequestWithContext(t.Context(), o.method, "/", strings.NewReader(body))
		request.URL = &url.URL{Path: o.path, RawQuery: query}
		request.Header = http.Header{
			"Authorization": {"Bearer " + apiKey}, "Content-Type": {"application/json"}, "If-Match": {ifMatch}, "Idempotency-Key": {ifMatch},
		}
		require.Less(t, r.serve(t, request).Code, http.StatusInternalServerError, "%s %s", o.method, o.path)
	})
}
