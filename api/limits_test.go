package api_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

// TestContract_enums proves that the contract has each value that an answer may have.
func TestContract_enums(t *testing.T) {
	t.Parallel()
	schema := limited(t)
	for name, values := range map[string][]any{
		"RuleType": anyOf(backstop.RuleTypes()), "FallbackReason": anyOf(backstop.FallbackReasons()), "Outcome": anyOf(backstop.Outcomes()),
		"CallbackEvent": anyOf(backstop.CallbackEvents()), "CallbackState": anyOf(backstop.CallbackStates()),
	} {
		require.ElementsMatch(t, values, schema(name).Enum, name)
	}
}

func anyOf[T ~string](values []T) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// TestContract_limits proves that the contract's lengths, patterns and enums are the domain's: both refuse the same texts. The
// forms of the console check by the contract's.
func TestContract_limits(t *testing.T) {
	t.Parallel()
	schema := limited(t)
	long := strings.Repeat
	for name, c := range map[string]struct {
		schema *openapi3.Schema
		reason func(text string) string // the domain's
		texts  []string
	}{
		"name": {schema("Name"), reasonOfName, []string{
			"", "A", "A b", " ", " A", "A ", "A\u3000", "A\u00a0", "\u2028A", "A\ufeff", "A\u200b", "a\tb", "a\u0085b", "\n", "简体", "é 😀",
			long("😀", backstop.MaxNameRunes), long("a", backstop.MaxNameRunes+1),
		}},
		"sender ID": {schema("SendID"), reasonOfSendID, []string{
			"", "A", "MyShop", "My Shop", "A B C D E F", "1A", "1 A", "12345678901", "1234567890A", "12345678901A", "toolongname1", " A", "A ",
			" ", "  A  ", "_&.+-", "_&.+-a", "a_&.+- 1", "Ä", "A\n", "A,B", "12", "123", "12345678", "123456789", "1 234", "+", "+1", "+A",
			"+123456", "+1234567", "+0123456", "+447400123456", "+123456789012345", "+1234567890123456", "447400123456",
		}},
		"phone number": {schema("SendInput", "to"), reasonOfRecipient, []string{
			"", "+", "+447400123456", "+12025550143", "447400123456", "+44 7400123456", "+0447400123456", "+44740012345678901",
			"+123456", "07400123456", "+44740012345a", "+447400123456\n",
		}},
		"template name": {schema("TemplateName"), reasonOfTemplateName, []string{
			"", "a", "order_shipped_2", "Order", "order-shipped", "a b", long("a", 512), long("a", 513),
		}},
		"template language": {schema("TemplateLanguage"), reasonOfLanguage, []string{
			"", "en", "en_US", "fil", "zh_CN", "e", "english", "EN", "en-US", "en_us", "en_", "en_USA", "fil_PHL", "en_USAX",
		}},
		"rule type": {schema("RuleType"), reasonOfType, []string{
			"send_failed", "undelivered", "unread", "", "read", "Unread",
		}},
		"category": {schema("Category"), reasonOfCategory, []string{"authentication", "utility", "marketing", "other"}},
		"correlation_id": {schema("CorrelationID"), reasonOfCorrelation, []string{
			"", "A", "order-7", "a b", " a", "a ", "a\u00a0", "\u2028a", "a\u2028b", "a\u200bb", "a\ufeffb", "a\tb", "é 😀", "a\u00ad",
			long("😀", backstop.MaxCorrelationRunes), long("a", backstop.MaxCorrelationRunes+1),
		}},
		"text": {schema("WhatsAppInput", "text"), reasonOfText, []string{
			"", "a", long("😀", backstop.MaxWhatsAppText), long("a", backstop.MaxWhatsAppText+1),
		}},
		"text of the SMS": {schema("FallbackInput", "text"), reasonOfSMS, []string{
			"", "a", long("é", backstop.MaxSMSText), long("a", backstop.MaxSMSText+1),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fitting := 0
			for _, text := range c.texts {
				fits := c.schema.VisitJSON(text) == nil
				require.Equal(t, fits, c.reason(text) == "", "%q: the contract takes it: %t; the domain: %q", text, fits, c.reason(text))
				if fits {
					fitting++
				}
			}
			require.NotZero(t, fitting)
			require.Less(t, fitting, len(c.texts))
		})
	}
}

// TestContract_bounds proves that the contract's numbers are the domain's.
func TestContract_bounds(t *testing.T) {
	t.Parallel()
	schema := limited(t)
	wait := schema("WaitSeconds")
	least, most := int(backstop.MinWait/time.Second), int(backstop.MaxWait/time.Second)
	for _, seconds := range []int{-1, 0, least, most, most + 1} { // 0 is no wait
		rule := rule(func(r *backstop.Rule) { r.WaitSeconds = seconds })
		require.Equal(t, wait.VisitJSON(float64(seconds)) == nil, reasonOf(rule.Validate(), "wait_seconds") == "", seconds)
	}
	require.EqualValues(t, backstop.MaxRules, *schema("PolicyInput", "rule_ids").MaxItems)
	require.EqualValues(t, 1, schema("PolicyInput", "rule_ids").MinItems)
	require.EqualValues(t, backstop.MaxCountries, *schema("RuleInput", "countries").MaxItems)
}

// limited returns a function that finds a schema of the contract by its name, or by the names of a schema and its member.
func limited(t *testing.T) func(path ...string) *openapi3.Schema {
	t.Helper()
	doc, err := readContract()
	require.NoError(t, err)
	return func(path ...string) *openapi3.Schema {
		found := doc.Components.Schemas[path[0]].Value
		for _, name := range path[1:] {
			found = found.Properties[name].Value
		}
		return found
	}
}

// reasonOf returns the domain's reason against a field, or nothing.
func reasonOf(err error, field string) string {
	if e, ok := errors.AsType[*backstop.Error](err); ok {
		for _, f := range e.Fields {
			if f.Name == field {
				return f.Reason
			}
		}
	}
	return ""
}

// rule returns a valid rule with a change.
func rule(change func(*backstop.Rule)) backstop.Rule {
	r := backstop.Rule{Name: "A", Type: backstop.Undelivered, WaitSeconds: 60, SendID: "A"}
	change(&r)
	return r
}

func reasonOfCorrelation(text string) string {
	if text == "" { // it is absent then
		return "is empty"
	}
	return reasonOf(backstop.Send{Text: "a", SMSText: "a", CorrelationID: text}.Validate(now), "correlation_id")
}

func reasonOfName(text string) string {
	return reasonOf(rule(func(r *backstop.Rule) { r.Name = text }).Validate(), "name")
}

func reasonOfSendID(text string) string {
	return reasonOf(rule(func(r *backstop.Rule) { r.SendID = text }).Validate(), "send_id")
}

func reasonOfType(text string) string {
	return reasonOf(rule(func(r *backstop.Rule) { r.Type = backstop.RuleType(text) }).Validate(), "type")
}

// reasonOfRecipient returns the domain's reason against the form of a number. It drops other reasons, such as an unknown country.
func reasonOfRecipient(text string) string {
	_, err := backstop.CountryOf(text)
	if reason := reasonOf(err, "to"); strings.Contains(reason, "E.164") {
		return reason
	}
	return ""
}

func reasonOfTemplateName(text string) string {
	return reasonOf(backstop.Send{Template: &backstop.Template{Name: text}}.Validate(now), "whatsapp.template.name")
}

func reasonOfLanguage(text string) string {
	return reasonOf(backstop.Send{Template: &backstop.Template{Language: text}}.Validate(now), "whatsapp.template.language")
}

func reasonOfCategory(text string) string {
	return reasonOf(backstop.Send{Category: backstop.Category(text)}.Validate(now), "category")
}

func reasonOfText(text string) string {
	err := backstop.Send{Text: text}.Validate(now)
	return reasonOf(err, "whatsapp.text") + reasonOf(err, "whatsapp")
}

func reasonOfSMS(text string) string {
	return reasonOf(backstop.Send{SMSText: text}.Validate(now), "fallback.text")
}
