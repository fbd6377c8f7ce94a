package backstop_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestReadTemplateParameters(t *testing.T) {
	t.Parallel()
	const positional, named = backstop.PositionalTemplate, backstop.NamedTemplate
	for name, tc := range map[string]struct {
		components string
		want       backstop.TemplateParameters
		format     backstop.TemplateFormat
	}{
		"none":      {`[{"type":"BODY","text":"Hello"},{"type":"FOOTER","text":"{{1}}"}]`, backstop.TemplateParameters{}, positional},
		"positions": {`[{"type":"BODY","text":"{{2}} {{10}} {{1}} {{ 2 }}"}]`, backstop.TemplateParameters{Body: []string{"1", "2", "10"}}, positional},
		"names":     {`[{"type":"body","text":"{{order_id}}, {{first}}"}]`, backstop.TemplateParameters{Body: []string{"order_id", "first"}}, named},
		"header":    {`[{"type":"HEADER","format":"TEXT","text":"For {{1}}"}]`, backstop.TemplateParameters{Header: []string{"1"}}, positional},
		"media":     {`[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["x"]}}]`, backstop.TemplateParameters{HeaderMedia: "image"}, positional},
		"buttons": {
			`[{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"{{1}}"},{"type":"URL","url":"https://x.example/{{1}}"},{"type":"URL","url":"https://x.example"}]}]`,
			backstop.TemplateParameters{Buttons: []backstop.TemplateButton{{Index: 1, URL: "https://x.example/{{1}}"}}},
			positional,
		},
		"carousel":       {`[{"type":"BODY","text":"{{1}}"},{"type":"CAROUSEL","cards":[]}]`, backstop.TemplateParameters{Body: []string{"1"}, IsPartial: true}, positional},
		"odd component":  {`[7,{"type":"BODY","text":"{{1}}"}]`, backstop.TemplateParameters{Body: []string{"1"}, IsPartial: true}, positional},
		"not a list":     {`{}`, backstop.TemplateParameters{IsPartial: true}, positional},
		"nothing":        {``, backstop.TemplateParameters{IsPartial: true}, positional},
		"no placeholder": {`[{"type":"BODY","text":"{{}} { {1} } {{a b}} {{ü}}"}]`, backstop.TemplateParameters{}, positional},
	} {
		got, format := backstop.ReadTemplateParameters(json.RawMessage(tc.components))
		require.Equal(t, tc.want, got, name)
		require.Equal(t, tc.format, format, name)
	}
}

// knownTemplate is an approved template with these components.
func knownTemplate(components string) backstop.MessageTemplate {
	k := backstop.MessageTemplate{Name: "a", Language: "en", Status: backstop.TemplateApproved}
	k.Parameters, k.Format = backstop.ReadTemplateParameters(json.RawMessage(components))
	return k
}

func TestCheckTemplate_parameters(t *testing.T) {
	t.Parallel()
	const (
		text    = `{"type":"text","text":"x"}`
		named   = `[{"type":"BODY","text":"{{b}} {{a}}"}]`
		two     = `[{"type":"BODY","text":"{{1}} {{2}}"}]`
		image   = `[{"type":"HEADER","format":"IMAGE"},{"type":"BODY","text":"x"}]`
		address = `[{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"x"},{"type":"URL","url":"https://x.example/{{1}}"}]}]`
	)
	body := func(parameters string) string { return `[{"type":"body","parameters":[` + parameters + `]}]` }
	header := func(parameters string) string { return `[{"type":"HEADER","parameters":[` + parameters + `]}]` }
	button := func(index string) string {
		return `[{"type":"button","sub_type":"url","index":` + index + `,"parameters":[` + text + `]},
			{"type":"button","sub_type":"quick_reply","index":0,"parameters":[{"type":"payload","payload":"x"}]}]`
	}
	for name, tc := range map[string]struct{ components, given, want string }{
		"two":                 {two, body(text + "," + text), ""},
		"in two components":   {two, `[{"type":"body","parameters":[` + text + `]},{"type":"body","parameters":[` + text + `]}]`, ""},
		"one of two":          {two, body(text), "body 2 1"},
		"three for two":       {two, body(text + "," + text + "," + text), "body 2 3"},
		"none":                {two, ``, "body 2 0"},
		"not readable":        {two, `[7,{"type":"body","parameters":7}]`, "body 2 0"},
		"none wanted":         {`[{"type":"BODY","text":"x"}]`, body(text), "body 0 1"},
		"names":               {named, body(`{"type":"text","parameter_name":"a"},{"type":"text","parameter_name":"b"}`), ""},
		"another name":        {named, body(`{"type":"text","parameter_name":"a"},{"type":"text","parameter_name":"c"}`), "body a b a c"},
		"without names":       {named, body(text + "," + text), "body a b ? ?"},
		"names missing":       {named, ``, "body a b 0"},
		"image":               {image, header(`{"type":"image","image":{"link":"https://x.example"}}`), ""},
		"video for image":     {image, header(`{"type":"video"}`), "header image video"},
		"no image":            {image, ``, "header image 0"},
		"header without text": {two, `[{"type":"header","parameters":[` + text + `]},{"type":"body","parameters":[` + text + `,` + text + `]}]`, "header 0 1"},
		"button":              {address, button("1"), ""},
		"index as a text":     {address, button(`"1"`), ""},
		"another button":      {address, button("0"), "button 1 1 0"},
		"carousel":            {`[{"type":"CAROUSEL"},{"type":"BODY","text":"{{1}}"}]`, ``, ""},
	} {
		send := backstop.Template{Name: "a", Language: "en", Components: json.RawMessage(tc.given)}
		var got []string
		for _, field := range backstop.CheckTemplate("main", send, []backstop.MessageTemplate{knownTemplate(tc.components)}) {
			require.Equal(t, "whatsapp.template.components", field.Name, name)
			require.Equal(t, backstop.FieldTemplateParameters, field.Code, name)
			got = append(got, field.Params["component"]+" "+field.Params["want"]+" "+field.Params["have"])
		}
		require.Equal(t, tc.want, strings.Join(got, ", "), name)
	}
}

func TestCheckTemplate_status(t *testing.T) {
	t.Parallel()
	for _, status := range append(backstop.TemplateStatuses(), "of a later version") {
		known := knownTemplate(`[]`)
		known.Status = status
		wrong := backstop.CheckTemplate("main", backstop.Template{Name: "a", Language: "en"}, []backstop.MessageTemplate{known})
		require.Equal(t, status == backstop.TemplateApproved, len(wrong) == 0, status)
	}
}

func TestSend_ResolveTemplate(t *testing.T) {
	t.Parallel()
	known := knownTemplate(`[{"type":"BODY","text":"{{1}}"}]`)
	known.Category, known.TTL = backstop.Authentication, 30*time.Second
	synced := backstop.SyncedTemplates{IsSynced: true, Templates: []backstop.MessageTemplate{known}}
	send := func(given string, o backstop.IfUnsendable) backstop.Send {
		return backstop.Send{
			Template: &backstop.Template{Name: "a", Language: "en", Components: json.RawMessage(given)},
			Plan:     backstop.Plan{Account: "main", Override: &backstop.Override{IfUnsendable: o}},
		}
	}
	const one = `[{"type":"body","parameters":[{"type":"text","text":"x"}]}]`

	planned, err := send(one, "").ResolveTemplate(synced)
	require.NoError(t, err)
	require.Equal(t, &backstop.PlanTemplate{Category: backstop.Authentication, TTLSeconds: 30}, planned)

	planned, err = send(``, backstop.RefuseUnsendable).ResolveTemplate(synced)
	require.Equal(t, backstop.Invalid, backstop.CodeOf(err))
	require.Nil(t, planned)

	planned, err = send(``, backstop.FallBackUnsendable).ResolveTemplate(synced)
	require.NoError(t, err)
	require.Equal(t, "template.components the body wants 1 parameter, and has no parameters", planned.Fault)

	s := send(``, "")
	planned, err = s.ResolveTemplate(backstop.SyncedTemplates{})
	require.NoError(t, err, "nothing is known")
	require.Nil(t, planned)
	s.Template, s.Text = nil, "x"
	planned, err = s.ResolveTemplate(synced)
	require.NoError(t, err)
	require.Nil(t, planned)
}

func TestTimeToLive(t *testing.T) {
	t.Parallel()
	require.Equal(t, 10*time.Minute, backstop.TimeToLive(backstop.Authentication, 0))
	require.Equal(t, 30*24*time.Hour, backstop.TimeToLive(backstop.Utility, 0))
	require.Equal(t, time.Hour, backstop.TimeToLive(backstop.Authentication, time.Hour))
}

func TestNotice_ApplyTo(t *testing.T) {
	t.Parallel()
	before := backstop.MessageTemplate{Status: backstop.TemplateApproved, Category: backstop.Utility, TTL: time.Hour, Quality: "green"}
	after := backstop.Notice{Kind: backstop.TemplateStatusNotice, Status: "paused", Detail: "first_pause"}.ApplyTo(before)
	require.Equal(t, backstop.TemplatePaused, after.Status)
	require.Equal(t, "first_pause", after.Reason)
	require.Equal(t, before, backstop.Notice{Kind: backstop.TemplateStatusNotice, Status: "flagged"}.ApplyTo(before))
	require.Equal(t, backstop.QualityRed, backstop.Notice{Kind: backstop.TemplateQualityNotice, Quality: "red"}.ApplyTo(before).Quality)
	after = backstop.Notice{Kind: backstop.TemplateCategoryNotice, Category: backstop.Marketing, PreviousCategory: backstop.Utility}.ApplyTo(before)
	require.Equal(t, backstop.Marketing, after.Category)
	require.Equal(t, backstop.Utility, after.PreviousCategory)
	require.Zero(t, after.TTL, "Meta resets it")
	announced := backstop.Notice{Kind: backstop.TemplateCategoryNotice, Category: backstop.Utility, Detail: "becomes marketing"}
	require.Equal(t, before, announced.ApplyTo(before))
	require.Equal(t, before, backstop.Notice{Kind: backstop.NumberNotice}.ApplyTo(before))
}
