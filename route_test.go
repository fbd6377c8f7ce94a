package backstop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestValidateRoutes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		names []string
		want  string // in the error; empty: they are valid
	}{
		"one":             {names: []string{"twilio"}},
		"two":             {names: []string{"twilio", "twilio-2_b"}},
		"of 64":           {names: []string{strings.Repeat("a", 64)}},
		"none":            {want: "no route"},
		"no name":         {names: []string{"twilio", ""}, want: `""`},
		"of 65":           {names: []string{strings.Repeat("a", 65)}, want: "1 to 64"},
		"with a space":    {names: []string{"my route"}, want: `"my route"`},
		"in capitals":     {names: []string{"Twilio"}, want: `"Twilio"`},
		"with a new line": {names: []string{"twilio\n"}, want: `"twilio\n"`},
		"a dash first":    {names: []string{"-a"}, want: `"-a"`},
		"twice":           {names: []string{"a", "b", "a"}, want: `"a": is configured twice`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := backstop.ValidateRoutes(tc.names)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestRule_ValidateRoute(t *testing.T) {
	t.Parallel()
	routes := []string{"twilio", "second"}
	for _, route := range []string{"", "twilio", "second"} {
		require.NoError(t, backstop.Rule{Route: route}.ValidateRoute(routes))
	}
	for _, route := range []string{"nowhere", "Twilio", " ", "twilio, second"} {
		err := backstop.Rule{Route: route}.ValidateRoute(routes)
		require.Equal(t, []string{"route"}, invalid(t, err))
		require.ErrorContains(t, err, "twilio, second")
	}
}

// A plan that was stored before there were routes reads as it did, and one without routes is written as it was.
func TestRule_Route_json(t *testing.T) {
	t.Parallel()
	const before = `{"name":"r","type":"undelivered","send_id":"ACME"}`
	var r backstop.Rule
	require.NoError(t, json.Unmarshal([]byte(before), &r))
	require.Empty(t, r.Route)
	written, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, before, string(written))

	r.Route, r.UsedBy = "second", []backstop.PolicyRef{{ID: "1", Name: "p"}}
	written, err = json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"r","type":"undelivered","send_id":"ACME","route":"second"}`, string(written))
}
