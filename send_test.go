package backstop_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestSend_Validate(t *testing.T) {
	t.Parallel()
	text := func(s string) func(*backstop.Send) {
		return func(send *backstop.Send) { send.Text = s }
	}
	sms := func(s string) func(*backstop.Send) {
		return func(send *backstop.Send) { send.SMSText = s }
	}
	template := func(t backstop.Template) func(*backstop.Send) {
		return func(send *backstop.Send) { send.Text, send.Template = "", &t }
	}
	category := func(c backstop.Category) func(*backstop.Send) {
		return func(send *backstop.Send) { send.Category = c }
	}
	expires := func(after time.Duration) func(*backstop.Send) {
		at := origin.Add(after)
		return func(send *backstop.Send) { send.ExpiresAt = &at }
	}
	components := func(size int) json.RawMessage { return json.RawMessage(`["` + strings.Repeat("x", size-4) + `"]`) }
	tests := map[string]struct {
		change func(*backstop.Send)
		fields []string
	}{
		"a text":                    {change: text("hello")},
		"the longest text":          {change: text(strings.Repeat("é", 4096))},
		"too long a text":           {change: text(strings.Repeat("é", 4097)), fields: []string{"whatsapp.text"}},
		"a text with NUL":           {change: text("a\x00b"), fields: []string{"whatsapp.text"}},
		"a text that is not UTF-8":  {change: text("a\xff"), fields: []string{"whatsapp.text"}},
		"neither text nor template": {change: text(""), fields: []string{"whatsapp"}},
		"text and template": {
			change: func(s *backstop.Send) { s.Template = &backstop.Template{Name: "a", Language: "en"} }, fields: []string{"whatsapp"},
		},
		"the longest SMS":         {change: sms(strings.Repeat("é", 1600))},
		"too long an SMS":         {change: sms(strings.Repeat("é", 1601)), fields: []string{"fallback.text"}},
		"the most emoji":          {change: sms(strings.Repeat("😀", 800))},
		"too many emoji":          {change: sms(strings.Repeat("😀", 801)), fields: []string{"fallback.text"}},
		"a blank SMS":             {change: sms(" \u200b\n"), fields: []string{"fallback.text"}},
		"a blank text":            {change: text("\u3164"), fields: []string{"whatsapp.text"}},
		"no SMS":                  {change: sms(""), fields: []string{"fallback.text"}},
		"an SMS with NUL":         {change: sms("\x00"), fields: []string{"fallback.text"}},
		"an SMS that is not UTF8": {change: sms("\xc3\x28"), fields: []string{"fallback.text"}},

		"a template":                {change: template(backstop.Template{Name: "order_2", Language: "en_US"})},
		"a template, short code":    {change: template(backstop.Template{Name: "a", Language: "fil"})},
		"the longest template name": {change: template(backstop.Template{Name: strings.Repeat("a", 512), Language: "en"})},
		"too long a template name": {
			change: template(backstop.Template{Name: strings.Repeat("a", 513), Language: "en"}), fields: []string{"whatsapp.template.name"},
		},
		"a template name in capitals": {
			change: template(backstop.Template{Name: "Order", Language: "en"}), fields: []string{"whatsapp.template.name"},
		},
		"a template name of two lines": {
			change: template(backstop.Template{Name: "a\n", Language: "en"}), fields: []string{"whatsapp.template.name"},
		},
		"a language with a hyphen": {
			change: template(backstop.Template{Name: "a", Language: "en-US"}), fields: []string{"whatsapp.template.language"},
		},
		"an empty template": {
			change: template(backstop.Template{}), fields: []string{"whatsapp.template.name", "whatsapp.template.language"},
		},
		"the largest components": {
			change: template(backstop.Template{Name: "a", Language: "en", Components: components(32768)}),
		},
		"too large components": {
			change: template(backstop.Template{Name: "a", Language: "en", Components: components(32769)}),
			fields: []string{"whatsapp.template.components"},
		},

		"a blank parameter": {
			change: template(backstop.Template{Name: "a", Language: "en", Components: json.RawMessage(
				`[{"type":"header"},{"parameters":[{"type":"text","text":"Ada"},{"type":"text","text":" "},{"text":""},{"type":"image"}]}]`)}),
			fields: []string{"whatsapp.template.components.1.parameters.1.text", "whatsapp.template.components.1.parameters.2.text"},
		},
		"components of another form": {
			change: template(backstop.Template{Name: "a", Language: "en", Components: json.RawMessage(`[{"parameters":7},{"parameters":[1]},2]`)}),
		},

		"authentication":   {change: category(backstop.Authentication)},
		"utility":          {change: category(backstop.Utility)},
		"marketing":        {change: category(backstop.Marketing)},
		"no such category": {change: category("Marketing"), fields: []string{"category"}},

		"expires in a moment": {change: expires(1)},
		"expires now":         {change: expires(0), fields: []string{"expires_at"}},
		"expired":             {change: expires(-time.Hour), fields: []string{"expires_at"}},

		"everything at once": {
			change: func(s *backstop.Send) { *s = backstop.Send{Category: "x", ExpiresAt: &time.Time{}} },
			fields: []string{"whatsapp", "fallback.text", "category", "expires_at"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			send := backstop.Send{Text: "hello", SMSText: "hello"}
			tc.change(&send)
			require.Equal(t, tc.fields, invalid(t, send.Validate(origin)))
		})
	}
}

func TestCategory_ChasesOptOut(t *testing.T) {
	t.Parallel()
	require.True(t, backstop.Authentication.ChasesOptOut())
	require.True(t, backstop.Utility.ChasesOptOut())
	require.False(t, backstop.Marketing.ChasesOptOut())
	require.False(t, backstop.Category("").ChasesOptOut(), "a caller who did not say may mean marketing")
}
