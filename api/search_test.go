package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, policy := r.seed(t)
	r.found = backstop.FoundSends{
		By: backstop.FoundByNumberEnd, Filter: backstop.SendFilter{ToEnds: "3456"}, Sends: []backstop.Send{exported(0)}, More: true,
	}
	var found api.Found
	r.call(t, "GET", "/v1/search?q="+url.QueryEscape(" 3456 "), "").into(200, &found)
	require.Equal(t, "3456", r.search)
	require.Equal(t, "number_end", string(found.SendsFoundBy))
	require.Equal(t, new("3456"), found.ToEnds)
	require.Nil(t, found.To)
	require.True(t, found.MoreSends)
	require.Equal(t, exported(0).ID, found.Sends[0].ID)

	r.found = backstop.FoundSends{
		By: backstop.FoundByCorrelation, Filter: backstop.SendFilter{CorrelationID: "order-7"}, Sends: []backstop.Send{exported(0)},
	}
	found = api.Found{}
	r.call(t, "GET", "/v1/search?q=order-7", "").into(200, &found)
	require.Equal(t, "correlation_id", string(found.SendsFoundBy))
	require.Equal(t, new("order-7"), found.CorrelationID)

	r.found = backstop.FoundSends{By: backstop.FoundNothing}
	r.call(t, "GET", "/v1/search?q=x", "").into(200, &found)
	require.Empty(t, found.Sends)
	require.Equal(t, "nothing", string(found.SendsFoundBy))
	require.Equal(t, rule.ID, found.Rules[0].ID)
	require.Equal(t, policy.ID, found.Policies[0].ID)

	// Some digits of a number find no send where numbers are encrypted. A name may have them.
	r.refused = &backstop.Error{
		Code: backstop.Invalid, Message: "phone numbers are encrypted", Fields: []backstop.Field{
			backstop.NewField("q", backstop.FieldWholeNumber, "must be a whole number"),
		},
	}
	r.call(t, "GET", "/v1/search?q=x", "").into(200, &found)
	require.Equal(t, rule.ID, found.Rules[0].ID)
	nameless := newRig(t)
	nameless.refused, r.refused = r.refused, nil
	nameless.call(t, "GET", "/v1/search?q=345678", "").problem(422, "invalid", "q")

	for _, q := range []string{"", "q=", "q=%20", "q=" + strings.Repeat("x", 256)} {
		r.call(t, "GET", "/v1/search?"+q, "").problem(400, "malformed", "q")
	}
	r.away = &backstop.Error{Code: backstop.TryLater, Message: "away"}
	r.call(t, "GET", "/v1/search?q=x", "").problem(503, "unavailable")
}
