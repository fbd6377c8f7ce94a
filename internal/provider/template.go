package provider

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Errors of template parameters that a provider other than Meta cannot take.
var (
	errComponents     = errors.New("the template's components are not a list of components")
	errNotBody        = errors.New("only the parameters of a template's body can be sent by this provider")
	errNotText        = errors.New("only text parameters of a template can be sent by this provider")
	errMixed          = errors.New("the parameters of a template must be either named or positional")
	errTwiceParameter = errors.New("a parameter of the template is given twice")
)

// BodyParameters converts the components of a template from Meta's form to a map: by name if the parameters are named, else by
// position, from "1". Its error says which of Meta's forms has no counterpart: other providers number the variables of headers
// and buttons in ways of their own.
func BodyParameters(components json.RawMessage) (map[string]string, error) {
	var list []struct {
		Type       string `json:"type"`
		Parameters []struct {
			Type string `json:"type"`
			Name string `json:"parameter_name"`
			Text string `json:"text"`
		} `json:"parameters"`
	}
	if len(components) > 0 && json.Unmarshal(components, &list) != nil {
		return nil, errComponents
	}
	values, named := map[string]string{}, 0
	for _, component := range list {
		for _, p := range component.Parameters {
			key := p.Name
			switch {
			case !strings.EqualFold(component.Type, "body"):
				return nil, errNotBody
			case p.Type != "text":
				return nil, errNotText
			case key == "":
				key = strconv.Itoa(len(values) + 1)
			default:
				named++
			}
			if _, twice := values[key]; twice {
				return nil, errTwiceParameter
			}
			values[key] = p.Text
		}
	}
	if named > 0 && named < len(values) {
		return nil, errMixed
	}
	return values, nil
}
