package backstop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestSend_Validate_correlation(t *testing.T) {
	t.Parallel()
	for id, isValid := range map[string]bool{
		"order-10482": true, "a b": true, "Größe 😀": true, strings.Repeat("é", 128): true, "~": true,
		strings.Repeat("é", 129): false, " a": false, "a ": false, "a\n": false, "\u00a0a": false, "a\tb": false, "a\x00b": false,
		"a\xff": false, "a\u200bb": false, "a\u2028b": false, "a\u202eb": false, " ": false,
	} {
		send := backstop.Send{Text: "hello", SMSText: "hello", CorrelationID: id}
		var want []string
		if !isValid {
			want = []string{"correlation_id"}
		}
		require.Equal(t, want, invalid(t, send.Validate(origin)), "%q", id)
	}
	require.Equal(t, []string{"correlation_id"}, invalid(t, backstop.Send{
		Text: "hello", SMSText: "hello", CorrelationUnique: true,
	}.Validate(origin)), "nothing is unique")
}

func TestSend_Validate_metadata(t *testing.T) {
	t.Parallel()
	pairs := func(n, runes int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprintf("key_%02d", i)] = strings.Repeat("x", runes)
		}
		return m
	}
	for name, c := range map[string]struct {
		metadata map[string]string
		fields   []string
	}{
		"none":             {nil, nil},
		"a pair":           {map[string]string{"Shop.id-1_b": "Berlin\n2"}, nil},
		"an empty text":    {map[string]string{"a": ""}, nil},
		"the longest key":  {map[string]string{strings.Repeat("k", 64): "é"}, nil},
		"the most pairs":   {pairs(16, 200), nil},
		"too many pairs":   {pairs(17, 1), []string{"metadata"}},
		"the longest text": {map[string]string{"a": strings.Repeat("é", 256)}, nil},
		"too long a text":  {map[string]string{"a": strings.Repeat("é", 257)}, []string{"metadata.a"}},
		"too many bytes":   {pairs(16, 251), []string{"metadata"}}, // 16 x 257
		"the most bytes":   {pairs(16, 250), nil},
		"an empty key":     {map[string]string{"": "a"}, []string{"metadata."}},
		"a space in a key": {map[string]string{"a b": "a", "c": "d"}, []string{"metadata.a b"}},
		"too long a key":   {map[string]string{strings.Repeat("é", 65): "a"}, []string{"metadata." + strings.Repeat("é", 32) + "…"}},
		"not UTF-8":        {map[string]string{"a": "\xff", "b": "\x00"}, []string{"metadata.a", "metadata.b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			send := backstop.Send{Text: "hello", SMSText: "hello", Metadata: c.metadata}
			require.Equal(t, c.fields, invalid(t, send.Validate(origin)))
		})
	}
}
