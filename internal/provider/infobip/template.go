package infobip

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/backstophq/backstop/internal/provider"
)

// The values of a template in Infobip's form (TemplateDataContent).
type (
	templateData struct {
		Body    bodyValues    `json:"body"`
		Header  headerValue   `json:"header,omitempty"`
		Buttons []buttonValue `json:"buttons,omitempty"` // in order; only buttons that have a value
	}
	bodyValues struct {
		Placeholders []string `json:"placeholders"` // required, also if it is empty
	}
	headerValue map[string]any
	buttonValue map[string]any
)

// component is a component of a template in Meta's form, as a send has it.
type component struct {
	Type       string         `json:"type"`
	SubType    string         `json:"sub_type"` // of a button
	Index      provider.Loose `json:"index"`    // of a button, from 0
	Parameters []parameter    `json:"parameters"`
}

type parameter struct {
	Type     string      `json:"type"`
	Name     string      `json:"parameter_name"`
	Text     *string     `json:"text"`
	Payload  *string     `json:"payload"`
	Coupon   *string     `json:"coupon_code"`
	Image    *media      `json:"image"`
	Video    *media      `json:"video"`
	Document *media      `json:"document"`
	Location *location   `json:"location"`
	Action   *flowAction `json:"action"`
}

type media struct {
	Link     string `json:"link"`
	Filename string `json:"filename"`
}

type location struct {
	Latitude  json.Number `json:"latitude"` // Meta accepts a number and a text
	Longitude json.Number `json:"longitude"`
}

type flowAction struct {
	Token string          `json:"flow_token"`
	Data  json.RawMessage `json:"flow_action_data"`
}

// convertComponents converts the components of a template from Meta's form to Infobip's. Its error says what cannot be converted,
// without a value of a parameter.
func convertComponents(components json.RawMessage) (templateData, error) {
	data := templateData{Body: bodyValues{Placeholders: []string{}}}
	var list []component
	if len(components) == 0 || bytes.Equal(components, []byte("null")) {
		return data, nil
	}
	if json.Unmarshal(components, &list) != nil {
		return data, errors.New("the template's components are not a JSON array in Meta's form")
	}
	var buttons []component
	seen := map[string]bool{}
	for _, c := range list {
		kind := strings.ToLower(c.Type)
		if kind == "button" {
			buttons = append(buttons, c)
			continue
		}
		if seen[kind] {
			return data, fmt.Errorf("the template has two components of type %s", kind)
		}
		seen[kind] = true
		var err error
		switch kind {
		case "body":
			data.Body.Placeholders, err = placeholders(c)
		case "header":
			data.Header, err = convertHeader(c)
		case "footer":
			err = noParameters(c)
		default:
			err = fmt.Errorf("a component of type %.40q cannot be sent by Infobip's driver", c.Type)
		}
		if err != nil {
			return data, err
		}
	}
	var err error
	data.Buttons, err = convertButtons(buttons)
	return data, err
}

// placeholders returns the texts of a component. Infobip has no named parameters, and their order in the template is not known
// here.
func placeholders(c component) ([]string, error) {
	texts := []string{}
	for i, p := range c.Parameters {
		switch {
		case p.Name != "":
			return nil, fmt.Errorf("parameter %d of the %s has a name: Infobip has only numbered parameters", i+1, c.Type)
		case p.Type != "text" || p.Text == nil:
			return nil, fmt.Errorf("parameter %d of the %s is not a text: Infobip has only texts there", i+1, c.Type)
		}
		texts = append(texts, *p.Text)
	}
	return texts, nil
}

func noParameters(c component) error {
	if len(c.Parameters) > 0 {
		return fmt.Errorf("the %s of a template has no parameters", c.Type)
	}
	return nil
}

// convertHeader returns the header. It returns nil if the header has no parameter.
func convertHeader(c component) (headerValue, error) {
	if len(c.Parameters) == 0 {
		return nil, nil //nolint:nilnil // nil: a header without a parameter is left out
	}
	if len(c.Parameters) > 1 {
		return nil, errors.New("the header has more than one parameter")
	}
	p := c.Parameters[0]
	switch {
	case p.Type == "text":
		texts, err := placeholders(c)
		if err != nil {
			return nil, err
		}
		return headerValue{"type": "TEXT", "placeholder": texts[0]}, nil
	case p.Type == "location" && p.Location != nil:
		return headerValue{"type": "LOCATION", "latitude": p.Location.Latitude, "longitude": p.Location.Longitude}, nil
	case p.Type == "image" && p.Image.hasLink():
		return headerValue{"type": "IMAGE", "mediaUrl": p.Image.Link}, nil
	case p.Type == "video" && p.Video.hasLink():
		return headerValue{"type": "VIDEO", "mediaUrl": p.Video.Link}, nil
	case p.Type == "document" && p.Document.hasLink():
		if p.Document.Filename == "" {
			return nil, errors.New("the document of the header has no filename, which Infobip requires")
		}
		return headerValue{"type": "DOCUMENT", "mediaUrl": p.Document.Link, "filename": p.Document.Filename}, nil
	case p.Type == "image" || p.Type == "video" || p.Type == "document":
		return nil, fmt.Errorf("the %s of the header has no link: an id of Meta's is not known to Infobip", p.Type)
	default:
		return nil, fmt.Errorf("a header of type %.40q cannot be sent by Infobip's driver", p.Type)
	}
}

func (m *media) hasLink() bool { return m != nil && m.Link != "" }

// convertButtons returns the buttons in their order. Infobip wants no index: it counts only the buttons that have a value.
func convertButtons(buttons []component) ([]buttonValue, error) {
	type indexed struct {
		index int
		value buttonValue
	}
	var list []indexed
	for _, c := range buttons {
		index, ok := c.Index.Int()
		if !ok || index < 0 {
			return nil, errors.New("a button of the template has no index")
		}
		value, err := convertButton(c)
		if err != nil {
			return nil, fmt.Errorf("button %s: %w", strconv.Itoa(index), err)
		}
		if slices.ContainsFunc(list, func(b indexed) bool { return b.index == index }) {
			return nil, fmt.Errorf("two buttons of the template have the index %d", index)
		}
		list = append(list, indexed{index, value})
	}
	slices.SortFunc(list, func(a, b indexed) int { return a.index - b.index })
	var values []buttonValue
	for _, b := range list {
		values = append(values, b.value)
	}
	return values, nil
}

func convertButton(c component) (buttonValue, error) {
	kind := strings.ToLower(c.SubType)
	if kind == "flow" && len(c.Parameters) <= 1 {
		return convertFlow(c)
	}
	if len(c.Parameters) != 1 {
		return nil, errors.New("it must have one parameter")
	}
	p := c.Parameters[0]
	switch {
	case kind == "url" && p.Type == "text" && p.Text != nil:
		return buttonValue{"type": "URL", "parameter": *p.Text}, nil
	case kind == "quick_reply" && p.Type == "payload" && p.Payload != nil:
		return buttonValue{"type": "QUICK_REPLY", "parameter": *p.Payload}, nil
	case kind == "copy_code" && p.Type == "coupon_code" && p.Coupon != nil:
		return buttonValue{"type": "COPY_CODE", "parameter": *p.Coupon}, nil
	default:
		return nil, fmt.Errorf("a button %.40q with a parameter %.40q cannot be sent by Infobip's driver", c.SubType, p.Type)
	}
}

func convertFlow(c component) (buttonValue, error) {
	value := buttonValue{"type": "FLOW"}
	if len(c.Parameters) == 0 {
		return value, nil
	}
	action := c.Parameters[0].Action
	if c.Parameters[0].Type != "action" || action == nil {
		return nil, errors.New("the parameter of a flow must be an action")
	}
	if action.Token != "" {
		value["flowToken"] = action.Token
	}
	if len(action.Data) > 0 {
		value["data"] = action.Data
	}
	return value, nil
}
