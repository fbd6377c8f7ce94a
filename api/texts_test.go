package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

// previewOf is the body of a preview with these values, by a policy.
func previewOf(t *testing.T, policy, to, whatsapp, sms string) string {
	t.Helper()
	return text(t, map[string]any{
		"to": to, "whatsapp": map[string]any{"text": whatsapp}, "fallback": map[string]any{"policy_id": policy, "text": sms},
	})
}

// warned returns the details of a preview's warnings by their codes.
func (r *rig) warned(t *testing.T, body string) map[string]string {
	t.Helper()
	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", body).into(200, &preview)
	found := map[string]string{}
	if preview.Warnings != nil {
		for _, w := range *preview.Warnings {
			require.NotContains(t, found, string(w.Code), "each warning once")
			found[string(w.Code)] = w.Detail
		}
	}
	return found
}

// A number with a trunk digit is refused with the number that was probably meant. Neither number is logged.
func TestPreview_trunkDigit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	for to, meant := range map[string]string{
		"+4407400123402": "+447400123402", "+330612345678": "+33612345678",
		"+4901511234567": "+491511234567", "+112125550143": "+12125550143",
	} {
		for _, path := range []string{"/v1/sends/preview", "/v1/sends"} {
			p := r.call(t, "POST", path, previewOf(t, policy.ID, to, "hello", "hi")).problem(422, "invalid", "to")
			require.Contains(t, p.Errors[0].Reason, "did you mean "+meant+"?")
		}
		require.NotContains(t, r.logs.String(), strings.TrimPrefix(to, "+")[4:])
		require.NotContains(t, r.logs.String(), strings.TrimPrefix(meant, "+")[4:])
	}
}

// A rule for the USA applies to an area code that is newer than the library's metadata.
func TestPreview_newAreaCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	r.policies[0].Rules[0].Countries, r.policies[0].Rules[0].SendID = []string{"US"}, "+12025550143"
	for to, listed := range map[string]bool{"+14365550143": false, "+18615550143": false, "+12165550143": true} {
		body := previewOf(t, policy.ID, to, "hello", "hi")
		var preview api.SendPreview
		r.call(t, "POST", "/v1/sends/preview", body).into(200, &preview)
		require.Equal(t, "US", *preview.Country)
		detail, warned := r.warned(t, body)["unlisted_number"]
		require.Equal(t, !listed, warned, to)
		require.NotContains(t, detail, to[1:])
	}
}

func TestPreview_textLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	const to, hello = "+447400123402", "Your parcel comes today."
	for name, sms := range map[string]string{
		"800 emoji": strings.Repeat("😀", 800), "1600 Cyrillic letters": strings.Repeat("я", 1600),
		"1600 letters of GSM-7": strings.Repeat("a", 1600),
	} {
		require.Equal(t, 200, r.call(t, "POST", "/v1/sends/preview", previewOf(t, policy.ID, to, hello, sms)).Code, name)
	}
	for _, sms := range []string{strings.Repeat("😀", 900), strings.Repeat("😀", 800) + "a"} {
		r.call(t, "POST", "/v1/sends/preview", previewOf(t, policy.ID, to, hello, sms)).problem(422, "invalid", "fallback.text")
	}
	for _, blank := range []string{" ", "\n", "\t \r\n", "\u00a0", "\u200b"} {
		r.call(t, "POST", "/v1/sends/preview", previewOf(t, policy.ID, to, hello, blank)).problem(422, "invalid", "fallback.text")
		r.call(t, "POST", "/v1/sends/preview", previewOf(t, policy.ID, to, blank, hello)).problem(422, "invalid", "whatsapp.text")
	}
}

func TestPreview_looksUnread(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	body := previewOf(t, policy.ID, "+447400123402", "hello", "hi")
	require.NotContains(t, r.warned(t, body), "looks_unread")
	r.policies[0].Rules[0].Type, r.policies[0].Rules[0].Name = backstop.Unread, "Seen"
	require.Contains(t, r.warned(t, body)["looks_unread"], `rule "Seen": a reader who has turned read receipts off looks unread`)
}

func TestPreview_alphanumericSendID(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	for to, want := range map[string]bool{
		"+12165550143": true, "+15195550143": true, "+14365550143": true, "+5511961234567": true, // US, CA, US (unlisted), BR
		"+447400123402": false, "+491511234567": false,
	} {
		body := previewOf(t, policy.ID, to, "hello", "hi")
		require.Equal(t, want, strings.Contains(r.warned(t, body)["send_id_not_accepted"], "MyShop"), to)
		numeric := strings.Replace(body, `"text":"hi"`, `"text":"hi","send_id":"60777"`, 1)
		require.NotContains(t, r.warned(t, numeric), "send_id_not_accepted")
	}
}

// Half of a surrogate pair is refused: encoding/json would replace it by U+FFFD.
func TestBodies_loneSurrogate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rule, policy := r.seed(t)
	send := func(whatsapp, sms string) string {
		return `{"to":"+447400123402","whatsapp":{"text":"` + whatsapp + `"},"fallback":{"policy_id":"` + policy.ID + `","text":"` + sms + `"}}`
	}
	for half, lone := range map[string]bool{
		`a \ud83d`: true, `\uDE00`: true, `\ud83d\ud83d\ude00`: true, `\ud83dx\ude00`: true, `\ud83d\\ude00`: true, `\ud83d\n`: true,
		`\ud83d\ude00`: false, `\\ud83d`: false, `\\\\ud83d`: false, `\ufffd`: false, `\uD83D\uDE00\"`: false, `�`: false,
	} {
		fields := []string{"whatsapp.text"}
		if !lone {
			require.Equal(t, 200, r.call(t, "POST", "/v1/sends/preview", send(half, half)).Code, half)
			continue
		}
		r.call(t, "POST", "/v1/sends/preview", send(half, "hi")).problem(400, "malformed", fields...)
		r.call(t, "POST", "/v1/sends", send("hello", half)).problem(400, "malformed", "fallback.text")
	}
	r.refuses(t, []bad{
		{"in a name", "POST", "/v1/rules", `{"name\ud83d":1}`, nil, 400, "malformed", []string{""}},
		{"in a rule", "PUT", "/v1/rules/" + rule.ID, `{"name":"\ud83d"}`, []string{"If-Match", "*"}, 400, "malformed", []string{"name"}},
		{"deep inside", "POST", "/v1/sends", `{"a":[{},{"b":["","x\udc00"]}]}`, nil, 400, "malformed", []string{"a.1.b.1"}},
		{"at sign-in", "POST", "/console/session", `{"api_key":"\ud83d"}`, nil, 400, "malformed", []string{"api_key"}},
	})
}

// A whole number is accepted in every spelling of JSON, such as 1e2 and 100.0.
func TestBodies_wholeNumbers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	for written, want := range map[string]int{
		"1e2": 100, "1E+2": 100, "100.0": 100, "1000e-1": 100, "0.1e3": 100, "100.000e0": 100, "1.00e0002": 100,
		"259200000000000000000000000000e-23": 2592000,
	} {
		body := strings.Replace(previewOf(t, policy.ID, "+447400123402", "hello", "hi"), `"text":"hi"`, `"text":"hi","wait_seconds":`+written, 1)
		var preview api.SendPreview
		r.call(t, "POST", "/v1/sends/preview", body).into(200, &preview)
		require.Equal(t, want, *preview.Plan.Rules[0].WaitSeconds, written)
	}
	var rule api.Rule
	r.call(t, "POST", "/v1/rules", `{"name":"A","type":"unread","wait_seconds":6e1,"send_id":"A"}`).into(201, &rule)
	require.Equal(t, 60, *rule.WaitSeconds)
	for _, written := range []string{
		"15e-1", "1.5", "1e-1", "1e300", "1e999999999999999999999", "1e-999999999999999999999", "-1e0", "1.00000000000000000000001", "26e5",
	} {
		r.call(t, "POST", "/v1/rules", `{"name":"B","type":"undelivered","wait_seconds":`+written+`,"send_id":"A"}`).
			problem(400, "malformed", "wait_seconds")
	}
}

// escaped writes each UTF-16 code unit of the texts in a JSON document as \u and four digits.
func escaped(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	inside, skip := false, false
	for _, c := range text(t, v) {
		switch {
		case c == '"':
			inside = !inside
			b.WriteRune(c)
		case inside:
			require.False(t, skip)
			for _, unit := range []byte(string(c)) {
				require.Less(t, unit, byte(0x80), "ASCII alone")
				b.WriteString(`\u00`)
				b.WriteString(strings.ToUpper(string("0123456789abcdef"[unit>>4])) + string("0123456789abcdef"[unit&15]))
			}
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// The largest valid send is accepted in its longest JSON spelling.
func TestBodies_largest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	filled := strings.Repeat("x", backstop.MaxTemplateComponents-len(`[{"x":""}]`))
	components := []any{map[string]any{"x": filled}}
	written, err := json.Marshal(components)
	require.NoError(t, err)
	require.Len(t, written, backstop.MaxTemplateComponents)
	body := escaped(t, map[string]any{
		"to": "+447400123402", "category": "authentication", "expires_at": "2031-05-04T12:30:00." + strings.Repeat("0", 38) + "+00:00",
		"whatsapp": map[string]any{"template": map[string]any{
			"name": strings.Repeat("a", 512), "language": "fil_PHL", "components": components,
		}},
		"fallback": map[string]any{
			"policy_id": policy.ID, "text": strings.Repeat("x", backstop.MaxSMSText), "type": "undelivered", "wait_seconds": 2592000, "send_id": "+447400123456789",
		},
	})
	t.Logf("%d bytes", len(body))
	for path, status := range map[string]int{"/v1/sends/preview": 200, "/v1/sends": 202} {
		require.Equal(t, status, r.call(t, "POST", path, body).Code)
	}
	withVariables := strings.Replace(body, "{", `{"variables":`+escaped(t, map[string]any{"a": strings.Repeat("x", 4096), "b": strings.Repeat("x", 4096),
		"c": strings.Repeat("x", 4096), "d": strings.Repeat("x", 4092)})+`,`, 1)
	t.Logf("%d bytes", len(withVariables))
	require.Equal(t, 422, r.call(t, "POST", "/v1/sends", withVariables).Code, "no text names them, but the body is not too large")
	longest := escaped(t, map[string]any{"to": "+447400123402", "fallback": map[string]any{"policy_id": policy.ID, "text": "x"}})
	longest = strings.Replace(longest, `{`, `{"whatsapp":{"text":"`+strings.Repeat(`\ud83d\ude00`, backstop.MaxWhatsAppText)+`"},`, 1)
	require.Equal(t, 200, r.call(t, "POST", "/v1/sends/preview", longest).Code)
}

// Characters that JSON need not escape count as one byte each, in a template's components too.
func TestBodies_markup(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	markup := strings.Repeat("<&>", 10_000)
	body := `{"to":"+447400123402","whatsapp":{"template":{"name":"a","language":"en","components":[{"x":"` + markup + `"}]}},` +
		`"fallback":{"policy_id":"` + policy.ID + `","text":"hi"}}`
	require.Equal(t, 200, r.call(t, "POST", "/v1/sends/preview", body).Code)
}

// The work for a body with many mistakes grows linearly with its size.
func TestBodies_manyMistakes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var body strings.Builder
	body.WriteString(`{"name":"A","type":"undelivered","send_id":"A"`)
	for i := range 25_000 {
		fmt.Fprintf(&body, `,"%x":1`, i)
	}
	body.WriteByte('}')
	start := time.Now()
	got := r.call(t, "POST", "/v1/rules", body.String())
	require.Equal(t, 400, got.Code)
	require.Less(t, time.Since(start), 5*time.Second) // 60 ms on two idle cores
	var p problem
	require.NoError(t, json.Unmarshal(got.Body.Bytes(), &p))
	require.Len(t, p.Errors, 100)
	r.call(t, "POST", "/console/session", body.String()).problem(413, "too_large")
}
