package api_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are valid JSON documents of at most 60 KB that an earlier version needed seconds for.
func hostile() map[string]string {
	names := make([]string, 7000)
	for i := range names {
		names[i] = fmt.Sprintf(`"%d":1`, i)
	}
	return map[string]string{
		"many unknown names":      "{" + strings.Join(names, ",") + "}",
		"deep arrays":             strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
		"deep objects":            strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000),
		"a long name over many":   `{"` + strings.Repeat("k", 30000) + `":[1` + strings.Repeat(",1", 14000) + `]}`,
		"a long name over depths": `{"` + strings.Repeat("k", 30000) + `":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`,
		"many empty objects":      `[{}` + strings.Repeat(",{}", 19000) + `]`,
		"many faults in a list":   `{"name":"A","rule_ids":[1` + strings.Repeat(",1", 29000) + `]}`,
	}
}

// A refused body costs no more than an accepted one. The test measures memory instead of time, because it is exact.
func TestServer_hostileBodies(t *testing.T) { //nolint:paralleltest // it counts what the whole process allocates
	const (
		most       = 40 << 20 // 26 MB with the race detector; once 96 MB
		mostAnswer = 32 << 10
	)
	r := newRig(t)
	for name, body := range hostile() {
		for _, path := range []string{"/v1/rules", "/v1/policies", "/v1/sends", sessionPath} {
			t.Run(name+" to "+path, func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				got := r.call(t, "POST", path, body)
				runtime.ReadMemStats(&after)
				require.Contains(t, []int{400, 413}, got.Code)
				require.Less(t, got.Body.Len(), mostAnswer, "the answer")
				require.Less(t, int(after.TotalAlloc-before.TotalAlloc), most, "bytes allocated")
			})
		}
	}
}

// Brackets in a text do not count as nesting, and the nesting of a template is allowed.
func TestServer_depth(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := func(text, components string) string {
		return `{"to":"+447400123456","whatsapp":{"template":{"name":"a","language":"en","components":[{"x":` + components +
			`}]}},"fallback":{"policy_id":"` + policy.ID + `","text":"` + text + `"}}`
	}
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	const around = 5 // the levels of objects and lists around components
	text := strings.Repeat(`\"[`, 300)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", body(text, nested(100-around))).Code)
	r.call(t, "POST", "/v1/sends", body(text, nested(101-around))).problem(400, "malformed")
}

// A send that fits the contract may have thousands of faults. The answer names some of them.
func TestServer_manyFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	const long = 30 << 10
	for name, list := range map[string]string{
		"no variables": strings.Repeat(`"{{",`, long/5), "missing variables": manyNames(long / 10), "blank texts": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := `"components":[{"type":"body","parameters":[` + strings.TrimSuffix(list, ",") + `]}]`
			if list == "" {
				template = `"body":["` + strings.Repeat(`"," `, 7000) + `"]`
			}
			body := `{"to":"+447400123456","variables":{},"whatsapp":{"template":{"name":"a","language":"en",` + template +
				`}},"fallback":{"policy_id":"` + policy.ID + `","text":"hi"}}`
			got := r.call(t, "POST", "/v1/sends", body)
			require.Contains(t, []int{400, 422}, got.Code)
			require.Less(t, got.Body.Len(), 64<<10, "the answer")
		})
	}
}

func manyNames(n int) string {
	var names strings.Builder
	for i := range n {
		fmt.Fprintf(&names, `"{{v%04d}}",`, i)
	}
	return names.String()
}
