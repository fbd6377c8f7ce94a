package api_test

import (
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// correlatedBody is a valid send with some more members.
func correlatedBody(policy, members string) string {
	return strings.Replace(sendBody(policy), `{"to"`, `{`+members+`,"to"`, 1)
}

// What a caller adds to a send is returned wherever the send is shown, and is in no log line.
func TestSends_correlation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	pairs := map[string]string{"shop": "Berlin <1>", "items": ""}
	var accepted api.SendAccepted
	r.call(t, "POST", "/v1/sends", correlatedBody(policy.ID,
		`"correlation_id":"=order-7","correlation_unique":true,"metadata":{"shop":"Berlin <1>","items":""}`)).into(202, &accepted)
	require.Equal(t, "=order-7", r.sends[0].CorrelationID)
	require.True(t, r.sends[0].CorrelationUnique)
	require.Equal(t, pairs, r.sends[0].Metadata)

	var send api.Send
	r.call(t, "GET", "/v1/sends/"+accepted.ID, "").into(200, &send)
	require.Equal(t, new("=order-7"), send.CorrelationID)
	require.Equal(t, new(true), send.CorrelationUnique)
	require.EqualValues(t, pairs, send.Metadata)

	var list api.SendList
	r.call(t, "GET", "/v1/sends?correlation_id="+url.QueryEscape("=order-7"), "").into(200, &list)
	require.Equal(t, backstop.SendFilter{CorrelationID: "=order-7"}, r.filter)
	require.Equal(t, new("=order-7"), list.Items[0].CorrelationID)
	require.EqualValues(t, pairs, list.Items[0].Metadata)

	_, _, file, err := r.export(t, "correlation_id="+url.QueryEscape("=order-7"))
	require.NoError(t, err)
	require.Equal(t, backstop.SendFilter{CorrelationID: "=order-7"}, r.filter)
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	require.NoError(t, err)
	column := slices.Index(rows[0], "correlation_id")
	require.Equal(t, "metadata", rows[0][column+1])
	require.Equal(t, "'=order-7", rows[1][column])
	require.JSONEq(t, `{"items":"","shop":"Berlin <1>"}`, rows[1][column+1])

	require.NotContains(t, r.logs.String(), "order-7")
	require.NotContains(t, r.logs.String(), "Berlin")
}

// A repetition belongs to the same order, and is not unique.
func TestSends_Repeat_correlation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends", correlatedBody(policy.ID,
		`"correlation_id":"7","correlation_unique":true,"metadata":{"a":"b"}`)).Code)
	require.Equal(t, 202, r.call(t, "POST", "/v1/sends/"+r.sends[0].ID+"/repeat", "").Code)
	require.Equal(t, "7", r.sends[1].CorrelationID)
	require.False(t, r.sends[1].CorrelationUnique)
	require.Equal(t, map[string]string{"a": "b"}, r.sends[1].Metadata)
}

func TestSends_correlation_taken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.door.away = backstop.CorrelationTaken(someID)
	got := r.call(t, "POST", "/v1/sends", correlatedBody(policy.ID, `"correlation_id":"7","correlation_unique":true`))
	got.problem(409, "conflict", "correlation_id")
	require.JSONEq(t, `[{"field":"correlation_id","code":"correlation_taken","params":{"send":"`+someID+`"},
		"reason":"is the unique one of send `+someID+`"}]`, got.errors())
	r.door.away = backstop.CorrelationTaken("")
	got = r.call(t, "POST", "/v1/sends", correlatedBody(policy.ID, `"correlation_id":"7","correlation_unique":true`))
	got.problem(409, "conflict", "correlation_id")
}

func TestSends_correlation_badInput(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	many := strings.TrimSuffix(strings.Repeat(`"?":"",`, 17), ",")
	for i := range 17 {
		many = strings.Replace(many, "?", string(rune('a'+i)), 1)
	}
	for members, want := range map[string]struct {
		status int
		fields []string
	}{
		`"correlation_id":""`: {400, []string{"correlation_id"}},
		`"correlation_id":7`:  {400, []string{"correlation_id"}},
		`"correlation_id":"` + strings.Repeat("x", 129) + `"`:           {400, []string{"correlation_id"}},
		`"correlation_id":" x"`:                                         {422, []string{"correlation_id"}},
		`"correlation_unique":true`:                                     {422, []string{"correlation_id"}},
		`"metadata":{"a":1}`:                                            {400, []string{"metadata.a"}},
		`"metadata":{"a":null}`:                                         {400, []string{"metadata.a"}},
		`"metadata":["a"]`:                                              {400, []string{"metadata"}},
		`"metadata":{"a":"b","a":"c"}`:                                  {400, []string{"metadata.a"}},
		`"metadata":{"a b":"c","d":"` + strings.Repeat("x", 257) + `"}`: {422, []string{"metadata.a b", "metadata.d"}},
		`"metadata":{` + many + `}`:                                     {422, []string{"metadata"}},
	} {
		code := map[int]string{400: "malformed", 422: "invalid"}[want.status]
		for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
			r.call(t, "POST", path, correlatedBody(policy.ID, members)).problem(want.status, code, want.fields...)
		}
	}
	require.Empty(t, r.sends)
	for _, id := range []string{"", strings.Repeat("x", 129)} {
		r.call(t, "GET", "/v1/sends?correlation_id="+id, "").problem(400, "malformed", "correlation_id")
	}
}
