package backstop_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestGuards_Validate(t *testing.T) {
	t.Parallel()
	valid := backstop.Guards{
		Allow: []string{"GB"}, Block: []string{"FR"}, Watch: []string{"GB"}, RecipientCap: 10_000_000, PrefixCap: 1, PrefixDigits: 10,
		CountryCaps:     []backstop.CountryCap{{Country: "GB", Cap: 0}, {Country: "IE", Cap: 10_000_000}},
		SameTextSeconds: 86_400, SameTextAnswer: backstop.AnswerRefuse,
	}
	require.NoError(t, backstop.Guards{}.Validate())
	require.NoError(t, valid.Validate())
	many := make([]backstop.CountryCap, 251)
	for want, change := range map[string]func(*backstop.Guards){
		"allow.1 given_twice":              func(g *backstop.Guards) { g.Allow = []string{"GB", "GB"} },
		"block.0 country_code":             func(g *backstop.Guards) { g.Block = []string{"gb"} },
		"watch.0 blocked_too":              func(g *backstop.Guards) { g.Watch = []string{"FR"} },
		"allow.0 blocked_too":              func(g *backstop.Guards) { g.Allow = []string{"FR"} },
		"recipient_cap value_between":      func(g *backstop.Guards) { g.RecipientCap = 10_000_001 },
		"prefix_cap value_between":         func(g *backstop.Guards) { g.PrefixCap = -1 },
		"prefix_digits required":           func(g *backstop.Guards) { g.PrefixDigits = 0 },
		"prefix_digits value_between":      func(g *backstop.Guards) { g.PrefixDigits = 11 },
		"country_cap value_between":        func(g *backstop.Guards) { g.CountryCap = -1 },
		"country_caps items_max":           func(g *backstop.Guards) { g.CountryCaps = many },
		"country_caps.0.cap value_between": func(g *backstop.Guards) { g.CountryCaps[0].Cap = -1 },
		"country_caps.1.country given_twice": func(g *backstop.Guards) {
			g.CountryCaps[1].Country = "GB"
		},
		"country_caps.1.country country_code": func(g *backstop.Guards) { g.CountryCaps[1].Country = "" },
		"same_text_seconds value_between":     func(g *backstop.Guards) { g.SameTextSeconds = 86_401 },
		"same_text_answer one_of":             func(g *backstop.Guards) { g.SameTextAnswer = "second" },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			g := valid
			g.CountryCaps = slices.Clone(valid.CountryCaps)
			change(&g)
			e, ok := errors.AsType[*backstop.Error](g.Validate())
			require.True(t, ok)
			require.Equal(t, backstop.Invalid, e.Code)
			require.Len(t, e.Fields, 1)
			require.Equal(t, want, e.Fields[0].Name+" "+string(e.Fields[0].Code))
		})
	}
}

func TestGuards_CheckCountry(t *testing.T) {
	t.Parallel()
	lists := backstop.Guards{Block: []string{"FR"}, Watch: []string{"IE"}}
	allowing := backstop.Guards{Allow: []string{"GB", "IE"}, Watch: []string{"IE"}}
	for _, c := range []struct {
		guards             backstop.Guards
		country            string
		isRefused, watched bool
	}{
		{country: "GB"}, {country: ""},
		{guards: lists, country: "GB"}, {guards: lists, country: ""}, {guards: lists, country: "FR", isRefused: true},
		{guards: lists, country: "IE", watched: true},
		{guards: allowing, country: "GB"}, {guards: allowing, country: "IE", watched: true},
		{guards: allowing, country: "US", isRefused: true}, {guards: allowing, country: "", isRefused: true},
	} {
		watched, err := c.guards.CheckCountry(c.country)
		require.Equal(t, c.isRefused, err != nil, c.country)
		require.Equal(t, c.watched, watched, c.country)
	}
}

func TestGuards_ChecksOf(t *testing.T) {
	t.Parallel()
	send := backstop.Send{To: "+447400123456", Country: "GB", Text: "hello", SMSText: "hi"}
	require.True(t, backstop.Guards{Block: []string{"FR"}, SameTextAnswer: backstop.AnswerFirst}.ChecksOf(send, false).IsEmpty())

	g := backstop.Guards{
		RecipientCap: 1, PrefixCap: 2, PrefixDigits: 4, CountryCap: 3,
		CountryCaps: []backstop.CountryCap{{Country: "FR", Cap: 9}, {Country: "IE"}}, SameTextSeconds: 60,
	}
	keys := func(send backstop.Send) (all []backstop.CapCheck) { return g.ChecksOf(send, true).Caps }
	require.Equal(t, []backstop.CapCheck{
		{Guard: "recipient_cap", Key: "+447400123456", Cap: 1}, {Guard: "prefix_cap", Key: "+447400", Cap: 2},
		{Guard: "country_cap", Key: "GB", Cap: 3},
	}, keys(send))
	require.Equal(t, backstop.CapCheck{Guard: "country_cap", Key: "FR", Cap: 9},
		keys(backstop.Send{To: "+33612345678", Country: "FR"})[2])
	require.Len(t, keys(backstop.Send{To: "+353851234567", Country: "IE"}), 2, "the cap of the country is 0")
	require.Len(t, keys(backstop.Send{To: "+80012345678"}), 2, "there is no country")
	require.Equal(t, keys(backstop.Send{To: "+5547984178525", Country: "BR"}),
		keys(backstop.Send{To: "+554784178525", Country: "BR"}), "both numbers of one phone")
	require.Empty(t, g.ChecksOf(send, true).Digest)
	require.Equal(t, time.Minute, g.ChecksOf(send, false).TextWindow)
}

// The digest is that of the number and of what is read on both channels, and of nothing else.
func TestGuards_ChecksOf_digest(t *testing.T) {
	t.Parallel()
	digest := func(send backstop.Send) string {
		return string(backstop.Guards{SameTextSeconds: 1}.ChecksOf(send, false).Digest)
	}
	template := func(components string) *backstop.Template {
		return &backstop.Template{Name: "code", Language: "en", Components: json.RawMessage(components)}
	}
	text := backstop.Send{To: "+447400123456", Country: "GB", Text: "hello", SMSText: "hi"}
	same := text
	same.Category, same.ExpiresAt = backstop.Marketing, new(time.Now())
	same.Plan.PolicyID, same.ID = "p", "1"
	same.Message = &backstop.UsedMessage{}
	same.CorrelationID, same.CorrelationUnique, same.Metadata = "order-7", true, map[string]string{"order": "7"}
	require.Equal(t, digest(text), digest(same))
	dialled, ofWhatsApp := text, text
	dialled.To, ofWhatsApp.To = "+5547984178525", "+554784178525"
	require.Equal(t, digest(dialled), digest(ofWhatsApp))
	byTemplate := backstop.Send{To: text.To, SMSText: "hi", Template: template(`[{"type":"body","n":12345678901234567890}]`)}
	reordered := byTemplate
	reordered.Template = template(` [ { "n" : 12345678901234567890, "type": "body" } ] `)
	require.Equal(t, digest(byTemplate), digest(reordered))

	monday := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	scheduled := func(at time.Time) backstop.Send {
		return backstop.Send{To: text.To, Text: "hello", SMSText: "hi", SendAt: &at}
	}
	require.Equal(t, digest(scheduled(monday)), digest(scheduled(monday.In(time.FixedZone("", 3600)))))

	all := map[string]bool{}
	for _, send := range []backstop.Send{
		text, byTemplate, scheduled(monday), scheduled(monday.AddDate(0, 0, 1)),
		{To: "+447400123457", Text: "hello", SMSText: "hi"},
		{To: text.To, Text: "hello", SMSText: "hi!"},
		{To: text.To, Text: "hello!", SMSText: "hi"},
		{To: text.To, Text: "hell", SMSText: "ohi"},
		{To: text.To, SMSText: "hi", Template: template(`[{"type":"body","n":12345678901234567891}]`)},
		{To: text.To, SMSText: "hi", Template: template(``)},
		{To: text.To, SMSText: "hi", Template: &backstop.Template{Name: "code", Language: "de"}},
	} {
		all[digest(send)] = true
	}
	require.Len(t, all, 11)
}

func TestPrefixOf(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"+447400123456": "+44740012", "+12025550143": "+1202555", "+33612345678": "+33612345", "+6421234567": "+64212345",
		"+80012345678": "+800123456", "+29712345": "+29712345", "+999123": "+999123",
	} {
		require.Equal(t, want, backstop.PrefixOf(number, 6), number)
	}
	require.Equal(t, "+447", backstop.PrefixOf("+447400123456", 1))
}
