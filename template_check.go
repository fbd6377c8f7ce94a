package backstop

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The fields of a send's template.
const (
	templateNameField       = "whatsapp.template.name"
	templateLanguageField   = "whatsapp.template.language"
	templateComponentsField = "whatsapp.template.components"
)

// CheckTemplate returns what is wrong with the template of a send, by the templates of its account.
func CheckTemplate(account string, t Template, known []MessageTemplate) []Field {
	found, isKnown := FindTemplate(t, known)
	if !isKnown {
		return []Field{unknownTemplate(account, t, known)}
	}
	if found.Status != TemplateApproved {
		return []Field{NewField(templateNameField, FieldTemplateNotApproved,
			fmt.Sprintf("is not approved: its status is %s", found.Status), "status", string(found.Status))}
	}
	wrong := checkParameters(found, givenParameters(t.Components))
	if t.IsSimple {
		for i := range wrong {
			wrong[i].Name = "whatsapp.template." + simpleField(wrong[i].Params["component"])
		}
	}
	return wrong
}

// simpleField returns the field of the simple form for a component.
func simpleField(component string) string {
	if strings.HasPrefix(component, "button") {
		return "buttons"
	}
	return component
}

// maxFault is the longest fault of a template, in characters.
const maxFault = 300

// ResolveTemplate checks the template of a send by those of the account in its plan, and returns what the plan keeps of it; nil
// if nothing is known. If the template cannot be sent, it returns an Error of code Invalid, unless the send then falls back.
func (s Send) ResolveTemplate(known SyncedTemplates) (*PlanTemplate, error) {
	if s.Template == nil || !known.IsSynced {
		return nil, nil //nolint:nilnil // nothing is known, and nothing is wrong
	}
	var planned PlanTemplate
	if t, found := FindTemplate(*s.Template, known.Templates); found {
		planned.Category, planned.TTLSeconds = t.Category, int(t.TimeToLive()/time.Second)
	}
	wrong := fields(CheckTemplate(s.Plan.Account, *s.Template, known.Templates))
	if len(wrong) > 0 && (s.Plan.Override == nil || s.Plan.Override.IfUnsendable != FallBackUnsendable) {
		return nil, wrong.err("the template cannot be sent")
	}
	var reasons []string
	for _, field := range wrong {
		reasons = append(reasons, strings.TrimPrefix(field.Name, "whatsapp.")+" "+field.Reason)
	}
	fault := []rune(strings.Join(reasons, "; "))
	planned.Fault = string(fault[:min(len(fault), maxFault)])
	return &planned, nil
}

// unknownTemplate returns the field of a template that the account does not have: in this language, or at all.
func unknownTemplate(account string, t Template, known []MessageTemplate) Field {
	var languages []string
	for _, k := range known {
		if k.Name == t.Name {
			languages = append(languages, k.Language)
		}
	}
	if len(languages) == 0 {
		return NewField(templateNameField, FieldUnknownTemplate,
			fmt.Sprintf("is not a template of account %q: see GET /v1/templates", account), "account", account)
	}
	slices.Sort(languages)
	all := strings.Join(languages, " ")
	return NewField(templateLanguageField, FieldTemplateLanguage,
		"is not a language of this template, which has "+all, "languages", all)
}

// checkParameters compares the parameters that a template wants with those that a send gives. It does not check what a send need
// not give, such as the payload of a quick reply.
func checkParameters(t MessageTemplate, given givenTemplate) []Field {
	var wrong []Field
	compare := func(component, want, have string) {
		if want != have {
			wrong = append(wrong, NewField(templateComponentsField, FieldTemplateParameters,
				fmt.Sprintf("the %s wants %s, and has %s", component, describeParameters(want), describeParameters(have)),
				"component", component, "want", want, "have", have))
		}
	}
	isNamed := t.Format == NamedTemplate
	if t.Parameters.HeaderMedia != "" {
		compare("header", t.Parameters.HeaderMedia, given.header.media())
	} else {
		compare("header", wantedText(t.Parameters.Header, isNamed), given.header.text(isNamed))
	}
	compare("body", wantedText(t.Parameters.Body, isNamed), given.body.text(isNamed))
	for _, button := range t.Parameters.Buttons {
		compare(fmt.Sprintf("button %d", button.Index), "1", given.buttons[button.Index].text(false))
	}
	if t.Parameters.IsPartial { // what is given may belong to a part that is not known
		return nil
	}
	return wrong
}

// describeParameters returns a text for people: of a number, of names, or of a type of media.
func describeParameters(p string) string {
	switch {
	case p == "0":
		return "no parameters"
	case p == "1":
		return "1 parameter"
	case isPosition(p):
		return p + " parameters"
	}
	return p
}

// wantedText returns the wanted parameters as a text: their number, or their names in order.
func wantedText(names []string, isNamed bool) string {
	if !isNamed || len(names) == 0 {
		return strconv.Itoa(len(names))
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return strings.Join(sorted, " ")
}

// givenTemplate is the parameters that a send gives to a template.
type givenTemplate struct {
	header, body givenList
	buttons      map[int]givenList // the buttons with an address, by their index
}

type givenList []givenParameter

type givenParameter struct {
	Type string `json:"type"`
	Name string `json:"parameter_name"`
}

// givenParameters reads the components of a send. What cannot be read counts as not given.
func givenParameters(components json.RawMessage) givenTemplate {
	given := givenTemplate{buttons: map[int]givenList{}}
	var list []json.RawMessage
	if json.Unmarshal(components, &list) != nil {
		return given
	}
	for _, raw := range list {
		var c struct {
			Type       string          `json:"type"`
			SubType    string          `json:"sub_type"`
			Index      json.RawMessage `json:"index"` // a number, also as a text
			Parameters givenList       `json:"parameters"`
		}
		if json.Unmarshal(raw, &c) != nil {
			continue
		}
		switch strings.ToLower(c.Type) {
		case "header":
			given.header = append(given.header, c.Parameters...)
		case "body":
			given.body = append(given.body, c.Parameters...)
		case "button":
			index, err := strconv.Atoi(strings.Trim(string(c.Index), `" `))
			if err == nil && strings.EqualFold(c.SubType, "url") {
				given.buttons[index] = append(given.buttons[index], c.Parameters...)
			}
		}
	}
	return given
}

// text returns the given parameters as a text: their number, or their names in order. A parameter without a name counts as "?".
func (l givenList) text(isNamed bool) string {
	if !isNamed || len(l) == 0 {
		return strconv.Itoa(len(l))
	}
	names := make([]string, len(l))
	for i, p := range l {
		names[i] = p.Name
		if p.Name == "" {
			names[i] = "?"
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// media returns the type of the header's only parameter, or the number of its parameters.
func (l givenList) media() string {
	if len(l) == 1 && l[0].Type != "" {
		return strings.ToLower(l[0].Type)
	}
	return strconv.Itoa(len(l))
}
