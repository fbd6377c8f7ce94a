package api_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// The contract lists the codes of the domain. Each format that the contract checks has one of them.
func TestFields_codes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var known []any
	for _, code := range backstop.FieldCodes() {
		known = append(known, string(code))
	}
	require.ElementsMatch(t, known, r.contract.Components.Schemas["FieldErrorCode"].Value.Enum)

	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	require.Equal(t, strings.Count(string(text), "x-reason:"), strings.Count(string(text), "x-code:"))
	for _, schema := range r.contract.Components.Schemas {
		requireKnown(t, known, schema.Value)
	}
	for _, item := range r.contract.Paths.Map() {
		for _, operation := range item.Operations() {
			for _, p := range append(item.Parameters, operation.Parameters...) {
				requireKnown(t, known, p.Value.Schema.Value)
			}
		}
	}
}

func requireKnown(t *testing.T, known []any, schema *openapi3.Schema) {
	t.Helper()
	if code, found := schema.Extensions["x-code"]; found {
		require.Contains(t, known, code)
	}
	if schema.Items != nil {
		requireKnown(t, known, schema.Items.Value)
	}
	for _, member := range schema.Properties {
		requireKnown(t, known, member.Value)
	}
}

// Only backstop.NewField makes a field, so each has a code.
func TestFields_made(t *testing.T) {
	t.Parallel()
	root := os.DirFS("..")
	for _, pattern := range []string{"*.go", "api/*.go", "internal/*/*.go", "internal/*/*/*.go"} {
		files, err := fs.Glob(root, pattern)
		require.NoError(t, err)
		for _, file := range files {
			text, err := fs.ReadFile(root, file)
			require.NoError(t, err)
			if file != "field.go" && !strings.HasSuffix(file, "_test.go") {
				require.NotContains(t, string(text), "Field{{", file)
				require.NotContains(t, string(text), "Field{Name", file)
			}
		}
	}
}

// The codes and parameters of what the contract and the domain refuse.
func TestFields_params(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"missing":        {"POST", "/v1/rules", `{"name":"a","type":"unread"}`, 400, `{"field":"send_id","code":"required","reason":"is required"}`},
		"unknown field":  {"POST", "/v1/rules", `{"name":"a","type":"unread","send_id":"A","x":1}`, 400, `{"field":"x","code":"unknown","reason":"is not a known field: check its spelling"}`},
		"a parameter":    {"GET", "/v1/rules?x=1", "", 400, `{"field":"x","code":"unknown","reason":"is not a known parameter: check its spelling"}`},
		"null":           {"POST", "/v1/rules", `{"name":null,"type":"unread","send_id":"A"}`, 400, `{"field":"name","code":"not_null","reason":"must not be null"}`},
		"too large":      {"GET", "/v1/rules?limit=201", "", 400, `{"field":"limit","code":"value_between","reason":"must be between 1 and 200","params":{"min":"1","max":"200"}}`},
		"wrong type":     {"GET", "/v1/rules?limit=x", "", 400, `{"field":"limit","code":"wrong_type","reason":"must be an integer","params":{"type":"integer"}}`},
		"too long":       {"POST", "/v1/rules", `{"name":"` + strings.Repeat("n", 65) + `","type":"unread","send_id":"A"}`, 400, `{"field":"name","code":"length_max","reason":"must have at most 64 characters","params":{"max":"64"}}`},
		"one of":         {"POST", "/v1/rules", `{"name":"a","type":"x","send_id":"A"}`, 400, `{"field":"type","code":"one_of","reason":"must be one of send_failed undelivered unread","params":{"values":"send_failed undelivered unread"}}`},
		"too few":        {"POST", "/v1/policies", `{"name":"a","rule_ids":[]}`, 400, `{"field":"rule_ids","code":"items_min","reason":"must not be empty","params":{"min":"1"}}`},
		"a format":       {"POST", "/v1/policies", `{"name":"a","rule_ids":["x"]}`, 400, `{"field":"rule_ids.0","code":"uuid","reason":"must be a UUID"}`},
		"by the domain":  {"POST", "/v1/rules", `{"name":"a","type":"unread","send_id":"A"}`, 422, `{"field":"wait_seconds","code":"wait_of_unread","reason":"is required for an unread rule: no provider reports that a message was not read"}`},
		"an unlike time": {"GET", "/v1/stats?from=2031-05-04T12:00:00Z&until=2031-05-04T11:00:00Z", "", 422, `{"field":"until","code":"after_other","reason":"must be after from","params":{"other":"from"}}`},
		"a trunk digit": {"POST", "/v1/sends", strings.Replace(sendBody(policy.ID), "+44", "+440", 1), 422, `{"field":"to","code":"trunk_digits",
			"reason":"has digits that do not belong to it, such as a 0 before the area code; did you mean +447400123456?","params":{"meant":"+447400123456"}}`},
	} {
		got := r.call(t, tc.method, tc.path, tc.body)
		require.Equal(t, tc.status, got.Code, name)
		require.JSONEq(t, "["+tc.want+"]", got.errors(), name)
	}
}
